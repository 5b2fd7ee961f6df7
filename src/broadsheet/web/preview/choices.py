"""What the page is asked to show, as it stands in the address."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Self, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.http import HttpRequest

from broadsheet.web.inbox.frame import Dark

Kind = TypeVar("Kind", bound=TextChoices)


class View(TextChoices):
    """Which side of the mail is shown."""

    MAIL = "mail", "Mail"
    TEXT = "text", "Text"
    SOURCE = "source", "Source"
    HEADERS = "headers", "Headers"


class Width(TextChoices):
    """How wide the frame is: 375, 768 or 900 pixels."""

    PHONE = "phone", "Phone"
    TABLET = "tablet", "Tablet"
    DESKTOP = "desktop", "Desktop"


class Images(TextChoices):
    """Whether the mail's pictures are shown."""

    ON = "on", "Images"
    OFF = "off", "No images"


@dataclass(frozen=True)
class Choices:
    """Every choice; in addresses, what is as usual is left out."""

    view: str = View.MAIL
    width: str = Width.DESKTOP
    dark: str = Dark.OFF
    images: str = Images.ON
    reader: str = ""
    """A subscriber's address; the first reader of the largest variant if empty."""
    at: str = ""
    """The edition's time, ISO 8601; the campaign's next if empty."""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """What the address asks for."""
        return cls(
            view=_one_of(View, request, "view", View.MAIL),
            width=_one_of(Width, request, "width", Width.DESKTOP),
            dark=_one_of(Dark, request, "dark", Dark.OFF),
            images=_one_of(Images, request, "images", Images.ON),
            reader=request.GET.get("reader", "").strip(),
            at=request.GET.get("at", ""),
        )

    def moment(self, zone: ZoneInfo) -> datetime | None:
        """The time that was asked for, in ``zone`` if it names none; None for the next."""
        try:
            asked = datetime.fromisoformat(self.at)
        except ValueError:
            return None
        return (asked if asked.tzinfo else asked.replace(tzinfo=zone)).replace(second=0, microsecond=0)

    def pairs(self, **change: str) -> dict[str, str]:
        """The choices that are not as usual, with ``change``."""
        usual = asdict(type(self)())
        return {key: value for key, value in asdict(replace(self, **change)).items() if value != usual[key]}

    def query(self, **change: str) -> str:
        """The choices as the end of an address, with ``change``."""
        pairs = self.pairs(**change)
        return f"?{urlencode(pairs)}" if pairs else "?"

    def switch(self, kinds: type[Kind], key: str) -> list[tuple[str, str, str]]:
        """Value, label and address of each way to choose ``key``."""
        return [(value, label, self.query(**{key: value})) for value, label in kinds.choices]


def _one_of(kinds: type[Kind], request: HttpRequest, key: str, usual: Kind) -> str:
    asked = request.GET.get(key, "")
    return asked if asked in kinds.values else usual
