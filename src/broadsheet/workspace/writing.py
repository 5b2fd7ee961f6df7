"""Writing the workspace's files: only what was read may be replaced, and only by what reads well again.

Whoever changes a file says which version of it they have seen (:class:`FileVersion`); if the disk holds another by
now, nothing is written and :class:`~broadsheet.errors.FileChanged` gives both texts back.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broadsheet import conf
from broadsheet.conf import Config, TaggingRule
from broadsheet.errors import BroadsheetError, FileChanged, InvalidFile, Problem, UnknownName
from broadsheet.workspace.editing import with_keys, with_settings
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.reading import decoded, one_kind_of_line, parse_toml, parse_yaml, validated, write_atomically
from broadsheet.workspace.root import MARKER, SEGMENTS, Workspace

#: What a campaign's file may be called, without its ending.
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,98}[a-z0-9]|[a-z0-9]")
#: The order in which new keys are put into a campaign's file.
ORDER = (
    *("name", "state", "list", "segment", "exclude", "articles", "template", "subject", "preheader", "schedule"),
    *("approval", "approvers", "adapter", "on_unknown", "tracking", "without_consent"),
)
_STARTER = """\
---
name: {name}
list: {list}
articles:
  newest: 5
  minimum: 1
  repeat: never                  # no reader gets the same article twice
template: {template}
subject: "{{{{ articles[0].title }}}}"
approval: required               # somebody says yes to each edition before it is sent
---
"""


@dataclass(frozen=True)
class FileVersion:
    """A file as it was read."""

    shown: str
    """Its path below the workspace."""
    text: str
    """Without BOM, its lines ending as they do in the file."""
    encoding: str
    digest: str
    """Of its bytes: another digest is another version."""


def current(workspace: Workspace) -> Workspace:
    """The workspace as its files are now: itself while its settings, lists and segments are as they were read."""
    found = _KEPT.get(workspace.root)
    stamp = tuple(map(_stamp, (workspace.root / name for name in (MARKER, "subscribers/lists.yaml", SEGMENTS))))
    if found is None or found[0] != stamp:
        found = _KEPT[workspace.root] = stamp, Workspace(workspace.root)
    return found[1]


_KEPT: dict[Path, tuple[tuple[str, ...], Workspace]] = {}


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"


def read_version(workspace: Workspace, shown: str) -> FileVersion | None:
    """That file as it is now; None if there is none. Raises InvalidFile for what can't be read."""
    try:
        raw = (workspace.root / shown).read_bytes()
        text, encoding = decoded(raw)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidFile([Problem(shown, "", str(error))]) from error
    except OSError as error:
        raise InvalidFile([Problem(shown, "", f"can't be read ({error.strerror})")]) from error
    return FileVersion(shown, text, encoding, hashlib.sha256(raw).hexdigest())


#: What a file that is there may be called: whatever people did, as long as it lies in ``campaigns/``.
_IN_PLACE = re.compile(r"(?!\.)[^/\\\0]+")


def campaign_version(workspace: Workspace, slug: str) -> FileVersion:
    """The campaign's file as it is now. Raises UnknownName, InvalidFile."""
    found = read_version(workspace, _campaign_path(slug)) if _IN_PLACE.fullmatch(slug) else None
    if found is None:
        raise UnknownName("campaign", slug, workspace.campaign_names())
    return found


def _campaign_path(slug: str) -> str:
    return f"campaigns/{slug}.md"


def changed_campaign(text: str, slug: str, changes: Mapping[str, object], *, intro: str | None = None) -> str:
    """The text of a campaign's file in which these settings have these values and the intro is this one.

    None takes a setting out. Everything else stays to the byte. Raises InvalidFile for a file that can't be changed.
    """
    return with_settings(text, changes, _campaign_path(slug), body=intro, order=ORDER)


def save_campaign(workspace: Workspace, slug: str, version: FileVersion, text: str) -> FileVersion:
    """Put ``text`` in place of that version of the campaign's file; what is there then.

    Raises InvalidFile with every mistake in the text, and FileChanged, without writing anything.
    """
    current(workspace).campaign_from(slug, text)
    return _save(workspace, version, text)


def create_campaign(workspace: Workspace, slug: str, text: str) -> FileVersion:
    """Make the campaign's file. Raises InvalidFile with every mistake in it, BroadsheetError if there is one."""
    if not SLUG.fullmatch(slug):
        raise BroadsheetError(
            f"“{slug}” can't be a campaign's file name. Use up to 100 small letters a-z, digits and hyphens."
        )
    current(workspace).campaign_from(slug, text)
    shown = _campaign_path(slug)
    return _write(workspace, shown, text.encode("utf-8"), is_new=True)


def starter_campaign(name: str, list_name: str, template: str) -> str:
    """The text of a new campaign's file, with what it needs and no schedule."""
    text = _STARTER.format(name="x", list="x", template="x")
    return changed_campaign(text, "new", {"name": name, "list": list_name, "template": template})


def duplicated_campaign(text: str, slug: str, name: str) -> str:
    """The text of a campaign that is a copy of this one under another name, without its schedule: or both would go."""
    return changed_campaign(text, slug, {"name": name, "schedule": None})


