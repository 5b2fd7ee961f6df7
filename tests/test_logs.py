"""What processes that stay write on standard error."""

import json
import logging

import pytest
from django.test import Client

from broadsheet import logs
from broadsheet.conf import Logging
from broadsheet.models import DeliveryState
from broadsheet.schedule import senders
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.memory import MemoryOutbox

log = logging.getLogger("broadsheet.test")


@pytest.fixture
def said(capsys):
    """The lines that a piece of work writes, with these settings."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level

    def lines(work, **settings):
        logs.configure(Logging(**settings))
        work()
        return capsys.readouterr().err.splitlines()

    yield lines
    root.handlers[:] = before
    root.setLevel(level)


def _talk():
    log.info("Edition %s to %s", 12, "ada@reader.example", extra={"edition": 12, "reply": "550 <ben@reader.example>"})
    try:
        int("a\nben@reader.example")
    except ValueError:
        log.exception("It failed for „ümit@bücher.example“")


def test_json_is_one_object_a_line_with_ids_and_without_addresses(said):
    first, second = (json.loads(line) for line in said(_talk, format="json"))
    assert first["edition"] == 12
    assert (first["message"], first["reply"]) == ("Edition 12 to ‹address›", "550 <‹address›>")
    assert (first["level"], first["logger"]) == ("INFO", "broadsheet.test")
    assert first["time"].endswith("+00:00")
    assert second["traceback"].endswith("ValueError: invalid literal for int() with base 10: 'a\\‹address›'")


@pytest.mark.parametrize("form", ["text", "json"])
def test_addresses_stand_in_it_only_if_they_are_asked_for(said, form):
    hidden, shown = "\n".join(said(_talk, format=form)), "\n".join(said(_talk, format=form, addresses=True))
    for address in ("ada@reader.example", "ben@reader.example", "ümit@bücher.example"):
        assert address not in hidden
        assert address in shown


@pytest.mark.parametrize("host", ["evil.example", "evil.example\\x" * 500, "a_b..c"])
def test_a_request_for_a_foreign_host_is_one_short_line(said, workspace, db, host):
    def ask():
        assert Client().get("/robots.txt", headers={"Host": host}).status_code == 400

    (line,) = said(ask)
    assert "A request was refused with 400: Invalid HTTP_HOST header: " in line
    assert line.endswith("That is neither the host of public.url nor one of public.allowed_hosts.")
    assert len(line) < 300
    (line,) = said(ask, format="json")
    assert json.loads(line)["level"] == "WARNING"
    assert not {"request", "traceback"} & set(json.loads(line))
    assert said(ask, level="error") == []


def test_a_level_leaves_out_what_is_below_it(said):
    assert len(said(_talk, level="error", format="json")) == 1


def test_a_worker_s_name_and_a_broker_are_no_addresses(said):
    (line,) = said(lambda: log.info("celery@worker-1 at redis://:**@127.0.0.1:6379/0"))
    assert line.endswith("celery@worker-1 at redis://:**@127.0.0.1:6379/0")


def test_each_copy_is_a_line_with_its_ids(said, cast, freeze, workspace, monkeypatch):
    edition = freeze()
    refused = {"ada@reader.example": Outcome(0, Result.FAILED, "550 5.1.1 no ada@reader.example here")}
    monkeypatch.setattr("broadsheet.sending.make_adapter", lambda *_: MemoryOutbox(refused))
    monkeypatch.setattr(senders.connections, "close_all", lambda: None)
    lines = [
        json.loads(line)
        for line in said(lambda: senders.send(workspace, edition, lambda: False), format="json", level="debug")
    ]
    copies = {each["delivery"]: each for each in lines if "delivery" in each}
    assert {each["edition"] for each in copies.values()} == {edition.pk}
    states = dict(edition.deliveries.exclude(state=DeliveryState.SKIPPED).values_list("pk", "state"))
    assert {pk: each["result"] for pk, each in copies.items()} == states
    (failed,) = (each for each in copies.values() if each["result"] == "failed")
    assert (failed["level"], failed["reply"]) == ("INFO", "550 5.1.1 no ‹address› here")
    assert lines[-1]["sent"] == 2
    assert "reader.example" not in json.dumps(lines)
