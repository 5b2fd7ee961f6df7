"""Checks that a mail can be read by everybody: with a screen reader, on a phone in the sun, at seventy."""

from collections.abc import Iterator
from typing import Final

from lxml.html import HtmlElement

from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.findings.copies import Copy, House, has_words, shortened, tag_of
from broadsheet.rendering.findings.style import as_hex, contrast

SMALLEST: Final = 14.0
LEAST_CONTRAST: Final = 4.5
_RAISED: Final = ("sup", "sub")


def check_accessibility(copy: Copy, house: House) -> Iterator[Finding]:
    """Findings about language, direction, title, tables, headings, text size and contrast."""
    yield from _frame(copy)
    yield from _tables(copy)
    yield from _headings(copy)
    yield from _text(copy)


def _frame(copy: Copy) -> Iterator[Finding]:
    root = copy.root
    if not has_words(root.get("lang")):
        yield found("lang-missing", "<html> has no lang.", "HTML: <html>")
    if root.get("dir") not in ("ltr", "rtl", "auto"):
        yield found("dir-missing", "<html> has no dir.", "HTML: <html>")
    title = root.find(".//title")
    if title is None or not has_words(title.text):
        yield found("title-missing", "<title> is missing or empty.", "HTML: <head>")


def _tables(copy: Copy) -> Iterator[Finding]:
    for table in copy.elements("table"):
        if table.get("role") not in ("presentation", "none") and not _is_data(table):
            yield found("table-role-missing", "A layout table has no role.", f"HTML: {tag_of(table)}")


def _is_data(table: HtmlElement) -> bool:
    own = (each for each in table.iter("th", "caption") if next(each.iterancestors("table")) is table)
    return next(own, None) is not None or table.get("role") in ("table", "grid")


def _headings(copy: Copy) -> Iterator[Finding]:
    before = 0
    for heading in copy.elements("h1", "h2", "h3", "h4", "h5", "h6"):
        level = int(str(heading.tag)[1])
        if level > before + 1:
            words = shortened("".join(heading.itertext()))
            after = f"comes after <h{before}>" if before else "is the first heading"
            yield found("heading-order", f"<h{level}> “{words}” {after}.", f"HTML: <h{level}> “{words}”")
        before = level


def _text(copy: Copy) -> Iterator[Finding]:
    for run in copy.runs:
        look = run.look
        if not look.shown:
            continue
        if look.size < SMALLEST and run.element.tag not in _RAISED:
            message = f"“{shortened(run.text)}” has {look.size:.3g} px."
            yield found("text-small", message, f"HTML: text of {look.size:.3g} px")
        if look.ground is not None and contrast(look.ink, look.ground) < LEAST_CONTRAST:
            pair = f"{as_hex(look.ink)} on {as_hex(look.ground)}"
            ratio = int(contrast(look.ink, look.ground) * 100) / 100
            message = f"“{shortened(run.text)}” has a contrast of {ratio:.2f} : 1."
            yield found("contrast-low", message, f"HTML: {pair}")
