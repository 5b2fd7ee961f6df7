"""The workspace's folder: where it is, and what is in it."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from broadsheet import conf
from broadsheet.conf import Config, Sender
from broadsheet.errors import BroadsheetError, InvalidFile, Problem, UnknownName, WorkspaceNotFound
from broadsheet.workspace.campaign import CampaignFile
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.people_files import ListFile, Lists
from broadsheet.workspace.reading import (
    load_data,
    one_kind_of_line,
    parse_yaml,
    read_text,
    refuse_doubled_keys,
    validated,
    with_lines,
    write_atomically,
)
from broadsheet.workspace.segment_checks import Known, circles, mistakes, typed
from broadsheet.workspace.segment_file import Segment, Segments, with_references

T = TypeVar("T")

MARKER = "broadsheet.toml"
SEGMENTS = "subscribers/segments.yaml"
STARTER = (MARKER, "articles", "campaigns", "templates", "subscribers")


def find_root(given: Path | None = None) -> Path:
    """The workspace's folder: ``given``, else ``BROADSHEET_WORKSPACE``, else the nearest one upwards.

    Raises WorkspaceNotFound when there is none.
    """
    named = given or (Path(value) if (value := conf.from_environment("BROADSHEET_WORKSPACE")) else None)
    if named:
        if (named / MARKER).is_file():
            return named.resolve()
        raise WorkspaceNotFound(
            f"{named} is not a workspace: it holds no {MARKER}. `broadsheet init {named}` makes one."
        )
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_file():
            return folder
    raise WorkspaceNotFound(
        f"No {MARKER} here or in any folder above. Go to a workspace, name one with --workspace, "
        "or make one: `broadsheet init my-newsletter`."
    )


def starter_root() -> Path:
    """The starter workspace: carried by the installed package, or the checkout this code runs from."""
    packaged = Path(__file__).parents[1] / "starter"
    return packaged if packaged.is_dir() else Path(__file__).parents[3]


def make_workspace(target: Path) -> "Workspace":
    """A new workspace in ``target``, copied from the starter. Raises BroadsheetError if something is there."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BroadsheetError(f"{target} is there already and not empty; nothing was written. Name a new folder.")
    source = starter_root()
    target.mkdir(parents=True, exist_ok=True)
    for name in STARTER:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        else:
            shutil.copy2(source / name, target / name)
    write_atomically(target / ".gitignore", ".broadsheet/\n.env\n")
    return Workspace(target.resolve())


def _sources_named(rules: object) -> Iterator[tuple[str, object]]:
    """Each `sources` in a campaign's `articles`, with where it stands; the rules may be anything yet."""
    if not isinstance(rules, dict):
        return
    slots = rules.get("slots")
    parts = [("articles", rules), ("articles.fill", rules.get("fill"))]
    parts += [(f"articles.slots.{n}", slot) for n, slot in enumerate(slots if isinstance(slots, list) else [])]
    for where, part in parts:
        if isinstance(part, dict) and "sources" in part:
            yield f"{where}.sources", part["sources"]


def _written_at(path: Path) -> int:
    """When the file was last written, in nanoseconds; 0 if it is gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1_000)
def _settings_in(path: Path, written_at: int) -> Mapping[Any, Any]:
    """What a campaign's file sets, be it right or wrong; nothing for a file that can't be read."""
    try:
        return split_header(read_text(path), path.name).data
    except (BroadsheetError, OSError, ValueError):
        return {}


def _texts(value: object) -> list[str]:
    """The texts among one value or several; what is no text is a mistake of another kind."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


