"""Providers' APIs through django-anymail: it knows each one's form of a mail; the call itself is made here.

So that several calls share a session, mails of a batch share a call, and an answer is read by our table.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import quote, urljoin

import requests
from anymail.exceptions import AnymailError
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from broadsheet.conf import ProviderAdapter
from broadsheet.errors import AdapterFailed, UnstampableReader
from broadsheet.sending.adapters.providers.answers import Answer, Reading, found, readings, wait_of
from broadsheet.sending.adapters.providers.message import Parts, as_django_message, parts_of
from broadsheet.sending.adapters.providers.rows import PROVIDERS
from broadsheet.sending.adapters.providers.table import Provider, Verdict
from broadsheet.stamping import Mail


class ProviderApi:
    """The API of the provider that the settings are of."""

    def __init__(self, settings: ProviderAdapter, name: str = "<NAME>") -> None:
        self.row: Provider = PROVIDERS[type(settings)]
        self.title = self.row.title
        self.calls, self.timeout = settings.calls, settings.timeout
        self.most = min(settings.batch, self.row.batch.most) if self.row.batch else 1
        self.key_lasts = self.row.key.lasts if self.row.key else timedelta(0)
        self.settings: Any = settings
        self._name = name.upper().replace("-", "_")
        self._backend: Any = None

    def open(self) -> None:
        """Prepare the session. Raises AdapterFailed if a secret is missing."""
        self._backend = self._made()
        self._backend.open()
        pool = HTTPAdapter(pool_connections=1, pool_maxsize=self.calls, max_retries=0)
        for scheme in ("https://", "http://"):
            self._backend.session.mount(scheme, pool)

    def close(self) -> None:
        """Close the session."""
        if self._backend is not None:
            self._backend.close()

    def prepared(self, mail: Mail) -> Any:
        """The arguments of the request that hands over this mail alone. Raises UnstampableReader."""
        try:
            return self._payload(mail).get_request_params(self._backend.api_url)
        except (AnymailError, ValueError) as error:
            raise self._impossible(error) from error

    def call(self, prepared: Sequence[Any], key: str) -> Answer | None:
        """The answer to one request for all of them."""
        params = self._together(prepared) if self._several() else dict(prepared[0])
        if self.row.key and self.row.key.in_body:
            body = json.loads(params["data"])
            params["data"] = json.dumps({**body, "headers": {**body.get("headers", {}), self.row.key.header: key}})
        elif self.row.key:
            params["headers"] = {**params["headers"], self.row.key.header: key}
        return self._asked(params)

    def read(self, answer: Answer, mails: int) -> list[Reading]:
        """What the answer means for each mail."""
        return readings(self.row.answers, self.row.batch if self._several() else None, answer, mails)

    def login(self, sender: str) -> str:
        """What the provider says about the key. Raises AdapterFailed if the key does not work."""
        login = self.row.login
        params = self._payload(_NOBODY).get_request_params(self._backend.api_url)
        domain = getattr(self.settings, "sender_domain", None) or sender.rpartition("@")[2]
        params["url"] = urljoin(self._backend.api_url, login.path.format(domain=quote(domain, safe="")))
        params["method"] = login.method
        params["files"] = None
        params["data"] = self._filled(login.body, params) if login.body is not None else None
        answer = self._asked(params)
        if answer is None:
            raise AdapterFailed(f"{self.title} does not answer at {params['url']}.", permanent=False)
        return self._said(answer)

    def _several(self) -> bool:
        """Whether calls are made for several mails; where one is put like several, always."""
        return self.row.batch is not None and (self.most > 1 or self.row.batch.into != "")

    def _said(self, answer: Answer) -> str:
        login, answers = self.row.login, self.row.answers
        codes = {str(found(answer.body, path)) for path in answers.code} | {str(answer.status)}
        [reading] = readings(answers, None, answer, 1)
        refused = answer.status >= 300 or reading.verdict in (Verdict.STOP, Verdict.FAIL, Verdict.DEFER)
        if not (codes & login.works) and refused and reading.verdict is not Verdict.TAKEN:
            raise AdapterFailed(f"{self.title} refused the login: {reading.reply}; check its key.", permanent=True)
        facts = [f"{word} {value}" for word, path in login.says if (value := found(answer.body, path)) is not None]
        return "; ".join(["the key works", *facts])

    def _filled(self, body: Mapping[str, str], params: Mapping[str, Any]) -> Any:
        filled = {key: value.format(**self._secrets()) for key, value in body.items()}
        is_json = "json" in str((params["headers"] or {}).get("Content-Type", "json"))
        return json.dumps(filled) if is_json and params["auth"] is None else filled

    def _secrets(self) -> dict[str, str]:
        values = {name: getattr(self.settings, name) for name in self.row.options.values()}
        return {name: each.get_secret_value() for name, each in values.items() if isinstance(each, SecretStr)}

    def _made(self) -> Any:
        """Anymail's backend with our settings as its arguments."""
        arguments = {}
        for argument, setting in self.row.options.items():
            value = getattr(self.settings, setting)
            if value is None and "SecretStr" in str(type(self.settings).__dataclass_fields__[setting].type):
                variable = f"BROADSHEET_ADAPTERS_{self._name}_{setting.upper()}"
                raise AdapterFailed(f"{self.title} needs `{setting}`: set {variable}.", permanent=True)
            arguments[argument] = value.get_secret_value() if isinstance(value, SecretStr) else value
        with quietly():
            return import_module(self.row.backend).EmailBackend(timeout=self.settings.timeout, **arguments)

    def _payload(self, mail: Mail) -> Any:
        parts = parts_of(mail)
        message: Any = as_django_message(self._adjusted(parts))
        if parts.tag:
            message.tags = [parts.tag]
        if self.row.metadata and mail.delivery_id:
            message.metadata = {"delivery": str(mail.delivery_id)}
        if self.row.tracking:  # ours is in the links already; a provider's would tell it who reads what
            message.track_clicks = message.track_opens = False
        message.esp_extra = self._extra(parts)
        return self._backend.build_message_payload(message, self._backend.send_defaults)

    def _adjusted(self, parts: Parts) -> Parts:
        headers = {**parts.headers, **self.row.adds}
        if getattr(self.settings, "custom_headers", True) is False:
            headers = {name: value for name, value in headers.items() if name == "Precedence"}
        return Parts(**{**vars(parts), "headers": headers})

    def _extra(self, parts: Parts) -> dict[str, Any]:
        extra: dict[str, Any] = {field: getattr(self.settings, name) for field, name in self.row.extra.items()}
        if getattr(self.settings, "custom_headers", True) is False and "List-Unsubscribe" in parts.headers:
            extra["list_unsubscribe"] = parts.headers["List-Unsubscribe"]
        return extra

    def _together(self, prepared: Sequence[Any]) -> dict[str, Any]:
        """One request out of several: the list of what each would have posted."""
        assert self.row.batch is not None
        bodies = [json.loads(each["data"]) for each in prepared]
        if into := self.row.batch.into:  # Mailjet's Globals are laid under each message: each has its own content
            whole: Any = {into: [{**body.get("Globals", {}), **item} for body in bodies for item in body[into]]}
        else:
            whole = bodies
        return {
            **prepared[0],
            "url": urljoin(self._backend.api_url, self.row.batch.path),
            "data": json.dumps(whole),
        }

    def _asked(self, params: Mapping[str, Any]) -> Answer | None:
        try:
            response = self._backend.session.request(
                **{"timeout": self.settings.timeout, **params, "allow_redirects": False}
            )
        except requests.RequestException as error:
            if never_connected(error):
                raise AdapterFailed(
                    f"{self.title} can't be reached at {self._backend.api_url}; check the network and `api_url`.",
                    permanent=False,
                ) from error
            return None
        return as_answer(response)

    def _impossible(self, error: Exception) -> UnstampableReader:
        return UnstampableReader(f"{self.title} can't have this mail: {str(error).splitlines()[0]}")


def as_answer(response: requests.Response) -> Answer:
    """The answer in a response of requests."""
    try:
        body = response.json()
    except ValueError:
        body = None
    return Answer(response.status_code, body, "" if body else response.text[:200], wait_of(response.headers))


def never_connected(error: requests.RequestException) -> bool:
    """Whether no connection came about, so that no mail can have been taken."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return True
    return any(isinstance(getattr(each, "reason", None), NewConnectionError) for each in error.args)


@contextmanager
def quietly() -> Any:
    """Without anymail's warnings about settings that are not Django's here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_NOBODY = Mail(
    0,
    "nobody@localhost.test",
    "nobody@localhost.test",
    "<nobody@localhost.test>",
    (b"From: nobody@localhost.test\r\nTo: nobody@localhost.test\r\nSubject: -\r\n\r\n-\r\n",),
)
