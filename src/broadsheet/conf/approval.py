"""``[approval]``: who may say yes."""

from pydantic import Field
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT


@dataclass(frozen=True, config=STRICT)
class Approval:
    """``[approval]``: who may say yes to an edition."""

    four_eyes: bool = Field(
        default=False,
        description="Whether nobody approves an edition that they wrote or froze; every edition wants a yes then.",
    )
