"""Reports over ten million deliveries and a million events, and redirects of counted links at 500 a second.

By default a tenth of it; ``--full`` is the whole. SQLite; each step is a process of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

from benchmarks.figures import Figure, median_seconds

EDITIONS, LINKS = 20, 12
#: Requests a second, for so many seconds, over so many connections.
RATE, SECONDS, CONNECTIONS = 500, 10, 8
FILES = {
    "broadsheet.toml": '[site]\nurl = "https://news.example"\n',
    "subscribers/lists.yaml": "lists: {news: {title: News}}\n",
}


def figures() -> list[Figure]:
    """Seconds a report takes, and milliseconds a redirect does."""
    deliveries = 10_000_000 if os.environ.get("BROADSHEET_BENCH_FULL") else 1_000_000
    with tempfile.TemporaryDirectory(prefix="broadsheet-reports-") as folder:
        for path, text in FILES.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
        environment = kept | {"BROADSHEET_WORKSPACE": folder, "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
        done: dict[str, float] = {}
        for step in ("load", "measure", "redirects"):
            command = [sys.executable, "-m", "benchmarks.reports", step, str(deliveries)]
            ran = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            done |= json.loads(ran.stdout)
    size = f"{deliveries:,} deliveries"
    return [
        Figure(f"reports: a report opens, {size}", done["report"] * 1000, "ms", 1000),
        Figure(f"reports: twelve editions compared, {size}", done["compared"] * 1000, "ms", 1000),
        Figure(f"reports: an edition broken down, once, {size}", done["summarise"], "s"),
        Figure(f"redirects: median at {RATE}/s", done["median"], "ms"),
        Figure(f"redirects: 99 of 100 at {RATE}/s", done["p99"], "ms", 20),
        Figure("redirects: answered other than 302, or not counted", done["lost"], "", 0),
    ]


def _load(deliveries: int) -> dict[str, float]:
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from broadsheet.audience import interest_set
    from broadsheet.models import Campaign, Edition, Link, Variant

    call_command("migrate", verbosity=0)
    readers, now = deliveries // EDITIONS, timezone.now()
    campaign, interests = Campaign.objects.create(slug="weekly"), interest_set(["sleep"])
    people = (
        "INSERT INTO broadsheet_subscriber (email, email_key, first_name, last_name, language, time_zone, attributes,"
        " interests_id, source, created_at, needs_smtputf8, tracking_consent_wording)"
        " SELECT 'r' || n || '@d' || (n % 300) || '.example', 'r' || n || '@d' || (n % 300) || '.example', '', '', '',"
        " '', '{}', %s, '', %s, 0, ''"
        " FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %s) SELECT n FROM c)"
    )
    copies = (
        "INSERT INTO broadsheet_delivery (edition_id, subscriber_id, variant_id, state, reason, attempts,"
        " at) SELECT %s, id, %s + id %% 8, CASE WHEN id %% 50 = 0 THEN 'failed' ELSE 'sent' END,"
        " CASE WHEN id %% 50 = 0 THEN '550 5.1.1 gone' ELSE '' END, 1, %s FROM broadsheet_subscriber ORDER BY id"
    )
    answers = (
        "INSERT INTO broadsheet_event (kind, delivery_id, subscriber_id, edition_id, automatic, cause,"
        " detail, at) SELECT CASE id %% 3 WHEN 0 THEN 'bounced' WHEN 1 THEN 'unsubscribed' ELSE 'complained' END, id,"
        " subscriber_id, edition_id, 0, '', '', %s FROM broadsheet_delivery WHERE id %% 10 = 0"
    )
    counts = (
        "INSERT INTO broadsheet_tally (edition_id, variant_id, link_id, kind, automatic, hour, count)"
        " SELECT l.edition_id, v.id, l.id, 'clicked', 0, datetime(%s, '+' || h.n || ' hours'), 7 FROM broadsheet_link l"
        " JOIN broadsheet_variant v ON v.edition_id = l.edition_id"
        " CROSS JOIN (WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 47) SELECT n FROM c) h"
    )
    with connection.cursor() as cursor:
        cursor.execute(people, [interests.pk, now, readers])
        for number in range(EDITIONS):
            edition = Edition.objects.create(
                campaign=campaign,
                scheduled_for=now - timedelta(days=7 * number),
                state="sent",
                list_name="news",
                tracking="aggregate",
                public_url="http://127.0.0.1",
            )
            variants = Variant.objects.bulk_create(
                Variant(edition=edition, key=str(each), message=b"") for each in range(8)
            )
            Link.objects.bulk_create(
                Link(edition=edition, url=f"https://news.example/{each}", article=f"a{each}") for each in range(LINKS)
            )
            cursor.execute(copies, [edition.pk, variants[0].pk, now])
        cursor.execute(answers, [now])
        cursor.execute(counts, [now.replace(minute=0, second=0, microsecond=0, tzinfo=None)])
        cursor.execute("ANALYZE")
    return {}


def _measure(_: int) -> dict[str, float]:
    from django.conf import settings

    from broadsheet import reports
    from broadsheet.models import Campaign, Edition

    edition = Edition.objects.select_related("campaign").order_by("-pk")[0]
    start = time.perf_counter()
    for each in Edition.objects.all():
        reports.summarise(each)
    summarise = (time.perf_counter() - start) / EDITIONS
    campaign = Campaign.objects.get()
    return {
        "summarise": summarise,
        "report": median_seconds(lambda: reports.report(settings.WORKSPACE, edition)),
        "compared": median_seconds(lambda: reports.compared(campaign)),
    }


def _redirects(_: int) -> dict[str, float]:
    import waitress
    from django.core.wsgi import get_wsgi_application
    from django.db.models import Sum

    from broadsheet import pipeline
    from broadsheet.events.counting import HITS
    from broadsheet.models import Link, Tally, Variant

    signer, variant = pipeline.signer(), Variant.objects.order_by("-pk").first()
    assert variant is not None
    links = Link.objects.filter(edition=variant.edition_id).values_list("pk", flat=True)
    paths = [f"/l/{signer.make('l', link, variant.pk)}" for link in links]
    before = Tally.objects.aggregate(all=Sum("count"))["all"]
    server = waitress.create_server(get_wsgi_application(), host="127.0.0.1", port=0, threads=8)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    taken: list[float] = []
    wrong: list[int] = []
    workers = [
        Thread(target=_ask, args=(server.effective_port, paths, number, taken.append, wrong.append))
        for number in range(CONNECTIONS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    HITS.close()
    counted = Tally.objects.aggregate(all=Sum("count"))["all"] - before
    return {
        "median": statistics.median(taken) * 1000,
        "p99": statistics.quantiles(taken, n=100)[98] * 1000,
        "lost": len(wrong) + RATE * SECONDS - counted,
    }


def _ask(
    port: int, paths: list[str], number: int, note: Callable[[float], None], refuse: Callable[[int], None]
) -> None:
    """One connection's share of the requests, each at its own moment."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    start, gap = time.perf_counter() + number / RATE, CONNECTIONS / RATE
    for turn in range(RATE * SECONDS // CONNECTIONS):
        time.sleep(max(0.0, start + turn * gap - time.perf_counter()))
        before = time.perf_counter()
        agent = f"Mozilla/5.0 (X11) Firefox/{turn}.{number}"
        connection.request("GET", paths[turn % len(paths)], headers={"User-Agent": agent, "Host": "127.0.0.1"})
        answer = connection.getresponse()
        answer.read()
        note(time.perf_counter() - before)
        if answer.status != 302:
            refuse(answer.status)


if __name__ == "__main__":
    import django

    django.setup()
    steps: dict[str, Callable[[int], dict[str, float]]] = {"load": _load, "measure": _measure, "redirects": _redirects}
    print(json.dumps(steps[sys.argv[1]](int(sys.argv[2]))))
