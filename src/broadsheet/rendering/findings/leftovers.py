"""Checks for what a template engine or a blog engine should have replaced."""

import re
from collections.abc import Iterator
from typing import Final

from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.findings.copies import Copy, House, shortened

_TEMPLATE: Final = re.compile(
    r"""\{\{ (?: [^{}\n]{0,60} \}\} | \s*[\w.]* )
    | \{%  (?: [^%\n]{0,60} %\} | \s*\w* )
    | %%\w* (?: %% )?
    | \*\| \w* (?: [^|\n]{0,40} \|\* )?
    | %\(\w+\)[sd]""",
    re.VERBOSE,
)
_SHORTCODE: Final = re.compile(
    r"""\[/?(?:caption|gallery|embed|audio|video|playlist|contact-form(?:-7)?|toc|youtube|vimeo|button|columns?|quote)\]
    | \[[a-z][\w-]*(?:\s+[\w-]+=(?:"[^"]*"|'[^']*'|“[^”]*”|[^\s\]"']+))+\s*/?\]
    | \[/[a-z][\w-]*\]
    | (?<![:\w])::{1,2}[a-z][\w-]*(?:\[[^\]]*\])?\{[^}]*\}
    | (?m:^\s*:::+\s*[a-z][\w-]*)
    | \[\[(?:[A-Z_]+|[^\]|]+\|[^\]]+)\]\]""",
    re.VERBOSE,
)
_CODE: Final = ("code", "pre", "samp", "kbd", "tt")
_ATTRIBUTES: Final = ("href", "src", "alt", "title", "aria-label")


def check_leftovers(copy: Copy, house: House) -> Iterator[Finding]:
    """Findings in the subject, the texts and attributes of the HTML part, and the plain text."""
    shown_as_code = " ".join("".join(each.itertext()) for each in copy.root.iter(*_CODE))
    for place, text in _places(copy):
        for code, pattern in (("leftover-template", _TEMPLATE), ("leftover-shortcode", _SHORTCODE)):
            for match in pattern.finditer(text):
                if match[0].strip() not in shown_as_code:
                    left = shortened(match[0], 40)
                    yield found(code, f"“{left}” was not replaced.", f"{place}: {left}")


def _places(copy: Copy) -> Iterator[tuple[str, str]]:
    yield "subject", copy.subject
    for run in copy.runs:
        if run.element.tag not in _CODE and not any(each.tag in _CODE for each in run.element.iterancestors()):
            yield "HTML", run.text
    for element in copy.root.iter("a", "area", "img", "td", "table", "div"):
        for name in _ATTRIBUTES:
            if value := element.get(name):
                yield f"HTML, {name}", value
    yield "text", copy.text
