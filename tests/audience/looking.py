"""People, and what staff may look for among them.

Run as a program it fills an empty database and prints whom each search finds, as JSON: a test compares databases by it.
"""

import json
import sys
from datetime import UTC, datetime

NAMES = [("Ann", "Åberg"), ("anna", "O'Hara"), ("ÖZLEM", "Öz"), ("100%", "Under_score"), ("Jean Luc", ""), ("", "ann")]
WORDS = [
    "", "a", "an", "AN", "ann", "öz", "Öz", "å", "100%", "1%", "under_", "underX", "o'h", "\\", "_", "%", "p1", "P1",
    "jean luc", "jean l", "anna o", "hara", "ann å", "#sl", "#deep", "#50%", "#5_%", "#x", "@mail", "@MAIL", "@other", "@_", "\x00", "\U0010ffff",
]  # fmt: skip
#: list, state, language, interest
NARROWED = [
    ("", "", "", ""), ("newsletter", "subscribed", "", ""), ("", "pending", "", ""), ("letters", "suppressed", "", ""),
    ("", "", "de", ""), ("newsletter", "", "", "Sleep"), ("", "suppressed", "fr", "mind"), ("", "", "", "50%_off"),
]  # fmt: skip


def fill():
    """Thirty-six people."""
    from broadsheet.audience import interest_set
    from broadsheet.models import Subscriber, Subscription, Suppression

    for number in range(36):
        first, last = NAMES[number % len(NAMES)]
        address = f"{('p', 'an', 'ö')[number % 3]}{number}@{('mail', 'other')[number % 2]}.example"
        person = Subscriber.objects.create(
            email=address,
            email_key=address,
            first_name=first,
            last_name=last,
            language=("de", "de-AT", "fr", "", "den")[number % 5],
            interests=interest_set([["sleep"], ["deep sleep", "mind"], ["50%_off"]][number % 3]),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        state = ("subscribed", "pending", "unsubscribed")[number % 5 % 3]
        Subscription.objects.create(
            subscriber=person, list_name=("newsletter", "letters")[number % 4 == 0], state=state
        )
        if number % 6 == 0:
            Suppression.objects.create(email_key=address, reason="dead")


def found():
    """Whom each search finds, page after page."""
    from broadsheet.audience import Wanted, find

    everybody = {}
    for words in WORDS:
        for narrowed in NARROWED:
            people, after = [], ""
            while True:
                page = find(Wanted(words, *narrowed), after, size=10)
                people += [row.email for row in page.readers]
                after = page.after
                if not after:
                    break
            assert len(people) == len(set(people)), (words, narrowed)
            everybody[" / ".join((words, *narrowed))] = sorted(people)
    return everybody


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    fill()
    json.dump(found(), sys.stdout)
