"""Colours, fonts and measures of a template as fields of a form, and how well its colours can be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broadsheet.rendering.findings.accessibility import LEAST_CONTRAST
from broadsheet.rendering.findings.style import as_hex, colour, contrast
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import load_data
from broadsheet.workspace.toml_lines import with_value

Value = str | int
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{3,8}|(?:rgb|hsl)a?\([\d.,%/ deg]+\)|[a-zA-Z]+")
#: What can't stand in a style sheet's value without ending it, nor in a mail's HTML.
_UNFIT: Final = re.compile(r"[<>{};\x00-\x1f\x7f\\]")
_LONGEST: Final = 500
_LARGEST: Final = 10_000

#: What the keys of the shared theme are called; others go by their own names.
NAMES: Final = {
    "background": "Round the mail",
    "card": "The sheet",
    "ink": "Text",
    "muted": "Dates and small print",
    "line": "Rules",
    "accent": "Category labels",
    "link": "Links",
    "primary": "Buttons",
    "on_primary": "Text on buttons",
    "band": "The dark band",
    "on_band": "Text on the band",
    "on_band_muted": "Small print on the band",
    "on_band_accent": "Labels on the band",
    "width": "Width of the mail, in pixels",
    "radius": "Corners of buttons and pictures, in pixels",
    "logo": "Logo: the address of a PNG",
    "logo_width": "Width of the logo, in pixels",
    "font_display": "Headings",
    "font_body": "Text",
}
#: Which colour is read on which.
_PAIRS: Final = (
    ("Text", "ink", "card"),
    ("Small print", "muted", "card"),
    ("Small print round the mail", "muted", "background"),
    ("Category labels", "accent", "card"),
    ("Links", "link", "card"),
    ("Buttons", "on_primary", "primary"),
    ("The dark band", "on_band", "band"),
    ("Small print on the band", "on_band_muted", "band"),
    ("Labels on the band", "on_band_accent", "band"),
)
_DARK: Final = "dark_"
SHARED: Final = "shared"


@dataclass(frozen=True)
class Field:
    """One key of the theme."""

    key: str
    label: str
    kind: str
    """``colour``, ``number`` or ``text``."""
    value: str
    """What this template's own file says; empty where it says nothing."""
    inherited: str
    """What counts where it says nothing."""
    swatch: str
    """The colour that counts, as ``#rrggbb``; empty if it is none."""
    overruled: bool
    """Whether broadsheet.toml says something else, which counts."""
    now: str
    """What the file says at this moment."""
    theirs: bool
    """Whether somebody else changed it since the form was opened, to something else than the form says."""
    wrong: str


@dataclass(frozen=True)
class Pair:
    """How well one colour can be read on another."""

    ink: str
    ground: str
    ratio: float
    enough: bool


@dataclass(frozen=True)
class Look:
    """The form: its fields in groups, and the file it writes."""

    groups: tuple[tuple[str, tuple[Field, ...]], ...]
    pairs: tuple[tuple[str, Pair | None, Pair | None], ...]
    """What is read, how well in the light, and how well in the dark."""
    changes: Mapping[str, Value | None]
    """What the form would write: a value, or None for a key that goes."""
    theme: Mapping[str, object]
    """What the template would see."""
    wrong: bool
    """Whether something must be put right, or looked at again, before it is written."""


def look_of(workspace: Workspace, name: str, given: Mapping[str, tuple[str, str]] | None = None) -> Look:
    """The template's look as its files say, or as a form was filled in: key to value, and to what it was before.

    A value that was not touched is as the file says now. Raises InvalidFile.
    """
    files = _Files(
        own_theme(workspace, name), own_theme(workspace, SHARED) if name != SHARED else {}, workspace.config.theme
    )
    fields, changes = [], dict[str, Value | None]()
    for key in dict.fromkeys((*files.below, *files.own)):
        field = _field(key, files, given or {})
        if not field.wrong and field.value != _shown(files.own.get(key)):
            changes[key] = (int(field.value) if field.kind == "number" else field.value) if field.value else None
        fields.append(field)
    mine = {key: value for key, value in {**files.own, **changes}.items() if value is not None}
    theme = {**files.below, **mine, **files.above}
    return Look(_grouped(fields), pairs_of(theme), changes, theme, any(each.wrong or each.theirs for each in fields))


