"""The templates' folders: what is in them, who uses them, and a file put into its place once it has been tried."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version as package_version
from pathlib import Path
from threading import Lock
from typing import Final

from django.core.cache import cache
from django.utils import timezone

from broadsheet.errors import BroadsheetError, InvalidFile, Problem
from broadsheet.models import Article
from broadsheet.web.console.templates.look import SHARED
from broadsheet.web.console.templates.sample import notice_templates, order_for, overlaid
from broadsheet.web.console.templates.trial import Fault, Order, Tried, tried
from broadsheet.workspace import FileVersion, Workspace, read_version, save_text
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.reading import one_kind_of_line, parse_toml, read_text

#: What is edited here, by the end of its name; the first are shown first.
ENDINGS: Final = (".html", ".mjml", ".txt", ".css", ".toml")
#: Characters of a file.
LONGEST: Final = 400_000
_KEPT: Final = 14 * 24 * 3600
_TABLE: Final = "template.toml"
_ONE_AFTER_THE_OTHER: Final = Lock()
_VERSION: Final = package_version("broadsheet")


@dataclass(frozen=True)
class Folder:
    """One template, or the shared parts."""

    name: str
    title: str
    description: str
    campaigns: tuple[str, ...]
    """The names of the campaigns that use it."""
    lists: tuple[str, ...]
    """The titles of lists whose welcome mail it is."""
    is_notice: bool
    wrong: str = ""
    """Why its template.toml can't be read."""

    @property
    def is_shared(self) -> bool:
        """Whether it is the parts that all templates have in common."""
        return self.name == SHARED


def folders(workspace: Workspace) -> list[Folder]:
    """Every template, by name."""
    used = _campaigns_by_template(workspace)
    return [_folder(workspace, name, used) for name in workspace.template_names()]


def folder(workspace: Workspace, name: str) -> Folder | None:
    """The template of that name, or the shared parts; None if there is none."""
    if name == SHARED and (workspace.templates / SHARED).is_dir():
        used: dict[str, list[str]] = {}
    elif name in workspace.template_names():
        used = _campaigns_by_template(workspace)
    else:
        return None
    return _folder(workspace, name, used)


def _folder(workspace: Workspace, name: str, used: Mapping[str, list[str]]) -> Folder:
    declared, wrong = {}, ""
    path = workspace.templates / name / _TABLE
    try:
        declared = parse_toml(read_text(path), f"templates/{name}/{_TABLE}") if path.is_file() else {}
    except (BroadsheetError, OSError, ValueError) as error:
        wrong = str(error)
    welcomes = tuple(each.title for each in workspace.lists.lists.values() if each.welcome == name)
    return Folder(
        name,
        title=_text(declared.get("name")) or name,
        description=_text(declared.get("description")),
        campaigns=tuple(used.get(name, ())),
        lists=welcomes,
        is_notice=name in notice_templates(workspace),
        wrong=wrong,
    )


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _campaigns_by_template(workspace: Workspace) -> dict[str, list[str]]:
    """The names of campaigns by the template that is set in them, those with mistakes elsewhere as well."""
    found: dict[str, list[str]] = {}
    for slug in workspace.campaign_names():
        try:
            named = split_header(read_text(workspace.root / "campaigns" / f"{slug}.md"), slug).data.get("template")
        except (BroadsheetError, OSError, ValueError):
            continue
        if isinstance(named, str):
            found.setdefault(named, []).append(workspace.name_of(slug))
    return found


def files_of(workspace: Workspace, name: str) -> list[str]:
    """The names of the files that can be edited here. A link that leads out of the templates is none."""
    home = workspace.templates.resolve()
    found = [
        path.name
        for path in (workspace.templates / name).iterdir()
        if path.suffix in ENDINGS and path.is_file() and path.resolve().is_relative_to(home)
    ]
    return sorted(found, key=lambda each: (ENDINGS.index(Path(each).suffix), each))


def kept_trial(workspace: Workspace, name: str) -> Tried | None:
    """What came of the template as it is now, if it was tried before."""
    found: Tried | None = cache.get(_key(workspace, name))
    return found


def trial(workspace: Workspace, name: str, theme: Mapping[str, object] | None = None) -> Tried:
    """What comes of the template as it is now; tried once for one state of its files, unless it is given a theme."""
    try:
        if theme is not None:
            return tried([order_for(workspace, name, workspace.templates, theme)])[0]
        return kept_trial(workspace, name) or _trial_of_all(workspace, name)
    except InvalidFile as error:
        return Tried(fault=_fault_of(error.problems[0]))


