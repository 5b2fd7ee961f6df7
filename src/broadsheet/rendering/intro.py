"""A campaign's opening words: Markdown, in which readers' values wait."""

import re
from typing import Any

from broadsheet.articles.markdown import Base, to_html
from broadsheet.rendering.recorder import Recorder, tree_of

_BLOCK = re.compile(r"\s*(?:[-*+>]|#+|\d+[.)])\s")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LINE_START = re.compile(r"(?:^|\n)[ \t]*$")
_BLOCK_START = re.compile(r"(?:^|\n[ \t]*\n)[ \t]*$")
_BLOCK_END = re.compile(r".?[ \t]*(?:$|\n[ \t]*(?:\n|$))|\n[ \t]*(?:\n|$)")


def intro_html(words: str, site_url: str, recorder: Recorder) -> str:
    """The HTML of Markdown that may hold tokens.

    A condition that holds whole paragraphs, list items or headings stands between blocks, any other inside one.
    An address that begins with a reader's value is left to their stamp. Values are words, whatever Markdown
    would make of the signs in them.
    """
    base = Base(site=site_url, page=f"{site_url}/")
    markdown = _apart(tree_of(words, recorder, str, lambda word, _: word))
    html = to_html(markdown, base).replace(f"{base.page}{recorder.mark}", recorder.mark)
    return re.sub(rf"<p>((?:{recorder.mark}[ief]\d+z\s*)+)</p>", r"\1", html)


def _apart(tree: list[Any], before: str = "", after: str = "") -> str:
    """The Markdown with a blank line round each end of the conditions that hold whole blocks."""
    out = ""
    for index, part in enumerate(tree):
        if isinstance(part, str):
            out += part
            continue
        rest = tree[index + 1] if index + 1 < len(tree) else after
        following = rest if isinstance(rest, str) else ""
        first, second = (_apart(side, before + out, following) for side in (part.first, part.second))
        apart = "\n\n" if _holds_blocks((first, second), before + out, following) else ""
        opened, *turned, ended = part.words
        out += apart + apart.join([opened, first, *(word + apart + second for word in turned), ended]) + apart
    return out


def _holds_blocks(sides: tuple[str, str], before: str, after: str) -> bool:
    """Whether a condition with those sides, between those texts, holds whole blocks."""
    if any(_BLANK_LINE.search(side.strip()) for side in sides):
        return True
    if _LINE_START.search(before) and any(_BLOCK.match(side) for side in sides):
        return True
    return bool(_BLOCK_START.search(before)) and all(_BLOCK_END.match(side[-1:] + after) for side in sides if side)
