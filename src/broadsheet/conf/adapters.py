"""``[adapters.NAME]``: what hands mail over, one form for each kind."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, OneOrMore
from broadsheet.conf.providers import PROVIDER_KINDS, ProviderSettings, RelayName, with_relay


@dataclass(frozen=True, config=STRICT)
class FolderAdapter:
    """``kind = "folder"``: writes each mail as an `.eml` file; nothing leaves the machine."""

    kind: Literal["folder"] = Field(default="folder", description="Mail becomes `.eml` files in a folder.")
    path: str = Field(default=".broadsheet/inbox", description="The folder, relative to the workspace.")


@dataclass(frozen=True, config=STRICT)
class MemoryAdapter:
    """``kind = "memory"``: keeps mail in memory; for trying things out in Python."""

    kind: Literal["memory"] = Field(description="Mail is kept in memory and forgotten.")


Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, config=STRICT)
class SmtpServer:
    """One of an adapter's ``servers``; what it does not say is as the adapter says."""

    host: str = Field(description="The server's name.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Its port, if not the adapter's.")
    weight: int = Field(
        default=1, ge=0, le=1000, description="Its share of the connections; 0: only while no other server can."
    )
    security: Security | None = Field(default=None, description="Its security, if not the adapter's.")
    user: str | None = Field(default=None, description="Its login name, if not the adapter's.")
    password: SecretStr | None = Field(default=None, description="Its password; from the environment only.")
    ca_file: str | None = Field(default=None, description="Its certificate authorities, if not the adapter's.")


@dataclass(frozen=True, config=STRICT)
class SmtpAdapter:
    """``kind = "smtp"``: any mail server, or several."""

    kind: Literal["smtp"] = Field(description="Mail goes to an SMTP server.")
    provider: RelayName | None = Field(
        default=None, description="A provider whose host, port and security are taken: see providers.md."
    )
    host: str = Field(default="127.0.0.1", description="The server's name.")
    port: int = Field(default=587, ge=1, le=65535, description="The server's port.")
    security: Security = Field(
        default="starttls",
        description="`starttls` (587), `tls` (465), certificates checked; `none` (this machine, a private network).",
    )
    user: str | None = Field(default=None, description="Login name, if the server wants one.")
    password: SecretStr | None = Field(default=None, description="Its password; from the environment only.")
    ca_file: str | None = Field(
        default=None, description="File of the certificate authorities to trust, if not the system's."
    )
    servers: tuple[SmtpServer, ...] = Field(default=(), description="Several servers instead of `host`.")
    hello: str | None = Field(default=None, description="The name said in EHLO, if not this machine's.")
    connections: int = Field(default=4, ge=1, le=100, description="How many connections are kept open at once.")
    in_flight: int = Field(
        default=5, ge=1, le=100, description="Mails on the way on one connection, where the server offers CHUNKING."
    )
    in_flight_bytes: int = Field(default=1_000_000, ge=1, description="Bytes on the way on one connection, about.")
    messages_per_connection: int = Field(
        default=1000, ge=1, description="Mails after which a connection is closed and another opened."
    )
    connect_timeout: float = Field(default=30.0, gt=0, description="Seconds for each step of connecting and login.")
    timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for the reply to a command.")
    content_timeout: float = Field(
        default=600.0, gt=0, description="Seconds to wait for the reply to a mail's content; after them it is unknown."
    )
    patience: float = Field(
        default=60.0, gt=0, description="Seconds to go on trying when no server can be used; then the edition rests."
    )
    discard: OneOrMore = Field(
        default=(), description="Extensions not to use though the server offers them, such as `CHUNKING`."
    )
    dkim_domain: str | None = Field(default=None, description="Domain to sign for (DKIM); no signature if empty.")
    dkim_selector: str | None = Field(default=None, description="The key's selector: `SELECTOR._domainkey.DOMAIN`.")
    dkim_key_file: str | None = Field(
        default=None, description="The private key, PEM, RSA or Ed25519; relative to the workspace."
    )
    dkim_key: SecretStr | None = Field(default=None, description="The private key itself; from the environment only.")

    _relay = model_validator(mode="before")(with_relay)


AdapterSettings = Annotated[FolderAdapter | MemoryAdapter | SmtpAdapter | ProviderSettings, Field(discriminator="kind")]

ADAPTER_KINDS: dict[str, type] = {
    "folder": FolderAdapter,
    "memory": MemoryAdapter,
    "smtp": SmtpAdapter,
    **PROVIDER_KINDS,
}
