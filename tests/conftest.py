"""The shared cast: a small workspace, the people who read it, and the editions they get.

Everything is real: files in a folder, rows in SQLite. People are made up and live at ``example``.
"""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest
from tests.postgresql import database, empty_database, postgresql

from broadsheet import editions, pipeline, sending
from broadsheet.audience import interest_set
from broadsheet.models import (
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from broadsheet.reports import Numbers
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.workspace import Workspace

__all__ = ["database", "empty_database", "postgresql"]

# The project's own check finds the same examples each time, a developer's finds new ones; how long one takes is as
# much a matter of what runs beside it.
hypothesis.settings.register_profile("here", derandomize=bool(os.environ.get("CI")), deadline=None)
hypothesis.settings.load_profile("here")

#: What takes longest begins first when files are shared out, so that no worker is left with it at the end.
FIRST = (
    "tests/schedule/test_processes.py",
    "tests/test_postgresql.py",
    "tests/cli/",
    "tests/web/",
    "tests/test_package.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "clock: measures time, or does something at a moment; is run alone, as others would make it late"
    )


@pytest.hookimpl(trylast=True)  # after Django's plugin, which sorts by what a test needs of the database
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: next((at for at, path in enumerate(FIRST) if item.nodeid.startswith(path)), 99))


#: a Tuesday morning
AT = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)

SETTINGS = """\
[site]
name = "Stillwater"
url = "https://stillwater.example"
time_zone = "Europe/Berlin"
postal_address = "12 Harbour Lane, 24103 Kiel"

[sender]
name = "Stillwater"
email = "hello@news.stillwater.example"
reply_to = "editors@stillwater.example"

[public]
url = "https://news.stillwater.example"

[[sources]]
path = "articles"
"""

LISTS = """\
lists:
  newsletter: {title: Stillwater Weekly}
  letters: {title: A Letter from the Clinic}
"""

SEGMENTS = """\
segments:
  sleepers:
    all: [{interests: {any: [sleep]}}]
  movers:
    all: [{interests: {any: [movement]}}]
  nearby:
    all: [{attribute: {name: country, in: [DE, AT]}}]
"""

#: slug: date, tags
ARTICLES = {
    "night-harbour": ("2026-02-01", "sleep"),
    "pillow-moon": ("2026-02-02", "sleep, mind"),
    "eleven-lengths": ("2026-02-03", "movement"),
    "back-to-the-allotment": ("2026-02-04", "movement, sleep"),
    "our-new-sofa": ("2026-02-05", "sleep, movement, sponsored"),
}

WEEKLY = """\
---
name: Weekly digest
list: newsletter
segment: [sleepers, movers]
articles:
  tags: {none: [sponsored]}
  match_interests: true
  newest: 2
template: plain
subject: "{{ articles[0].title }}"
schedule: {cron: "0 9 * * tue", time_zone: Europe/Berlin}
approval: automatic
---
Hello {{ subscriber.first_name | default("there") }},

here is what is new.
"""

LETTER = """\
---
name: A letter
list: letters
articles: {tags: {any: [mind]}, newest: 1}
template: plain
subject: A letter from Stillwater
---
Dear {{ subscriber.first_name | default("friend") }}.
"""

