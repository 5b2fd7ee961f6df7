"""Copies that were sent, reports on them, and a mailbox that they arrive in."""

import shutil
import tempfile
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.utils import timezone
from tests.events import dovecot
from tests.installed import needs

from broadsheet import pipeline
from broadsheet.events import Recorder
from broadsheet.events.bounces import parse
from broadsheet.models import Campaign, Delivery, DeliveryState, Edition, EditionState


@pytest.fixture(scope="session")
def mail_server():
    """Dovecot, for the whole session."""
    needs(dovecot.PROGRAM, "dovecot-imapd")
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-dovecot-"))
    try:
        with dovecot.running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def server(mail_server, monkeypatch):
    """Dovecot with an empty mailbox, whose certificate is trusted."""
    mail_server.empty()
    monkeypatch.setenv("SSL_CERT_FILE", str(mail_server.certificate))
    return mail_server


@pytest.fixture
def recorder(db):
    """What records reports here."""
    return Recorder(pipeline.signer(), suppress_after=5)


@pytest.fixture
def copy(cast):
    """A copy that left for a reader, Ada if nobody is named: ``copy(cast.ben, days=3)`` for one of three days ago."""

    def sent(reader=None, days=0):
        campaign, _ = Campaign.objects.get_or_create(slug="weekly")
        at = timezone.now() - timedelta(days=days)
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        edition, _ = Edition.objects.get_or_create(
            campaign=campaign,
            scheduled_for=day,
            defaults={"list_name": "newsletter", "state": EditionState.SENT},
        )
        return Delivery.objects.create(
            edition=edition, subscriber=reader or cast.ada, state=DeliveryState.SENT, at=at, attempts=1
        )

    return sent


def word(copy, purpose):
    return pipeline.signer().make(purpose, copy.edition_id, copy.subscriber_id)


@pytest.fixture
def report():
    """A report on a copy: RFC 3464, returning the header of the copy, to its return path.

    ``signed`` says what of it is left: ``b`` the return path, ``m`` the Message-ID, ``u`` the unsubscribe link.
    """

    def made(copy, reply="550 5.1.1 No such user", status="5.1.1", *, signed="b", address=None, number=0):
        address = address or copy.subscriber.email
        to = f"b+{word(copy, 'b')}@back.example" if "b" in signed else "bounces@back.example"
        kept = [f"To: {address}"]
        if "m" in signed:
            kept.append(f"Message-ID: <{word(copy, 'm')}@news.example>")
        if "u" in signed:
            kept.append(f"List-Unsubscribe: <https://news.example/u/{word(copy, 'u')}>")
        return "\r\n".join(
            [
                "Return-Path: <>",
                "From: MAILER-DAEMON@mx.example",
                f"To: {to}",
                f"Message-ID: <report-{number}@mx.example>",
                "Subject: Undelivered Mail Returned to Sender",
                "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
                *("", "--x", "Content-Type: text/plain", "", "It could not be delivered."),
                *("", "--x", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example", ""),
                *(f"Final-Recipient: rfc822; {address}", "Action: failed", f"Status: {status}"),
                f"Diagnostic-Code: smtp; {reply}",
                *("", "--x", "Content-Type: text/rfc822-headers", "", *kept, "", "--x--", ""),
            ]
        ).encode()

    return made


@pytest.fixture
def complaint():
    """An RFC 5965 complaint about a copy."""

    def made(copy, *, signed=True, kind="abuse"):
        original = f"Message-ID: <{word(copy, 'm')}@news.example>" if signed else "Subject: Weekly"
        return (
            "From: loop@portal.example\r\nTo: fbl@back.example\r\nSubject: Report\r\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n\r\n--x\r\n"
            "Content-Type: message/feedback-report\r\n\r\n"
            f"Feedback-Type: {kind}\r\nVersion: 1\r\nOriginal-Rcpt-To: {copy.subscriber.email}\r\n\r\n--x\r\n"
            f"Content-Type: message/rfc822\r\n\r\n{original}\r\n\r\nHello.\r\n--x--\r\n"
        ).encode()

    return made


@pytest.fixture
def goodbye():
    """A mail by which a reader leaves."""

    def made(copy, token=None, **fields):
        mail = EmailMessage()
        mail["From"] = copy.subscriber.email
        mail["To"] = f"unsub+{token or word(copy, 'u')}@back.example"
        mail["Subject"] = "unsubscribe"
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content("")
        return mail.as_bytes()

    return made


@pytest.fixture
def take(recorder):
    """Records a message; what was done about it."""

    def taken(raw):
        return recorder.record(parse(raw), 7)

    return taken
