"""The form's fields: where each stands in a campaign's file, and how its value goes there and back.

A field that still says what the file says leaves the file alone, however it is written there.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import QueryDict

Settings = Mapping[str, Any]
"""A campaign's front matter as it is read, right or wrong."""


@dataclass(frozen=True)
class Kind:
    """One kind of field."""

    shows: Callable[[Any], Any]
    """What the form shows of the file's value, which may be anything; None is one that isn't there."""
    reads: Callable[[QueryDict, str, Any], Any]
    """The value for the file, from what was posted, the field's name and the old value; None takes the key out."""
    always: bool = False
    """Whether a form without it says something: nothing is ticked."""


@dataclass(frozen=True)
class Field:
    """One field of the form."""

    name: str
    path: tuple[str, ...]
    kind: Kind
    usual: Any = ""
    """What counts while the file doesn't say, as the form shows it."""

    def shown(self, settings: Settings) -> Any:
        """What the form shows."""
        value = at(settings, self.path)
        return self.usual if value is None else self.kind.shows(value)


def shown(fields: Iterable[Field], settings: Settings) -> dict[str, Any]:
    """What the form shows, by the fields' names."""
    return {field.name: field.shown(settings) for field in fields}


def changes(fields: Iterable[Field], settings: Settings, posted: QueryDict, prefix: str = "") -> dict[str, Any]:
    """The top keys of the settings that the form says otherwise, with their new values; None for one that goes."""
    new = deepcopy(dict(settings))
    for field in fields:
        name = prefix + field.name
        if name not in posted and not field.kind.always:
            continue
        value = field.kind.reads(posted, name, at(new, field.path))
        if (field.usual if value is None else field.kind.shows(value)) != field.shown(new):
            _put(new, field.path, value)
    keys = dict.fromkeys(field.path[0] for field in fields)
    return {key: new.get(key) for key in keys if new.get(key) != settings.get(key)}


def at(settings: Any, path: Iterable[str]) -> Any:
    """What stands at that path; None for nothing."""
    for key in path:
        if not isinstance(settings, Mapping):
            return None
        settings = settings.get(key)
    return settings


def _put(settings: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set the value at that path; None takes it out, and the tables that it leaves empty."""
    key, *rest = path
    if rest:
        inner = settings.get(key)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        _put(inner, tuple(rest), value)
        value = inner or None
    if value is None:
        settings.pop(key, None)
    else:
        settings[key] = value


def as_list(value: Any) -> list[Any]:
    """One or several as several."""
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _word(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return value.isoformat() if isinstance(value, date) else str(value)


def _line(posted: QueryDict, name: str, _: Any) -> str | None:
    return " ".join(posted.get(name, "").split()) or None


def _number(posted: QueryDict, name: str, _: Any) -> int | str | None:
    text = posted.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 6 else text or None


def _parts(separator: str) -> Callable[[QueryDict, str, Any], list[str] | None]:
    def reads(posted: QueryDict, name: str, _: Any) -> list[str] | None:
        text = posted.get(name, "").replace("\r\n", "\n").replace("\n", separator)
        return [word for part in text.split(separator) if (word := " ".join(part.split()))] or None

    return reads


def _ticked(posted: QueryDict, name: str, old: Any) -> list[Any] | None:
    """The names that are ticked, and what is written out in the file, which has no box."""
    return [*posted.getlist(name), *(each for each in as_list(old) if not isinstance(each, str))] or None


def _dates(posted: QueryDict, name: str, old: Any) -> list[Any] | None:
    return [_date(each) for each in _parts("\n")(posted, name, old) or ()] or None


def _date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


#: One line of text.
LINE = Kind(_word, _line)
NUMBER = Kind(_word, _number)
#: Words with commas between them.
WORDS = Kind(lambda value: ", ".join(map(_word, as_list(value))), _parts(","))
#: One a line.
LINES = Kind(lambda value: "\n".join(map(_word, as_list(value))), _parts("\n"))
DATES = Kind(LINES.shows, _dates)
#: Names, each with a box to tick.
TICKED = Kind(lambda value: [_word(each) for each in as_list(value) if isinstance(each, str)], _ticked, always=True)
FLAG = Kind(lambda value: value is True, lambda posted, name, _: name in posted or None, always=True)
