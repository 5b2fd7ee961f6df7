"""People in and out, and segments, at a million: what an import takes, and how long any segment of five rules counts.

By default a tenth of it, so that ``make bench`` stays quick; ``--full`` is the whole. The ledger holds ten editions to
two thirds of them, a fifth of the copies opened and a twentieth clicked.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.databases import VENDORS, measured_in
from benchmarks.figures import Figure, median_seconds

EDITIONS = 10
#: Seconds for a segment, by database; the import's are the same for both.
COUNT = {"sqlite": 2.0, "postgresql": 1.0}
IMPORT, MEMORY, FLAT = 60, 300, 20
#: Milliseconds for a page of the console, and for the count beside rules that somebody is writing.
PAGE, LIVE = 200, 2_000
#: A tenth of the people has to do in a fifth of the time: what costs the same for any number weighs more then.
SMALL = 5

#: Five rules each, of every kind.
SEGMENTS = """
segments:
  plain:
    all: [{list: news}, {language: [de, fr]}, {zone: Europe/Berlin}, {joined: {after: 2023-01-01}},
          {domain: [mail.example, post.example]}]
  read-aloud:
    all: [{list: news}, {attribute: {name: country, in: [US, CA]}}, {interests: {any: [tag 1, tag 2, tag 3]}},
          {joined: {after: 2022-01-01}}, {opened: {within: 30d}}]
  attributes:
    all: [{attribute: {name: age, between: [20, 60]}}, {attribute: {name: plan, "!=": pro}},
          {attribute: {name: country, starts: d}}, {attribute: {name: first_visit, ">": 2024-03-01}},
          {attribute: {name: plan, contains: re}}]
  engaged:
    all: [{list: news}, {got: {campaign: weekly, within: 30d}}, {opened: {campaign: weekly}},
          {clicked: {within: 60d}}]
    none: [{list: letters}]
  never:
    all: [{list: news}, {never_engaged: true}]
    none: [{got: {edition: 1}}, {domain: inbox.test}, {attribute: {name: plan, "=": pro}}]
  any-of:
    any: [{list: letters}, {opened: {within: 10d}}, {attribute: {name: age, ">": 80}}, {language: fr},
          {interests: {all: [tag 5, tag 6]}}]
  none-of:
    none: [{list: letters}, {opened: {within: 90d}}, {clicked: {campaign: weekly}}, {got: {edition: 3}},
           {interests: {any: [tag 7]}}]
  americans:
    all: [{list: news}, {attribute: {name: country, in: [US, CA]}}]
  nested:
    any: [{segment: americans}, {segment: {all: [{list: letters}, {clicked: {within: 60d}}]}}]
    none: [{opened: {within: 10d}}]
