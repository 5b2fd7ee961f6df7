"""MDX in Markdown: components, expressions in braces, imports and exports.

JavaScript is not parsed: what stands in brackets ends where they balance, strings and comments left aside.
"""

import re

from broadsheet.articles.scanning import Cut, Scan

_FENCE = re.compile(r"^[ \t]*(?:>[ \t]?|[-*+][ \t]+|\d+[.)][ \t]+)*(`{3,}(?=[^`\n]*$)|~{3,})", re.MULTILINE)
_TAG = re.compile(r"<(/?)([A-Za-z][\w.:-]*)?")
_ATTRIBUTE = re.compile(r"""\s*(?:([\w:.@-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|(?=\{)))?)|(?=\{)|(/?>))""")
_LITERAL = re.compile(r"""\{\s*(?:"([^"\\]*)"|'([^'\\]*)'|`([^`\\$]*)`)\s*\}""")
_COMMENT = re.compile(r"\{\s*/\*(?:[^*]|\*(?!/))*\*/\s*\}")
_STEP = re.compile(r"""[{}()\[\]"'`\n]|(?<![:\w])//|/\*""")
_STRING = {
    '"': re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "'": re.compile(r"'(?:[^'\\\n]|\\.)*'"),
    "`": re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL),
    "//": re.compile(r"//[^\n]*"),
    "/*": re.compile(r"/\*(?:[^*]|\*(?!/))*\*/"),
}
_BRACKETS = {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}
_BLANK = re.compile(r"\n(?=[ \t]*(?:\n|\Z))")
#: How far brackets are followed, and how often in vain, before a text counts as no MDX.
_LONGEST, _TRIES = 200_000, 20


def code_blocks(text: str) -> list[tuple[int, int]]:
    """The ranges of fenced code, however far it is indented: in MDX nothing else is code."""
    blocks: list[tuple[int, int]] = []
    position = 0
    while opening := _FENCE.search(text, position):
        fence = re.compile(rf"^[ \t>]*{re.escape(opening[1][0])}{{{len(opening[1])},}}[ \t]*$", re.MULTILINE)
        closing = fence.search(text, opening.end() + 1)
        position = closing.end() if closing else len(text)
        blocks.append((opening.start(), position))
    return blocks


def component(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """A component's tag goes; of an HTML element's tag only the attributes in braces do."""
    tag = _TAG.match(scan.text, mark.start())
    if tag is None:
        return None
    kept, position, braces = [f"<{tag[1]}{tag[2] or ''}"], tag.end(), False
    while attribute := _ATTRIBUTE.match(scan.text, position):
        position = attribute.end()
        if attribute[2]:
            kept.append(attribute[2])
            break
        if attribute[1] and not attribute[1].endswith("="):
            kept.append(f" {attribute[1]}")
        if scan.text[position : position + 1] == "{":
            braces = True
            position = _balanced(scan, position)
            if position < 0:
                return None
    else:
        return None
    name = tag[2] or ""
    if not name or (name[0].isupper() and not name.isupper()):
        return Cut(position, "", "jsx", "" if tag[1] else f"the component <{name}>")
    if not braces:
        return Cut(position, None)
    return Cut(position, "".join(kept), "jsx", f"an attribute in braces of <{name}>")


def expression(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """``{year}`` goes, and ``{/* a comment */}``; of ``{"text"}`` the text stays."""
    if literal := _LITERAL.match(scan.text, mark.start()):
        return Cut(literal.end(), next(each for each in literal.groups() if each is not None))
    if comment := _COMMENT.match(scan.text, mark.start()):
        return Cut(comment.end())
    end = _balanced(scan, mark.start())
    return Cut(end, "", "mdx", scan.text[mark.start() : end]) if end >= 0 else None


def module_code(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """Imports and exports, from the beginning of a block to the first blank line outside of brackets."""
    start = mark.start()
    if start and scan.text[scan.text.rfind("\n", 0, start - 1) + 1 : start].strip():
        return None  # in the midst of a paragraph
    end = _balanced(scan, start, until_blank=True)
    if end < 0:
        return None
    return Cut(end, "", "mdx", scan.text[start:end].partition("\n")[0])


def _balanced(scan: Scan, start: int, *, until_blank: bool = False) -> int:
    """Where the brackets that open at ``start`` are closed, or a blank line outside of any; -1 if nowhere."""
    if scan.vain >= _TRIES:
        return -1
    depth, position, last = 0, start, min(len(scan.text), start + _LONGEST)
    while step := _STEP.search(scan.text, position, last):
        sign, position = step[0], step.end()
        if sign in _STRING:
            string = _STRING[sign].match(scan.text, step.start(), last)
            position = string.end() if string else position
        elif sign in _BRACKETS:
            depth += _BRACKETS[sign]
            if depth <= 0 and not until_blank:
                return position
        elif until_blank and depth <= 0 and _BLANK.match(scan.text, step.start()):
            return step.start()
    if until_blank and depth <= 0 and last == len(scan.text):
        return last
    scan.vain += 1
    return -1
