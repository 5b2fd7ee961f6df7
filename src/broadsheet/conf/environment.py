"""What the environment says, laid over what the file says. Secrets come from here only."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_origin

from broadsheet.conf.adapters import SmtpServer
from broadsheet.errors import BroadsheetError


def from_environment(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The value of ``name``, or the content of the file that ``name_FILE`` points at, or None.

    Raises BroadsheetError when that file can't be read.
    """
    environ = os.environ if environ is None else environ
    if value := environ.get(name):
        return value
    if path := environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise BroadsheetError(f"{name}_FILE names {path}, which can't be read ({reason}).") from error
    return None


def lay_over_section(
    merged: dict[str, Any], section: str, declared: Any, environ: Mapping[str, str] | None = None
) -> None:
    """Every setting of the section that the environment has: ``BROADSHEET_SITE_NAME``; lists are parted by commas."""
    prefix = f"BROADSHEET_{section}_".replace(".", "_")
    said = {each: from_environment(f"{prefix}{each.name}".upper(), environ) for each in fields(declared)}
    found = {each: value for each, value in said.items() if value is not None}
    table: Any = merged
    for key in section.split(".") if found else ():
        if not isinstance(table.setdefault(key, {}), dict):
            return  # which the file's check finds
        table[key] = table = dict(table[key])
    for each, value in found.items():
        several = get_origin(each.type) is tuple
        table[each.name] = tuple(one.strip() for one in value.split(",")) if several else value


def section_of(raw: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """The table of the section, such as ``console.oidc``; empty if there is none."""
    table: Any = raw
    for key in section.split("."):
        table = table.get(key) if isinstance(table, Mapping) else None
    return table if isinstance(table, Mapping) else {}


@dataclass(frozen=True)
class Table:
    """A table of the file that bears a name of its own, such as ``[adapters.default]``."""

    path: tuple[str, ...]
    content: Mapping[str, Any]
    kind: Any
    """The form that it should have."""


def named_tables(raw: Mapping[str, Any], path: tuple[str, ...], kinds: Mapping[str, type]) -> Iterator[Table]:
    """The tables under ``path`` that say of which kind they are, and the tables of servers that some of them hold."""
    holder: Any = raw
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    for name, content in holder.items() if isinstance(holder, dict) else ():
        kind = kinds.get(str(content.get("kind", ""))) if isinstance(content, dict) else None
        if kind is not None:
            yield Table((*path, name), content, kind)
            for number, server in enumerate(_servers(content), 1):
                yield Table((*path, name, "servers", str(number)), server, SmtpServer)


def lay_over_named(
    merged: dict[str, Any], path: tuple[str, ...], kinds: Mapping[str, type], environ: Mapping[str, str] | None = None
) -> None:
    """The same for tables with a name of their own: ``BROADSHEET_ADAPTERS_DEFAULT_PASSWORD``."""
    for table in list(named_tables(merged, path, kinds)):
        names = [each.name for each in fields(table.kind)]
        if "servers" in table.path[len(path) + 1 :]:
            names = ["password"]
        keys = {name: "_".join(("BROADSHEET", *table.path, name)).upper().replace("-", "_") for name in names}
        said = {name: from_environment(key, environ) for name, key in keys.items()}
        found = {name: value for name, value in said.items() if value is not None}
        if found:
            _put(merged, table.path, {**_at(merged, table.path), **found})


def _servers(content: Mapping[str, Any]) -> list[Any]:
    """An adapter's servers, as far as they are written as such."""
    servers = content.get("servers")
    return [each for each in servers if isinstance(each, dict)] if isinstance(servers, list) else []


def _at(merged: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        merged = merged[int(key) - 1] if isinstance(merged, list) else merged[key]
    return merged


def _put(merged: Any, path: tuple[str, ...], content: dict[str, Any]) -> None:
    """Put ``content`` in place of what is there; whatever holds it is copied first, as it is the caller's."""
    first, *rest = path
    key: Any = int(first) - 1 if isinstance(merged, list) else first
    if not rest:
        merged[key] = content
        return
    merged[key] = merged[key].copy()
    _put(merged[key], tuple(rest), content)
