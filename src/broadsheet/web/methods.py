"""What a page may be asked: to be read, or to act as well."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

_View = TypeVar("_View", bound=Callable[..., Any])


def read_only(view: _View) -> _View:
    """The view for GET and HEAD. A POST is answered 405 with ``Allow``; it changes nothing, so needs no CSRF token."""
    return csrf_exempt(require_safe(view))
