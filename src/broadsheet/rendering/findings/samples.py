"""Readers to try a mail with: one of whom everything is known, and one of whom nothing is."""

from typing import Any, Final

from broadsheet.audience.readers import Reader
from broadsheet.workspace import Lists

_VALUES: Final[dict[str, Any]] = {"text": "Example", "number": 3, "date": "2026-03-14", "yes/no": True}

EVERYTHING: Final = "a reader of whom everything is known"
NOTHING: Final = "a reader of whom only the address is known"


def sample_readers(lists: Lists, attributes: frozenset[str] = frozenset()) -> dict[str, Reader]:
    """Who they are, in words, to the reader; ``attributes`` are those known beside the declared ones."""
    declared = {
        name: attribute.choices[0] if attribute.choices else _VALUES.get(attribute.type, "Example")
        for name, attribute in lists.attributes.items()
    }
    known = {
        **dict.fromkeys(sorted(attributes), "Example"),
        **declared,
        "first_name": "Alexandra",
        "last_name": "Example",
        "name": "Alexandra Example",
        "language": "en",
        "time_zone": "Europe/Berlin",
        "email": "alexandra@reader.example",
        "interests": ["sleep", "movement"],
    }
    bare = {"email": "someone@reader.example", "interests": []}
    return {
        EVERYTHING: Reader(0, str(known["email"]), str(known["name"]), known),
        NOTHING: Reader(0, str(bare["email"]), "", bare),
    }
