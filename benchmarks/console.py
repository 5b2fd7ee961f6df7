"""Every page of the console at a million subscribers and ten million deliveries: median and worst of seven requests.

By default a tenth of it; ``--full`` is the whole. The pages are those of the table of addresses, so that a new one
comes in by itself; a page about something is asked for about an example of it. What is measured is the whole answer as
the server makes it, sessions and all, after one request of another page.
"""

import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.databases import VENDORS, measured_in
from benchmarks.figures import Figure

EDITIONS, VARIANTS, LINKS, ARTICLES, TIMES = 20, 8, 12, 500, 7
#: Milliseconds in which a page is to answer.
TARGET = 200
#: What the newest editions stand at; all others are sent.
STATES = ("draft", "sending", "paused", "cancelled")
#: What else is asked of a page that lists something.
ASKED = {
    "readers": ("?q=ada", "?q=r77", "?q=@d7.example", "?q=%23sleep", "?state=suppressed", "?list=news&state=pending"),
    "editions": ("?state=sent",),
    "articles": ("?tag=tag+7",),
}
CAMPAIGN = """\
---
name: {name}
list: {list}
segment: sleepers
template: plain
subject: News
articles: {{newest: 5}}
schedule: {{cron: "0 9 * * {day}"}}
approval: required
tracking: aggregate
---
Hello.
"""
FILES = {
    "broadsheet.toml": '[site]\nurl = "https://news.example"\n',
    "subscribers/lists.yaml": "lists: {news: {title: News}, letters: {title: Letters}}\n",
    "subscribers/segments.yaml": "segments:\n  sleepers: {all: [{list: news}, {interests: {any: [sleep]}}]}\n"
    "  movers: {all: [{list: letters}, {domain: d7.example}]}\n",
    "templates/plain/template.html": "<!doctype html><p>{{ intro }}</p>",
    **{
        f"campaigns/{name}.md": CAMPAIGN.format(name=name.title(), list=of, day=day)
        for name, of, day in (("weekly", "news", "tue"), ("letter", "letters", "thu"), ("offers", "news", "fri"))
    },
}


def figures() -> list[Figure]:
    """Milliseconds of each page, on each database there is (``BROADSHEET_BENCH_VENDORS=sqlite`` for one)."""
    full = bool(os.environ.get("BROADSHEET_BENCH_FULL"))
    people = 1_000_000 if full else 100_000
    rows = []
    for vendor in os.environ.get("BROADSHEET_BENCH_VENDORS", ",".join(VENDORS)).split(","):
        with tempfile.TemporaryDirectory(prefix="broadsheet-console-") as folder:
            found = measured_in(vendor, Path(folder), FILES, ["-m", "benchmarks.console", str(people)])
        for page, milliseconds in found.items():
            beside = page.endswith((", worst", ", processor"))  # the latter tells what other load added
            rows.append(Figure(f"console: {page}, {vendor}", milliseconds, "ms", None if beside else TARGET))
    return rows


# In processes of their own


