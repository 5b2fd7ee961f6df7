"""All that is looked at, in order."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import requests
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from broadsheet import pipeline, sending
from broadsheet.doctor import records
from broadsheet.doctor.check import Check
from broadsheet.doctor.domain import examine_domain
from broadsheet.doctor.names import Names
from broadsheet.drafts import NO_EDITION
from broadsheet.errors import BroadsheetError
from broadsheet.models import EditionMove, HookCall, HookRefusals, SourceState
from broadsheet.workspace import Workspace

_ENOUGH_BYTES: Final = 1_000_000_000
_MOST_SECONDS: Final = 5.0
#: How long a webhook's call may wait before somebody should know.
_WAITS: Final = timedelta(minutes=10)


def examine(workspace: Workspace, names: Names, selectors: Sequence[str] = ()) -> Iterator[Check]:
    """The checks, each as it is done."""
    for look in _LOOKS:
        try:
            yield from look(workspace)
        except DatabaseError as error:
            yield Check("database", False, f"{str(error).strip().splitlines()[0]}; check BROADSHEET_DATABASE.")
    yield from examine_domain(workspace.config, names, selectors, records.dkim(workspace))
    yield from _public(workspace, names)


def _database(_: Workspace) -> Iterator[Check]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        version = ".".join(map(str, connection.get_database_version()))
    yield Check("database", True, f"{connection.vendor} answers ({version})")


def _disk(workspace: Workspace) -> Iterator[Check]:
    free = shutil.disk_usage(workspace.state).free
    words = f"{free / 1e9:.1f} GB free at {workspace.state}"
    yield Check("disk", free >= _ENOUGH_BYTES, words if free >= _ENOUGH_BYTES else f"only {words}; make room.")


def _clock(_: Workspace) -> Iterator[Check]:
    """Against the database's clock where it has one of its own, and against what was written last."""
    now = timezone.now()
    last = EditionMove.objects.order_by("-at").values_list("at", flat=True).first()
    if last and last - now > timedelta(seconds=_MOST_SECONDS):
        yield Check("clock", False, f"it says {now:%Y-%m-%d %H:%M:%S} UTC, but something happened at {last}; set it.")
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart = abs((cursor.fetchone()[0] - timezone.now()).total_seconds())
        if apart > _MOST_SECONDS:
            yield Check("clock", False, f"it is {apart:.0f} s apart from the database's; run NTP on both.")
            return
    yield Check("clock", True, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _files(workspace: Workspace) -> Iterator[Check]:
    broken = []
    for look in (lambda: workspace.lists, lambda: workspace.segments, *_campaigns(workspace)):
        try:
            look()
        except BroadsheetError as error:
            broken.append(str(error))
    yield Check("workspace", not broken, "\n".join(broken) or f"{workspace.root}: its files can be read")


def _campaigns(workspace: Workspace) -> list[Callable[[], object]]:
    return [lambda slug=slug: workspace.campaign(slug) for slug in workspace.campaign_names()]  # type: ignore[misc]


def _adapters(workspace: Workspace) -> Iterator[Check]:
    for name in workspace.config.adapters or ("default",):
        try:
            yield Check(f"adapter {name}", True, sending.login(workspace, name))
        except BroadsheetError as error:
            yield Check(f"adapter {name}", False, str(error))


def _sources(_: Workspace) -> Iterator[Check]:
    failing = SourceState.objects.exclude(reason="")
    for source in failing:
        since = f" since {source.failing_since:%Y-%m-%d %H:%M} UTC" if source.failing_since else ""
        yield Check(f"source {source.name}", False, f"{source.place}{since}: {source.reason}")
    if not failing:
        yield Check("sources", True, f"{SourceState.objects.count()} read, none failing")


def _hooks(workspace: Workspace) -> Iterator[Check]:
    hooked = [name for name, each in workspace.config.adapters.items() if getattr(each, "webhook_secret", None)]
    for name in hooked:
        calls = HookCall.objects.filter(adapter=name)
        stuck = calls.filter(reason="", received_at__lt=timezone.now() - _WAITS).count()
        broken = calls.exclude(reason="").order_by("-pk").first()
        refused = HookRefusals.objects.filter(adapter=name).first()
        troubles = [
            f"{stuck} calls wait for more than 10 minutes: is `broadsheet serve` or `scheduler` running?"
            if stuck
            else "",
            f"a call could not be worked on: {broken.reason}" if broken else "",
        ]
        told = "; ".join(filter(None, troubles)) or f"/hooks/{name} takes calls"
        counted = f"; {refused.times} refused, the last {refused.last_at:%Y-%m-%d %H:%M} UTC" if refused else ""
        yield Check(f"webhook {name}", not any(troubles), told + counted)


_LOOKS: Final[tuple[Callable[[Workspace], Iterator[Check]], ...]] = (
    _database,
    _disk,
    _clock,
    _files,
    _adapters,
    _sources,
    _hooks,
)


def _public(workspace: Workspace, names: Names) -> Iterator[Check]:
    """Whether readers' programs reach the pages, and may leave with one click (RFC 8058)."""
    url = workspace.config.public.url
    host = urlsplit(url).hostname or ""
    if names.made_up(host) and host != "localhost":
        yield Check("public address", False, f"{host} is a domain for examples; set `public.url` to your server's.")
        return
    if not url.startswith("https://"):
        yield Check("public address", False, f"`public.url` is {url}; readers need an https address they can reach.")
    address = f"{url}/u/{pipeline.signer().make('u', NO_EDITION, 0)}"
    try:
        page = requests.get(f"{url}/", timeout=10, allow_redirects=True)
        click = requests.post(address, data={"List-Unsubscribe": "One-Click"}, timeout=10, allow_redirects=False)
    except requests.RequestException as error:
        reason = type(error).__name__
        yield Check("one click", False, f"{url} can't be reached ({reason}); is `broadsheet serve` behind it?")
        return
    if page.status_code != 200:
        yield Check("public address", False, f"{url}/ answers {page.status_code}; is it `broadsheet serve`?")
    elif url.startswith("https://"):
        yield Check("public address", True, f"{url}/ answers")
    yield Check("one click", click.status_code == 200, _CLICKS.get(click.status_code, _OTHERWISE) % click.status_code)


_OTHERWISE: Final = "a POST to an unsubscribe link is answered with %d; it must be 200, without a login before it."
_CLICKS: Final = {
    200: "a POST to an unsubscribe link is answered with %d, without a redirect",
    **dict.fromkeys(
        (301, 302, 307, 308),
        "a POST to an unsubscribe link is redirected (%d); set `public.url` to the address it leads to.",
    ),
    403: "a POST to an unsubscribe link is refused (%d); let it through what stands before the server.",
    404: "the unsubscribe links are not known there (%d); is it this workspace, with the same BROADSHEET_SECRET_KEY?",
}
