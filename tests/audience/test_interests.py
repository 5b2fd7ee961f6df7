"""Interests are sets that readers share, and readers as a message sees them."""

import pytest

from broadsheet.audience import interest_set, readers, set_interests
from broadsheet.audience.interests import normal_tags
from broadsheet.models import InterestSet

pytestmark = pytest.mark.django_db


def test_the_same_interests_in_any_order_and_spelling_are_one_set():
    first = interest_set(["Chronic  Pain", "sleep", "sleep", ""])
    assert interest_set(["SLEEP", "chronic pain"]) == first
    assert first.tags == ["chronic pain", "sleep"]
    assert InterestSet.objects.count() == 1


def test_a_tag_can_not_hold_the_sign_that_parts_tags():
    assert normal_tags(["a|b"]) == ("a b",)
    assert interest_set(["a|b"]) != interest_set(["a", "b"])


def test_having_no_interests_is_a_set_too():
    assert interest_set([]) == interest_set([""])


def test_changing_ones_interests_leaves_those_who_shared_them_alone(cast):
    set_interests(cast.ada, ["mind"])
    assert readers([cast.ada.pk, cast.hal.pk])[cast.ada.pk].values["interests"] == ["mind"]
    assert readers([cast.ada.pk, cast.hal.pk])[cast.hal.pk].values["interests"] == ["sleep"]


def test_what_nobody_told_us_about_a_reader_is_left_out(cast):
    reader = readers([cast.dan.pk])[cast.dan.pk]
    assert reader.name == ""
    assert set(reader.values) == {"email", "interests"}


def test_an_attribute_can_not_stand_in_for_a_readers_own_address(join):
    person = join("ada@reader.example", first_name="Ada")
    person.attributes = {"email": "other@reader.example", "first_name": "Eve", "country": "DE"}
    person.save()
    values = readers([person.pk])[person.pk].values
    assert (values["email"], values["first_name"], values["country"]) == ("ada@reader.example", "Ada", "DE")
