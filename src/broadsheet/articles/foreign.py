"""What a site's generator would act on, taken out of a text that goes into a mail; code keeps its own.

Shortcodes (Hugo, Zola), tags and values (Liquid, Nunjucks), attribute lists (kramdown), directives; the
components of MDX are in :mod:`broadsheet.articles.mdx`. The text between two tags of a pair stays.
"""

import re

from broadsheet.articles import markdown, mdx
from broadsheet.articles.findings import Finding
from broadsheet.articles.scanning import Cut, Handler, Scan, Scanner

_NAME = re.compile(r"[-~]?\s*(/?)\s*([\w./-]*)\s*(\(?)")
_LITERAL = re.compile(r"""[-\s]*(?:"([^"]*)"|'([^']*)')\s*(?:\|.*)?""", re.DOTALL)
_ATTRIBUTES = re.compile(r"\{:(:?)([^{}\n]*)\}")
_TRAILING = re.compile(r"\{[.#][A-Za-z][^{}\n]*\}(?=[ \t]*$)", re.MULTILINE)
_DIRECTIVE = re.compile(r":{3,}[ \t]*(?:\{[^}\n]*\}|[a-z][\w-]*)?[^\n`]*")
#: What kramdown replaces by a table of contents: a list of one item.
_CONTENTS = re.compile(r"^[ \t]*(?:[*+-]|\d+[.)])[^\n]*\n[ \t]*\Z", re.MULTILINE)
_LAYOUT = re.compile(r"<(pre|code|script|style|textarea)\b", re.IGNORECASE)
_IMPORT = re.compile(r"import\s+(?:[\w$*{},\s]{1,500}?\s+from\s+)?(?:\"[^\"\n]+\"|'[^'\n]+')[ \t]*;?[ \t]*(?=\n|\Z)")


def without_foreign(text: str, kind: str, *, first_line: int = 1) -> tuple[str, list[Finding]]:
    """``text`` as a mail can hold it, and a finding for each thing that was taken out of it.

    ``kind`` is ``markdown``, ``mdx`` or ``html``; ``first_line`` is the file's line that the text begins in.
    """
    scanner = _SCANNERS[kind]
    if not scanner.touches(text):
        return text, []
    code = {"markdown": markdown.code_blocks, "mdx": mdx.code_blocks}.get(kind)
    return scanner.cleaned(text, code(text) if code else [], first_line)


def _escaped(scan: Scan, mark: re.Match[str]) -> Cut:
    return Cut(mark.end(), None)


def _span(scan: Scan, mark: re.Match[str]) -> Cut:
    return Cut(scan.code_span(mark.start(), len(mark[0])), None)


def _comment(scan: Scan, mark: re.Match[str]) -> Cut | None:
    end = scan.find("-->", mark.end())
    return Cut(end + 3, None) if end >= 0 else None


