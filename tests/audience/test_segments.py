"""Segments: rules to one query, and to a sentence."""

import pytest
from pydantic import TypeAdapter

from broadsheet.audience import import_people, segment_members, segment_query, segment_sentence, segment_size
from broadsheet.models import Subscriber
from broadsheet.workspace import Segment

pytestmark = pytest.mark.django_db


def segment(**rules):
    return TypeAdapter(Segment).validate_python(rules)


@pytest.fixture
def members(cast):
    """The first names in the addresses of who is in the segment with these rules."""

    def found(**rules):
        addresses = Subscriber.objects.filter(segment_query(segment(**rules))).values_list("email", flat=True)
        assert len(set(addresses)) == len(addresses)
        everybody = set(Subscriber.objects.values_list("pk", flat=True))
        among = Subscriber.objects.filter(pk__in=segment_members(segment(**rules), everybody))
        assert set(among.values_list("email", flat=True)) == set(addresses), "a page of people finds the same"
        assert segment_size(segment(**rules)) == len(addresses)
        return " ".join(sorted(address.partition("@")[0] for address in addresses))

    return found


EVERYBODY = "ada ben cleo dan eve fay gus hal"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, EVERYBODY),
        ({"all": [{"list": "newsletter"}]}, "ada ben cleo dan gus"),
        ({"all": [{"list": ["newsletter", "letters"]}]}, "ada ben cleo dan gus hal"),
        ({"all": [{"list": "letters"}]}, "hal"),
        ({"all": [{"interests": {"any": ["sleep"]}}]}, "ada cleo eve fay gus hal"),
        ({"all": [{"interests": {"any": ["Sleep", "GARDENING"]}}]}, "ada cleo dan eve fay gus hal"),
        ({"all": [{"interests": {"all": ["sleep", "movement"]}}]}, "cleo"),
        ({"all": [{"interests": {"any": ["sleep"], "none": ["movement"]}}]}, "ada eve fay gus hal"),
        ({"all": [{"interests": {"any": ["nothing like it"]}}]}, ""),
        ({"all": [{"language": "de"}]}, "cleo"),
        ({"all": [{"language": ["de", "en"]}]}, "ben cleo"),
        ({"all": [{"attribute": {"name": "country", "in": ["DE", "GB"]}}]}, "ada ben"),
        ({"all": [{"attribute": {"name": "country", "in": "DE"}}]}, "ada"),
        ({"all": [{"attribute": {"name": "country", "not_in": ["DE", "GB"]}}]}, "cleo dan eve fay gus hal"),
        ({"all": [{"attribute": {"name": "country", "exists": True}}]}, "ada ben cleo"),
        ({"all": [{"attribute": {"name": "country", "exists": False}}]}, "dan eve fay gus hal"),
        ({"none": [{"attribute": {"name": "country", "in": ["DE", "GB"]}}]}, "cleo dan eve fay gus hal"),
        ({"none": [{"attribute": {"name": "country", "not_in": ["DE", "GB"]}}]}, "ada ben"),
        ({"none": [{"attribute": {"name": "unheard of", "in": ["DE"]}}]}, EVERYBODY),
        ({"none": [{"list": "newsletter"}, {"language": "de"}]}, "eve fay hal"),
        ({"any": [{"language": "de"}, {"attribute": {"name": "country", "in": ["DE"]}}]}, "ada cleo"),
        (
            {
                "all": [{"list": "newsletter"}],
                "any": [{"interests": {"any": ["sleep"]}}, {"language": "en"}],
                "none": [{"attribute": {"name": "country", "in": ["AT"]}}],
            },
            "ada ben gus",
        ),
    ],
)
def test_a_segment_holds_exactly_those_who_fit_every_rule(members, rules, expected):
    assert members(**rules) == expected


def test_a_value_is_compared_as_a_value_and_never_as_sql(members):
    assert members(all=[{"attribute": {"name": "country", "in": ["DE') OR 1=1 --"]}}]) == ""
    assert members(all=[{"attribute": {"name": 'x" OR 1=1 --', "in": ["DE"]}}]) == ""


@pytest.mark.parametrize(
    ("test", "expected"), [({"contains": "ÄRMEL"}, "ada ben"), ({"starts": "ä"}, "ada"), ({"starts": "ä."}, "")]
)
def test_any_case_of_the_letters_is_that_of_all_letters(members, cast, test, expected):
    cast.ada.attributes, cast.ben.attributes = {"coast": "Ärmelkanal"}, {"coast": "am ärmelkanal"}
    for reader in (cast.ada, cast.ben):
        reader.save()
    assert members(all=[{"attribute": {"name": "coast", **test}}]) == expected


@pytest.mark.parametrize("domain", ["Bücher.example", "@xn--bcher-kva.example", "BÜCHER.EXAMPLE"])
def test_an_international_domain_is_found_as_people_write_it(members, cast, domain):
    cast.ada.email = cast.ada.email_key = "ada@xn--bcher-kva.example"
    cast.ada.save()
    assert members(all=[{"domain": domain}]) == "ada"


def test_changed_interests_change_the_segment_at_once(members, cast):
    from broadsheet.audience import set_interests

    set_interests(cast.ada, ["gardening"])
    assert members(all=[{"interests": {"any": ["gardening"]}}]) == "ada dan"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({}, "everybody"),
        ({"all": [{"list": "newsletter"}]}, "people on newsletter"),
        (
            {"all": [{"list": "newsletter"}, {"interests": {"any": ["sleep", "movement"]}}]},
            "people on newsletter, interested in sleep or movement",
        ),
        (
            {"all": [{"interests": {"all": ["sleep", "mind"], "none": ["sponsored"]}}]},
            "people interested in all of sleep, mind, not interested in sponsored",
        ),
        ({"any": [{"language": "de"}, {"list": "letters"}]}, "people either reading de or on letters"),
        (
            {"all": [{"attribute": {"name": "country", "in": ["DE", "AT"]}}], "none": [{"list": "letters"}]},
            "people with country DE or AT, but not on letters",
        ),
        ({"all": [{"attribute": {"name": "country", "not_in": ["DE"]}}]}, "people whose country is not DE"),
        ({"all": [{"attribute": {"name": "country", "exists": False}}]}, "people without country"),
    ],
)
def test_a_segment_is_said_in_english(rules, sentence):
    assert segment_sentence(segment(**rules)) == sentence


@pytest.mark.parametrize(
    ("rule", "found"),
    [("de", "a b c"), ("DE", "a b c"), ("de-AT", "b"), ("de_at", "b"), (["d", "den"], "d"), ("zh", "e")],
)
def test_a_language_is_found_however_it_was_imported_and_with_its_regions(workspace, write, rule, found):
    lines = "a@r.example,DE\nb@r.example,de_at\nc@r.example,de-ch-1996\nd@r.example,den\ne@r.example,ZH-hant-tw\n"
    import_people(workspace, write("subscribers/people.csv", f"email,language\n{lines}"), "newsletter")
    kept = ["de", "de-AT", "de-CH-1996", "den", "zh-Hant-TW"]
    assert list(Subscriber.objects.order_by("email").values_list("language", flat=True)) == kept
    rules = segment(all=[{"language": rule}])
    people = Subscriber.objects.filter(segment_query(rules)).order_by("email")
    assert [each.email[0] for each in people] == found.split()
    assert segment_size(rules) == len(people)
