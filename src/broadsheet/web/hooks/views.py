"""``/hooks/<adapter>``: a provider's call is checked and kept; what it says is worked on after the answer."""

from typing import Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from broadsheet.errors import BroadsheetError, Refused
from broadsheet.events import hooks


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def hook(request: HttpRequest, adapter: str) -> HttpResponse:
    """200 once the call is kept. 404 without a secret, 401 or 403 without the right one; then nothing changes.

    HEAD is how some providers look whether there is anything.
    """
    webhook = hooks.webhook_of(settings.WORKSPACE, adapter)
    if webhook is None:
        raise Http404
    if request.method == "HEAD":
        return HttpResponse()
    if webhook.asks_for_a_password and "Authorization" not in request.headers:
        hooks.count_refusal(adapter)
        # Amazon SNS sends its password only after it was asked for one
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="webhook"'})
    try:
        _ = request.body
        webhook.check(request)
    except Refused as error:
        hooks.count_refusal(adapter)
        return _said(403, f"Refused: {error}")
    except (RequestDataTooBig, UnreadablePostError, BroadsheetError) as error:
        return _said(_STATUSES.get(type(error), 503), str(error))  # 503: a library is not installed
    hooks.keep_call(adapter, request)
    return _said(200, "Kept")


_STATUSES: Final[dict[type[Exception], int]] = {RequestDataTooBig: 413, UnreadablePostError: 400}


def _said(status: int, words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
