"""Every setting that is in force: its value without secrets, and the line or the variable that it comes from."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from broadsheet.conf import span_text
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import read_text
from broadsheet.workspace.toml_lines import toml_lines

FILE: Final = "broadsheet.toml"
#: Settings whose value may hold a key that somebody wrote into them.
_MAY_HOLD_KEYS: Final = ("headers", "body")

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """One setting as it is in force."""

    name: str
    """As the documentation names it: ``adapters.default.host``; members of lists are counted from 1."""
    shown: str
    origin: str
    """``broadsheet.toml, line 4``, the variable's name, or ``default``."""
    help: str
    is_default: bool
    is_secret: bool = False


@dataclass(frozen=True)
class Sources:
    """Where values come from: the lines of the file, and the environment."""

    lines: Mapping[Keys, int]
    environment: Mapping[str, str]

    def origin(self, path: Keys) -> str:
        """Where the value at that path comes from."""
        for variable in _variables(path):
            if variable in self.environment:
                return variable
        line = self.lines.get(path, 0)
        return f"{FILE}, line {line}" if line else "default"


def _variables(path: Keys) -> tuple[str, str]:
    name = "_".join(("BROADSHEET", *path)).upper().replace("-", "_")
    return name, f"{name}_FILE"


def sources(workspace: Workspace) -> Sources:
    """Where this workspace's settings come from; without lines if its file can't be read."""
    try:
        lines = toml_lines(read_text(workspace.root / FILE))
    except (OSError, ValueError):
        lines = {}
    return Sources(lines, os.environ)


def values(workspace: Workspace) -> list[Value]:
    """All settings in the order of the declarations."""
    found = sources(workspace)
    return list(_values((), workspace.config, found))


def _values(path: Keys, declared: Any, found: Sources) -> Iterator[Value]:
    for name, info in type(declared).__pydantic_fields__.items():
        value = getattr(declared, name)
        where = (*path, name)
        parts = _parts(value)
        if parts:
            for key, part in parts:
                yield from _values((*where, *key), part, found)
            continue
        origin = found.origin(where)
        secret = SecretStr in (info.annotation, *get_args(info.annotation))
        yield Value(
            ".".join(where),
            shown=_secret(value) if secret else site_only(value) if _is_called(where) else shown(name, value),
            origin=origin,
            help=info.description or "",
            is_default=origin == "default",
            is_secret=secret,
        )


def _is_called(path: Keys) -> bool:
    """Whether it is an address that is posted to, whose path may be a key."""
    return path[0] in ("webhooks", "adapters") and path[-1] == "url"


def _parts(value: Any) -> list[tuple[Keys, Any]]:
    """The dataclasses inside a value, each with its key."""
    if dataclasses.is_dataclass(value):
        return [((), value)]
    if isinstance(value, Mapping):
        return [((str(key),), part) for key, part in value.items() if dataclasses.is_dataclass(part)]
    if isinstance(value, tuple):
        return [((str(number),), part) for number, part in enumerate(value, 1) if dataclasses.is_dataclass(part)]
    return []


def _secret(value: SecretStr | None) -> str:
    return "set" if value and value.get_secret_value() else "missing"


def shown(name: str, value: Any) -> str:
    """The value in words, without what may be a secret in it."""
    if name in _MAY_HOLD_KEYS:
        return "set, not shown" if value else "empty"
    if value is None or value == "":
        return "empty"
    return next(words(value) for kind, words in _WORDS if isinstance(value, kind))


#: How values are said; the first kind that fits counts.
_WORDS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (bool, lambda value: "yes" if value else "no"),
    (timedelta, span_text),
    (Mapping, lambda value: ", ".join(f"{key} = {shown('', each)}" for key, each in value.items()) or "none"),
    (tuple | list, lambda value: ", ".join(shown("", each) for each in value) or "none"),
    (object, lambda value: without_secrets(str(value))),
)


def without_secrets(address: str) -> str:
    """A web address without login and query; any other text as it is."""
    if "://" not in address:
        return address
    try:
        parts = urlsplit(address)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that can't be read"
    return f"{parts.scheme}://{host}{port}{parts.path}" + ("?…" if parts.query else "")


def site_only(address: str) -> str:
    """A web address cut after its host: what follows may be a secret."""
    whole = without_secrets(address)
    origin = "/".join(whole.split("/")[:3])
    return origin if whole.rstrip("/") == origin else f"{origin}/…"


def changed_since_start(workspace: Workspace) -> str:
    """What to know about the file on the disk: that it differs from what is in force, or is broken; else empty."""
    try:
        now = Workspace(workspace.root).config
    except BroadsheetError as error:
        return f"{FILE} can't be read as it is now; this server still goes by what it read when it started. {error}"
    if now != workspace.config:
        return f"{FILE} was changed since this server started, which still goes by what stands here. Restart it."
    return ""
