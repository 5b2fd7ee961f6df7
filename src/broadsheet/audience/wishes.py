"""What readers wish of a list: how often, and not before when."""

from datetime import datetime

from broadsheet.models import Frequency, Subscription

#: How frequencies are called in forms, scripts and exports.
FREQUENCIES: dict[str, int | None] = {"every": None, **{each.name.lower(): each.value for each in Frequency}}


def frequency_name(frequency: int | None) -> str:
    """``every``, ``weekly``, ``monthly``."""
    return next(name for name, value in FREQUENCIES.items() if value == frequency)


def set_wishes(subscriber_id: int, list_name: str, frequency: int | None, paused_until: datetime | None) -> bool:
    """Keep how often the reader wants the list's mail, and not before when; whether they are on it at all."""
    rows = Subscription.objects.filter(subscriber_id=subscriber_id, list_name=list_name)
    return bool(rows.update(frequency=frequency, paused_until=paused_until))
