"""Past editions for anyone: of public lists, that were sent, with nothing of any reader in them."""

import json
import re
from datetime import timedelta

import feedparser
import pytest
from django.test import Client
from tests.conftest import AT, TEMPLATE, WEEKLY, fill

from broadsheet.models import EditionState

NAMES = ("Ada", "Lovelace", "ada@reader", "/u/", "/p/", "/v/")


@pytest.fixture
def workspace(tmp_path, settings):
    """The workspace of the shared cast: its campaigns make real editions."""
    settings.WORKSPACE = fill(tmp_path / "workspace")
    return settings.WORKSPACE


@pytest.fixture
def sent(freeze, send, memory, cast, write):
    """An edition that the cast got, whose subject and greeting name the reader."""
    text = write("campaigns/weekly.md", "").parent / "weekly.md"
    text.write_text(WEEKLY.replace('subject: "', "subject: \"{{ subscriber.first_name | default('Friend') }}: "))
    own = '<p class="meta"><a href="{{ unsubscribe_url }}">Unsubscribe</a> &nbsp;·&nbsp; <a href="{{ view_url }}">View</a></p>'
    write("templates/plain/template.html", TEMPLATE.replace("</body>", f"{own}</body>"))
    edition = freeze("weekly")
    send(edition, memory)
    edition.refresh_from_db()
    assert edition.state == EditionState.SENT
    return edition


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


def test_the_first_to_ask_does_not_choose_the_language_for_the_others(browser, freeze, send, memory, cast, write):
    write("templates/plain/template.html", TEMPLATE.replace("</body>", "<p>To {{ subscriber.email }}.</p></body>"))
    edition = freeze("weekly")
    send(edition, memory)
    for language in ("de", "en"):
        mail = browser.get(f"/archive/newsletter/{edition.pk}", headers={"Accept-Language": language}).content.decode()
        assert "everyone on this list" in mail


def test_the_archive_lists_what_was_sent(browser, sent):
    page = browser.get("/archive/newsletter")
    assert page.status_code == 200
    assert "Friend: " in page.content.decode()
    assert f"/archive/newsletter/{sent.pk}" in page.content.decode()
    assert page.headers["Cache-Control"] == "public, max-age=300"


def test_an_edition_is_shown_without_anything_of_its_readers(browser, sent):
    page = browser.get(f"/archive/newsletter/{sent.pk}")
    html = page.content.decode()
    assert "Hello there" in html
    assert not [name for name in NAMES if name in html]
    assert "nobody.invalid" not in html
    assert "Unsubscribe" not in html, "a link that is a reader's own is left out with its words"
    assert not re.search(r"<p\b[^>]*>\s*</p>", html), "and so is a paragraph that held nothing else"
    assert "script-src" not in page.headers["Content-Security-Policy"]


def test_the_feeds_can_be_read_by_others_programs(browser, sent):
    answer = browser.get("/archive/newsletter/feed.atom")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    feed = feedparser.parse(answer.content)
    assert not feed.bozo
    (entry,) = feed.entries
    assert entry.title.startswith("Friend: ")
    assert entry.link == f"https://news.stillwater.example/archive/newsletter/{sent.pk}"
    assert not [name for name in NAMES if name in answer.content.decode()]
    answer = browser.get("/archive/newsletter/feed.json")
    feed = json.loads(answer.content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    (item,) = feed["items"]
    assert (item["id"], item["title"]) == (entry.link, entry.title)
    assert "Hello there" in item["content_text"]
    assert "nobody.invalid" not in item["content_text"]
    notes = set(re.findall(r"^\[(\d)\]", item["content_text"], re.MULTILINE))
    assert set(re.findall(r"\[(\d)\]", item["content_text"])) == notes, "no mark leads to a note that was left out"
    assert not [name for name in NAMES if name in answer.content.decode()]


@pytest.mark.parametrize("state", [state for state in EditionState if state != EditionState.SENT])
def test_what_was_not_sent_is_not_there(browser, sent, state):
    type(sent).objects.update(state=state)
    assert browser.get(f"/archive/newsletter/{sent.pk}").status_code == 404
    assert str(sent.pk) not in [item["id"] for item in browser.get("/archive/newsletter/feed.json").json()["items"]]
    assert "None yet." in browser.get("/archive/newsletter").content.decode()


def test_an_edition_of_another_list_is_not_there(browser, sent):
    assert browser.get(f"/archive/letters/{sent.pk}").status_code == 404


@pytest.mark.parametrize("closed", ["private", "none", "gone"])
@pytest.mark.parametrize("rest", ["", "/{}", "/feed.atom", "/feed.json"])
def test_a_closed_archive_is_a_plain_404(browser, sent, workspace, closed, rest):
    nowhere = browser.get("/nowhere").content
    if closed == "private":
        object.__setattr__(workspace.lists.lists["newsletter"], "public", False)
    elif closed == "none":
        object.__setattr__(workspace.config.public, "archive", "none")
    else:
        workspace.lists.lists.pop("newsletter")
    answer = browser.get("/archive/newsletter" + rest.format(sent.pk))
    assert (answer.status_code, answer.content) == (404, nowhere)


def test_many_editions_come_in_pages(browser, sent):
    for number in range(40):
        again = type(sent).objects.get(pk=sent.pk)
        again.pk, again.scheduled_for = None, AT - timedelta(days=number + 1)
        again.save()
        variant = sent.variants.first()
        variant.pk, variant.edition = None, again
        variant.save()
    first, second, beyond = (browser.get(f"/archive/newsletter?page={page}").content.decode() for page in (1, 2, "x"))
    assert [page.count("<time") for page in (first, second, beyond)] == [30, 11, 30]
    assert 'rel="next"' in first
    assert len(browser.get("/archive/newsletter/feed.json").json()["items"]) == 20


@pytest.mark.parametrize("method", ["post", "put", "delete"])
@pytest.mark.parametrize(
    "path",
    [
        "/", "/robots.txt", "/archive/newsletter", "/archive/newsletter/1", "/archive/newsletter/feed.atom",
        "/archive/newsletter/feed.json", "/subscribe/newsletter/form", "/v/x", "/l/x", "/i/x.png",
    ],
)  # fmt: skip
def test_what_can_only_be_read_says_so_to_who_posts(sent, method, path):
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


# Robots


def test_search_engines_keep_nothing_unless_they_may(browser, sent, workspace):
    assert browser.get("/robots.txt").content == b"User-agent: *\nDisallow: /\n"
    for path in ("/archive/newsletter", f"/archive/newsletter/{sent.pk}", "/subscribe/newsletter"):
        assert browser.get(path).headers["X-Robots-Tag"] == "noindex"
    object.__setattr__(workspace.config.public, "robots", "archive")
    assert b"Allow: /archive/" in browser.get("/robots.txt").content
    for path in ("/archive/newsletter", f"/archive/newsletter/{sent.pk}", "/subscribe/newsletter"):
        assert browser.get(path).headers["X-Robots-Tag"] == "all"
    assert browser.get("/nowhere").headers["X-Robots-Tag"] == "noindex"
