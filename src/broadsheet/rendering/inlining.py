"""premailer, behind one function.

What premailer gets wrong is set right here: how selectors weigh; the order in which declarations land in a
``style`` attribute; its cache, which is shared between functions that give different things for one text; and
``@import``, which the parser it uses would follow over the network.
"""

import logging
import re
import threading
from functools import lru_cache
from typing import Any, Final

import cssutils
from cssselect import SelectorError
from cssselect import parse as parse_selector
from lxml import etree
from lxml.cssselect import CSSSelector
from premailer import Premailer, premailer

from broadsheet.errors import NotDeferrable, TemplateProblem
from broadsheet.rendering.recorder import Recorder

cssutils.log.setLevel(logging.CRITICAL)  # it reports every property newer than CSS 2 as an error

_DOCTYPE: Final = re.compile(r"\s*(<!doctype[^>]*>)", re.IGNORECASE)
_IMPORTANT: Final = " !important"
#: Pseudo-classes that premailer inlines; all others stay in the style sheet.
_INLINED_PSEUDO: Final = ("first-child", "last-child", "nth-child")
_BY_NEIGHBOURS: Final = re.compile(r"^.*[+~]\s*|:(?:first|last)-child|:nth-child\([^)]*\)")
_BY_VALUE: Final = re.compile(r"\[\s*([\w-]+)\s*[~|^$*]?=[^\]]*\]")
_COLON: Final = "\ue000"  # premailer cuts a selector at its first colon; ours are whole and hide theirs

Declarations = tuple[tuple[str, str], ...]
Rule = tuple[tuple[int, ...], str, str]

#: cssutils would fetch what a style sheet imports, from anywhere.
_PARSER: Final = cssutils.CSSParser(fetcher=lambda address: None)
_css_lock = threading.RLock()  # cssutils is not safe to use from several threads


@lru_cache(maxsize=2048)
def _declarations(css: str, validate: bool = True) -> Declarations:
    with _css_lock:
        style = cssutils.parseStyle(css, validate=False)
        return tuple(
            (each.name.strip(), each.propertyValue.cssText.strip() + (_IMPORTANT if each.priority else ""))
            for each in style
        )


def _merged(own: str, rules: list[Declarations], classes: object, *, remove_unset_properties: bool = False) -> str:
    """The declarations in the order of the cascade (CSS Cascading 4, section 6.1), later ones winning.

    ``!important`` of a rule has done its work with that and is dropped, so that a media query's own still beats
    the attribute; one that the element's own ``style`` had beats every rule and stays.
    """
    plain = [pair for rule in rules for pair in rule if not pair[1].endswith(_IMPORTANT)]
    urgent = [(name, value.removesuffix(_IMPORTANT)) for rule in rules for name, value in rule if _urgent(value)]
    written = _declarations(own) if own else ()
    result: dict[str, str] = {}
    for name, value in (
        *plain,
        *(pair for pair in written if not _urgent(pair[1])),
        *urgent,
        *(pair for pair in written if _urgent(pair[1])),
    ):
        result.pop(name, None)
        if name in ("margin", "padding"):
            for side in ("-top", "-right", "-bottom", "-left"):
                result.pop(name + side, None)
        result[name] = value
    return "; ".join(f"{name}:{value}" for name, value in result.items())


def _urgent(value: str) -> bool:
    return value.endswith(_IMPORTANT)


premailer.merge_styles = _merged
premailer.csstext_to_pairs = _declarations
premailer._create_cssselector = lru_cache(maxsize=2048)(lambda selector: CSSSelector(selector.replace(_COLON, ":")))


@lru_cache(maxsize=64)
def _rules(css: str, sheet: int) -> tuple[Rule, ...]:
    """The style sheet's rules that can be inlined: weight, selector, declarations."""
    with _css_lock:
        parsed = _PARSER.parseString(css, validate=False)
        found: list[Rule] = []
        for rule in parsed:
            if rule.type != rule.STYLE_RULE:
                continue
            properties = rule.style.getProperties()
            for important in (True, False):
                chosen = [each for each in properties if (each.priority == "important") is important]
                mark = _IMPORTANT if important else ""
                bulk = ";".join(f"{each.name}:{each.value}{mark}" for each in chosen)
                if bulk:
                    found += [
                        ((int(important), *weight, sheet, len(found) + position), selector.replace(":", _COLON), bulk)
                        for position, (selector, weight) in enumerate(_inlinable(rule.selectorText))
                    ]
        return tuple(found)