"""
FILES = {
    "broadsheet.toml": '[site]\nurl = "https://news.example"\n',
    "subscribers/lists.yaml": "lists: {news: {title: News}, letters: {title: Letters}}\n"
    "attributes: {age: {type: number}, first_visit: {type: date}}\n",
    "subscribers/segments.yaml": SEGMENTS,
    "campaigns/weekly.md": "---\nname: Weekly\nlist: news\ntemplate: plain\nsubject: Weekly\n---\nHello.\n",
    "templates/plain/template.html": "<p></p>",
}


def figures() -> list[Figure]:
    """Seconds and megabytes, for each database there is."""
    full = bool(os.environ.get("BROADSHEET_BENCH_FULL"))
    people = 1_000_000 if full else 100_000
    share = 1 if full else SMALL
    rows = []
    for vendor in VENDORS:
        with tempfile.TemporaryDirectory(prefix="broadsheet-audience-") as folder:
            measured = measured_in(
                vendor, Path(folder), FILES, ["-m", "benchmarks.audience", str(people)],
                ("write", "take", "again", "export", "ledger", "count", "pages"),
            )  # fmt: skip
        shown = f"{people:,} people, {vendor}"
        for name, value in measured.items():
            unit = "MB" if "memory" in name else "ms" if name.startswith(("page,", "live")) else "s"
            rows.append(Figure(f"audience: {name}, {shown}", value, unit, _target(name, vendor, share)))
    return rows


def _target(name: str, vendor: str, share: int) -> float | None:
    if name.startswith("segment "):
        return COUNT[vendor] / share
    if name.startswith("page,"):
        return PAGE
    if name.startswith("live"):
        return LIVE
    if name == "memory while iterating, growth":
        return FLAT
    return MEMORY if "memory" in name else IMPORT / share if "import" in name else None


# In processes of their own


def _write(people: int) -> dict[str, float]:
    """The file to import."""
    chance = random.Random(1)
    tags = [f"tag {number}" for number in range(60)]
    sets = [";".join(chance.sample(tags, chance.randint(1, 4))) for _ in range(5_000)]
    with _file().open("w", encoding="utf-8") as file:
        file.write(
            "email,first_name,last_name,country,time_zone,language,interests,lists,status,created,age,plan,first_visit\n"
        )
        for number in range(people):
            at = number % 4
            file.write(
                f"r{chance.getrandbits(40):x}{number}@{_DOMAINS[at]},Ada{number % 997},Lovelace{number % 1009},"
                f"{_COUNTRIES[at]},{_ZONES[at]},{_LANGUAGES[at]},{sets[chance.randrange(5_000)]},"
                f"news{';letters' if number % 3 == 0 else ''},{chance.choices(_STATUSES, (90, 6, 2, 2))[0]},"
                f"202{chance.randrange(6)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)},"
                f"{chance.randrange(18, 90)},{'pro' if number % 7 == 0 else 'free'},"
                f"2024-0{chance.randrange(1, 10)}-11\n"
            )
    return {}


_DOMAINS = ("mail.example", "post.example", "reader.example", "inbox.test")
_COUNTRIES, _LANGUAGES = ("DE", "US", "CA", "FR"), ("de", "en", "en", "fr")
_ZONES = ("Europe/Berlin", "America/New_York", "Europe/London", "Asia/Tokyo")
_STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending")


def _workspace() -> Any:
    from broadsheet.workspace import Workspace

    return Workspace(Path(os.environ["BROADSHEET_WORKSPACE"]))


def _file() -> Path:
    return Path(os.environ["BROADSHEET_WORKSPACE"]) / "people.csv"


def _imported(name: str) -> dict[str, float]:
    from broadsheet.audience import import_people

    start = time.perf_counter()
    import_people(_workspace(), _file())
    return {name: time.perf_counter() - start, f"memory of the {name}": _peak()}


def _take(_: int) -> dict[str, float]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return _imported("import")


def _again(_: int) -> dict[str, float]:
    return _imported("import again, nothing new")


def _export(_: int) -> dict[str, float]:
    from broadsheet.audience import chosen, csv_lines, written

    start = time.perf_counter()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        written(csv_lines(_workspace(), chosen()), nowhere)
    return {"export as CSV": time.perf_counter() - start, "memory of the export": _peak()}


def _ledger(_: int) -> dict[str, float]:
    """Ten editions of one campaign, a week apart, to two thirds of all; some were opened, some clicked."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from broadsheet.models import Campaign, Edition

    campaign = Campaign.objects.create(slug="weekly")
    now = timezone.now()
    with connection.cursor() as cursor:
        for number in range(EDITIONS):
            at = now - timedelta(days=7 * number + 1)
            edition = Edition.objects.create(campaign=campaign, scheduled_for=at, list_name="news", state="sent")
            cursor.execute(
                "INSERT INTO broadsheet_delivery (edition_id, subscriber_id, state, reason, attempts)"
                " SELECT %s, id, 'sent', '', 1 FROM broadsheet_subscriber WHERE (id + %s) %% 3 > 0 ORDER BY id",
                [edition.pk, number],
            )
            moment = connection.ops.adapt_datetimefield_value(at + timedelta(hours=3))
            for kind, every in (("opened", 5), ("clicked", 20)):
                cursor.execute(
                    "INSERT INTO broadsheet_event (kind, delivery_id, automatic, cause, detail, at, subscriber_id,"
                    " edition_id) SELECT %s, id, FALSE, '', '', %s, subscriber_id, edition_id FROM broadsheet_delivery"
                    " WHERE edition_id = %s AND (subscriber_id * 7 + %s) %% %s = 0 ORDER BY id",
                    [kind, moment, edition.pk, number, every],
                )
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    return {}


def _count(_: int) -> dict[str, float]:
    """How long each segment counts, and whether looking at everybody in one takes memory."""
    from broadsheet.audience import segment_query, segment_size
    from broadsheet.models import Subscriber

    workspace = _workspace()
    found = {}
    for name in yaml.safe_load(SEGMENTS)["segments"]:
        found[f"segment {name}"] = median_seconds(partial(segment_size, workspace.segment(name)), times=3)
    before = _peak()
    for _row in Subscriber.objects.filter(segment_query(workspace.segment("any-of"))).iterator(chunk_size=2_000):
        pass
    return found | {"memory while iterating, growth": _peak() - before}


def _pages(_: int) -> dict[str, float]:
    from benchmarks import _console

    return _console.measure()


def _peak() -> float:
    """Megabytes this process has had at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS = {
    "write": _write,
    "take": _take,
    "again": _again,
    "export": _export,
    "ledger": _ledger,
    "count": _count,
    "pages": _pages,
}


def main(people: int, step: str) -> None:
    """One step in this process; what it measured, as JSON on standard output."""
    import django

    django.setup()
    json.dump(STEPS[step](people), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
