"""``kind = "http"``: an API that ``broadsheet.toml`` describes, with a sandboxed template for what is posted."""

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote_plus

import requests
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from requests.adapters import HTTPAdapter

from broadsheet.conf import HttpAdapter
from broadsheet.errors import AdapterFailed, UnstampableReader
from broadsheet.sending.adapters.providers.answers import Answer, Reading, readings
from broadsheet.sending.adapters.providers.message import parts_of
from broadsheet.sending.adapters.providers.table import Answers
from broadsheet.sending.adapters.providers.through_anymail import as_answer, never_connected
from broadsheet.stamping import Mail

#: What a template's prints become: JSON values with their quotes, parts of a form, or a header's text.
_ESCAPES = {
    "json": lambda value: json.dumps(value, ensure_ascii=False, default=str),
    "form": lambda value: quote_plus(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    ),
    "mime": str,
}
_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "mime": "message/rfc822",
}
_WORDS = ("message", "error", "error.message", "detail", "errors.0.message")


class DescribedApi:
    """The described API: one call for each mail; any success means that it was taken."""

    most = 1

    def __init__(self, settings: HttpAdapter) -> None:
        self.title = f"The API at {settings.url}"
        self.calls, self.timeout = settings.calls, settings.timeout
        self.key_lasts = timedelta(days=1) if settings.repeatable else timedelta(0)
        self._settings = settings
        self._session: requests.Session | None = None
        self._body = _environment(settings.format).from_string(settings.body)
        plain = _environment("mime")
        self._headers = {name: plain.from_string(value) for name, value in settings.headers.items()}

    def open(self) -> None:
        """Prepare the session."""
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=self.calls, max_retries=0))

    def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.close()

    def prepared(self, mail: Mail) -> Any:
        """Headers and body for this mail. Raises UnstampableReader, with the template's mistake."""
        values = self._values(mail)
        try:
            headers = {name: template.render(values).strip() for name, template in self._headers.items()}
            body = mail.content if self._settings.format == "mime" else self._body.render(values).encode()
            if self._settings.format == "json":
                json.loads(body)
        except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise UnstampableReader(f"`body` or `headers` of the HTTP adapter: {error}") from error
        return {"Content-Type": _TYPES[self._settings.format], **headers}, body

    def call(self, prepared: Sequence[Any], _key: str) -> Answer | None:
        """The answer to one mail. Raises AdapterFailed if no connection came about."""
        [(headers, body)] = prepared
        assert self._session is not None
        try:
            response = self._session.request(
                self._settings.method,
                self._settings.url,
                headers=headers,
                data=body,
                timeout=self._settings.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            if never_connected(error):
                raise AdapterFailed(f"{self.title} can't be reached; check `url`.", permanent=False) from error
            return None
        return as_answer(response)

    def read(self, answer: Answer, mails: int) -> list[Reading]:
        """By the status alone: what stands in the body of an unknown API is words."""
        return readings(Answers(words=_WORDS), None, answer, mails)

    def login(self, _sender: str) -> str:
        """Whether something answers there: what a key would be tried with is not known."""
        assert self._session is not None
        try:
            response = self._session.head(self._settings.url, timeout=self._settings.timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise AdapterFailed(f"{self.title} can't be reached; check `url`.", permanent=False) from error
        return f"it answers ({response.status_code}); whether the key works shows a proof"

    def _values(self, mail: Mail) -> dict[str, Any]:
        parts = parts_of(mail)
        secret = self._settings.secret
        return {
            **{name: getattr(parts, name) for name in ("sender", "to", "subject", "text", "html", "headers", "tag")},
            "reply_to": parts.reply_to,
            "sender_name": parseaddr(parts.sender)[0],
            "sender_address": parseaddr(parts.sender)[1],
            "to_name": parseaddr(parts.to)[0],
            "to_address": mail.rcpt_to,
            "mail_from": mail.mail_from,
            "message_id": mail.message_id,
            "delivery": str(mail.delivery_id),
            "mime_base64": base64.b64encode(mail.content).decode("ascii"),
            "secret": secret.get_secret_value() if secret else "",
        }


def _environment(format_: str) -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined

    return ImmutableSandboxedEnvironment(
        autoescape=False, undefined=StrictUndefined, finalize=_ESCAPES[format_], keep_trailing_newline=False
    )
