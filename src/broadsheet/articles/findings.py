"""Advice about an article that was taken all the same; what can't be taken is rejected instead."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

#: Every code of a finding, and what it means.
CODES: dict[str, str] = {
    "shortcode": "a shortcode of Hugo or Zola was taken out; the text between two of them stays",
    "liquid": "a tag or value of Liquid or Nunjucks was taken out; the text between two of them stays",
    "kramdown": "an attribute list was taken out",
    "jsx": "a component's tag, or an attribute in braces, was taken out; the text in it stays",
    "mdx": "an import, export or expression was taken out",
    "directive": "the fence of a directive was taken out; the text in it stays",
    "date": "the date is missing or can't be read",
    "cut": "something was too long or could not be used",
    "slug": "the slug stays as it was",
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
