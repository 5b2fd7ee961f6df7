"""Messages that came back: kept first, recorded after, let go of in the end."""

import hashlib
import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from broadsheet.events.bounces import Report, parse, shortened
from broadsheet.events.incoming.recording import Recorder
from broadsheet.models import ReturnedMail

log = logging.getLogger(__name__)


def keep(raw: bytes, source: str, envelope_to: str = "") -> ReturnedMail:
    """The stored message: a new row, or the one of an earlier copy of it."""
    digest = hashlib.sha256(envelope_to.encode("utf-8", "surrogateescape") + b"\0" + raw).hexdigest()
    row, _ = ReturnedMail.objects.get_or_create(
        digest=digest,
        defaults={
            "source": source[:200],
            "envelope_to": envelope_to.encode("utf-8", "replace").decode()[:320],
            "content": shortened(raw),
            "received_at": timezone.now(),
        },
    )
    return row


def record(row: ReturnedMail, recorder: Recorder, report: Report | None = None) -> ReturnedMail:
    """Records what the stored message says, unless that is done already; ``report`` is it, if it was parsed before."""
    with transaction.atomic():
        row = ReturnedMail.objects.select_for_update().get(pk=row.pk)  # somebody else may be at it
        if row.recorded_at is None:
            report = report or parse(bytes(row.content), row.envelope_to)
            row.kind, row.outcome = recorder.record(report, row.pk)
            row.outcome, row.recorded_at = row.outcome[:300], timezone.now()
            row.save(update_fields=["kind", "outcome", "recorded_at"])
            log.info("Message %s from %s: %s, %s", row.pk, row.source, row.kind, row.outcome)
    return row


def record_waiting(recorder: Recorder) -> int:
    """How many messages were recorded that were stored and not worked on yet."""
    waiting = ReturnedMail.objects.filter(recorded_at__isnull=True).order_by("pk").only("pk")
    return sum(record(row, recorder) is not None for row in list(waiting))


def let_go(now: datetime, after: timedelta) -> int:
    """How many messages were recorded so long ago that only what was done about them is kept."""
    old = ReturnedMail.objects.filter(recorded_at__isnull=False, received_at__lt=now - after).exclude(content=b"")
    return old.update(content=b"")
