"""A campaign's draft: its file as it would be, kept in a row until it is published or thrown away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.conf import settings as django_settings
from django.db import connection
from jinja2 import Environment, TemplateSyntaxError

from broadsheet.errors import BroadsheetError, InvalidFile, Problem, UnknownName
from broadsheet.models import CampaignDraft
from broadsheet.web.console.compose.sections import Section, Standing, standings
from broadsheet.workspace import (
    CampaignFile,
    FileVersion,
    Workspace,
    campaign_version,
    changed_campaign,
    current,
    save_campaign,
)
from broadsheet.workspace.editing import body_of, newline_of
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.reading import one_kind_of_line, with_lines


@dataclass(frozen=True)
class Work:
    """One campaign as it is being written: the file on the disk, and the draft if there is one."""

    workspace: Workspace
    slug: str
    disk: FileVersion | None
    """None if the file was taken away since the draft was begun."""
    row: CampaignDraft | None

    @property
    def text(self) -> str:
        """The whole file as it would be."""
        return self.row.text if self.row else self.disk.text if self.disk else ""

    @property
    def number(self) -> int:
        """The draft's number; 0 for none."""
        return self.row.number if self.row else 0

    @property
    def changed_on_disk(self) -> bool:
        """Whether the file is not any more what the draft was begun from."""
        return self.row is not None and (self.disk is None or self.disk.digest != self.row.base_digest)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The front matter as it is read; empty while it can't be."""
        return self._read[0]

    @cached_property
    def unreadable(self) -> str:
        """Why the form can't change the file; empty if it can."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, Any], str]:
        if problems := unreadable(self.text, self.slug):
            return {}, " ".join(map(str, problems))
        found = split_header(one_kind_of_line(self.text), self.path).data
        return {str(key): value for key, value in found.items()}, ""

    @cached_property
    def intro(self) -> str:
        """The file's body."""
        return body_of(self.text)

    @property
    def path(self) -> str:
        """Where the file is."""
        return f"campaigns/{self.slug}.md"

    @cached_property
    def _checked(self) -> tuple[CampaignFile | None, tuple[Problem, ...]]:
        try:
            campaign = self.workspace.campaign_from(self.slug, self.text)
            return campaign, tuple(located(self._slips(), self.text))
        except InvalidFile as error:
            return None, tuple(located((*error.problems, *self._slips()), self.text))
        except BroadsheetError as error:
            return None, (Problem(self.path, "", str(error)),)

    def _slips(self) -> tuple[Problem, ...]:
        """Where the subject, the preheader or the intro is no Jinja2."""
        found = []
        for key, text in (*((key, self.settings.get(key)) for key in ("subject", "preheader")), ("intro", self.intro)):
            try:
                Environment(autoescape=True).parse(text if isinstance(text, str) else "")
            except TemplateSyntaxError as error:
                line = f" (line {error.lineno} of it)" if key == "intro" else ""
                found.append(Problem(self.path, key, f"has a slip in its curly brackets{line}: {error.message}"))
        return tuple(found)

    @property
    def campaign(self) -> CampaignFile | None:
        """The campaign that the text is; None while there are mistakes in it."""
        return self._checked[0]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every mistake in the text, with its line."""
        return self._checked[1]

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """Where each section stands."""
        return standings(self.settings, self.problems)

    def seen(self, section: Section) -> str:
        """What the section says now, in short: who saves it says which one they saw."""
        values = [self.settings.get(key) for key in section.keys]
        if "intro" in section.keys:
            values.append(self.intro)
        if section.name == "file":
            values = [self.text, self.row.unread if self.row else ""]
        return sha256(json.dumps(values, default=str, sort_keys=True).encode()).hexdigest()[:16]


def located(problems: tuple[Problem, ...], text: str) -> list[Problem]:
    """The problems with the line of the file that each one's key stands on."""
    try:
        split = split_header(one_kind_of_line(text), "")
    except InvalidFile:  # its line is in the problem already
        return list(problems)
    # The front matter's source begins with the rest of the line of dashes.
    return with_lines(problems, split.source.removeprefix("\n"), first_line=split.line + 1)


def open_work(slug: str) -> Work:
    """The campaign of that name. Raises UnknownName if there is neither a file nor a draft."""
    workspace = current(django_settings.WORKSPACE)
    if not slug.isprintable():
        raise UnknownName("campaign", slug, workspace.campaign_names())
    row = CampaignDraft.objects.filter(slug=slug).first()
    try:
        disk = campaign_version(workspace, slug)
    except UnknownName:
        if row is None:
            raise
        disk = None
    return Work(workspace, slug, disk, row)


