"""A population with every kind of difference that segments ask for, and segments over it.

Run as a program it fills an empty database and prints who is in each segment, as JSON: the tests compare databases by it.
"""

import json
import sys
from datetime import timedelta
from itertools import product
from pathlib import Path
from unittest.mock import patch

RULES = [
    {"list": "newsletter"},
    {"list": ["newsletter", "letters"]},
    {"interests": {"any": ["sleep", "50%_off"]}},
    {"interests": {"all": ["sleep", "mind"]}},
    {"interests": {"none": ["sleep"]}},
    {"attribute": {"name": "country", "=": "DE"}},
    {"attribute": {"name": "country", "!=": "DE"}},
    {"attribute": {"name": "country", "in": ["DE", "US"]}},
    {"attribute": {"name": "country", "not_in": ["DE", "US"]}},
    {"attribute": {"name": "country", "contains": "e"}},
    {"attribute": {"name": "note", "contains": "100%"}},
    {"attribute": {"name": "note", "starts": "IT'S"}},
    {"attribute": {"name": "age", "=": 40}},
    {"attribute": {"name": "age", "!=": 40}},
    {"attribute": {"name": "age", "in": [18, 40.5]}},
    {"attribute": {"name": "age", "<": 40}},
    {"attribute": {"name": "age", ">": 40}},
    {"attribute": {"name": "age", "between": [18, 40]}},
    {"attribute": {"name": "visit", ">": "2024-06-01"}},
    {"attribute": {"name": "visit", "<": "30d"}},
    {"attribute": {"name": "visit", "between": ["2024-01-01", "2024-12-31"]}},
    {"attribute": {"name": "vip", "=": True}},
    {"attribute": {"name": "vip", "!=": True}},
    {"attribute": {"name": "country", "exists": True}},
    {"attribute": {"name": "unheard of", "exists": False}},
    {"language": ["de", "fr"]},
    {"zone": "Europe/Berlin"},
    {"joined": {"after": "90d"}},
    {"joined": {"before": "2025-01-01"}},
    {"joined": {"after": "2020-01-01", "before": "30d"}},
    {"got": {}},
    {"got": {"campaign": "weekly"}},
    {"got": {"campaign": "weekly", "within": "20d"}},
    {"got": {"edition": 1}},
    {"opened": {"within": "20d"}},
    {"opened": {"campaign": "weekly"}},
    {"opened": {"edition": 2}},
    {"clicked": {}},
    {"never_engaged": True},
    {"never_engaged": False},
    {"domain": ["mail.example", "@POST.example"]},
    {"segment": "germans"},
    {"segment": ["germans", {"any": [{"language": "fr"}, {"opened": {}}]}]},
]
LISTS = """\
lists: {newsletter: {title: Weekly}, letters: {title: Letters}}
attributes: {age: {type: number}, visit: {type: date}, vip: {type: yes/no}}
"""
SEGMENTS = "segments: {germans: {all: [{attribute: {name: country, in: [DE]}}, {list: newsletter}]}}\n"


