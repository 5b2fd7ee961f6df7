"""Planning and freezing an edition for a million readers: 5,000 sets of interests, 500 articles, ten editions before.

By default a tenth of it, so that ``make bench`` stays quick; ``--full`` is the whole. Each database is a process of
its own, as memory is measured by process; PostgreSQL is measured where ``initdb`` is installed.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.databases import measured_in
from benchmarks.figures import Figure

SETS, ARTICLES, EDITIONS, TAGS = 5_000, 500, 10, 60
TARGETS = {"sqlite": {"plan": 30, "freeze": 15, "memory": 500}, "postgresql": {"plan": 30, "freeze": 20, "memory": 500}}
#: A tenth of the readers has to do in a fifth of the time: 5,000 groups cost the same for any number of readers.
SMALL = 5
#: How full, in percent, the pages of an index are that grew in the middle.
GROWN = 70

CAMPAIGN = """\
---
name: Weekly
list: news
template: plain
subject: Weekly
articles: {match_interests: true, newest: 5, repeat: never}
approval: automatic
---
Hello.
"""
FILES = {
    "broadsheet.toml": '[site]\nurl = "https://news.example"\n',
    "subscribers/lists.yaml": "lists: {news: {title: News}}\n",
    "templates/plain/template.html": "<p>{% for each in articles %}{{ each.title }}{% endfor %}</p>",
    "campaigns/weekly.md": CAMPAIGN,
}


def figures() -> list[Figure]:
    """Seconds and megabytes, for each database there is."""
    full = bool(os.environ.get("BROADSHEET_BENCH_FULL"))
    readers = 1_000_000 if full else 100_000
    rows = []
    for vendor in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="broadsheet-picking-") as folder:
            measured = measured_in(vendor, Path(folder), FILES, ["-m", "benchmarks.picking", str(readers)])
        for what, unit in (("plan", "s"), ("freeze", "s"), ("memory", "MB")) if measured else ():
            target = TARGETS[vendor][what] / (1 if full or what == "memory" else SMALL)
            rows.append(Figure(f"picking: {what}, {readers:,} readers, {vendor}", measured[what], unit, target))
    return rows


# In the process of its own


def _load(readers: int) -> dict[str, float]:
    """The people, what they read about, the articles, and the editions they have had."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from broadsheet.models import Article, InterestSet, Tag

    call_command("migrate", verbosity=0)
    chance = random.Random(1)
    words = [f"tag {number}" for number in range(TAGS)]
    sets: set[tuple[str, ...]] = set()
    while len(sets) < SETS:
        sets.add(tuple(sorted(chance.sample(words, chance.randint(1, 6)))))
    InterestSet.objects.bulk_create(InterestSet(key="|".join(tags), tags=list(tags)) for tags in sorted(sets))
    tags = Tag.objects.bulk_create(Tag(name=word) for word in words)
    now = timezone.now()
    made = Article.objects.bulk_create(
        Article(
            slug=f"a{number}", source="s", path=f"{number}", title=f"A{number}", url="https://news.example/a",
            language="en", published_at=now - timedelta(hours=number),
        )
        for number in range(ARTICLES)
    )  # fmt: skip
    filed = Article.tags.through
    filed.objects.bulk_create(
        filed(article_id=each.pk, tag_id=tag.pk) for each in made for tag in chance.sample(tags, chance.randint(1, 4))
    )
    few = min(SETS, readers)
    _people(1, few)
    for number in range(EDITIONS):
        _planned_and_frozen(number)
    _people(few + 1, readers)
    _copies_for_all(few)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    return {}


