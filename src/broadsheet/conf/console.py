"""``[console]``: how staff get in."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, MailDomain, WebAddress

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, config=STRICT)
class Oidc:
    """``[console.oidc]``: single sign-on by OpenID Connect; off without an issuer."""

    issuer: WebAddress | None = Field(
        default=None, description="The provider's address, as its discovery document names it; off if unset."
    )
    client_id: str = Field(default="", description="What the provider knows this console as.")
    client_secret: SecretStr | None = Field(
        default=None, description="Its secret, if the provider gave one; from the environment only."
    )
    name: str = Field(default="single sign-on", description="What the button says after “Sign in with”.")
    domain: MailDomain | None = Field(
        default=None,
        description="Whoever has a verified address there gets an account on their first sign-in; else invited people.",
    )
    role: Literal["viewer", "editor", "publisher"] = Field(
        default="viewer", description="The role of those whom `domain` lets in."
    )

    @model_validator(mode="after")
    def _whole(self) -> "Oidc":
        if self.issuer is None:
            return self
        where = urlsplit(self.issuer)
        if where.scheme != "https" and where.hostname not in _LOOPBACK:
            raise ValueError("`issuer` must begin with https://, or anybody on the way could sign in as anybody")
        if not self.client_id:
            raise ValueError("`issuer` needs a `client_id`, which the provider gives")
        return self


@dataclass(frozen=True, config=STRICT)
class Console:
    """``[console]``: how staff get in."""

    oidc: Oidc = Field(default_factory=Oidc, description="Single sign-on.")
