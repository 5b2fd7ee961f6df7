"""Planning and freezing an edition for a million readers: 5,000 sets of interests, 500 articles, ten editions before.

By default a tenth of it, so that ``make bench`` stays quick; ``--full`` is the whole. Each database is a process of
its own, as memory is measured by process; PostgreSQL is measured where ``initdb`` is installed.
"""

import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure

SETS, ARTICLES, EDITIONS, TAGS = 5_000, 500, 10, 60
TARGETS = {"sqlite": {"plan": 30, "freeze": 15, "memory": 500}, "postgresql": {"plan": 30, "freeze": 20, "memory": 500}}
#: A tenth of the readers has to do in a fifth of the time: 5,000 groups cost the same for any number of readers.
SMALL = 5

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
            measured = _measured(vendor, Path(folder), readers)
        for what, unit in (("plan", "s"), ("freeze", "s"), ("memory", "MB")) if measured else ():
            target = TARGETS[vendor][what] / (1 if full or what == "memory" else SMALL)
            rows.append(Figure(f"picking: {what}, {readers:,} readers, {vendor}", measured[what], unit, target))
    return rows


def _measured(vendor: str, folder: Path, readers: int) -> dict[str, float]:
    if vendor == "sqlite":
        return _in_a_process(folder, readers, None)
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        return {}
    with server(programs[-1], folder) as address:
        return _in_a_process(folder, readers, address)


def _in_a_process(folder: Path, readers: int, database: str | None) -> dict[str, float]:
    workspace = folder / "workspace"
    for path, text in FILES.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(text)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    environment = kept | {"BROADSHEET_WORKSPACE": str(workspace), "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    if database:
        environment["BROADSHEET_DATABASE"] = database
    command = [sys.executable, "-m", "benchmarks.picking", str(readers)]
    done: list[dict[str, float]] = []
    for step in ("load", "measure"):  # apart, as the loader's memory is not the planner's
        ran = subprocess.run([*command, step], env=environment, check=True, stdout=subprocess.PIPE, text=True)
        done.append(json.loads(ran.stdout))
    return done[-1]


@contextmanager
def server(programs: Path, folder: Path) -> Iterator[str]:
    """A PostgreSQL server of the benchmark's own; it refuses to be run by root, so root lends it another user."""
    lent = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    home = folder / "postgresql"
    home.mkdir()
    if lent:
        folder.chmod(0o755)
        shutil.chown(home, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(home / "data")

    def run(name: str, *arguments: str) -> None:
        subprocess.run([*lent, str(programs / name), *arguments], check=True, cwd=home, stdout=subprocess.DEVNULL)

    run("initdb", "--pgdata", data, "--auth=trust", "--username=broadsheet", "-N")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c max_wal_size=4GB"
    run("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        yield f"postgresql://broadsheet@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")


# In the process of its own


def _load(readers: int) -> dict[str, float]:
    """The people, what they read about, the articles, and the editions they have had."""
    from django.core.management import call_command
    from django.db import connection, transaction
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
    first = InterestSet.objects.order_by("pk").values_list("pk", flat=True)[0]
    lite = connection.vendor == "sqlite"
    numbers = (
        f"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {readers})"
        if lite
        else f"WITH g AS (SELECT generate_series(1, {readers}) i)"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO broadsheet_subscriber (id, email, email_key, first_name, last_name, language, time_zone,"
            f" attributes, interests_id, source, created_at) {numbers} SELECT i, 'p' || i || '@reader.example',"
            f" 'p' || i || '@reader.example', '', '', '', '', '{{}}', {first} + CAST(i AS bigint) * 7919 % {SETS}, '',"
            " '2026-01-01' FROM g"
        )
        cursor.execute(
            "INSERT INTO broadsheet_subscription (subscriber_id, list_name, state, consent_how)"
            " SELECT id, 'news', 'subscribed', '' FROM broadsheet_subscriber"
        )
    for number in range(EDITIONS):
        _planned_and_frozen(number)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE broadsheet_delivery SET state = 'sent' WHERE state = 'queued'")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if lite else "VACUUM ANALYZE")
    return {}


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
