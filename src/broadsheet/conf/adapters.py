"""``[adapters.NAME]``: what hands mail over, one form for each kind."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT
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


@dataclass(frozen=True, config=STRICT)
class SmtpAdapter:
    """``kind = "smtp"``: any mail server."""

    kind: Literal["smtp"] = Field(description="Mail goes to an SMTP server.")
    provider: RelayName | None = Field(
        default=None, description="A provider whose host, port and security are taken: see providers.md."
    )
    host: str = Field(default="127.0.0.1", description="The server's name.")
    port: int = Field(default=587, ge=1, le=65535, description="The server's port.")
    security: Literal["none", "starttls", "tls"] = Field(
        default="starttls",
        description="`none` (loopback only), `starttls` (587) or `tls` (465); certificates are checked.",
    )
    user: str | None = Field(default=None, description="Login name, if the server wants one.")
    password: SecretStr | None = Field(default=None, description="Its password; from the environment only.")
    connections: int = Field(default=4, ge=1, le=100, description="How many connections are kept open at once.")
    timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for a reply.")

    _relay = model_validator(mode="before")(with_relay)


AdapterSettings = Annotated[FolderAdapter | MemoryAdapter | SmtpAdapter | ProviderSettings, Field(discriminator="kind")]

ADAPTER_KINDS: dict[str, type] = {
    "folder": FolderAdapter,
    "memory": MemoryAdapter,
    "smtp": SmtpAdapter,
    **PROVIDER_KINDS,
}
