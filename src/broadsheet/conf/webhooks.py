"""``[webhooks.NAME]``: other programs that are told what happens."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, WebAddress

#: What they can be told.
Told = Literal[
    "subscriber.subscribed",
    "subscriber.confirmed",
    "subscriber.unsubscribed",
    "subscriber.bounced",
    "subscriber.complained",
    "edition.sent",
]


@dataclass(frozen=True, config=STRICT)
class Webhook:
    """One address that events are posted to, signed as Standard Webhooks says."""

    url: WebAddress = Field(description="Where events are posted to; HTTPS, but for loopback.")
    events: tuple[Told, ...] = Field(default=(), description="Which events; all of them if none is named.")
    secret: SecretStr | None = Field(
        default=None, description="Signs what is posted (`whsec_…`); from the environment only."
    )
