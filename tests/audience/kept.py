"""A population with all that can be known of people, and every field of every table about them.

Run as a program in a workspace it fills an empty database, takes everybody out and in again in the format it is given,
and prints what was there before and after, as JSON: the tests compare databases by it.
"""

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

LISTS = """\
lists: {newsletter: {title: Weekly}, letters: {title: Letters}, extra: {title: Extra}}
attributes: {age: {type: number}, ratio: {type: number}, visit: {type: date}, vip: {type: yes/no}, lapsed: {type: yes/no},
             size: {type: choice, choices: [s, l]}, note: {type: text}}
"""
SINCE = datetime(2024, 1, 17, 9, 30, 15, 123456, tzinfo=UTC)
EVERY_TYPE = {"age": 41, "ratio": 1.5, "visit": "2024-01-17", "vip": True, "lapsed": False, "size": "l",
              "note": "=1+1", "town": 'Kiel, "N"\nHarbour', "name": "of the boat", "status": "unsubscribed"}  # fmt: skip


def day(number):
    return SINCE + timedelta(days=number)


#: address: fields of the person, what they said to each list, their suppression
PEOPLE = {
    "ada@reader.example": (
        {"first_name": "Ada", "last_name": "Lovelace", "attributes": EVERY_TYPE, "source": "form: footer",
         "language": "en", "time_zone": "Europe/London", "tracking_consent_at": day(3),
         "tracking_consent_wording": " Yes, count me.\r\nBy name."},
        {"newsletter": {"state": "subscribed", "consent_at": day(1), "consent_how": "form", "consent_detail": "footer",
                        "consent_network": "192.0.2.0", "consent_wording": " Weekly, please.\r\n", "frequency": 7},
         "letters": {"state": "unsubscribed", "consent_at": day(2), "consent_how": "staff", "consent_detail": "fair",
                     "left_at": day(9), "left_reason": "Too many; “far” too many"},
         "extra": {"state": "pending", "consent_how": "api", "asked_at": day(4), "asked_times": 2}},
        None,
    ),
    "'+Paused@reader.example": (
        {"first_name": "=cmd|' /C calc'!A0", "last_name": "''"},
        {"newsletter": {"state": "subscribed", "consent_at": day(1), "consent_how": "import", "consent_detail": "old.csv",
                        "paused_until": datetime(2031, 5, 1, tzinfo=UTC), "frequency": 28},
         "letters": {"state": "subscribed", "consent_at": None, "consent_wording": "Words"}},
        None,
    ),
    "käthe@reader.example": ({"language": "de-AT"}, {"newsletter": {"state": "pending"}}, None),
    "left@xn--bcher-kva.example": ({}, {"newsletter": {"state": "unsubscribed", "left_at": None}}, None),
    "nobody@reader.example": ({}, {}, None),
    **{
        f"{reason}@reader.example": (
            {}, {"newsletter": {"state": "subscribed", "consent_at": day(5), "consent_how": "form"}},
            {"reason": reason, "detail": f"because {reason}", "created_at": day(7)},
        )
        for reason in ("dead", "bouncing", "complained", "by-hand")
    },
}  # fmt: skip


def fill():
    """These people."""
    from broadsheet.audience import interest_set, known_address
    from broadsheet.models import Subscriber, Subscription, Suppression

    for number, (address, (fields, lists, suppression)) in enumerate(PEOPLE.items()):
        email, key = known_address(address)
        tags = [["sleep", 'food, drink; "more"'], [], ["sleep"]][number % 3]
        person = Subscriber.objects.create(
            email=email, email_key=key, needs_smtputf8=not email.isascii(), interests=interest_set(tags),
            created_at=day(number), **fields,
        )  # fmt: skip
        for name, said in lists.items():
            Subscription.objects.create(subscriber=person, list_name=name, **said)
        if suppression:
            Suppression.objects.create(email_key=key, reason=suppression["reason"])
            Suppression.objects.filter(email_key=key).update(**suppression)


def everything():
    """Every field of every table about people, by what people are known by."""
    from broadsheet.models import InterestSet, Subscriber, Subscription, Suppression

    keys = dict(Subscriber.objects.values_list("pk", "email_key"))
    tags = dict(InterestSet.objects.values_list("pk", "tags"))
    found = {}
    for model in (Subscriber, Subscription, Suppression):
        names = [field.attname for field in model._meta.concrete_fields if field.attname != "id"]
        rows = [dict(zip(names, row, strict=True)) for row in model.objects.values_list(*names)]
        for row in rows:
            if "subscriber_id" in row:
                row["subscriber_id"] = keys[row["subscriber_id"]]
            if "interests_id" in row:
                row["interests_id"] = tags[row["interests_id"]]
        found[model.__name__] = sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
    return found


def there_and_back(workspace, form):
    """Everything before and after; the import's report of rejected lines, and what a second run of it changes."""
    from broadsheet import audience
    from broadsheet.models import Subscriber, Subscription, Suppression

    fill()
    before = everything()
    out = io.StringIO(newline="")
    people = audience.chosen()
    lines = audience.csv_lines(workspace, people) if form == "csv" else audience.json_lines(audience.records(people))
    audience.written(lines, out)
    path = workspace.root / "subscribers" / f"own.{form}"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    for model in (Subscription, Suppression, Subscriber):
        model.objects.all().delete()
    first = audience.import_people(workspace, path)
    after = everything()
    second = audience.import_people(workspace, path, choices=audience.ImportChoices(update="all"))
    return {
        "before": before,
        "after": after,
        "rejected": [each.reason for each in first.rejected],
        "again": [second.added, second.updated, second.unchanged, everything() == after],
    }


if __name__ == "__main__":
    Path("subscribers/lists.yaml").write_text(LISTS, encoding="utf-8")
    from broadsheet.cli.setup import ready

    json.dump(there_and_back(ready(), sys.argv[1]), sys.stdout)
