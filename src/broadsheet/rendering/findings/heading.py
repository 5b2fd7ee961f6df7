"""Checks of what the inbox shows, of the mail's form and size, and of what the law asks for."""

import re
from collections.abc import Iterator
from typing import Final

from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.findings.copies import Copy, House, has_words

LONGEST_SUBJECT: Final = 70
#: Gmail clips near 102 kB; a kB is taken as 1000 bytes, to be on the safe side
CLIPPED: Final = 102_000
LARGE: Final = 90_000
_LONGEST_LINE: Final = 998


def check_heading(copy: Copy, house: House) -> Iterator[Finding]:
    """Findings about the mail as a whole."""
    yield from _subject(copy.subject)
    if not _has_preheader(copy):
        yield found("preheader-missing", "Nothing hidden comes before the mail's first words.", "preheader")
    yield from _form(copy)
    yield from _law(copy, house)


def _subject(subject: str) -> Iterator[Finding]:
    if not has_words(subject):
        yield found("subject-empty", "The subject is empty.", "subject")
        return
    if len(subject) > LONGEST_SUBJECT:
        yield found("subject-long", f"The subject has {len(subject)} characters.", "subject")
    if (subject.isupper() and sum(each.isalpha() for each in subject) > 6) or re.search(r"[!！]{2,}", subject):
        yield found("subject-shouting", f"“{subject}” shouts.", "subject")


def _has_preheader(copy: Copy) -> bool:
    first = next((run for run in copy.runs), None)
    return first is not None and not first.look.shown


def _form(copy: Copy) -> Iterator[Finding]:
    if not has_words(copy.text):
        yield found("text-missing", "There is no plain text.", "text")
    defects = [type(each).__name__ for part in copy.mail.walk() for each in part.defects]
    if defects:
        yield found("mail-malformed", f"A parser finds: {', '.join(sorted(set(defects)))}.", "mail")
    longest = max(map(len, copy.content.split(b"\r\n")))
    if longest > _LONGEST_LINE:
        yield found("mail-malformed", f"A line has {longest} octets.", "mail: line")
    size = len(copy.html.encode())
    if size >= CLIPPED:
        yield found("html-clipped", f"The HTML has {size / 1000:.1f} kB.", "HTML")
    elif size > LARGE:
        yield found("html-large", f"The HTML has {size / 1000:.1f} kB.", "HTML")


def _law(copy: Copy, house: House) -> Iterator[Finding]:
    named = re.findall(r"<([^<>]+)>", str(copy.mail["List-Unsubscribe"] or ""))
    if not named:
        yield found("unsubscribe-missing", "There is no List-Unsubscribe header.", "headers")
    ways = {*named, *re.findall(rf"{re.escape(house.public_url)}/u/[\w-]+", copy.html + copy.text)}
    if not any(link.get("href") in ways for link in copy.elements("a")):
        yield found("unsubscribe-missing", "No link that is shown leads to unsubscribing.", "HTML")
    if not any(way in copy.text for way in ways):
        yield found("unsubscribe-missing", "The unsubscribe link is not in the plain text.", "text")
    for place, text, shown in (("HTML", copy.html, copy.seen_text), ("text", copy.text, copy.text)):
        lacks = [name for path, name in _PAGES.items() if f"{house.public_url}/{path}/" not in text]
        if not any(reason and _letters(reason) in _letters(shown) for reason in _reasons(copy)):
            lacks.append("why they get it: the list's title, or their own address")
        if lacks:
            yield found("footer-incomplete", f"The footer lacks {', '.join(lacks)}.", place)
    address = _letters(house.postal_address)
    if not address:
        yield found(
            "postal-address-missing",
            "No postal address is set.",
            "broadsheet.toml: site.postal_address",
            "Set `site.postal_address` in `broadsheet.toml`.",
        )
        return
    for place, text in (("HTML", copy.seen_text), ("text", copy.text)):
        if address not in _letters(text):
            yield found("postal-address-missing", "The postal address is not shown.", place)


#: A reader's own pages beside the one to leave, by their path.
_PAGES = {"p": "the link to their preferences", "v": "the link to view it in a browser"}


def _reasons(copy: Copy) -> tuple[str, str]:
    """What says why a reader gets this: the list's title, or the address it was sent to."""
    title = str(copy.mail["List-Id"] or "").partition("<")[0].strip(' "')
    address = re.findall(r"[^<>\s]+@[^<>\s]+", str(copy.mail["To"] or ""))
    return title, address[-1] if address else ""


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
