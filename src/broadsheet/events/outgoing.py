"""Tells other programs what happened: signed posts (Standard Webhooks), written down first and tried again.

See https://www.standardwebhooks.com for the signature, the headers and the delays between tries.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import requests
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import EmptyWebhookSecretError

from broadsheet.conf import Webhook
from broadsheet.conf.webhooks import Told
from broadsheet.models import Outgoing

log = logging.getLogger(__name__)

#: How long a post that was not taken waits for its next try; after the last it is given up.
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
#: Seconds that a program has to answer.
TIMEOUT = 15.0
#: How long a try keeps others from trying, and how long what is over is kept.
_LEASE, KEPT = timedelta(minutes=1), timedelta(days=30)
_GONE = 410


def announce(kind: Told, data: Mapping[str, Any], at: datetime | None = None) -> int:
    """Write down what happened for every webhook that wants to hear of it; how many do."""
    assert kind in get_args(Told), kind
    now = at or timezone.now()
    payload = {"type": kind, "timestamp": now.astimezone(UTC).isoformat(), "data": dict(data)}
    rows = [
        Outgoing(
            endpoint=name,
            kind=kind,
            message_id=f"msg_{secrets.token_hex(16)}",
            payload=payload,
            next_at=now,
            created_at=now,
        )
        for name, webhook in _webhooks().items()
        if not webhook.events or kind in webhook.events
    ]
    Outgoing.objects.bulk_create(rows)
    return len(rows)


def deliver_due(now: datetime, limit: int = 200) -> int:
    """Post what is due; how many were taken. One webhook that doesn't answer holds up nobody else's for long."""
    taken, unwell = 0, set[str]()
    with requests.Session() as session:
        for row in Outgoing.objects.filter(next_at__lte=now).order_by("next_at", "pk")[:limit]:
            if row.endpoint in unwell or not _claimed(row, now):
                continue
            reason, final = _post(session, row, now)
            taken += not reason
            if reason:
                unwell.add(row.endpoint)
                log.warning("Webhook %s: %s was not taken (%s)", row.endpoint, row.kind, reason)
            _note(row, now, reason, final=final)
    return taken


def forget(before: datetime) -> int:
    """Delete what was told, or given up, before that time; how many."""
    gone, _ = Outgoing.objects.filter(next_at__isnull=True, created_at__lt=before).delete()
    return gone


def _webhooks() -> Mapping[str, Webhook]:
    known: Mapping[str, Webhook] = settings.WORKSPACE.config.webhooks
    return known


def _claimed(row: Outgoing, now: datetime) -> bool:
    mine = Outgoing.objects.filter(pk=row.pk, next_at=row.next_at)
    return bool(mine.update(next_at=now + _LEASE, attempts=F("attempts") + 1))


def _post(session: requests.Session, row: Outgoing, now: datetime) -> tuple[str, bool]:
    """Why the post was not taken, empty if it was, and whether that is final."""
    webhook = _webhooks().get(row.endpoint)
    if webhook is None:
        return "broadsheet.toml names this webhook no longer", True
    if webhook.secret is None:
        return "its secret is not set", False
    body = json.dumps(row.payload, ensure_ascii=False, separators=(",", ":"))
    moment = now.astimezone(UTC)
    try:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Broadsheet",
            "webhook-id": row.message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Signer(webhook.secret.get_secret_value()).sign(row.message_id, moment, body),
        }
        answer = session.post(
            webhook.url, data=body.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
        )
        answer.close()
    except requests.RequestException as error:
        return f"no answer: {type(error).__name__}", False
    except (ValueError, RuntimeError, EmptyWebhookSecretError) as error:
        return f"its secret is none that Standard Webhooks knows ({error})", False
    if answer.ok and answer.status_code < 300:
        return "", True
    return f"answered {answer.status_code}", answer.status_code == _GONE


def _note(row: Outgoing, now: datetime, reason: str, *, final: bool) -> None:
    tries = row.attempts  # before this one
    over = final or tries >= len(RETRIES)
    Outgoing.objects.filter(pk=row.pk).update(
        next_at=None if over else now + RETRIES[tries],
        taken_at=None if reason else now,
        reason=reason[:300],
    )
