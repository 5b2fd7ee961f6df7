"""Webhooks: what other programs are told, and what providers tell us."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from broadsheet.conf import ProviderAdapter
from broadsheet.conf.webhooks import Told
from broadsheet.models import HookCall, HookRefusals, Outgoing
from broadsheet.web.console.settings.values import site_only, sources
from broadsheet.workspace import Workspace

#: Of how many of the last posts the page knows, and how many of them it shows.
LOOKED_AT: Final = 500
SHOWN: Final = 20


@dataclass(frozen=True)
class Teller:
    """One program that is told what happens."""

    name: str
    url: str
    """Without its path, which may be a secret."""
    events: tuple[str, ...]
    has_secret: bool
    variable: str
    """Where the secret comes from."""
    origin: str
    taken: int
    """Of the last posts, how many were taken, wait for another try, and were given up."""
    waiting: int
    given_up: int
    last_taken_at: datetime | None
    failing: str
    """Why the last post failed; empty if it was taken."""


@dataclass(frozen=True)
class Listener:
    """One address that a provider may call."""

    adapter: str
    url: str
    has_secret: bool
    variable: str
    waiting: int
    broken: int
    refused: HookRefusals | None


def last_posts() -> list[Outgoing]:
    """The last posts to anybody, newest first."""
    return list(Outgoing.objects.defer("payload").order_by("-pk")[:LOOKED_AT])


def tellers(workspace: Workspace, posts: list[Outgoing]) -> list[Teller]:
    """Each program of ``broadsheet.toml``, with what came of the last posts to it."""
    found, rows = sources(workspace), []
    for name, webhook in workspace.config.webhooks.items():
        own = [each for each in posts if each.endpoint == name]
        tried = next((each for each in own if each.attempts), None)
        rows.append(
            Teller(
                name,
                url=site_only(webhook.url),
                events=webhook.events or get_args(Told),
                has_secret=webhook.secret is not None,
                variable=_variable("WEBHOOKS", name, "SECRET"),
                origin=found.origin(("webhooks", name)),
                taken=sum(each.taken_at is not None for each in own),
                waiting=sum(each.next_at is not None for each in own),
                given_up=sum(each.taken_at is None and each.next_at is None for each in own),
                last_taken_at=next((each.taken_at for each in own if each.taken_at), None),
                failing=tried.reason if tried and tried.taken_at is None else "",
            )
        )
    return rows


def listeners(workspace: Workspace) -> list[Listener]:
    """Each adapter whose provider may report what became of copies."""
    refused = {each.adapter: each for each in HookRefusals.objects.all()}
    rows = []
    for name, adapter in workspace.config.adapters.items():
        if not isinstance(adapter, ProviderAdapter):
            continue
        calls = HookCall.objects.filter(adapter=name)
        rows.append(
            Listener(
                name,
                url=f"{workspace.config.public.url}/hooks/{name}",
                has_secret=adapter.webhook_secret is not None,
                variable=_variable("ADAPTERS", name, "WEBHOOK_SECRET"),
                waiting=calls.filter(reason="")[:LOOKED_AT].count(),
                broken=calls.exclude(reason="")[:LOOKED_AT].count(),
                refused=refused.get(name),
            )
        )
    return rows


def _variable(*parts: str) -> str:
    return "_".join(("BROADSHEET", *parts)).upper().replace("-", "_")
