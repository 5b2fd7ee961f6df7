"""Bytes to what they say. Pure, and raises on nothing."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from broadsheet.events.bounces.addresses import address_of, addresses_of
from broadsheet.events.bounces.free_form import free_form
from broadsheet.events.bounces.opening import MOST, Opened, opened, shortened
from broadsheet.events.bounces.replies import is_auto_reply
from broadsheet.events.bounces.report import Kind, Report
from broadsheet.events.bounces.standard import STANDARDS, Answer

#: Words that :class:`~broadsheet.stamping.LinkSigner` may have made, by purpose, the surest place first.
_WORD: Final = r"([A-Za-z0-9_-]{16,60})"
_PLACES: Final = (
    ("b", re.compile(rf"(?<![\w.+-])b\+{_WORD}(?:@|=3D|%40)")),
    ("m", re.compile(rf"<{_WORD}@[\w.-]+>")),
    ("u", re.compile(rf"/u/{_WORD}(?![\w-])")),
    ("u", re.compile(rf"unsub\+{_WORD}(?:@|%40)")),
    ("v", re.compile(rf"/v/{_WORD}(?![\w-])")),
    ("p", re.compile(rf"/p/{_WORD}(?![\w-])")),
)
_MOST_WORDS: Final = 20
_ADDRESSED: Final = ("x-envelope-to", "delivered-to", "x-original-to", "envelope-to", "x-real-to", "to")
_FOLDED: Final = re.compile(r"=\r?\n|\r?\n[ \t]+")


def parse(raw: bytes, envelope_to: str = "") -> Report:
    """What a message that came back says.

    ``envelope_to`` is whom the message was handed over for, where that is known. Of a large message the first 64 kB
    of each part are looked at.
    """
    message = opened(raw)
    kind, recipients = _answer(message)
    headers = (addresses_of(message.fields.get(name, "")) for name in _ADDRESSED)
    to = dict.fromkeys([*filter(None, [envelope_to]), *(each for found in headers for each in found)])
    return Report(
        kind=kind,
        recipients=recipients,
        words=tuple(_words(raw, message, tuple(to))),
        addressed_to=tuple(to),
        sender=address_of(message.fields.get("from", "")),
        message_id=message.fields.get("message-id", "")[:200],
    )


def _answer(message: Opened) -> Answer:
    for ask in STANDARDS:
        if (found := ask(message)) is not None:
            return found
    if (found := free_form(message)) is not None:
        return found
    return (Kind.AUTO_REPLY if is_auto_reply(message) else Kind.OTHER), ()


def _words(raw: bytes, message: Opened, to: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What may be signed words: of whom the message is for first, then of what it returns, then of all its text."""
    returned = " ".join(f"{name}: {value}" for name, value in message.original.items())
    answered = " ".join(message.fields.get(name, "") for name in ("in-reply-to", "references"))
    everything = _FOLDED.sub("", shortened(raw)[:MOST].decode("latin-1"))
    texts = (" ".join(to), returned, answered, message.text, everything)
    found = dict.fromkeys(
        (purpose, word)
        for purpose, pattern in _PLACES
        for text in texts
        for word in pattern.findall(text)[:_MOST_WORDS]
    )
    yield from islice(found, 3 * _MOST_WORDS)