def _load(people: int) -> dict[str, float]:
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        _people(cursor, people)
        _articles(now)
        for number in range(EDITIONS):
            _edition(cursor, people, number, now)
        _answers(cursor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    _settled()
    return {}


def _numbers(count: int) -> str:
    """A table ``g`` of the numbers from 1."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return f"(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {count}) SELECT i FROM c) g"
    return f"(SELECT CAST(generate_series(1, {count}) AS bigint) i) g"


def _days_ago(expression: str) -> str:
    """The moment so many days ago, by the database's clock."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return f"datetime('now', '-' || ({expression}) || ' days')"
    return f"now() - ({expression}) * interval '1 day'"


def _people(cursor: Any, people: int) -> None:
    from broadsheet.audience import interest_set

    first, *_ = (interest_set(tags).pk for tags in (["sleep"], ["movement"], ["sleep", "mind"], ["nutrition"]))
    cursor.execute(
        "INSERT INTO broadsheet_subscriber (id, email, email_key, first_name, last_name, language, time_zone,"
        " attributes, interests_id, source, created_at)"
        " SELECT i, 'r' || i || '@d' || (i %% 300) || '.example', 'r' || i || '@d' || (i %% 300) || '.example',"
        f" 'Ada' || (i %% 997), 'Lovelace' || (i %% 10007), 'en', 'Europe/Berlin', '{{}}', %s + i %% 4, '',"
        f" {_days_ago('i %% 700')} FROM {_numbers(people)}",
        [first],
    )
    for name, every in (("news", 1), ("letters", 3)):
        cursor.execute(
            "INSERT INTO broadsheet_subscription (subscriber_id, list_name, state, consent_at, left_at)"
            " SELECT id, %s, CASE WHEN id %% 100 < 6 THEN 'unsubscribed' WHEN id %% 100 < 9 THEN 'pending'"
            f" ELSE 'subscribed' END, {_days_ago('id %% 700')},"
            f" CASE WHEN id %% 100 < 6 THEN {_days_ago('id %% 300')} END FROM broadsheet_subscriber WHERE id %% %s = 0",
            [name, every],
        )
    cursor.execute(
        "INSERT INTO broadsheet_suppression (email_key, reason, detail, created_at)"
        " SELECT email_key, CASE WHEN id %% 3 = 0 THEN 'complained' ELSE 'dead' END, '',"
        f" {_days_ago('id %% 300')} FROM broadsheet_subscriber WHERE id %% 97 = 0",
        [],
    )


def _articles(now: datetime) -> None:
    from broadsheet.models import Article, Audit, Tag

    tags = Tag.objects.bulk_create(Tag(name=f"tag {number}") for number in range(60))
    made = Article.objects.bulk_create(
        Article(
            slug=f"a{number}", source="articles", path=f"{number}.md", title=f"Article {number}", language="en",
            url=f"https://news.example/{number}", place="articles", published_at=now - timedelta(hours=number),
        )
        for number in range(ARTICLES)
    )  # fmt: skip
    filed = Article.tags.through
    filed.objects.bulk_create(
        filed(article_id=each.pk, tag_id=tags[(each.pk + step) % 60].pk) for each in made for step in (0, 7)
    )
    Audit.objects.bulk_create(
        Audit(who=f"p{number % 9}@news.example", what="edition-approve", target=f"edition {number}")
        for number in range(10_000)
    )


def _edition(cursor: Any, people: int, number: int, now: datetime) -> None:
    """One edition for half of the people, the newest first."""
    from broadsheet.models import Campaign, Edition, EditionMove, Link, Variant

    state = STATES[number] if number < len(STATES) else "sent"
    slug = ("weekly", "letter", "offers")[number % 3]
    edition = Edition.objects.create(
        campaign=Campaign.objects.get_or_create(slug=slug)[0],
        scheduled_for=now - timedelta(days=7 * number - 1),
        state=state,
        list_name="letters" if slug == "letter" else "news",
        tracking="aggregate",
        adapter="default",
        mail_from="a@news.example",
        mail_domain="news.example",
        public_url="https://news.example",
        audience=people // 2,
        content_hash="0" * 64,
    )
    EditionMove.objects.create(edition=edition, after=state, who="benchmark")
    variants = Variant.objects.bulk_create(
        Variant(edition=edition, key=str(each), message=_message(), articles=[f"a{number * 5 + each}"], subject="News")
        for each in range(VARIANTS)
    )
    Link.objects.bulk_create(
        Link(edition=edition, url=f"https://news.example/{each}", article=f"a{number * 5 + each}")
        for each in range(LINKS)
    )
    done = {"draft": 0, "sending": 30, "paused": 60, "cancelled": 50}.get(state, 100)
    rest = "cancelled" if state == "cancelled" else "queued"
    cursor.execute(
        "INSERT INTO broadsheet_delivery (edition_id, subscriber_id, variant_id, state, reason, attempts, at)"
        " SELECT %s, id, %s + id %% 8,"
        " CASE WHEN id %% 101 >= %s + 1 THEN %s WHEN id %% 53 = 0 THEN 'failed' ELSE 'sent' END,"
        " CASE WHEN id %% 101 < %s + 1 AND id %% 53 = 0 THEN '550 5.1.1 gone' ELSE '' END, 1,"
        f" CASE WHEN id %% 101 < %s + 1 THEN {_days_ago(str(max(0, 7 * number - 1)))} END"
        " FROM broadsheet_subscriber WHERE (id + %s) %% 2 = 0 ORDER BY id",
        [edition.pk, variants[0].pk, done, rest, done, done, number],
    )


def _message() -> bytes:
    """One small compiled mail for all; its size is no matter of the console's."""
    from django.conf import settings

    from broadsheet.rendering import compile_message, sheet_for

    workspace = settings.WORKSPACE
    sheet = sheet_for(workspace, workspace.campaign("weekly"), datetime(2026, 1, 1).astimezone(), [])
    return compile_message(sheet).to_bytes()


def _answers(cursor: Any) -> None:
    """Bounces, complaints and people who left, and what those who agreed to it opened: a tenth of the copies."""
    cursor.execute(
        "INSERT INTO broadsheet_event (kind, delivery_id, subscriber_id, edition_id, automatic, cause, detail, at)"
        " SELECT CASE WHEN id %% 10000 < 30 THEN 'complained' WHEN id %% 1000 < 50 THEN 'unsubscribed'"
        " WHEN id %% 1000 < 150 THEN 'bounced' ELSE 'opened' END, id, subscriber_id, edition_id, FALSE,"
        " CASE WHEN id %% 1000 BETWEEN 50 AND 149 THEN 'dead' ELSE '' END, '',"
        f" {_days_ago('id %% 120')} FROM broadsheet_delivery WHERE id %% 10 = 0",
        [],
    )
    cursor.execute(
        "INSERT INTO broadsheet_tally (edition_id, variant_id, link_id, kind, automatic, hour, count)"
        " SELECT l.edition_id, v.id, l.id, 'clicked', FALSE, "
        f"{_days_ago('g.i')}, 7 FROM broadsheet_link l"
        f" JOIN broadsheet_variant v ON v.edition_id = l.edition_id CROSS JOIN {_numbers(48)}"
    )


def _settled() -> None:
    """What a real workspace has kept by then: a summary of each edition, segments counted."""
    from django.conf import settings

    from broadsheet import audience, reports
    from broadsheet.models import Edition

    for edition in Edition.objects.exclude(state="draft"):
        reports.summarise(edition)
    for name, segment in settings.WORKSPACE.segments.items():
        audience.count_segment(name, segment)


def _measure(_: int) -> dict[str, float]:
    from django.test import Client

    from broadsheet import staff
    from broadsheet.models import Role

    client = Client(SERVER_NAME="127.0.0.1")
    member = staff.add("admin@news.example", Role.ADMIN, by="benchmark")
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/console/account/second/")
    found = {}
    for page, path in _pages():
        taken, used = [], []
        for _time in range(TIMES):
            start, before = time.perf_counter(), time.thread_time()  # what goes on beside the page is not its own
            answer = client.get(path)
            body = answer.getvalue()
            taken.append((time.perf_counter() - start) * 1000)
            used.append((time.thread_time() - before) * 1000)
            if answer.status_code == 404:  # such a thing is not there, which is said and not measured
                print(f"{path}: there is no example", file=sys.stderr)
                break
            if answer.status_code not in (200, 202, 302) or (not body and answer.status_code == 200):
                raise RuntimeError(f"{path} answered {answer.status_code}")
        else:
            found[page] = statistics.median(taken)
            found[f"{page}, worst"] = max(taken)
            found[f"{page}, processor"] = statistics.median(used)
    return found


def _pages() -> Iterator[tuple[str, str]]:
    """Every page with what it is called here."""
    from django.urls import reverse

    from broadsheet.web.console.urls import ROUTES

    for route in ROUTES:
        if route.reads is None:
            continue
        names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
        if not names:
            path = reverse(f"console-{route.name}")
            for query in ("", *ASKED.get(route.name, ())):
                yield f"{route.name}{query}", f"{path}{query}"
            continue
        for label, example in _examples(route.path.partition("/")[0]).items():
            about = {name: "template.html" if name == "file" else example for name in names}
            path = reverse(f"console-{route.name}", kwargs=about)
            yield f"{route.name} {label}", path


def _examples(kind: str) -> dict[str, Any]:
    from django.conf import settings

    from broadsheet.models import Edition, Subscriber

    if kind == "editions":
        return dict(Edition.objects.order_by("pk").values_list("state", "pk")[: len(STATES) + 1])
    if kind == "readers":
        return {"": Subscriber.objects.values_list("pk", flat=True).order_by("-pk")[1000]}
    workspace = settings.WORKSPACE
    named = {"campaigns": workspace.campaign_names(), "templates": workspace.template_names(), "segments": ["movers"]}
    named |= {"article": ["a1"], "article-text": ["a1"]}
    if kind not in named:
        print(f"no example for pages about {kind}", file=sys.stderr)
    return dict.fromkeys(named.get(kind, ())[:1], next(iter(named.get(kind, ())), None))


def main(people: int, step: str) -> None:
    """One step in this process; what it measured, as JSON on standard output."""
    import django

    django.setup()
    json.dump(_load(people) if step == "load" else _measure(people), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
