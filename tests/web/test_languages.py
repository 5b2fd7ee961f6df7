"""Pages speak the reader's language; the catalogues are whole, and are what is in their sources."""

import re
import sys
from pathlib import Path

import pytest
from django.test import Client

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

import make_catalogues


@pytest.mark.parametrize(
    ("own", "accepted", "path", "language"),
    [
        ("de", "fr", "u", "de"),
        ("de-AT", "", "p", "de"),
        ("", "fr-CA,en;q=0.5", "u", "fr"),
        ("tlh", "es", "u", "es"),
        ("", "tlh, *;q=0.1", "u", "en"),
        ("", "", "u", "en"),
        ("", "es", "/", "es"),
        ("", "de", "/nowhere", "de"),
        ("", "es", "/?lang=fr", "fr"),
        ("", "en", "/?lang=<b>", "en"),
    ],
)
def test_a_page_is_in_the_readers_language_or_the_browsers(ada, own, accepted, path, language):
    ada.reader.language = own
    ada.reader.save()
    answer = Client().get(path if path.startswith("/") else ada.path(path), headers={"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}"' in answer.content.decode()
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize("accepted", ["x" * 5000, "de;q=abc", ";;;", "\xff", "de-" * 200])
def test_a_header_that_is_rubbish_does_no_harm(ada, accepted):
    assert Client().get("/", headers={"Accept-Language": accepted}).status_code == 200


PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.mark.parametrize("language", make_catalogues.LANGUAGES)
def test_every_message_is_translated_with_its_places_and_compiled(language):
    catalog = make_catalogues.read(language)
    wanted = {message for _path, _line, message in make_catalogues.messages()}
    assert wanted == {message.id for message in catalog if message.id}
    for message in catalog:
        if message.id:
            assert message.string, message.id
            assert not message.fuzzy, message.id
            assert sorted(PLACES.findall(message.id)) == sorted(PLACES.findall(message.string)), message.id
    compiled = (make_catalogues.folder(language) / "django.mo").read_bytes()
    assert compiled == make_catalogues.compiled(catalog), "run `make catalogues`"
