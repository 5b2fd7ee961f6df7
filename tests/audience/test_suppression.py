"""Addresses that must not be mailed, and people who were erased: both outlast imports."""

import pytest
from django.utils import timezone

from broadsheet.audience import (
    Target,
    erase,
    erase_address,
    everything,
    held_on,
    import_people,
    is_suppressed,
    mailable,
    suppress,
    unsuppress,
)
from broadsheet.audience.networks import network_of
from broadsheet.models import (
    Delivery,
    Erased,
    Errand,
    ErrandKind,
    PersonNote,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionReason,
)

pytestmark = pytest.mark.django_db


def mailed():
    return sorted(row.email.partition("@")[0] for row in mailable(Target("newsletter")))


def test_a_suppressed_address_is_not_mailed_whatever_its_case(cast):
    assert is_suppressed("ADA@reader.example") == ""
    assert suppress("ADA@Reader.Example", SuppressionReason.COMPLAINED, "told us so", who="Kim")
    assert is_suppressed("ada@reader.example") == "complained"
    assert "ada" not in mailed()
    assert not suppress("ada@reader.example", SuppressionReason.DEAD), "the first reason stays"
    assert is_suppressed("ada@reader.example") == "complained"


def test_lifting_a_suppression_keeps_who_and_why_and_brings_nobody_back_onto_a_list(cast):
    assert unsuppress("gus@reader.example", "wrote to us", who="Kim")
    assert "gus" in mailed()
    assert not unsuppress("gus@reader.example", "again", who="Kim")
    assert [(note.who, note.what) for note in PersonNote.objects.all()] == [("Kim", "may be mailed again: wrote to us")]
    suppress("eve@reader.example", SuppressionReason.BY_HAND)
    unsuppress("eve@reader.example", "asked", who="Kim")
    assert "eve" not in mailed(), "she has left the list"


def test_who_is_erased_leaves_a_hash_and_nothing_else(cast, freeze, workspace):
    freeze()
    suppress("ada@reader.example", SuppressionReason.BY_HAND, "x", who="Kim")
    pk = cast.ada.pk
    erase(cast.ada)
    assert is_suppressed("Ada@reader.example") == "erased"
    assert not Subscriber.objects.filter(pk=pk).exists()
    for model in (Subscription, Delivery):
        assert not model.objects.filter(subscriber_id=pk).exists()
    assert not Suppression.objects.filter(email_key__contains="ada").exists()
    assert not PersonNote.objects.exists()
    kept = Erased.objects.get()
    assert "ada" not in kept.key_hash
    assert len(kept.key_hash) == 64


def test_the_hash_is_of_no_use_without_the_workspaces_key(cast, settings):
    erase(cast.ada)
    settings.SECRET_KEY = "another"
    assert is_suppressed("ada@reader.example") == ""


def test_no_import_brings_an_erased_person_back(cast, workspace, write):
    erase(cast.ada)
    report = import_people(workspace, write("p.csv", "email\nada@reader.example\nnew@reader.example\n"), "newsletter")
    assert (report.added, report.rejected_lines) == (1, 1)
    assert "was erased, and is not to be mailed; `subscribers unsuppress`" in report.rejected[0].reason
    assert not Subscriber.objects.filter(email_key="ada@reader.example").exists()
    unsuppress("ada@reader.example", "asked to be back", who="Kim")
    assert import_people(workspace, write("p.csv", "email\nada@reader.example\n"), "newsletter").added == 1


def test_everything_held_on_a_person_is_shown_with_their_history(cast, freeze, send, memory):
    send(freeze(), memory)
    suppress("ada@reader.example", SuppressionReason.BY_HAND, "on holiday", who="Kim")
    held = everything(cast.ada)
    assert (held["email"], held["interests"], held["attributes"]) == (
        "ada@reader.example",
        ["sleep"],
        {"country": "DE"},
    )
    whats = [line["what"] for line in held["history"]]
    assert {"joined", "agreed to newsletter", "weekly-20260303T0900: sent", "suppressed (by-hand)"} <= set(whats)
    assert [line["at"] for line in held["history"]] == sorted(line["at"] for line in held["history"])


def test_a_request_that_waits_is_shown_and_erased_with_its_address(cast):
    wish = {"email": "Zoe@Reader.example", "lists": ["newsletter"], "source": "subscribe page", "network": "192.0.2.1"}
    Errand.objects.create(kind=ErrandKind.JOIN, detail=wish)
    Subscription.objects.filter(subscriber=cast.fay).update(asked_at=timezone.now())
    (line,) = held_on("zoe@reader.example")["history"]
    assert (line["what"], line["detail"]) == ("asked for newsletter", "subscribe page; 192.0.2.1")
    assert "written to about newsletter" in [line["what"] for line in everything(cast.fay)["history"]]
    erase_address("zoe@reader.example")
    assert held_on("zoe@reader.example") is None
    assert not Errand.objects.exists()
    assert is_suppressed("zoe@reader.example") == "erased"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.0.2.17", "192.0.2.0"),
        (" 2001:db8:1234:5678::1 ", "2001:db8:1234::"),
        ("localhost", ""),
        ("", ""),
        ("192.0.2.17, 10.0.0.1", ""),
    ],
)
def test_a_network_address_loses_its_last_part(address, kept):
    assert network_of(address, truncate=True) == kept
    assert network_of("192.0.2.17", truncate=False) == "192.0.2.17"
