"""``[privacy]``: what is kept of readers, and for how long."""

from datetime import timedelta

from pydantic import Field
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, Span


@dataclass(frozen=True, config=STRICT)
class Privacy:
    """``[privacy]``: what is kept of readers, and for how long."""

    truncate_networks: bool = Field(
        default=True,
        description="Whether network addresses lose their last part (IPv4: 8 bits, IPv6: 80) before they are kept.",
    )
    keep_reading: Span = Field(
        default=timedelta(days=90),
        description="How long it is kept who clicked and opened what, of readers who agreed to that; then only totals.",
    )
