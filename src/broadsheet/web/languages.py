"""The language of an answer: the reader's own, else the one their browser asks for, else the site's."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from broadsheet.web.configured import configured


def known_language(*wished: str) -> str:
    """The first of the wished languages that the pages are written in; English if there is none."""
    written = dict(settings.LANGUAGES)
    for wish in wished:
        for tag in (wish.lower(), wish.lower().partition("-")[0]):
            if tag in written:
                return tag
    return settings.LANGUAGE_CODE


def in_their_language(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: pages are written in what ``?lang=`` or the browser asks for, unless the view knows its reader."""

    def answer(request: HttpRequest) -> HttpResponse:
        asked = [tag for tag, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")) if tag != "*"]
        wished = known_language(request.GET.get("lang", ""), *asked, configured().site.language)
        with translation.override(wished):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        patch_vary_headers(response, ("Accept-Language",))
        return response

    return answer
