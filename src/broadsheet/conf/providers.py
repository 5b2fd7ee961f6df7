"""``[adapters.NAME]`` of transactional-email providers: their HTTP APIs, their SMTP relays, and an API of one's own."""

from dataclasses import asdict
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Final, Literal

from jinja2 import Environment, TemplateSyntaxError
from pydantic import AfterValidator, Field, SecretStr
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from broadsheet.conf.forms import STRICT, WebAddress

Security = Literal["none", "starttls", "tls"]
_KEY: Final = "Its API key; from the environment only."
_API: Final = "The API's address."


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ProviderAdapter:
    """What the adapters of all providers have in common."""

    calls: int = Field(default=4, ge=1, le=64, description="How many calls are under way at once.")
    batch: int = Field(default=50, ge=1, le=500, description="Mails in a call, where the provider takes several.")
    timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for an answer.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="What its webhooks are checked with; from the environment only. See providers.md."
    )


@dataclass(frozen=True, config=STRICT, kw_only=True)
class AmazonSesAdapter(ProviderAdapter):
    """``kind = "amazon-ses"``: Amazon SES, API v2."""

    kind: Literal["amazon-ses"] = Field(description="Mail goes to Amazon SES, API v2.")
    region: str = Field(default="us-east-1", description="The region, such as `eu-central-1`.")
    access_key_id: SecretStr | None = Field(default=None, description="The key's id; from the environment only.")
    secret_access_key: SecretStr | None = Field(default=None, description="The key; from the environment only.")
    configuration_set: str | None = Field(default=None, description="The configuration set that publishes events.")
    api_url: WebAddress | None = Field(default=None, description="Another address of the API than the region's.")


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PostmarkAdapter(ProviderAdapter):
    """``kind = "postmark"``: Postmark."""

    kind: Literal["postmark"] = Field(description="Mail goes to Postmark's HTTP API.")
    server_token: SecretStr | None = Field(default=None, description="The server's token; from the environment only.")
    message_stream: str = Field(default="broadcast", description="The message stream; `broadcast` is for newsletters.")
    api_url: WebAddress = Field(default="https://api.postmarkapp.com", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class MailgunAdapter(ProviderAdapter):
    """``kind = "mailgun"``: Mailgun."""

    kind: Literal["mailgun"] = Field(description="Mail goes to Mailgun's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    sender_domain: str | None = Field(default=None, description="The sending domain there, if not the sender's own.")
    api_url: WebAddress = Field(
        default="https://api.mailgun.net/v3",
        description="The API's address; `https://api.eu.mailgun.net/v3` in the EU.",
    )


@dataclass(frozen=True, config=STRICT, kw_only=True)
class SendGridAdapter(ProviderAdapter):
    """``kind = "sendgrid"``: Twilio SendGrid."""

    kind: Literal["sendgrid"] = Field(description="Mail goes to SendGrid's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    api_url: WebAddress = Field(default="https://api.sendgrid.com/v3", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ResendAdapter(ProviderAdapter):
    """``kind = "resend"``: Resend."""

    kind: Literal["resend"] = Field(description="Mail goes to Resend's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    api_url: WebAddress = Field(default="https://api.resend.com", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class BrevoAdapter(ProviderAdapter):
    """``kind = "brevo"``: Brevo."""

    kind: Literal["brevo"] = Field(description="Mail goes to Brevo's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    api_url: WebAddress = Field(default="https://api.brevo.com/v3", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class SparkPostAdapter(ProviderAdapter):
    """``kind = "sparkpost"``: SparkPost."""

    kind: Literal["sparkpost"] = Field(description="Mail goes to SparkPost's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    subaccount: str | None = Field(default=None, description="The subaccount's number.")
    api_url: WebAddress = Field(
        default="https://api.sparkpost.com/api/v1",
        description="The API's address; `https://api.eu.sparkpost.com/api/v1` in the EU.",
    )


@dataclass(frozen=True, config=STRICT, kw_only=True)
class MailjetAdapter(ProviderAdapter):
    """``kind = "mailjet"``: Mailjet."""

    kind: Literal["mailjet"] = Field(description="Mail goes to Mailjet's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    secret_key: SecretStr | None = Field(default=None, description="Its secret key; from the environment only.")
    api_url: WebAddress = Field(default="https://api.mailjet.com/v3.1", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class MailerSendAdapter(ProviderAdapter):
    """``kind = "mailersend"``: MailerSend."""

    kind: Literal["mailersend"] = Field(description="Mail goes to MailerSend's HTTP API.")
    api_token: SecretStr | None = Field(default=None, description="Its API token; from the environment only.")
    custom_headers: bool = Field(
        default=False, description="Whether the account may set headers; if not, only List-Unsubscribe goes along."
    )
    api_url: WebAddress = Field(default="https://api.mailersend.com/v1", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class MandrillAdapter(ProviderAdapter):
    """``kind = "mandrill"``: Mailchimp Transactional, known as Mandrill."""

    kind: Literal["mandrill"] = Field(description="Mail goes to Mandrill's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    api_url: WebAddress = Field(default="https://mandrillapp.com/api/1.0", description=_API)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PostalAdapter(ProviderAdapter):
    """``kind = "postal"``: a Postal server of one's own."""

    kind: Literal["postal"] = Field(description="Mail goes to a Postal server's HTTP API.")
    api_key: SecretStr | None = Field(default=None, description=_KEY)
    api_url: WebAddress = Field(description="The server's address, such as `https://postal.magazine.example`.")


def _template(text: str) -> str:
    try:
        Environment(autoescape=False).parse(text)  # noqa: S701  only read here; each format escapes in its own way
    except TemplateSyntaxError as error:
        raise ValueError(f"is not a Jinja2 template: line {error.lineno}: {error.message}") from error
    return text


@dataclass(frozen=True, config=STRICT, kw_only=True)
class HttpAdapter:
    """``kind = "http"``: an HTTP API described here; one call for each mail."""

    kind: Literal["http"] = Field(description="Mail goes to an HTTP API that you describe.")
    url: WebAddress = Field(description="The address that each mail is posted to.")
    method: Literal["POST", "PUT"] = Field(default="POST", description="How.")
    format: Literal["json", "form", "mime"] = Field(
        default="json", description="`json`, `form`, or `mime` for the whole mail as it is (then without a `body`)."
    )
    headers: dict[str, Annotated[str, AfterValidator(_template)]] = Field(
        default_factory=dict, description='Its headers: `{Authorization = "Bearer {{ secret }}"}`.'
    )
    body: Annotated[str, AfterValidator(_template)] = Field(
        default='{"from": {{ sender }}, "to": {{ to }}, "subject": {{ subject }}, "text": {{ text }}, '
        '"html": {{ html }}, "headers": {{ headers }}}',
        description="A Jinja2 template; what it prints is escaped for the format.",
    )
    secret: SecretStr | None = Field(
        default=None, description="`secret` in the headers and the body; from the environment only."
    )
    repeatable: bool = Field(
        default=False, description="Whether a call with the same `delivery` again sends nothing twice."
    )
    calls: int = Field(default=4, ge=1, le=64, description="How many calls are under way at once.")
    timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for an answer.")


PROVIDER_KINDS: Final[dict[str, type]] = {
    "amazon-ses": AmazonSesAdapter,
    "postmark": PostmarkAdapter,
    "mailgun": MailgunAdapter,
    "sendgrid": SendGridAdapter,
    "resend": ResendAdapter,
    "brevo": BrevoAdapter,
    "sparkpost": SparkPostAdapter,
    "mailjet": MailjetAdapter,
    "mailersend": MailerSendAdapter,
    "mandrill": MandrillAdapter,
    "postal": PostalAdapter,
    "http": HttpAdapter,
}

ProviderSettings = (
    AmazonSesAdapter
    | PostmarkAdapter
    | MailgunAdapter
    | SendGridAdapter
    | ResendAdapter
    | BrevoAdapter
    | SparkPostAdapter
    | MailjetAdapter
    | MailerSendAdapter
    | MandrillAdapter
    | PostalAdapter
    | HttpAdapter
)


@plain_dataclass(frozen=True)
class Relay:
    """A provider's SMTP server."""

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str | None = None
    """The login name, where it is the same for everybody."""


#: What ``provider = "…"`` of an SMTP adapter stands for. Postal is everybody's own server, so it is not here.
RELAYS: Final = {
    "amazon-ses": Relay("email-smtp.us-east-1.amazonaws.com"),
    "postmark": Relay("smtp-broadcasts.postmarkapp.com"),
    "mailgun": Relay("smtp.mailgun.org"),
    "sendgrid": Relay("smtp.sendgrid.net", user="apikey"),
    "resend": Relay("smtp.resend.com", user="resend"),
    "brevo": Relay("smtp-relay.brevo.com"),
    "sparkpost": Relay("smtp.sparkpostmail.com", user="SMTP_Injection"),
    "mailjet": Relay("in-v3.mailjet.com"),
    "mailersend": Relay("smtp.mailersend.net"),
    "mandrill": Relay("smtp.mandrillapp.com"),
}
RelayName = Literal[
    "amazon-ses",
    "postmark",
    "mailgun",
    "sendgrid",
    "resend",
    "brevo",
    "sparkpost",
    "mailjet",
    "mailersend",
    "mandrill",
]


def with_relay(values: Any) -> Any:
    """An SMTP adapter's settings with what its ``provider`` stands for put in where they say nothing themselves."""
    given: Any = values.kwargs if isinstance(values, ArgsKwargs) else values
    relay = RELAYS.get(str(given.get("provider"))) if isinstance(given, dict) else None
    if relay is None:
        return values
    filled = {name: value for name, value in asdict(relay).items() if value is not None} | given
    return ArgsKwargs((), filled) if isinstance(values, ArgsKwargs) else filled
