"""A stamped copy as the providers' APIs want it: taken apart again."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

from django.core.mail import EmailMultiAlternatives

from broadsheet.stamping import Mail

#: What APIs take as fields of their own or make themselves.
_OWN_FIELDS: Final = {
    *("from", "to", "subject", "reply-to", "date"),
    *("mime-version", "content-type", "content-transfer-encoding"),
}


@dataclass(frozen=True)
class Parts:
    """What a stamped copy holds."""

    sender: str
    to: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    """All but those that have a place of their own."""

    @property
    def address(self) -> str:
        """The reader's address alone."""
        return parseaddr(self.to)[1]

    @property
    def tag(self) -> str:
        """The edition's name, by which providers and their events know its mails; empty for a test copy."""
        return self.headers.get("Feedback-ID", "").partition(":")[0]


def parts_of(mail: Mail) -> Parts:
    """The copy's parts."""
    parsed: EmailMessage = message_from_bytes(mail.content, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return Parts(
        sender=str(parsed["from"] or ""),
        to=str(parsed["to"] or mail.rcpt_to),
        reply_to=str(parsed["reply-to"] or ""),
        subject=str(parsed["subject"] or ""),
        text=text.get_content() if text else "",
        html=html.get_content() if html else "",
        headers={name: str(value) for name, value in parsed.items() if name.lower() not in _OWN_FIELDS},
    )


def as_django_message(parts: Parts) -> EmailMultiAlternatives:
    """The parts as Django's message."""
    message = EmailMultiAlternatives(
        subject=parts.subject,
        body=parts.text,
        from_email=parts.sender,
        to=[parts.to],
        reply_to=[parts.reply_to] if parts.reply_to else None,
        headers=dict(parts.headers),
    )
    if parts.html:
        message.attach_alternative(parts.html, "text/html")
    return message