def _inlinable(selectors: str) -> list[tuple[str, tuple[int, int, int]]]:
    """Those of the selectors that an attribute can stand in for, with their specificity."""
    found = []
    for selector in re.split(r",(?![^(\[]*[)\]])", selectors):
        text = selector.strip()
        pseudo = re.findall(r"::?([\w-]+)", re.sub(r"\[[^\]]*\]", "", text))
        if not text or "*" in re.sub(r"\[[^\]]*\]", "", text) or any(each not in _INLINED_PSEUDO for each in pseudo):
            continue
        try:
            found.append((text, parse_selector(text)[0].specificity()))
            CSSSelector(text)
        except SelectorError:
            continue  # a client may know it: it stays in the style sheet
    return found


class _Inliner(Premailer):  # type: ignore[misc]
    """premailer with rules that are parsed once for each style sheet and weighed exactly."""

    def __init__(self, page: Any) -> None:
        super().__init__(
            page,
            keep_style_tags=True,
            strip_important=False,
            allow_network=False,
            allow_loading_external_files=False,
            disable_link_rewrites=True,
            disable_validation=True,
            disable_basic_attributes=["width", "height"],
            cache_css_parsing=False,
            align_floating_images=False,
            remove_unset_properties=False,
        )
        self.selectors: set[str] = set()

    def _parse_style_rules(self, css_body: str | None, ruleset_index: int) -> tuple[list[Rule], list[Any]]:
        rules = _rules(css_body, ruleset_index) if css_body else ()
        self.selectors |= {selector.replace(_COLON, ":") for _, selector, _ in rules}
        return list(rules), []

    def _style_to_basic_html_attributes(self, element: Any, style_content: str, force: bool = False) -> None:
        before = element.get("align")
        super()._style_to_basic_html_attributes(element, style_content, force=force)
        if element.tag in ("table", "img") and element.get("align") != before:
            # there it would place the element itself, not the text in it
            element.attrib.pop("align") if before is None else element.set("align", before)


def inlined(html: str, recorder: Recorder | None = None) -> str:
    """``html`` with its style sheets' rules copied into ``style`` attributes.

    The ``<style>`` elements stay, for what can't be inlined (media queries, ``:hover``). Nothing is loaded, from
    the network or from files. premailer loses the doctype: it is put back. With the ``recorder`` of the tokens in
    ``html``, a rule is refused that fits some readers' mail only.

    Raises TemplateProblem when the HTML can't be parsed.
    """
    doctype = _DOCTYPE.match(html)
    body = html[doctype.end() :] if doctype else html
    try:
        page = etree.fromstring(body.strip(), etree.HTMLParser(huge_tree=True))
        inliner = _Inliner(page)
        root = inliner.transform()
    except (ValueError, TypeError, AttributeError, LookupError, SyntaxError) as error:
        raise TemplateProblem(f"its HTML can't be parsed ({error}); check that tags and quotes are closed") from error
    if recorder is not None:
        _refuse_uncertain_rules(root, inliner.selectors, recorder)
    written = etree.tostring(root.getroot(), method="html", encoding="utf-8").decode()
    return f"{doctype[1] if doctype else '<!doctype html>'}\n{written}"


def _refuse_uncertain_rules(root: Any, selectors: set[str], recorder: Recorder) -> None:
    """Raise NotDeferrable for a rule that depends on neighbours or values which differ between readers."""
    for selector in sorted(selectors):
        named, valueless = _BY_VALUE.findall(selector), _BY_VALUE.sub(r"[\1]", selector)
        loose = _BY_NEIGHBOURS.sub("", valueless).strip() or "*"
        if loose == selector:
            continue
        matched: Any = CSSSelector(loose)(root)
        for element in matched:
            own = [element.get(name) or "" for name in named]
            beside = _comments_beside(element) if loose != valueless else []
            token = next(filter(None, map(recorder.token_in, own + beside)), None)
            if token:
                raise NotDeferrable(
                    f"the style rule {selector} fits some readers' mail and not others'; give the element a class",
                    *token.place,
                )


def _comments_beside(element: Any) -> list[str]:
    """The comments beside the element and beside each element it is in."""
    parents = element.iterancestors()
    return [comment.text or "" for parent in parents for comment in parent.iterchildren(etree.Comment)]
