"""One reader's mail as the page shows it."""

import html as html_text
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from email.utils import parseaddr

from broadsheet import drafts, pipeline
from broadsheet.audience import Reader
from broadsheet.audience.readers import reader_of
from broadsheet.models import Article, Subscriber
from broadsheet.sending.inbox import CaughtMail, Summary
from broadsheet.web.preview.desk import TOO_FEW, Desk, Draft, made_up_picks, subscriber
from broadsheet.web.preview.people import full_name, named, why_nothing

#: What an inbox may show of a mail's beginning.
SNIPPET = 140

_UNSEEN = re.compile(r"(?is)<!--.*?-->|<(head|style|script|title)\b.*?</\1\s*>")
_TAG = re.compile(r"(?s)<[^>]*>")
_FILLER = re.compile(r"[\u00ad\u034f\u200b-\u200f\u2007\u2060\ufeff]+")


@dataclass(frozen=True)
class Whose:
    """Whose copy is shown."""

    reader: Reader | None
    """None if there is nothing to show."""
    slugs: tuple[str, ...]
    name: str
    email: str
    interests: tuple[str, ...]
    why_nothing: str = ""
    is_nobody: bool = False
    """Whether no subscriber is meant."""
    variant: int | None = None
    """The index of their variant; None for a made-up reader and for somebody who gets nothing."""

    @property
    def is_made_up(self) -> bool:
        """Whether the mail is shown as somebody made up would get it."""
        return self.is_nobody and self.reader is not None


@dataclass(frozen=True)
class Shown:
    """The stamped mail, taken apart."""

    mail: CaughtMail
    subject: str
    sender: str
    snippet: str
    html_size: int
    content: bytes
    """As it would be handed over."""


def whose(desk: Desk, draft: Draft, address: str = "") -> Whose:
    """The subscriber of that address; else the first reader of the largest variant; else somebody made up."""
    row = named(address) if address else None
    if row is None and draft.planned.variants:
        row = subscriber(draft.first_reader(0))
    if row is None:
        picks = made_up_picks(desk.workspace, draft)
        reader = desk.nobody
        why = "" if picks else "no article fits its rules yet"
        return Whose(reader if picks else None, picks, reader.name, reader.email, (), why, is_nobody=True)
    return _of(desk, draft, row)


def _of(desk: Desk, draft: Draft, row: Subscriber) -> Whose:
    index = draft.variant(row.pk)
    name, interests = full_name(row), tuple(row.interests.tags)
    if index is None or index == TOO_FEW:
        return Whose(None, (), name, row.email, interests, why_nothing(desk, draft, row))
    return Whose(reader_of(row), draft.planned.variants[index].slugs, name, row.email, interests, variant=index)


def neighbours(draft: Draft, at: Whose) -> tuple[str, str]:
    """The addresses of a reader of the variant before, and of the one after; empty if there is no other."""
    count = len(draft.planned.variants)
    if at.variant is None or count < 2:
        first = "" if at.variant is not None or not count else subscriber(draft.first_reader(0)).email
        return "", first
    before, after = (at.variant - 1) % count, (at.variant + 1) % count
    return subscriber(draft.first_reader(before)).email, subscriber(draft.first_reader(after)).email


def titles(slugs: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Title and tags of those articles, in that order."""
    rows = {row.slug: row for row in Article.objects.filter(slug__in=slugs).prefetch_related("tags")}
    return [(rows[slug].title, tuple(tag.name for tag in rows[slug].tags.all())) for slug in slugs if slug in rows]


def shown(desk: Desk, draft: Draft, reader: Reader, slugs: tuple[str, ...]) -> Shown:
    """The mail that this reader would get. Raises BroadsheetError."""
    stamped = drafts.specimen(desk.workspace, desk.printed(draft, slugs).message, reader)
    text, html = pipeline.bodies(stamped)
    headers = [(name, str(value)) for name, value in message_from_bytes(stamped.content, policy=default).items()]
    of = dict(headers)
    subject, sender = of.get("Subject", ""), of.get("From", "")
    source = stamped.content.decode("utf-8", "replace").replace("\r\n", "\n")
    summary = Summary("", sender, (stamped.rcpt_to,), subject, draft.at, len(stamped.content))
    return Shown(
        mail=CaughtMail(summary, html, text, tuple(headers), source, ()),
        subject=subject,
        sender=parseaddr(sender)[0] or sender,
        snippet=snippet(html),
        html_size=len(html.encode()),
        content=stamped.content,
    )


def snippet(html: str) -> str:
    """The first words of a mail's HTML, hidden ones too, as inboxes show them after the subject."""
    words = html_text.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", html)))
    # No-break spaces and the like stand after a preheader to push the rest out of sight, so they take up room.
    return " ".join(_FILLER.sub("", re.sub(r"[ \t\r\n]+", " ", words).strip()[:SNIPPET]).split())
