"""The style sheet and the script, served from the package under names that hold their content's hash.

``{% url "asset" "broadsheet.css" %}`` is ``/static/broadsheet.1a2b3c4d.css``: a browser keeps it for good, and a new
release has a new address.
"""

import hashlib
from functools import cache
from importlib.resources import files

from django.http import HttpRequest, HttpResponse
from django.urls import register_converter

from broadsheet.web.methods import read_only

#: name -> content type; nothing else is served
ASSETS = {
    "broadsheet.css": "text/css; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.js": "text/javascript; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "preview.css": "text/css; charset=utf-8",
    "preview.js": "text/javascript; charset=utf-8",
}


class AssetConverter:
    """``broadsheet.css`` in code, ``broadsheet.<hash>.css`` in addresses."""

    regex = r"[a-z]+\.[0-9a-f]{8}\.[a-z]+"

    def to_python(self, value: str) -> str:
        """The asset's name. Raises ValueError, which is a 404, for another hash or name."""
        stem, _, rest = value.partition(".")
        name = f"{stem}.{rest.partition('.')[2]}"
        if name not in ASSETS or self.to_url(name) != value:
            raise ValueError(value)
        return name

    def to_url(self, name: str) -> str:
        """The name with its content's hash in it."""
        stem, _, ending = name.partition(".")
        return f"{stem}.{hashlib.sha256(content(name)).hexdigest()[:8]}.{ending}"


register_converter(AssetConverter, "asset")


#: What other packages ship, under our own name.
_ELSEWHERE = {"htmx.js": ("django_htmx", "static/django_htmx/htmx-2.min.js")}


@cache
def content(name: str) -> bytes:
    """The bytes of a packaged asset."""
    package, path = _ELSEWHERE.get(name, ("broadsheet.web", f"static/{name}"))
    return (files(package) / path).read_bytes()


@read_only
def asset(_request: HttpRequest, name: str) -> HttpResponse:
    """The asset, to be kept for a year."""
    response = HttpResponse(content(name), content_type=ASSETS[name])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
