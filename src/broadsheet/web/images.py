"""Articles' pictures as mails show them, from the workspace's cache of renditions."""

import re

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase

from broadsheet.web.methods import read_only

#: Names the cache gives: a hash of the content, so that a picture never changes under its address.
_NAME = re.compile(r"[0-9a-f]{12,64}\.(png|jpg|jpeg|gif)")
_ON_LOOPBACK = re.compile(rf"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?/i/(?={_NAME.pattern})")
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif"}


@read_only
def image(_request: HttpRequest, name: str) -> HttpResponseBase:
    """The picture of that name, to be kept for a year; 404 for any other name."""
    named = _NAME.fullmatch(name)
    path = settings.WORKSPACE.state / "images" / name
    if named is None or not path.is_file():
        raise Http404
    response = FileResponse(path.open("rb"), content_type=_TYPES[named[1]])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def locally(html: str, frozen_url: str = "") -> str:
    """``html`` with those pictures taken from the server that shows it, not from the public one.

    ``frozen_url`` is what that was called when the mail was frozen.
    """
    for url in {settings.WORKSPACE.config.public.url, frozen_url} - {""}:
        html = html.replace(f"{url}/i/", "/i/")
    return from_any_port(html)


def from_any_port(html: str) -> str:
    """``html`` with those pictures found that a server of this machine had under another port."""
    return _ON_LOOPBACK.sub("/i/", html)
