"""premailer, behind one function."""

import logging
import re

import cssutils
from premailer import Premailer

from broadsheet.errors import TemplateProblem

cssutils.log.setLevel(logging.CRITICAL)  # it reports every property newer than CSS 2 as an error

_STYLED = re.compile(r"\sstyle=\"[^\"]*!important[^\"]*\"|\sstyle='[^']*!important[^']*'")
_IMPORTANT = re.compile(r"\s*!important")
_DOCTYPE = re.compile(r"\s*(<!doctype[^>]*>)", re.IGNORECASE)


def inlined(html: str) -> str:
    """``html`` with its style sheets' rules copied into ``style`` attributes.

    The ``<style>`` elements stay, for what can't be inlined (media queries, ``:hover``). ``!important``
    decides which rule wins and is then dropped from the attribute, so that a media query's own
    ``!important`` still beats it. Nothing is loaded, from the network or from files. premailer loses the
    doctype and its cache is shared between its functions: the doctype is put back, the cache is off.

    Raises TemplateProblem when the HTML can't be parsed.
    """
    doctype = _DOCTYPE.match(html)
    body = html[doctype.end() :] if doctype else html
    try:
        result = Premailer(
            body,
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
        ).transform(pretty_print=False)
    except (ValueError, TypeError, AttributeError, SyntaxError) as error:
        raise TemplateProblem(f"its HTML can't be parsed ({error}); check that tags and quotes are closed") from error
    result = _STYLED.sub(lambda tag: _IMPORTANT.sub("", tag[0]), result)
    return f"{doctype[1] if doctype else '<!doctype html>'}\n{result}"