@dataclass(frozen=True)
class Workspace:
    """The files under one root. Each file is read when it is asked for, and once."""

    root: Path

    @cached_property
    def config(self) -> Config:
        """``broadsheet.toml`` with the environment laid over it. Raises InvalidFile."""
        raw = load_data(self.root / MARKER, MARKER)
        if found := conf.secrets_in(raw):
            raise InvalidFile(
                [
                    Problem(
                        MARKER,
                        key,
                        "is a secret and must not stand in this file; set the environment variable "
                        f"BROADSHEET_{key.upper().replace('.', '_').replace('-', '_')} (or …_FILE) instead",
                    )
                    for key in found
                ]
            )
        return validated(Config, conf.overlaid(raw), MARKER)

    @cached_property
    def state(self) -> Path:
        """The folder of the database, caches and local inbox: ``.broadsheet``, or ``BROADSHEET_STATE``."""
        return self.root / (conf.from_environment("BROADSHEET_STATE") or ".broadsheet")

    @property
    def sample_note(self) -> Path:
        """The file that says that everything in this database is made up, by ``broadsheet demo --serve``."""
        return self.state / "sample-year.json"

    def secret_key(self) -> str:
        """The key that signs links: from the environment, or made once and kept in the state folder."""
        if given := conf.from_environment("BROADSHEET_SECRET_KEY"):
            return given
        kept = self.state / "secret_key"
        if not kept.is_file():
            self.state.mkdir(parents=True, exist_ok=True)
            fresh = self.state / f".secret_key.{secrets.token_hex(6)}"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(fresh, kept)  # fails if another process was first: then its key is the key
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return kept.read_text(encoding="ascii").strip()

    def campaign_names(self) -> list[str]:
        """The slugs of all campaign files, sorted."""
        return sorted(path.stem for path in (self.root / "campaigns").glob("*.md"))

    def counts_readers(self) -> bool:
        """Whether a campaign, as its file is now, counts readers one by one: those who agree to it."""
        paths = self.root.glob("campaigns/*.md")
        return any(_settings_in(path, _written_at(path)).get("tracking") == "individual" for path in paths)

    def name_of(self, slug: str) -> str:
        """What the campaign is called, as its file is now, whatever else is wrong with it; else its slug.

        A file is read again once it has changed; until then this takes some microseconds.
        """
        path = self.root / "campaigns" / f"{slug}.md"
        name = _settings_in(path, _written_at(path)).get("name")
        return (" ".join(name.split()) if isinstance(name, str) else "") or slug

    def campaign(self, slug: str) -> CampaignFile:
        """The campaign of that slug, checked against the lists, segments, templates and adapters there are.

        Raises UnknownName if there is no such file, InvalidFile with every mistake in it.
        """
        if slug not in self.campaign_names():
            raise UnknownName("campaign", slug, self.campaign_names())
        shown = f"campaigns/{slug}.md"
        return self.campaign_from(slug, self._text_of(shown))

    def campaign_from(self, slug: str, text: str) -> CampaignFile:
        """The campaign that a file of this text would be, checked as :meth:`campaign` does. Raises InvalidFile."""
        shown = f"campaigns/{slug}.md"
        split = split_header(one_kind_of_line(text), shown)
        if not split.data:
            raise InvalidFile([Problem(shown, "line 1", "must begin with front matter between two lines of ---")])
        refuse_doubled_keys(split.source, shown, first_line=split.line)
        settings, body = split.data, split.body
        problems = [
            Problem(shown, key, "comes from the file itself; leave it out")
            for key in ("slug", "intro")
            if key in settings
        ]
        settings = self._with_adapter(settings)
        problems += self._dangling(settings, shown)
        try:
            campaign = validated(CampaignFile, {**settings, "slug": slug, "intro": body.strip()}, shown)
        except InvalidFile as error:
            raise InvalidFile([*error.problems, *problems]) from error
        known = Known(self.lists, self.segments, tuple(self.campaign_names()))
        problems += [
            Problem(shown, where, reason)
            for key in ("segment", "exclude")
            for number, each in enumerate(getattr(campaign, key))
            if not isinstance(each, str)
            for where, reason in mistakes(each, f"{key}.{number}", known)
        ]
        if problems:
            raise InvalidFile(problems)
        return campaign

    def _with_adapter(self, settings: dict[Any, Any]) -> dict[Any, Any]:
        """The settings with the adapter of their list, if they name none of their own."""
        of_list = self.lists.lists.get(str(settings.get("list")))
        return settings if of_list is None or of_list.adapter is None else {"adapter": of_list.adapter, **settings}

    def _dangling(self, settings: dict[Any, Any], shown: str) -> list[Problem]:
        """The names in a campaign's settings that nothing answers to."""
        named = [
            ("list", "list", list(self.lists.lists)),
            ("segment", "segment", list(self.segments)),
            ("exclude", "segment", list(self.segments)),
            ("template", "template", self.template_names()),
            ("adapter", "adapter", ["default", *self.config.adapters]),
        ]
        sources = [source.label for source in self.config.sources]
        wanted = [(key, "source", sources, value) for key, value in _sources_named(settings.get("articles"))]
        return [
            Problem(
                shown,
                key,
                f"there is no {kind} “{name}”; there is: {', '.join(sorted(set(known))) or 'none yet'}",
            )
            for key, kind, known, given in [*((*each, settings.get(each[0])) for each in named), *wanted]
            for name in _texts(given)
            if name not in known
        ]

    @cached_property
    def lists(self) -> Lists:
        """``subscribers/lists.yaml``. Raises InvalidFile."""
        shown = "subscribers/lists.yaml"
        text = self._text_of(shown)
        found = self._people_data(Lists, shown, text)
        lost = [
            Problem(shown, f"lists.{name}.welcome", f"there is no template “{each.welcome}”")
            for name, each in found.lists.items()
            if each.welcome is not None and each.welcome not in self.template_names()
        ]
        if lost:
            raise InvalidFile(with_lines(lost, text))
        return found

    def _text_of(self, shown: str) -> str:
        """A file's text. Raises InvalidFile."""
        try:
            return read_text(self.root / shown)
        except ValueError as error:
            raise InvalidFile([Problem(shown, "", str(error))]) from error
        except OSError as error:
            raise InvalidFile([Problem(shown, "", f"can't be read ({error.strerror})")]) from error

    def _people_data(self, declared: type[T], shown: str, text: str) -> T:
        """What one of the YAML files about people says. Raises InvalidFile with the line of each mistake."""
        data = parse_yaml(text, shown) or {}
        refuse_doubled_keys(text, shown)
        try:
            return validated(declared, data, shown)
        except InvalidFile as error:
            raise InvalidFile(with_lines(error.problems, text)) from error

    def list_file(self, name: str) -> ListFile:
        """The list of that name. Raises UnknownName."""
        try:
            return self.lists.lists[name]
        except KeyError:
            raise UnknownName("list", name, list(self.lists.lists)) from None

    def sender_of(self, list_name: str) -> Sender:
        """Who mail to that list is from and where its answers go: the list's own, else the workspace's."""
        sender, declared = self.config.sender, self.lists.lists.get(list_name)
        if declared is None:
            return sender
        return Sender(
            name=declared.sender.name or sender.name,
            email=declared.sender.email or sender.email,
            reply_to=declared.reply_to or sender.reply_to,
        )

    @cached_property
    def segments(self) -> dict[str, Segment]:
        """``subscribers/segments.yaml`` by name; empty if there is no such file. Raises InvalidFile."""
        if not (self.root / SEGMENTS).is_file():
            return {}
        return self.segments_from(self._text_of(SEGMENTS))

    def segments_from(self, text: str) -> dict[str, Segment]:
        """The segments that a ``segments.yaml`` of this text would hold, checked. Raises InvalidFile."""
        found = self._people_data(Segments, SEGMENTS, text).segments
        known = Known(self.lists, found, tuple(self.campaign_names()))
        wrong = [each for name, segment in found.items() for each in mistakes(segment, f"segments.{name}", known)]
        wrong += circles(found, "segments")
        if wrong:
            raise InvalidFile(with_lines([Problem(SEGMENTS, where, reason) for where, reason in wrong], text))
        return {name: self._ready(segment, found) for name, segment in found.items()}

    def _ready(self, segment: Segment, known: Mapping[str, Segment]) -> Segment:
        return typed(with_references(segment, known), self.lists.attributes)

    def segment(self, named: str | Segment) -> Segment:
        """The segment of that name, or the one that a campaign has written out, as the audience takes it.

        Raises UnknownName.
        """
        if isinstance(named, Segment):
            return self._ready(named, self.segments)
        try:
            return self.segments[named]
        except KeyError:
            raise UnknownName("segment", named, list(self.segments)) from None

    @property
    def templates(self) -> Path:
        """The folder of templates."""
        return self.root / "templates"

    def template_names(self) -> list[str]:
        """The folders in ``templates/`` that hold a template, sorted."""
        found = (*self.templates.glob("*/template.html"), *self.templates.glob("*/template.mjml"))
        return sorted({path.parent.name for path in found})

    def theme(self, template: str, templates: Path | None = None) -> dict[str, object]:
        """Colours and fonts: the shared ones, the template's own over them, ``[theme]`` of the workspace over all.

        ``templates`` is the folder to look in, if not the workspace's.
        """
        merged: dict[str, object] = {}
        for name in ("shared", template):
            path = (templates or self.templates) / name / "template.toml"
            if path.is_file():
                declared = load_data(path, f"templates/{name}/template.toml")
                merged |= declared.get("theme", {})
        return merged | self.config.theme