def save_section(work: Work, changes: Mapping[str, Any], intro: str | None, who: str) -> Work:
    """The work with these settings changed, kept as a draft. Raises InvalidFile where the file can't be changed."""
    return _kept(work, changed_campaign(work.text, work.slug, changes, intro=intro), "", who)


def save_whole(work: Work, typed: str, who: str) -> Work:
    """The work with the whole file as somebody typed it; while it can't be read, it is kept beside the draft."""
    text = one_kind_of_line(typed).replace("\n", newline_of(work.text))
    if unreadable(text, work.slug):
        return _kept(work, work.text, text, who)
    return _kept(work, text, "", who)


def unreadable(text: str, slug: str) -> tuple[Problem, ...]:
    """Why nobody can say what a file of that text holds; empty if one can."""
    try:
        split_header(one_kind_of_line(text), f"campaigns/{slug}.md")
        changed_campaign(text, slug, {})
    except InvalidFile as error:
        return error.problems
    return ()


def _kept(work: Work, text: str, unread: str, who: str) -> Work:
    base = work.row.base if work.row else work.text
    if text == base and not unread and not work.changed_on_disk:
        CampaignDraft.objects.filter(slug=work.slug).delete()
        return replace(work, row=None)
    row = work.row or CampaignDraft(
        slug=work.slug, base=base, base_digest=work.disk.digest if work.disk else "", number=0, begun_by=who[:200]
    )
    row.text, row.unread, row.number, row.saved_by = text, unread, row.number + 1, who[:200]
    row.save()
    return replace(work, row=row)


def locked(slug: str) -> Work:
    """As :func:`open_work`, inside a transaction: nobody else changes the draft until it ends, nor begins one."""
    if connection.vendor == "postgresql":  # where there is no row yet, none can be locked; SQLite has one writer
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"draft of {slug}"])
    return open_work(slug)


def discard(work: Work) -> None:
    """Throw the draft away; the file stays as it is."""
    CampaignDraft.objects.filter(slug=work.slug).delete()


def publish(work: Work) -> FileVersion:
    """Write the draft into the campaign's file; what is there then.

    Raises InvalidFile for mistakes and FileChanged if the file is another by now; the draft stays in both cases.
    """
    row = work.row
    if row is None:
        raise BroadsheetError("There is nothing to publish: the file says all this already.")
    if row.unread:
        raise BroadsheetError("The file as typed can't be read yet. Put it right, or take it back, and publish then.")
    if work.problems:
        raise InvalidFile(work.problems)
    version = work.disk or FileVersion(work.path, row.base, "utf-8", "")
    written = save_campaign(work.workspace, work.slug, replace(version, digest=row.base_digest), row.text)
    discard(work)
    return written


def rebase(work: Work, text: str, who: str) -> Work:
    """The draft with that text, as one that was begun from the file as it is on the disk now."""
    if work.row is None or work.disk is None:
        raise BroadsheetError("There is no draft, or no file, to compare. Open the campaign again.")
    row = work.row
    row.base, row.base_digest = work.disk.text, work.disk.digest
    return _kept(replace(work, row=row), text, "", who)


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """What changed, line by line: ``("add" | "del" | "at" | "", line)``."""
    # The first two lines name the files; the marks between the pieces become the line that each begins in.
    lines = unified_diff(one_kind_of_line(before).splitlines(), one_kind_of_line(after).splitlines(), lineterm="", n=2)
    kinds = {"+": "add", "-": "del", "@": "at", " ": ""}
    return [
        (kinds[each[0]], f"line {each.split('+')[1].split(',')[0].split(' ')[0]}" if each[0] == "@" else each[1:])
        for each in list(lines)[2:]
    ]


def merged(base: Mapping[str, Any], theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the draft that differ from its beginning, to be put into theirs; None for one that went."""
    found: dict[str, Any] = {}
    for key in dict.fromkeys((*base, *mine)):
        if mine.get(key) == base.get(key):
            continue
        ours, other, old = mine.get(key), theirs.get(key), base.get(key)
        if isinstance(ours, Mapping) and isinstance(other, Mapping):
            inner = merged(old if isinstance(old, Mapping) else {}, other, ours)
            ours = {name: value for name, value in {**other, **inner}.items() if value is not None}
        found[key] = ours
    return found
