"""A workspace with a campaign, three readers with two different mails, and the preview as it is served."""

import html
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from tests.web.conftest import served

from broadsheet.audience import interest_set
from broadsheet.models import Subscriber, Subscription

TEMPLATE = """\
<!doctype html>
<html lang="en" dir="ltr"><head><title>{{ subject }}</title><meta name="color-scheme" content="light dark">
<style>
body { margin: 0; background-color: #ffffff; color: #111111 }
@media (prefers-color-scheme: dark) { body { background-color: #101010 !important } }
</style></head>
<body>
<div style="display:none">{{ preheader }}</div>
<h1>{{ site.name }}</h1>
{{ intro }}
{% for article in articles %}
<h2><a href="{{ article.url }}">{{ article.title }}</a></h2>
{% if article.image %}<img class="picture" src="{{ article.image.src }}" alt="{{ article.image.alt }}">{% endif %}
{% endfor %}
<p>{{ site.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a>
<a href="{{ preferences_url }}">Preferences</a> <a href="{{ view_url }}">View</a></p>
</body></html>
"""
CAMPAIGN = """\
---
name: Weekly digest
list: newsletter
articles: {match_interests: true, repeat: allow}
template: digest
subject: "{{ articles[0].title }}"
preheader: "{{ articles | length }} chosen for you"
schedule: {cron: "0 9 * * tue", time_zone: Europe/Berlin}
---
Hello {{ subscriber.first_name | default("there") }}, here is what is new.
"""
PEOPLE = (
    ("ada@reader.example", "Ada", "Lovelace", ["sleep"], "subscribed"),
    ("zhuying@reader.example", "雨晴", "竹影", ["sleep"], "subscribed"),
    ("moritz@walker.example", "Moritz", "", ["movement"], "subscribed"),
    ("gone@reader.example", "Gwendolyn", "Gone", ["sleep"], "unsubscribed"),
    ("picky@reader.example", "Pia", "Picky", ["astronomy"], "subscribed"),
)
#: one red pixel
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def article(title: str, tag: str, image: str = "") -> str:
    return f"---\ntitle: {title}\ndate: 2026-01-02\ntags: [{tag}]\n{image}\n---\nWords about {tag}.\n"


@pytest.fixture
def drafts(db, workspace):
    """The workspace's files and readers."""
    root = workspace.root
    with (root / "broadsheet.toml").open("a") as file:
        file.write('[sender]\nname = "Stillwater"\nemail = "hello@news.stillwater.example"\n')
        file.write('[[sources]]\npath = "articles"\nimages = "articles"\n')
    write(root / "templates/digest/template.html", TEMPLATE)
    write(root / "campaigns/weekly-digest.md", CAMPAIGN)
    write(root / "articles/night.md", article("A quiet night", "sleep", "image: /night.png\nimage_alt: A lamp"))
    write(root / "articles/walk.md", article("A slow walk", "movement"))
    (root / "articles/night.png").write_bytes(PIXEL)
    now = datetime(2026, 1, 5, 8, tzinfo=UTC)
    for email, first, last, tags, state in PEOPLE:
        reader = Subscriber.objects.create(
            email=email,
            email_key=email,
            first_name=first,
            last_name=last,
            interests=interest_set(tags),
            created_at=now,
        )
        Subscription.objects.create(subscriber=reader, list_name="newsletter", state=state, consent_at=now)
    return root


@pytest.fixture
def site(drafts):
    """The preview as `broadsheet preview` serves it, in the test's own transaction; its address."""
    from broadsheet.web.preview.wsgi import application  # needs Django to be set up

    def in_our_transaction(environ, start_response):
        connections["default"] = connection
        return application(environ, start_response)

    connection = connections["default"]
    connection.inc_thread_sharing()
    try:
        with served(in_our_transaction) as address:
            yield address
    finally:
        connection.dec_thread_sharing()


@pytest.fixture
def client(drafts, settings):
    """Asks the preview's addresses, without a server."""
    settings.ROOT_URLCONF = "broadsheet.web.preview.urls"
    return Client(headers={"host": "127.0.0.1"})


@pytest.fixture
def page_of(client):
    """The text of a page, without its tags."""

    def page_of(path):
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", client.get(path).text)).split())

    return page_of
