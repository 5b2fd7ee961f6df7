"""Whom staff find: against the same in plain Python, and on both databases."""

import json
import os
import subprocess
import sys

import pytest
from tests.audience.looking import NARROWED, WORDS, fill, found

from broadsheet.models import Subscriber, Suppression


def begins(person, words):
    """Whether a search finds that person."""
    names = (person.first_name, person.last_name)
    if words[:1] == "@" and words[1:]:
        return person.domain.startswith(words[1:].casefold())
    if words[:1] == "#" and words[1:]:
        return any(tag.startswith(words[1:].lower()) for tag in person.interests.tags)
    one, _, two = words.partition(" ")
    both = two and any(begins_as(a, one) and begins_as(b, two) for a, b in (names, names[::-1]))
    return both or any(begins_as(each, words) for each in (*names, person.email))


def begins_as(name, word):
    return name.casefold().startswith(word.casefold())


def fits(person, list_name, state, language, interest):
    if language and person.language != language and not person.language.startswith(f"{language}-"):
        return False
    if interest and interest.lower() not in person.interests.tags:
        return False
    said = [each for each in person.subscriptions.all() if list_name in ("", each.list_name)]
    if state == "suppressed":
        return bool(said) and Suppression.objects.filter(email_key=person.email_key).exists()
    return any(state in ("", each.state) for each in said)


@pytest.mark.django_db
def test_everybody_whose_name_or_address_begins_so_is_found_once():
    fill()
    people = list(Subscriber.objects.select_related("interests").prefetch_related("subscriptions"))
    here = found()
    for words in WORDS:
        asked = words if words.isprintable() else ""
        for narrowed in NARROWED:
            wanted = sorted(p.email for p in people if begins(p, asked) and fits(p, *narrowed))
            assert here[" / ".join((words, *narrowed))] == wanted, (words, narrowed)
    assert len({tuple(each) for each in here.values()}) > 30, "searches that all find the same would show nothing"


@pytest.mark.django_db
def test_postgresql_finds_the_same(workspace, database):
    fill()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BROADSHEET")}
    environment |= {"BROADSHEET_WORKSPACE": str(workspace.root), "BROADSHEET_DATABASE": database}
    environment |= {"DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    command = [sys.executable, "-m", "tests.audience.looking"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == found()