def change_segment(
    workspace: Workspace, name: str, rules: Mapping[str, object] | None, version: FileVersion | None
) -> FileVersion:
    """Set the segment of that name in ``subscribers/segments.yaml``, or take it out with None; what is there then.

    ``rules`` is what stands under its name: ``{"title": …, "all": […]}``. ``version`` is the file as it was read,
    None if there was none. Raises InvalidFile with every mistake, FileChanged, and BroadsheetError for one that goes
    while something names it.
    """
    if not name.strip() or name != name.strip() or len(name) > 100 or any(ord(each) < 32 for each in name):
        raise BroadsheetError("A segment's name is text of up to 100 characters, such as pain-readers.")
    now = current(workspace)
    text = changed_segments(version.text if version else "", name, rules)
    if rules is None and (users := segment_users(now, name)):
        raise BroadsheetError(f"{name} is still named by {', '.join(users)}. Take it out there first.")
    now.segments_from(one_kind_of_line(text))
    if version is None:
        return _write(workspace, SEGMENTS, text.encode("utf-8"), is_new=True)
    return _save(workspace, version, text)


def changed_segments(text: str, name: str, rules: Mapping[str, object] | None) -> str:
    """The text of a ``segments.yaml`` with that entry set, or taken out; all else as it was. Raises InvalidFile."""
    data = parse_yaml(one_kind_of_line(text), SEGMENTS) or {}
    entries = data.get("segments") if isinstance(data, dict) else None
    entries = dict(entries) if isinstance(entries, dict) else {}
    entries.pop(name, None) if rules is None else entries.update({name: dict(rules)})
    return with_keys(text, {"segments": entries}, SEGMENTS)


def add_tag_rule(workspace: Workspace, rule: TaggingRule, version: FileVersion) -> FileVersion:
    """Put a ``[[tag_rules]]`` at the end of ``broadsheet.toml``; what is there then.

    Raises InvalidFile, where the rules stand there in brackets, and FileChanged.
    """
    text = version.text.rstrip("\n") + "\n\n" + tag_rule_text(rule)
    data = parse_toml(one_kind_of_line(text), MARKER)
    if data.get("tag_rules", [{}])[-1] != _tag_rule_data(rule):
        raise InvalidFile([Problem(MARKER, "tag_rules", "can't be added to; put the rule in by hand")])
    validated(Config, conf.overlaid(data), MARKER)
    return _save(workspace, version, text)


def tag_rule_text(rule: TaggingRule) -> str:
    """The rule as it stands in ``broadsheet.toml``."""
    lines = [f"{key} = {_toml(value)}" for key, value in _tag_rule_data(rule).items()]
    return "\n".join(("[[tag_rules]]", *lines)) + "\n"


def _tag_rule_data(rule: TaggingRule) -> dict[str, object]:
    return {"tag": rule.tag, "when": rule.when} | ({"also_tagged": True} if rule.also_tagged else {})


def _toml(value: object) -> str:
    """A text or a yes as TOML: where it can, in quotes that leave backslashes alone."""
    if not isinstance(value, str):
        return str(value).lower()
    if "'" not in value and value.isprintable():
        return f"'{value}'" if "\\" in value or '"' in value else f'"{value}"'
    return json.dumps(value).replace("\x7f", "\\u007f")


def segment_users(workspace: Workspace, name: str) -> list[str]:
    """The campaign files that name this segment."""
    return [f"campaigns/{slug}.md" for slug in workspace.campaign_names() if name in _segments_in(workspace, slug)]


def _segments_in(workspace: Workspace, slug: str) -> set[str]:
    """The segments that a campaign's file names, be it right or wrong otherwise."""
    version = read_version(workspace, _campaign_path(slug))
    try:
        data = split_header(one_kind_of_line(version.text), slug).data if version else {}
    except InvalidFile:
        return set()
    return {each for key in ("segment", "exclude") for each in _texts(data.get(key))}


def _texts(value: object) -> Iterator[str]:
    """Every text in a value, at any depth: of a segment that is written out, the names in it are among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def save_text(workspace: Workspace, shown: str, text: str, digest: str) -> str:
    """Put ``text`` into that file, its lines ending as most of the file's do; the text that was there, ending in LF.

    ``digest`` is of the version that somebody has seen, empty if there was none. Raises FileChanged if it is another
    by now, BroadsheetError if it can't be written; the file is whole either way.
    """
    before = read_version(workspace, shown) or FileVersion(shown, "", "utf-8", "")
    if before.digest != digest:
        raise FileChanged(shown, theirs=before.text if before.digest else None, mine=text)
    ends = "\r\n" if before.text.count("\r\n") * 2 > before.text.count("\n") else "\n"
    _save(workspace, before, text.replace("\n", ends))
    return one_kind_of_line(before.text)


def _save(workspace: Workspace, version: FileVersion, text: str) -> FileVersion:
    """Write ``text`` in the file's own encoding, UTF-8 where that can't hold it."""
    try:
        content = text.encode(version.encoding)
    except UnicodeEncodeError:
        content = text.encode("utf-8")
    with _alone(workspace.root / version.shown):
        there = read_version(workspace, version.shown)
        if (there.digest if there else "") != version.digest:
            raise FileChanged(version.shown, theirs=there.text if there else None, mine=text)
        return _write(workspace, version.shown, content)


def _write(workspace: Workspace, shown: str, content: bytes, *, is_new: bool = False) -> FileVersion:
    try:
        write_atomically(workspace.root / shown, content, is_new=is_new)
    except FileExistsError as error:
        raise BroadsheetError(f"{shown} is there already; nothing was written. Choose another name.") from error
    except OSError as error:
        raise BroadsheetError(f"{shown} can't be written ({error.strerror}); nothing was changed.") from error
    written = read_version(workspace, shown)
    if written is None:
        raise BroadsheetError(f"{shown} was taken away while it was written. Try again.")
    return written


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Only one process of ours at a time compares and writes in that folder."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