def own_theme(workspace: Workspace, name: str) -> dict[str, object]:
    """What the template's own file says. Raises InvalidFile."""
    path = workspace.templates / name / "template.toml"
    declared = load_data(path, f"templates/{name}/template.toml") if path.is_file() else {}
    theme = declared.get("theme", {})
    return theme if isinstance(theme, dict) else {}


@dataclass(frozen=True)
class _Files:
    """What the three files say: the template's own, the shared one below it, and broadsheet.toml above."""

    own: Mapping[str, object]
    below: Mapping[str, object]
    above: Mapping[str, object]


def _field(key: str, files: _Files, given: Mapping[str, tuple[str, str]]) -> Field:
    own, below, above = files.own, files.below, files.above
    usual = own.get(key, below.get(key))
    kind, now = _kind(key, usual), _shown(own.get(key))
    value, was = (each.strip() for each in given.get(key, (now, now)))
    if value == was:  # not touched: whatever the file says now stays
        value = was = now
    counts = str(above.get(key) or value or below.get(key, ""))
    return Field(
        key,
        label=_label(key),
        kind=kind,
        value=value,
        inherited=_shown(below.get(key)),
        swatch=_hex(counts),
        overruled=key in above,
        theirs=now not in (was, value),
        now=now,
        wrong=_wrong(kind, value, key in below or usual == ""),
    )


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _label(key: str) -> str:
    plain = key.removeprefix(_DARK)
    for prefix in ("font_display", "font_body"):
        if plain.startswith(f"{prefix}_"):
            return f"{NAMES[prefix]}, {plain.removeprefix(prefix + '_').replace('_', '-')}"
    return NAMES.get(plain, plain.replace("_", " ").capitalize())


def _kind(key: str, value: object) -> str:
    if isinstance(value, int):
        return "number"
    return "colour" if not key.startswith(("font", "logo")) and _hex(_shown(value)) else "text"


def _hex(value: str) -> str:
    found = colour(value) if _COLOUR.fullmatch(value.strip()) else None
    return as_hex(found) if found else ""


def _wrong(kind: str, value: str, may_be_empty: bool) -> str:
    if not value:
        return "" if may_be_empty else "Write something: no other file says it."
    if kind == "colour":
        return "" if _hex(value) else "This is no colour; write one like #0f4c4a."
    if kind == "number":
        fits = value.isdecimal() and int(value) <= _LARGEST
        return "" if fits else f"Write a whole number up to {_LARGEST:,}."
    if len(value) > _LONGEST or _UNFIT.search(value):
        return "Write it without < > { } ; and backslashes, in one line."
    return ""


def _grouped(fields: list[Field]) -> tuple[tuple[str, tuple[Field, ...]], ...]:
    groups: dict[str, list[Field]] = {
        each: [] for each in ("Colours", "In the dark", "Fonts and measures", "Fonts of other scripts")
    }
    for field in fields:
        if field.kind == "colour":
            title = "In the dark" if field.key.startswith(_DARK) else "Colours"
        else:
            title = "Fonts of other scripts" if re.match(r"font_(display|body)_", field.key) else "Fonts and measures"
        groups[title].append(field)
    return tuple((title, tuple(each)) for title, each in groups.items() if each)


def pairs_of(theme: Mapping[str, object]) -> tuple[tuple[str, Pair | None, Pair | None], ...]:
    """The pairs of colours that a reader meets: what is read, in the light and in the dark."""
    found = [
        (label, _pair(theme, ink, ground), _pair(theme, _DARK + ink, _DARK + ground)) for label, ink, ground in _PAIRS
    ]
    return tuple(each for each in found if each[1] or each[2])


def _pair(theme: Mapping[str, object], ink: str, ground: str) -> Pair | None:
    above, below = (colour(_hex(_shown(theme.get(key)))) for key in (ink, ground))
    if above is None or below is None:
        return None
    ratio = int(contrast(above, below) * 10) / 10
    return Pair(as_hex(above), as_hex(below), ratio, ratio >= LEAST_CONTRAST)


def written(text: str, changes: Mapping[str, Value | None]) -> str:
    """The template.toml with those changes in its ``[theme]``. Raises BroadsheetError."""
    for key, value in changes.items():
        text = with_value(text, "theme", key, value)
    return text
