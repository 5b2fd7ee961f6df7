"""Amazon SES, API v2: through anymail and boto3. The stamped bytes go as they are."""

from collections.abc import Sequence
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError

from broadsheet.conf import AmazonSesAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.adapters.providers.answers import Answer, found, wait_of
from broadsheet.sending.adapters.providers.message import parts_of
from broadsheet.sending.adapters.providers.through_anymail import ProviderApi, quietly
from broadsheet.stamping import Mail

_MISSING = 'Amazon SES needs boto3: install "broadsheet[amazon-ses]".'


class SesApi(ProviderApi):
    """Amazon signs its requests in its own way, so boto3 makes them."""

    backend = "anymail.backends.amazon_ses"

    def open(self) -> None:
        """Prepare the client. Raises AdapterFailed without boto3 or with half a key."""
        self._backend = self._made()
        try:
            self._backend.open()
        except (ValueError, OSError) as error:
            raise AdapterFailed(
                f"Amazon SES can't be used: {error}; check `region` and `api_url`.", permanent=True
            ) from error

    def prepared(self, mail: Mail) -> Any:
        """Anymail's payload, its MIME message ours byte for byte. Raises UnstampableReader."""
        try:
            payload = self._payload(mail)
        except (AnymailError, ValueError) as error:
            raise self._impossible(error) from error
        ours = f"X-Metadata: {payload.serialize_json(payload.message.metadata)}\r\n" if mail.delivery_id else ""
        tag = parts_of(mail).tag
        ours += f"X-Tag: {tag}\r\n" if tag.isascii() and tag else ""
        payload.generate_raw_message = lambda: ours.encode("ascii") + mail.content
        return payload

    def call(self, prepared: Sequence[Any], _key: str) -> Answer | None:
        """The answer to one mail. Raises AdapterFailed if no connection came about."""
        from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, SSLError

        [payload] = prepared
        try:
            return _answered(self._backend.post_to_esp(payload, payload.message))
        except AnymailAPIError as error:
            if error.response is not None:
                return _answered(error.response)
            if isinstance(error.__cause__, NoCredentialsError):
                raise AdapterFailed(
                    "Amazon SES needs a key: set `…_ACCESS_KEY_ID` and `…_SECRET_ACCESS_KEY`.", permanent=True
                ) from error
            if isinstance(error.__cause__, ConnectTimeoutError | EndpointConnectionError | SSLError):
                raise AdapterFailed(f"Amazon SES can't be reached: {error.__cause__}", permanent=False) from error
            return None

    def login(self, _sender: str) -> str:
        """What the account may send. Raises AdapterFailed if the key does not work."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._backend.client.get_account()
        except ClientError as error:
            return self._said(_answered(error.response))
        except BotoCoreError as error:
            raise AdapterFailed(f"Amazon SES does not answer: {error}", permanent=False) from error
        if answer.get("SendingEnabled") is False:
            raise AdapterFailed("Amazon SES has paused the account's sending; its console says why.", permanent=True)
        facts = [f"{word} {value}" for word, path in self.row.login.says if (value := found(answer, path)) is not None]
        return "; ".join(["the key works", *facts])

    def _made(self) -> Any:
        try:
            from anymail.backends.amazon_ses import EmailBackend
        except ImportError as error:
            raise AdapterFailed(_MISSING, permanent=True) from error
        settings = self.settings
        given = session_params(settings)
        config = {
            "retries": {"total_max_attempts": 1},  # a second try of botocore's own could send twice
            "max_pool_connections": self.calls,
            "connect_timeout": settings.timeout,
            "read_timeout": settings.timeout,
        }
        client = {"region_name": settings.region, "endpoint_url": settings.api_url, "config": config}
        with quietly():
            return EmailBackend(
                session_params=given, client_params=client, configuration_set_name=settings.configuration_set
            )


def session_params(settings: AmazonSesAdapter) -> dict[str, str]:
    """The key, as boto3 wants it; empty for what boto3 finds by itself. Raises AdapterFailed for half a key."""
    keys = {"aws_access_key_id": settings.access_key_id, "aws_secret_access_key": settings.secret_access_key}
    given = {name: each.get_secret_value() for name, each in keys.items() if each is not None}
    if len(given) == 1:
        raise AdapterFailed("Amazon SES needs both `access_key_id` and `secret_access_key`.", permanent=True)
    return given


def _answered(response: Any) -> Answer:
    about = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    return Answer(int(about.get("HTTPStatusCode", 200)), response, wait=wait_of(about.get("HTTPHeaders", {})))