def _trial_of_all(workspace: Workspace, name: str) -> Tried:
    """The same, and as starting a process takes longest, all templates that were not tried yet are tried with it."""
    with _ONE_AFTER_THE_OTHER:
        if kept := kept_trial(workspace, name):  # tried with another, while this one waited
            return kept
        others = [each for each in workspace.template_names() if each != name and kept_trial(workspace, each) is None]
        orders = {each: order for each in (name, *others) if (order := _order(workspace, each, needed=each == name))}
        keys = {each: _key(workspace, each) for each in orders}
        found = dict(zip(orders, tried(list(orders.values())), strict=True))
        if found[name].fault and len(found) > 1 and found[name].fault == found[others[-1]].fault:
            found = {name: tried([orders[name]])[0]}  # one of them took everybody's time
        for each, one in found.items():
            cache.set(keys[each], one, _KEPT)
        return found[name]


def _order(workspace: Workspace, name: str, *, needed: bool) -> Order | None:
    try:
        return order_for(workspace, name, workspace.templates)
    except InvalidFile:
        if needed:
            raise
        return None


def _key(workspace: Workspace, name: str) -> str:
    """The name of this state of everything that a template's sample is made from."""
    seen = hashlib.sha256(f"{_VERSION} {name} {workspace.root} {timezone.now():%Y-%m-%d}".encode())
    for home in sorted({name, SHARED, *_mentioned(workspace, name)}):
        for path in sorted((workspace.templates / home).rglob("*")):
            status = path.stat() if path.exists() else None
            words = f"{path} {status and (status.st_mtime_ns, status.st_size)}\n"
            seen.update(words.encode("utf-8", "surrogateescape"))
    config = workspace.config
    seen.update(repr((config.site, config.sender, config.theme, config.public.url, workspace.lists.lists)).encode())
    seen.update(repr(list(Article.objects.values_list("slug", "content_hash")[:15])).encode())
    return f"template-{seen.hexdigest()[:40]}"


def _mentioned(workspace: Workspace, name: str) -> list[str]:
    """The other templates whose files this one names."""
    return [
        each
        for each in workspace.template_names()
        if each != name and _mentions(workspace.templates / name, f"{each}/")
    ]


def fault_with(workspace: Workspace, name: str, file: str, text: str) -> Fault | None:
    """Why that file must not be saved like this: the template, or one that uses the shared parts, could not be made."""
    shown = f"templates/{name}/{file}"
    if len(text) > LONGEST:
        return Fault(shown, None, f"has {len(text):,} characters; at most {LONGEST:,} can be saved here")
    if "\0" in text:
        return Fault(shown, None, "holds a NUL character, so it is not a text")
    if fault := _table_fault(shown, text) if file == _TABLE else None:
        return fault
    affected = _affected(workspace, name)
    try:
        with overlaid(workspace.templates, {f"{name}/{file}": text}) as changed:
            after = tried([order_for(workspace, each, changed) for each in affected])
    except InvalidFile as error:
        return _fault_of(error.problems[0])
    broken = {each: one.fault for each, one in zip(affected, after, strict=True) if one.fault}
    if name in broken:
        return broken[name]
    return next((fault for each, fault in broken.items() if trial(workspace, each).fault is None), None)


def _affected(workspace: Workspace, name: str) -> list[str]:
    """The templates that a change in that folder may break: itself, and those that name it in a file."""
    names = workspace.template_names()
    if name == SHARED:
        return names
    return [name, *(each for each in names if each != name and _mentions(workspace.templates / each, f"{name}/"))]


def _mentions(home: Path, word: str) -> bool:
    return any(
        word.encode() in path.read_bytes() for path in home.iterdir() if path.suffix in ENDINGS and path.is_file()
    )


def _table_fault(shown: str, text: str) -> Fault | None:
    """What is wrong with a template.toml."""
    try:
        table = parse_toml(text, shown)
    except InvalidFile as error:
        return _fault_of(error.problems[0])
    for key in ("name", "description"):
        if not isinstance(table.get(key, ""), str):
            return Fault(shown, None, f"{key} must be text")
    theme = table.get("theme", {})
    if not isinstance(theme, dict):
        return Fault(shown, None, "theme must be a table of keys and values: write [theme] above them")
    wrong = next((key for key, value in theme.items() if not isinstance(value, str | int)), None)
    return Fault(shown, None, f"theme.{wrong} must be text or a whole number") if wrong else None


def _fault_of(problem: Problem) -> Fault:
    line = problem.line or (int(problem.where[5:]) if problem.where.startswith("line ") else 0)
    key = "" if problem.where.startswith("line ") or not problem.where else f"{problem.where}: "
    return Fault(problem.path, line or None, key + problem.reason)


def opened(workspace: Workspace, name: str, file: str) -> FileVersion:
    """That file as it is now, its lines ending in LF; with an empty digest if there is none. Raises InvalidFile."""
    shown = f"templates/{name}/{file}"
    found = read_version(workspace, shown) or FileVersion(shown, "", "utf-8", "")
    return replace(found, text=one_kind_of_line(found.text))


def save(workspace: Workspace, name: str, file: str, text: str, digest: str) -> str:
    """Put the text into that file; what stood there. Raises FileChanged, and BroadsheetError for a full disk."""
    return save_text(workspace, f"templates/{name}/{file}", text, digest)
