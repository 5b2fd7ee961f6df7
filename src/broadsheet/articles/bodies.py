"""An article's text in one of four forms (Markdown, MDX, HTML, plain) becomes title, excerpt and clean HTML. Pure."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from broadsheet.articles import hypertext, markdown
from broadsheet.articles.findings import Finding
from broadsheet.articles.foreign import without_foreign
from broadsheet.articles.markdown import Base, shortened

#: The form of a text, by the ending of its file; any other is Markdown.
FORMS = {".mdx": "mdx", ".html": "html", ".htm": "html", ".txt": "text"}


@dataclass(frozen=True)
class Body:
    """A text as an article needs it."""

    title: str
    """The title that was given, or else the one that the text has; empty if there is neither."""
    excerpt: str
    html: str
    """Clean, with absolute addresses, without a heading that only repeats the title."""


def form_of(path: str) -> str:
    """``markdown``, ``mdx``, ``html`` or ``text``."""
    return FORMS.get(PurePosixPath(path).suffix.lower(), "markdown")


def cleaned(text: str, form: str, first_line: int) -> tuple[str, list[Finding]]:
    """The text without what only a site's generator understands; plain text is what it is."""
    return (text, []) if form == "text" else without_foreign(text, form, first_line=first_line)


def read_body(text: str, form: str, title: str, base: Base) -> Body:
    """The body of ``text``; ``title`` is the one that was given, or empty."""
    return _READERS[form](text, title, base)


def bare(text: str) -> str:
    """Letters and digits only, for comparing."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _markdown(flavour: markdown.Flavour) -> Callable[[str, str, Base], Body]:
    def read(text: str, title: str, base: Base) -> Body:
        if not title:
            title, text = markdown.title_and_body(text, flavour)
        else:
            leading = markdown.leading_heading(text, flavour)
            text = leading[1] if leading and bare(leading[0]) == bare(title) else text
        return Body(title, markdown.excerpt(text, flavour), markdown.to_html(text, base, flavour))

    return read


def _html(text: str, title: str, base: Base) -> Body:
    clean = markdown.sanitised(text, base).strip()
    leading = hypertext.leading_heading(clean)
    if leading and (not title or bare(leading[0]) == bare(title)):
        title, clean = title or leading[0], leading[1]
    return Body(title or hypertext.excerpt(clean), hypertext.excerpt(clean), clean)


def _text(text: str, title: str, base: Base) -> Body:
    lines = text.strip("\n").split("\n")
    first = " ".join(lines[0].split())
    alone = len(lines) == 1 or not lines[1].strip(" \t=-")
    if first and alone and (not title or bare(first) == bare(title)) and len(first) < 200:
        title, lines = title or first, lines[2:]
    rest = "\n".join(lines)
    html = hypertext.paragraphs(rest)
    return Body(title or shortened(first), hypertext.excerpt(html) if html else "", html)


_READERS: dict[str, Callable[[str, str, Base], Body]] = {
    "markdown": _markdown(markdown.PLAIN),
    "mdx": _markdown(markdown.MDX),
    "html": _html,
    "text": _text,
}
