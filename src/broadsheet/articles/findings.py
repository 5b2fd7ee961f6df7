"""Advice about an article that was taken all the same; what can't be taken is rejected instead."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

#: Every code of a finding, and what it means.
CODES: dict[str, str] = {
    #: a Hugo or Zola shortcode: its content stays, what it would draw does not
    "shortcode": "a shortcode was taken out",
    #: a tag or value of Liquid, Nunjucks or Jinja
    "liquid": "a template tag was taken out",
    #: kramdown's {: .class} and {#id}
    "kramdown": "an attribute list was taken out",
    #: a component, or an attribute in braces
    "jsx": "a component was taken out; the text in it stays",
    #: import, export, or an expression in braces
    "mdx": "an import, export or expression was taken out",
    #: :::note and its like
    "directive": "a directive's fence was taken out; the text in it stays",
    #: no date, or none that can be read
    "date": "the date is missing or can't be read",
    #: a text cut, or a value left out, because it does not fit
    "cut": "something was too long or could not be used",
    #: the article goes by an older slug
    "slug": "the slug stays as it was",
    #: a tag rule took too long
    "tag-rule": "a tag rule was not tried",
}
MOST = 20


@dataclass(frozen=True)
class Finding:
    """One piece of advice about one article."""

    code: str
    message: str


def as_rows(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The findings as the article's row keeps them, at most :data:`MOST`."""
    return [asdict(each) for each in findings][:MOST]
