"""Postmark's HTTP API, through django-anymail."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import requests
from anymail.backends.postmark import EmailBackend
from anymail.exceptions import AnymailAPIError, AnymailError
from django.core.mail import EmailMultiAlternatives
from urllib3.exceptions import NewConnectionError

from broadsheet.conf import PostmarkAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Tray, each
from broadsheet.stamping import Mail

#: Headers that the API sets itself or takes as fields of its own.
_OWN_FIELDS = {
    "from",
    "to",
    "subject",
    "reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}
#: HTTP answers that no other mail would fare better with.
_STOPS_EVERYTHING = {401, 403}
#: Postmark's error code for an address that bounced for good or complained.
_INACTIVE = 406


class Postmark:
    """Hands each copy to Postmark on its own, over one kept connection; no call holds two readers' data."""

    def __init__(self, settings: PostmarkAdapter) -> None:
        self._settings = settings
        self._backend: Any = None

    def open(self) -> None:
        """Prepare the session. Raises AdapterFailed without a token."""
        if self._settings.server_token is None:
            raise AdapterFailed(
                "Postmark needs its server token: set BROADSHEET_ADAPTERS_<NAME>_SERVER_TOKEN.",
                permanent=True,
            )
        self._backend = EmailBackend(
            server_token=self._settings.server_token.get_secret_value(),
            api_url=self._settings.api_url,
            timeout=self._settings.timeout,
            ignore_recipient_status=True,
        )
        self._backend.open()

    def deliver(self, tray: Tray) -> None:
        """One API call for each mail."""
        for mail in each(tray):
            tray.attempt(mail)
            tray.answer(self._hand_over(mail))

    def close(self) -> None:
        """Close the session."""
        if self._backend is not None:
            self._backend.close()

    def _hand_over(self, mail: Mail) -> Outcome:
        message = as_django_message(mail)
        message.esp_extra = {"MessageStream": self._settings.message_stream}  # type: ignore[attr-defined]
        message.metadata = {"delivery": str(mail.delivery_id)}  # type: ignore[attr-defined]
        try:
            self._backend.send_messages([message])
        except (AnymailAPIError, requests.RequestException) as error:
            return self._unfinished(mail, error)
        except (AnymailError, ValueError) as error:
            return Outcome(mail.delivery_id, Result.FAILED, str(error).splitlines()[0][:300])
        return _answered(mail, message.anymail_status.esp_response)  # type: ignore[attr-defined]

    def _unfinished(self, mail: Mail, error: Exception) -> Outcome:
        """What an error means: an answer that is none of success, or no answer."""
        response = getattr(error, "response", None)
        if response is not None:
            return _answered(mail, response)
        if _never_connected(error):
            raise AdapterFailed(
                f"Postmark can't be reached at {self._settings.api_url}; check the network and `api_url`.",
                permanent=False,
            ) from error
        return Outcome(mail.delivery_id, Result.UNKNOWN, "no answer")


def _never_connected(error: Exception) -> bool:
    """Whether no connection came about, so that the mail can't have been taken."""
    cause = error.__cause__ or error
    if isinstance(cause, requests.ConnectTimeout | requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return True
    return any(isinstance(getattr(each, "reason", None), NewConnectionError) for each in cause.args)


def _answered(mail: Mail, response: requests.Response) -> Outcome:
    """The outcome of an answer. Its own error code counts: anymail finds refused readers by the answer's wording."""
    status = response.status_code
    if status in _STOPS_EVERYTHING:
        raise AdapterFailed("Postmark refused the server token; check it.", permanent=True)
    code, words = _code_and_words(response)
    reply = f"{status} {words}".strip()[:300]
    if status == 429 or status >= 500:
        return Outcome(mail.delivery_id, Result.DEFERRED, reply)
    if status < 400 and code is None:
        return Outcome(mail.delivery_id, Result.UNKNOWN, f"{status} with an answer that can't be read")
    if status < 400 and code == 0:
        return Outcome(mail.delivery_id, Result.SENT)
    return Outcome(mail.delivery_id, Result.FAILED, reply, dead=code == _INACTIVE)


def _code_and_words(response: requests.Response) -> tuple[int | None, str]:
    """Postmark's own error code (0 is success, None an answer that isn't its JSON) and its words."""
    try:
        body = response.json()
        return int(body.get("ErrorCode", 0)), str(body["Message"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None, ""


def as_django_message(mail: Mail) -> EmailMultiAlternatives:
    """The stamped copy as Django's message, with its own headers."""
    parsed: EmailMessage = message_from_bytes(mail.content, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    message = EmailMultiAlternatives(
        subject=str(parsed["subject"]),
        body=text.get_content() if text else "",
        from_email=str(parsed["from"]),
        to=[str(parsed["to"])],
        reply_to=[str(parsed["reply-to"])] if parsed["reply-to"] else None,
        headers={name: str(value) for name, value in parsed.items() if name.lower() not in _OWN_FIELDS},
    )
    if html:
        message.attach_alternative(html.get_content(), "text/html")
    return message