def _shortcode(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """Hugo: ``{{< name >}}``, ``{{% name %}}``; ``{{</* name */>}}`` is how it is written about."""
    close = {"{{<": ">}}", "{{%": "%}}"}[mark[0]]
    end = scan.find(close, mark.end())
    if end < 0:
        return None
    inner, after = scan.text[mark.end() : end], end + len(close)
    if inner.startswith("/*") and inner.endswith("*/"):
        return Cut(after, f"{{{{{mark[0][2:]}{inner[2:-2]}{close}".replace("<", "&lt;").replace(">", "&gt;"))
    name = _NAME.match(inner)
    slash, word = (name[1], name[2]) if name else ("", "")
    if word == "highlight" and not slash and (fenced := _fenced(scan, after, "{{< /highlight >}}", inner)):
        return fenced
    return Cut(after, "", "shortcode", "" if slash else f"the shortcode {word}")


def _value(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """``{{ page.title }}``; a value that is written out, ``{{ "/a.png" | relative_url }}``, stays."""
    end = scan.find("}}", mark.end())
    if end < 0:
        return None
    inner = scan.text[mark.end() : end]
    if literal := _LITERAL.fullmatch(inner):
        return Cut(end + 2, literal[1] or literal[2] or "")
    name = _NAME.match(inner)
    if name and name[3]:
        return Cut(end + 2, "", "shortcode", f"the shortcode {name[2]}")
    return Cut(end + 2, "", "liquid", f"{{{{{inner}}}}}")


def _tag(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """``{% if x %}``, and Zola's ``{% quote() %}``; what is raw stays, what is a comment goes."""
    end = scan.find("%}", mark.end())
    if end < 0:
        return None
    inner, after = scan.text[mark.end() : end], end + 2
    name = _NAME.match(inner)
    word = name[2] if name else ""
    if word in ("raw", "verbatim") and (closing := _closing(scan, f"end{word}", after)):
        return Cut(closing.end(), scan.text[after : closing.start()])
    if word == "comment" and (closing := _closing(scan, "endcomment", after)):
        return Cut(closing.end())
    if word == "highlight" and (closing := _closing(scan, "endhighlight", after)):
        return Cut(closing.end(), _fence(scan.text[after : closing.start()], inner))
    if name and name[3]:
        return Cut(after, "", "shortcode", f"the shortcode {word}")
    return Cut(after, "", "liquid", "" if word.startswith("end") else f"{{%{inner}%}}")


def _closing(scan: Scan, word: str, start: int) -> re.Match[str] | None:
    """The tag of that name after ``start``."""
    found = scan.find(word, start)
    opening = scan.text.rfind("{%", start, found) if found >= 0 else -1
    return re.compile(r"\{%[-~]?\s*" + word + r"\s*[-~]?%\}").match(scan.text, opening) if opening >= 0 else None


def _fenced(scan: Scan, start: int, closing: str, inner: str) -> Cut | None:
    end = scan.find(closing, start)
    return Cut(end + len(closing), _fence(scan.text[start:end], inner)) if end >= 0 else None


def _fence(code: str, inner: str) -> str:
    words = inner.split()
    language = words[1] if len(words) > 1 and re.fullmatch(r"[\w+#-]+", words[1]) else ""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    content = code.strip("\n")
    return f"\n{ticks}{language}\n{content}\n{ticks}\n"


def _hash(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """``{#id}`` at a line's end is an attribute; ``{# … #}`` a comment."""
    if cut := _attributes(scan, mark):
        return cut
    end = scan.find("#}", mark.end())
    return Cut(end + 2) if end >= 0 else None


def _attributes(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """kramdown: ``{: .class}`` anywhere, ``{#id}`` and ``{.class}`` at the end of a line."""
    found = _ATTRIBUTES.match(scan.text, mark.start()) or _TRAILING.match(scan.text, mark.start())
    if found is None:
        return None
    inner = found[0][2:-1].strip(": ")
    if inner == "comment" and (end := scan.find("{:/comment}", found.end())) >= 0:
        return Cut(end + len("{:/comment}"))
    toc = _CONTENTS if inner == "toc" else None
    return Cut(found.end(), "", "kramdown", found[0], whole_line=True, before=toc)


def _directive(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """``:::note``: the line goes, what it encloses stays."""
    found = _DIRECTIVE.match(scan.text, mark.end() - 3)
    if found is None:
        return None
    name = found[0].strip(": \t")
    return Cut(found.end(), "", "directive", f"the directive {name}" if name else "")


def _import(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """An import in plain Markdown: only what can be nothing else."""
    found = _IMPORT.match(scan.text, mark.start())
    return Cut(found.end(), "", "mdx", found[0], whole_line=True) if found else None


def _verbatim(scan: Scan, mark: re.Match[str]) -> Cut | None:
    """HTML's own code: it stays."""
    found = _LAYOUT.match(scan.text, mark.start())
    end = scan.find(f"</{found[1]}", mark.end()) if found else -1
    return Cut(end, None) if end >= 0 else None


_COMMENT: tuple[tuple[str, Handler], ...] = ((r"<!--", _comment),)
_CODE: tuple[tuple[str, Handler], ...] = ((r"\\[^\w\s]", _escaped), (r"`+", _span), *_COMMENT)
_TEMPLATES: tuple[tuple[str, Handler], ...] = (
    (r"\{\{[<%]", _shortcode),
    (r"\{\{", _value),
    (r"\{%", _tag),
    (r"\{\#", _hash),
)
_SCANNERS = {
    "markdown": Scanner(
        "\\`<{ :i",
        (
            *_CODE,
            *_TEMPLATES,
            (r"\{[:.]", _attributes),
            (r"^ {0,3}:::", _directive),
            (r"</?[A-Z]|</?>", mdx.component),
            (r"^import\b", _import),
        ),
    ),
    "mdx": Scanner(
        "\\`<{ :ie",
        (
            *_CODE,
            (r"\{[#:.]", lambda scan, mark: _attributes(scan, mark) or mdx.expression(scan, mark)),
            (r"\{", mdx.expression),
            (r"^ {0,3}:::", _directive),
            (r"</?[A-Za-z>]", mdx.component),
            (r"^(?:import|export)\b", mdx.module_code),
        ),
    ),
    "html": Scanner("<{", (*_COMMENT, (r"<(?i:pre|code|script|style|textarea)\b", _verbatim), *_TEMPLATES)),
}
