"""How often the pages may be asked to write to somebody: counted in the database, for all processes together."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import connection
from django.utils import timezone

from broadsheet.models import Allowance, Subscriber

WINDOW = timedelta(hours=1)
#: How often in that time one reader may ask for a mail about their data.
DATA_ASKS = 3


def may_join(email_key: str, client: str) -> bool:
    """Whether that address may be entered once more by somebody at that network address; counts it."""
    public = settings.WORKSPACE.config.public
    return take(
        {f"address:{email_key}": public.asks_per_address, f"network:{network(client)}": public.asks_per_network}
    )


def may_ask_for_data(subscriber: Subscriber) -> bool:
    """Whether the reader may be written to about their data once more; counts it."""
    return take({f"data:{subscriber.pk}": DATA_ASKS})


def network(client: str) -> str:
    """The network that a client counts with: its /24, or its /56 of IPv6, of which one household has all."""
    try:
        found = ip_address(client)
    except ValueError:
        return "unknown"
    return str(ip_network((found, 24 if found.version == 4 else 56), strict=False))


def take(limits: Mapping[str, int]) -> bool:
    """Count one use of each key; whether all were below their limit. What is used up is only read."""
    hashed = {_key(key): limit for key, limit in limits.items()}
    now = timezone.now()
    used = Allowance.objects.filter(key__in=hashed, until__gt=now).values_list("key", "used")
    if any(count >= hashed[key] for key, count in used):
        return False
    moment = connection.ops.adapt_datetimefield_value
    rows = [value for key in sorted(hashed) for value in (key, 1, moment(now + WINDOW))]  # in order: no deadlock
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO broadsheet_allowance (key, used, until) VALUES {', '.join(['(%s, %s, %s)'] * len(hashed))}"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET"
            " used = CASE WHEN broadsheet_allowance.until > %s THEN broadsheet_allowance.used + 1 ELSE 1 END,"
            " until = CASE WHEN broadsheet_allowance.until > %s THEN broadsheet_allowance.until ELSE excluded.until END"
            " RETURNING key, used",
            [*rows, moment(now), moment(now)],
        )
        return all(count <= hashed[key] for key, count in cursor.fetchall())


def _key(text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
