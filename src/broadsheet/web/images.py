"""Articles' pictures as mails show them, from the workspace's cache of renditions."""

import re

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

#: Names the cache gives: a hash of the content, so that a picture never changes under its address.
_NAME = re.compile(r"[0-9a-f]{12,64}\.(png|jpg|jpeg|gif)")
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif"}


@require_safe
def image(_request: HttpRequest, name: str) -> HttpResponseBase:
    """The picture of that name, to be kept for a year; 404 for any other name."""
    named = _NAME.fullmatch(name)
    path = settings.WORKSPACE.state / "images" / name
    if named is None or not path.is_file():
        raise Http404
    response = FileResponse(path.open("rb"), content_type=_TYPES[named[1]])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def locally(html: str) -> str:
    """``html`` with those pictures taken from the server that shows it, not from the public one."""
    return html.replace(f"{settings.WORKSPACE.config.public.url}/i/", "/i/")
