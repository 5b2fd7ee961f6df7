"""Postmark's HTTP API, through django-anymail."""

from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import requests
from anymail.backends.postmark import EmailBackend
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRequestsAPIError
from django.core.mail import EmailMultiAlternatives

from broadsheet.conf import PostmarkAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.outcome import Outcome, Result
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
        )
        self._backend.open()

    def deliver(self, mails: Sequence[Mail]) -> Iterator[Outcome]:
        """One API call for each mail."""
        for mail in mails:
            yield self._hand_over(mail)

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
        except AnymailRequestsAPIError as error:
            return self._refused(mail, error)
        except (AnymailAPIError, requests.RequestException) as error:
            return Outcome(mail.delivery_id, Result.UNKNOWN, f"no answer: {type(error).__name__}")
        except (AnymailError, ValueError) as error:
            return Outcome(mail.delivery_id, Result.FAILED, str(error).splitlines()[0][:300])
        return Outcome(mail.delivery_id, Result.SENT)

    def _refused(self, mail: Mail, error: Any) -> Outcome:
        status = error.status_code
        if status is None:
            return Outcome(mail.delivery_id, Result.UNKNOWN, "no answer")
        if status in _STOPS_EVERYTHING:
            raise AdapterFailed("Postmark refused the server token; check it.", permanent=True) from error
        code, words = _answer(error)
        reply = f"{status} {words}"[:300]
        if status == 429 or status >= 500:
            return Outcome(mail.delivery_id, Result.DEFERRED, reply)
        return Outcome(mail.delivery_id, Result.FAILED, reply, dead=code == 406)


def _answer(error: Any) -> tuple[int, str]:
    """Postmark's own error code and words (0 and none if its answer is no JSON)."""
    try:
        body = error.response.json()
        return int(body.get("ErrorCode", 0)), str(body.get("Message", ""))
    except (AttributeError, TypeError, ValueError):
        return 0, ""


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
