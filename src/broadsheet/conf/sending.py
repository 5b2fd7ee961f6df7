"""``[sending]``: retries and the breaker, and ``[pace.NAME]``: how fast an adapter may send."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, Span

Rate = Annotated[float, Field(gt=0, le=1_000_000)]
Cap = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=STRICT)
class Sending:
    """``[sending]``: what is done about refusals."""

    retry_first: Span = Field(
        default=timedelta(minutes=5), description="How long a copy waits after its first temporary refusal."
    )
    retry_longest: Span = Field(
        default=timedelta(hours=6), description="The longest wait; each is three times the one before."
    )
    retry_for: Span = Field(default=timedelta(hours=24), description="How long a copy is tried before it has failed.")
    retries_a_day: int = Field(default=8, ge=1, le=100, description="How often a copy is tried in a day at the most.")
    pause_after: int = Field(
        default=50, ge=0, description="So many permanent failures in a row pause the edition; 0: never."
    )
    pause_share: int = Field(
        default=50, ge=0, le=100, description="So many failures in a hundred, of the last 200, pause it; 0: never."
    )


@dataclass(frozen=True, config=STRICT)
class WarmUp:
    """``warm_up`` of a pace: a new sender begins with little."""

    start: date = Field(description="The first day.")
    per_day: tuple[Cap, ...] = Field(
        min_length=1, description="How many messages on the first day, the second, and so on; after them, no cap."
    )


@dataclass(frozen=True, config=STRICT)
class Pace:
    """``[pace.NAME]``: how fast the adapter of that name may send, all senders on all machines together."""

    per_second: Rate | None = Field(default=None, description="Messages in a second.")
    per_hour: Cap | None = Field(default=None, description="Messages in any 60 minutes.")
    per_day: Cap | None = Field(default=None, description="Messages in any 24 hours.")
    domains: dict[str, Rate] = Field(
        default_factory=dict, description='Messages in a second to one recipient domain: `{"mail.example" = 5}`.'
    )
    warm_up: WarmUp | None = Field(
        default=None, description="Caps for the first days: `{start = 2026-12-01, per_day = [500, 1000, 5000]}`."
    )

    @model_validator(mode="after")
    def _sensible(self) -> "Pace":
        for name in self.domains:
            if name != name.lower() or "@" in name or "." not in name:
                raise ValueError(f"`domains` holds {name!r}; write lower-case domains like mail.example")
        return self

    @property
    def limited(self) -> bool:
        """Whether it limits anything."""
        return bool(self.per_second or self.per_hour or self.per_day or self.domains or self.warm_up)
