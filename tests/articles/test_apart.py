"""What strangers write may be large, nested or twisted: reading it is bounded, and never hangs a sync."""

import os
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles import apart, folders, sync
from broadsheet.articles.apart import in_time, is_large
from broadsheet.articles.feeds import MOST_ENTRIES, read_feed
from broadsheet.articles.fetching import Answer
from broadsheet.articles.parsing import Context
from broadsheet.articles.polling import read_body
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle, TooSlow
from broadsheet.models import Article

SLOW = "# T\n" + "<div>" * 60_000  # elements in elements: a minute and more


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(apart.in_time, "__kwdefaults__", {"seconds": 2})
    monkeypatch.setattr(folders, "MOST_SLOW", 1)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # the other process knows this file's functions


@pytest.fixture
def context():
    return Context("https://x.example", "en", ZoneInfo("UTC"))


def spin(_text):
    while True:
        pass


def gorge(text):
    return text * 100_000


def crash(_text):
    os.abort()


def refuse(text, where):
    raise RejectedArticle(Problem("a.md", where, f"has {len(text)} characters"))


def swap(text, one, other):
    print("noise on standard output")
    return other, one, len(text)


LONG = "x" * 100_001


def test_what_is_small_is_read_in_this_process(monkeypatch):
    monkeypatch.setattr(apart.subprocess, "run", None)
    assert in_time(swap, "small", 1, 2) == (2, 1, 5)
    assert [is_large(text) for text in ("a" * 100_000, LONG, "[" * 4_001, b"{" * 4_001)] == [False, True, True, True]


def test_what_is_large_is_read_apart_with_the_same_answer():
    assert in_time(swap, LONG, 1, 2) == (2, 1, 100_001)


def test_a_refusal_from_apart_is_the_same_refusal():
    with pytest.raises(RejectedArticle) as caught:
        in_time(refuse, LONG, "line 3")
    assert caught.value.problem == Problem("a.md", "line 3", "has 100001 characters")


@pytest.mark.parametrize(
    ("work", "kind", "words"),
    [
        (spin, TooSlow, "takes longer than 2 seconds to read"),
        (gorge, BroadsheetError, r"can't be read \(MemoryError\)"),
        (crash, TooSlow, "or can't be read at all"),
    ],
)
def test_what_takes_too_much_is_ended_with_a_reason(work, kind, words):
    with pytest.raises(kind, match=words):
        in_time(work, LONG * 3)


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_a_feed_of_too_many_entries_is_refused_with_their_number(context, kind):
    number = MOST_ENTRIES + 1
    body = {
        "rss": b"<rss><channel>" + b"<item></item>" * number,
        "atom": b'<a:feed xmlns:a="http://www.w3.org/2005/Atom">' + b"<a:entry >" * number,
        "json": b'{"version": "https://jsonfeed.org/version/1.1", "items": [' + b"{}," * (number - 1) + b"{}]}",
    }[kind]
    with pytest.raises(BroadsheetError, match=r"has 5,001 entries; at most 5,000 are read"):
        read_feed(Answer(body, "https://x.example/feed", content_type=kind), context)


def test_a_twisted_feed_is_ended_and_says_so(context):
    item = "<item><link>https://x.example/1</link><description>" + "&lt;div&gt;" * 60_000 + "</description></item>"
    body = f"<rss version='2.0'><channel>{item}</channel></rss>".encode()
    with pytest.raises(TooSlow, match="takes longer than 2 seconds"):
        in_time(read_body, body, Answer(None, "https://x.example/feed"), context)


@pytest.mark.django_db
def test_a_folder_of_twisted_files_does_not_hold_the_others_up(workspace, write):
    write("articles/good.md", "# Good")
    write("articles/long.md", "# Long\n\n" + "A long story. " * 10_000)
    for number in range(3):
        write(f"articles/slow{number}.md", SLOW)
    start = time.monotonic()
    report = sync(workspace)
    assert time.monotonic() - start < 120
    assert set(Article.objects.values_list("slug", flat=True)) == {"good", "long"}
    assert [each.path for each in report.rejected] == [f"articles/slow{number}.md" for number in range(3)]
    assert ["other files took too long" in each.reason for each in report.rejected] == [False, True, True]