def fill() -> None:
    """Seventy-two people, with a gap in their numbers, two campaigns with three editions, opens and clicks."""
    from django.utils import timezone

    from broadsheet.audience import interest_set
    from broadsheet.models import Campaign, Delivery, Edition, Event, Subscriber, Subscription, Suppression

    now = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    editions = [
        Edition.objects.create(campaign=campaign, scheduled_for=now - timedelta(days=days), list_name="newsletter")
        for name, ages in (("weekly", (100, 10)), ("other", (5,)))
        for campaign in [Campaign.objects.create(slug=name)]
        for days in ages
    ]
    attributes = (
        {},
        {"country": "DE", "age": 40, "vip": True, "visit": "2024-07-01"},
        {"country": "US", "age": 18, "vip": False, "visit": now.date().isoformat(), "note": 'it\'s 100% "true"'},
        {"country": "fr_E", "age": "forty", "visit": "2023-01-01", "note": "10012"},
        {"country": "AT", "age": 40.5},
        {"age": 0, "vip": "yes"},
    )
    for number, (held, interests, language) in enumerate(
        product(attributes, (["sleep"], ["mind", "sleep"], ["50%_off"], []), ("de", "fr", ""))
    ):
        address = f"p{number:02}@{('mail', 'post', 'reader')[number % 3]}.example"
        person = Subscriber.objects.create(
            pk=number + (1 if number < 60 else 500), email=address, email_key=address, attributes=held, interests=interest_set(interests), language=language,
            time_zone="Europe/Berlin" if number % 2 else "", created_at=now - timedelta(days=20 * number),
        )  # fmt: skip
        for position, name in enumerate(("newsletter", "letters")):
            if number % (position + 2):
                state = ("subscribed", "subscribed", "unsubscribed", "pending")[number % 4]
                Subscription.objects.create(subscriber=person, list_name=name, state=state)
        for position, edition in enumerate(editions):
            if number % (position + 2) == 0:
                continue
            state = "sent" if number % 5 else "failed"
            copy = Delivery.objects.create(edition=edition, subscriber=person, state=state)
            for kind, every in (("opened", 3), ("clicked", 7)):
                if (number + position) % every == 0:
                    Event.objects.create(
                        delivery=copy, kind=kind, at=edition.scheduled_for, subscriber=person, edition=edition
                    )
        if number % 11 == 0:
            Suppression.objects.create(email_key=address, reason="dead")
    for gone in (300, 5_000):
        copy = Delivery.objects.create(edition=editions[0], subscriber_id=gone, state="sent")
        Event.objects.create(
            delivery=copy, kind="opened", at=editions[0].scheduled_for, subscriber_id=gone, edition=editions[0]
        )


def segments() -> dict[str, dict[str, list[dict[str, object]]]]:
    """Every rule alone under each key, and rules together in threes."""
    found = {f"{key} {number}": {key: [rule]} for number, rule in enumerate(RULES) for key in ("all", "any", "none")}
    for number in range(len(RULES)):
        one, two, three = (RULES[(number * step + step) % len(RULES)] for step in (1, 7, 12))
        found[f"mixed {number}"] = {"all": [one], "any": [two, three], "none": [RULES[(number + 20) % len(RULES)]]}
        found[f"nested {number}"] = {"any": [{"segment": {"all": [one], "none": [two]}}, three]}
        found[f"without {number}"] = {"none": [{"segment": {"any": [one, two], "none": [three]}}]}
        found[f"together {number}"] = {"all": [three, one], "none": [two, RULES[(number + 30) % len(RULES)]]}
    return found


def members(workspace: object) -> dict[str, list[str]]:
    """Who is in each of the segments, and who of the newsletter may be mailed of it, and with it excluded."""
    from broadsheet.audience import Target, counting, mailable, segment_members, segment_query, segment_size
    from broadsheet.models import Subscriber
    from broadsheet.workspace import Workspace

    assert isinstance(workspace, Workspace)
    (workspace.root / "subscribers" / "segments.yaml").write_text(
        json.dumps({"segments": {"germans": {"all": [RULES[5], {"list": "newsletter"}]}, **segments()}})
    )
    found, written = {}, Workspace(workspace.root)
    everybody = set(Subscriber.objects.values_list("pk", flat=True))
    for name in segments():
        segment = written.segment(name)
        found[name] = _numbers(Subscriber.objects.filter(segment_query(segment)))
        assert found[name] == _numbers(Subscriber.objects.filter(pk__in=segment_members(segment, everybody))), name
        assert len(found[name]) == segment_size(segment), name
        with patch.object(counting, "WIDEST", 0):  # as with more people than bits are made for
            assert len(found[name]) == segment_size(segment), name
        found[f"mailed {name}"] = _numbers(mailable(Target("newsletter", (segment,))))
        found[f"without {name}"] = _numbers(mailable(Target("newsletter", (), (segment,))))
    return found


def _numbers(rows: object) -> list[str]:
    return sorted(row.email[1:3] for row in rows)  # type: ignore[attr-defined]


if __name__ == "__main__":
    import django

    django.setup()
    from django.core.management import call_command

    from broadsheet.workspace import Workspace

    call_command("migrate", verbosity=0)
    fill()
    json.dump(members(Workspace(Path(sys.argv[1]))), sys.stdout)