TEMPLATE = """\
<!doctype html>
<html lang="en" dir="ltr"><head><title>{{ subject }}</title><style>p { color: #102030 }</style></head><body>
{{ intro }}
{% for article in articles %}<p><a href="{{ article.url }}">{{ article.title }}</a></p>{% endfor %}
<p>{{ site.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a> <a href="{{ view_url }}">View</a></p>
</body></html>
"""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment of whoever runs the tests says about Broadsheet does not count."""
    for name in os.environ:
        if name.startswith("BROADSHEET_"):
            monkeypatch.delenv(name)


@pytest.fixture
def write(workspace: Workspace) -> Callable[[str, str | bytes], Path]:
    """Writes one file of the workspace."""

    def write_file(path: str, content: str | bytes) -> Path:
        file = workspace.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return file

    return write_file


def fill(root: Path) -> Workspace:
    """A small workspace in that folder: two lists, three segments, two campaigns, five articles, one template."""
    files = {
        "broadsheet.toml": SETTINGS,
        "subscribers/lists.yaml": LISTS,
        "subscribers/segments.yaml": SEGMENTS,
        "campaigns/weekly.md": WEEKLY,
        "campaigns/letter.md": LETTER,
        "templates/plain/template.html": TEMPLATE,
        **{
            f"articles/{slug}.md": f"---\ntitle: {slug.replace('-', ' ').capitalize()}\ndate: {date}\n"
            f"tags: [{tags}]\n---\nOnce upon a time, {slug}.\n"
            for slug, (date, tags) in ARTICLES.items()
        },
    }
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Workspace(root)


@pytest.fixture
def workspace(tmp_path: Path, settings: SimpleNamespace) -> Workspace:
    """A small workspace of the test's own, which the web's pages see too."""
    settings.WORKSPACE = fill(tmp_path / "workspace")
    return settings.WORKSPACE


@pytest.fixture
def join(db: None) -> Callable[..., Subscriber]:
    """Makes a person: their address, interests, the lists they are on and in which state."""

    def joined(
        email: str,
        *interests: str,
        lists: Sequence[str] = ("newsletter",),
        state: str = SubscriptionState.SUBSCRIBED,
        **known: object,
    ) -> Subscriber:
        attributes = {"country": known.pop("country")} if "country" in known else {}
        person = Subscriber.objects.create(
            email=email,
            email_key=email.casefold(),
            interests=interest_set(interests),
            attributes=attributes,
            created_at=AT,
            **known,
        )
        for name in lists:
            Subscription.objects.create(subscriber=person, list_name=name, state=state, consent_at=AT)
        return person

    return joined


@pytest.fixture
def cast(join: Callable[..., Subscriber]) -> SimpleNamespace:
    """Eight people. The weekly digest is for the first three.

    Ada sleeps, Ben moves, Cleo does both; Dan is interested in neither; Eve has left, Fay has not confirmed,
    Gus is suppressed, and Hal is on another list.
    """
    people = SimpleNamespace(
        ada=join("ada@reader.example", "sleep", first_name="Ada", last_name="Lovelace", country="DE"),
        ben=join("ben@reader.example", "movement", first_name="Ben", country="GB", language="en"),
        cleo=join("cleo@reader.example", "sleep", "movement", country="AT", language="de"),
        dan=join("dan@reader.example", "gardening"),
        eve=join("eve@reader.example", "sleep", state=SubscriptionState.UNSUBSCRIBED),
        fay=join("fay@reader.example", "sleep", state=SubscriptionState.PENDING),
        gus=join("gus@reader.example", "sleep"),
        hal=join("hal@reader.example", "sleep", lists=["letters"]),
    )
    Suppression.objects.create(email_key="gus@reader.example", reason=SuppressionReason.BY_HAND)
    return people


@pytest.fixture
def freeze(workspace: Workspace, db: None) -> Callable[..., Edition]:
    """Freezes an edition of a campaign: ``freeze("weekly", at)``; the articles are read first."""

    def frozen(campaign: str = "weekly", at: datetime = AT) -> Edition:
        pipeline.collect(workspace)
        planned = pipeline.select(workspace, workspace.campaign(campaign), at)
        return pipeline.freeze(workspace, planned, pipeline.press(workspace, planned), who="test")

    return frozen


@pytest.fixture
def send(workspace: Workspace) -> Callable[..., Numbers]:
    """Sends what is due of an edition: ``send(edition, adapter)``."""

    def sent(edition: Edition, adapter: sending.Adapter) -> Numbers:
        return pipeline.send(workspace, edition, adapter)

    return sent


@pytest.fixture
def once_more() -> Callable[[Edition], None]:
    """Puts all copies of an edition that was sent into the queue again."""

    def queued(edition: Edition) -> None:
        edition.deliveries.update(state=DeliveryState.QUEUED, at=None)
        Edition.objects.filter(pk=edition.pk).update(state=EditionState.SENDING)

    return queued


@pytest.fixture
def memory() -> MemoryOutbox:
    """An adapter that keeps what it is given."""
    return MemoryOutbox()


@pytest.fixture
def ledger() -> Callable[[Edition], dict[str, tuple[str, str]]]:
    """The edition's deliveries: address to state and reason."""

    def rows(edition: Edition) -> dict[str, tuple[str, str]]:
        found = Delivery.objects.filter(edition=edition).select_related("subscriber")
        return {row.subscriber.email: (row.state, row.reason) for row in found}

    return rows


@pytest.fixture
def at() -> datetime:
    """The Tuesday morning on which editions come out here."""
    return AT


@pytest.fixture
def plan(workspace: Workspace, db: None) -> Callable[..., editions.Plan]:
    """Plans a campaign's edition, nothing frozen."""

    def planned(campaign: str = "weekly", moment: datetime = AT) -> editions.Plan:
        pipeline.collect(workspace)
        return pipeline.select(workspace, workspace.campaign(campaign), moment)

    return planned