def _people(first: int, last: int) -> None:
    """Readers of those numbers; the first so many as there are sets of interests have one each."""
    from django.db import connection, transaction

    from broadsheet.models import InterestSet

    lowest = InterestSet.objects.order_by("pk").values_list("pk", flat=True)[0]
    numbers = (
        f"WITH RECURSIVE g(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM g WHERE i < {last})"
        if connection.vendor == "sqlite"
        else f"WITH g AS (SELECT generate_series({first}, {last}) i)"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO broadsheet_subscriber (id, email, email_key, first_name, last_name, language, time_zone,"
            f" attributes, interests_id, source, created_at, needs_smtputf8) {numbers} SELECT i,"
            f" 'p' || i || '@reader.example', 'p' || i || '@reader.example', '', '', '', '', '{{}}',"
            f" {lowest} + CAST(i AS bigint) * 7919 % {SETS}, '',"
            f" '2026-01-01', FALSE FROM g WHERE i <= {last}"
        )
        cursor.execute(
            "INSERT INTO broadsheet_subscription (subscriber_id, list_name, state, consent_how)"
            f" SELECT id, 'news', 'subscribed', '' FROM broadsheet_subscriber WHERE id >= {first}"
        )


def _copies_for_all(few: int) -> None:
    """Every reader had what the one among the first few with the same interests had, edition by edition.

    Ten plans for all would take far longer, and pick the same: only interests and the past decide.
    """
    from django.db import connection

    from broadsheet.models import Edition

    with _indexed_later(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE broadsheet_delivery SET state = 'sent', attempts = 1, at = CURRENT_TIMESTAMP WHERE state = 'queued'"
        )
        for edition in Edition.objects.order_by("pk"):
            cursor.execute(
                "INSERT INTO broadsheet_delivery (edition_id, subscriber_id, variant_id, state, reason, attempts, at)"
                " SELECT d.edition_id, s.id, d.variant_id, d.state, d.reason, d.attempts, d.at"
                " FROM broadsheet_subscriber s JOIN broadsheet_subscriber one"
                " ON one.interests_id = s.interests_id AND one.id <= %s"
                " JOIN broadsheet_delivery d ON d.subscriber_id = one.id AND d.edition_id = %s"
                " WHERE s.id > %s ORDER BY s.id",
                [few, edition.pk, few],
            )


@contextmanager
def _indexed_later() -> Iterator[None]:
    """On PostgreSQL the ledger's indexes are made after its rows, and then as full as such that grew with them."""
    from django.db import connection

    from broadsheet.models import Delivery

    if connection.vendor == "sqlite":
        yield
        return
    indexes, constraints = Delivery._meta.indexes, Delivery._meta.constraints
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.remove_constraint(Delivery, constraint)
        for index in indexes:
            editor.remove_index(Delivery, index)
    yield
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(Delivery, index)
        for constraint in constraints:
            editor.add_constraint(Delivery, constraint)
    with connection.cursor() as cursor:
        for name in ("delivery_had", "delivery_once_per_reader"):
            cursor.execute(f"ALTER INDEX {name} SET (fillfactor = {GROWN})")
            cursor.execute(f"REINDEX INDEX {name}")
            cursor.execute(f"ALTER INDEX {name} RESET (fillfactor)")


def _planned_and_frozen(number: int) -> tuple[float, float]:
    """The seconds it took to plan and to freeze one edition."""
    from django.utils import timezone

    from broadsheet import editions
    from broadsheet.workspace import Workspace

    workspace = Workspace(Path(os.environ["BROADSHEET_WORKSPACE"]))
    campaign = workspace.campaign("weekly")
    start = time.perf_counter()
    planned = editions.plan(workspace, campaign, timezone.now() + timedelta(minutes=number))
    between = time.perf_counter()
    printed = [editions.PrintedVariant(each.slugs, each.key, "x", b"x") for each in planned.variants]
    text = editions.FrozenText("a@news.example", "news.example", "https://news.example")
    editions.freeze(planned, printed, text, who="benchmark")
    return between - start, time.perf_counter() - between


def _measure() -> dict[str, float]:
    plan, freeze = _planned_and_frozen(EDITIONS)
    return {"plan": plan, "freeze": freeze, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main(readers: int, step: str) -> None:
    """One step in this process; what it measured, as JSON on standard output."""
    import django

    django.setup()
    found: dict[str, Any] = _load(readers) if step == "load" else _measure()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
