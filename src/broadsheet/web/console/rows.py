"""A segment's rules as rows of a form, and back. Pure.

What no row can show (a rule with a segment written out in it, several tests of one kind in one) is a row of YAML, so
that nothing of a file is lost by opening it here; a row that nobody changed is written as it stood.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml
from django.http import QueryDict

from broadsheet.errors import InvalidFile
from broadsheet.workspace import Attribute
from broadsheet.workspace.reading import parse_yaml
from broadsheet.workspace.segment_checks import TYPES
from broadsheet.workspace.segment_file import TESTS

GROUPS: dict[str, str] = {"all": "Must", "any": "One of these", "none": "Must not"}
#: Rows that one form takes.
MOST = 50
ATTRIBUTE, YAML, ALL_MAIL = "attribute:", "yaml", "mail"
#: Tests that need no value.
BARE = (ALL_MAIL, "exists", "lacks")


@dataclass(frozen=True)
class Row:
    """One rule in the form."""

    group: str
    field: str
    op: str = ""
    values: tuple[str, ...] = ()
    within: str = ""

    @property
    def text(self) -> str:
        """The values as one line."""
        return self.values[0] if self.field == YAML and self.values else ", ".join(self.values)


@dataclass(frozen=True)
class Field:
    """One thing that a row can test: how that is said, its tests, and what it is compared with."""

    label: str
    ops: Mapping[str, str]
    control: str = "words"
    """``words`` (parted by commas), ``text``, ``choice`` (of ``choices``), ``yaml``, or nothing."""
    choices: Mapping[str, str] | None = None
    spans: bool = False
    """Whether it says how long ago as well."""
    hint: str = ""
    write: Callable[[str], Any] = str
    """From what somebody wrote to what stands in the file. Raises ValueError."""


_OPS: dict[str, str] = {
    "=": "is", "!=": "is not", "in": "is one of", "not_in": "is none of", "contains": "contains",
    "starts": "begins with", "<": "is less than", ">": "is more than", "between": "is between",
    "exists": "is known", "lacks": "is not known",
}  # fmt: skip
_DAYS: dict[str, str] = {**_OPS, "<": "is before", ">": "is after"}
_MAILS: dict[str, str] = {ALL_MAIL: "any mail", "campaign": "of the campaign", "edition": "the edition number"}
_DAY = "A day such as 2026-01-31, or a span such as 90d."
#: What stands beside the attributes.
_KINDS: dict[str, Field] = {
    "list": Field("List", {"in": "is"}, "choice"),
    "interests": Field("Interests", {"any": "are one of", "all": "are all of", "none": "are none of"}),
    "language": Field("Language", {"in": "is one of"}, hint="Such as de, en."),
    "zone": Field("Time zone", {"in": "is one of"}, hint="Such as Europe/Berlin."),
    "domain": Field("Address", {"in": "is at one of"}, hint="Such as mail.example."),
    "joined": Field(
        "Joined", {"after": "after, or in the last", "before": "before, or longer ago than"}, "text", hint=_DAY
    ),
    "got": Field("Got", _MAILS, "text", spans=True),
    "opened": Field("Opened", _MAILS, "text", spans=True),
    "clicked": Field("Clicked in", _MAILS, "text", spans=True),
    "never_engaged": Field("Engagement", {"true": "never opened or clicked", "false": "opened or clicked once"}, ""),
    "segment": Field("Segment", {"in": "is in"}, "choice"),
    YAML: Field("Written out", {"": "as YAML"}, "yaml"),
}
_HADS = ("got", "opened", "clicked")
_WORDS = ("list", "language", "zone", "domain", "segment")


def fields(
    attributes: Mapping[str, Attribute], lists: Mapping[str, str], segments: Mapping[str, str]
) -> dict[str, Field]:
    """All that rows can test in a workspace, in the order of the form."""
    found = dict(_KINDS)
    found["list"] = Field("List", {"in": "is"}, "choice", lists)
    found["segment"] = Field("Segment", {"in": "is in"}, "choice", segments)
    written = found.pop(YAML)
    for name, each in attributes.items():
        tests = [TESTS[test] for test in TYPES[each.type].tests]
        says = _DAYS if each.type == "date" else _OPS
        ops = {test: says[test] for test in tests} | {"lacks": _OPS["lacks"]}
        choices = {"choice": {word: word for word in each.choices}, "yes/no": {"yes": "yes", "no": "no"}}.get(each.type)
        found[ATTRIBUTE + name] = Field(
            each.label or name,
            ops,
            "words" if choices is None else "choice",
            choices,
            hint=_DAY if each.type == "date" else "",
            write=_WRITES.get(each.type, str),
        )
    return found | {YAML: written}


def _number(text: str) -> int | float:
    if re.fullmatch(r"[+-]?\d{1,15}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"[+-]?\d{1,15}\.\d{1,15}", text, re.ASCII):
        return float(text)
    raise ValueError(f"“{text[:40]}” is not a number.")


def _day(text: str) -> date | str:
    """A day as the file holds one; what is none may be a span, which the file's own checks know."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else text
    except ValueError:
        return text


_WRITES: dict[str, Callable[[str], Any]] = {"number": _number, "date": _day, "yes/no": lambda text: text == "yes"}


# From the file


def rows_of(entry: Mapping[str, Any], known: Mapping[str, Field]) -> list[Row]:
    """The rules of a segment as rows, in the order of the file."""
    return [row_of(group, rule, known) for group in GROUPS for rule in entry.get(group) or ()]


def row_of(group: str, rule: Any, known: Mapping[str, Field]) -> Row:
    """The rule as a row; as YAML, if no row says exactly that."""
    try:
        ((kind, given),) = rule.items()
        row = _read(group, kind, given)
        if row is not None and row.field in known and _same(rule_of(row, known), rule):
            return row
    except (AttributeError, TypeError, ValueError):
        pass  # whatever it is, it can be shown
    return Row(
        group,
        YAML,
        values=(yaml.safe_dump(rule, allow_unicode=True, sort_keys=False, default_flow_style=None).rstrip(),),
    )


def _read(group: str, kind: str, given: Any) -> Row | None:
    """The row that this may be; whether it is, its own rule shows. Raises ValueError and the like for what is none."""
    if kind in _WORDS and all(isinstance(each, str) for each in _listed(given)):
        row = Row(group, kind, "in", tuple(_listed(given)))
    elif kind in ("interests", "joined"):
        ((op, values),) = given.items()
        row = Row(group, kind, op, tuple(_shown(each) for each in _listed(values)))
    elif kind in _HADS:
        op, value = next(((key, given[key]) for key in ("campaign", "edition") if key in given), (ALL_MAIL, None))
        row = Row(group, kind, op, () if value is None else (str(value),), str(given.get("within", "")))
    elif kind == "never_engaged":
        row = Row(group, kind, str(bool(given)).lower())
    elif kind == "attribute":
        ((op, value),) = ((key, each) for key, each in given.items() if key != "name")
        field = ATTRIBUTE + given["name"]
        bare = op == "exists"
        op = "lacks" if bare and not value else op
        row = Row(group, field, op, () if bare else tuple(_shown(each) for each in _listed(value)))
    else:
        return None
    return row


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _same(one: Any, other: Any) -> bool:
    """Whether two rules say the same; a word is a list of one."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return _plain(value[0]) if len(value) == 1 else [_plain(each) for each in value]
    return value


# From the form


def posted(given: QueryDict, known: Mapping[str, Field]) -> list[Row]:
    """The rows of a form, as far as they make sense as rows; a field that changed takes its first test."""
    count = given.get("rows", "0")
    rows = []
    for at in range(min(int(count) if count.isdecimal() and len(count) < 4 else 0, MOST)):
        field, group = given.get(f"r{at}-field", ""), given.get(f"r{at}-group", "all")
        if field not in known:
            continue
        op = given.get(f"r{at}-op", "")
        op = op if op in known[field].ops else next(iter(known[field].ops))
        texts = given.getlist(f"r{at}-value")[:500]
        rows.append(
            Row(
                group if group in GROUPS else "all",
                field,
                op,
                _values(known[field], op, texts) if given.get(f"r{at}-was") == field else (),
                given.get(f"r{at}-within", "").strip() if known[field].spans else "",
            )
        )
    return rows


def _values(field: Field, op: str, texts: list[str]) -> tuple[str, ...]:
    """What the row is compared with, as it was written."""
    if field.control == "yaml":
        return (texts[0].replace("\r\n", "\n").strip(),) if texts else ()
    if field.control == "choice":
        return tuple(each for each in texts if each in (field.choices or {}))
    if op in ("=", "!=", "contains", "starts", "<", ">") or field.control == "text":
        return tuple(word for text in texts[:1] if (word := text.strip()))
    return tuple(word for text in texts for part in text.split(",") if (word := " ".join(part.split())))


def entry_of(title: str, rows: Iterable[Row], known: Mapping[str, Field], before: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the file for these rows. Raises ValueError, with the row's number, for one that can't."""
    entry: dict[str, Any] = {"title": title} if title else {}
    stood = {group: [(row_of(group, rule, known), rule) for rule in before.get(group) or ()] for group in GROUPS}
    for number, row in enumerate(rows, 1):
        try:
            rule = next((rule for one, rule in stood[row.group] if one == row), None) or rule_of(row, known)
        except ValueError as error:
            raise ValueError(f"Rule {number}: {error}") from error
        entry.setdefault(row.group, []).append(rule)
    return {key: entry[key] for key in ("title", *GROUPS) if key in entry}


def rule_of(row: Row, known: Mapping[str, Field]) -> dict[str, Any]:
    """The row as a rule of the file. Raises ValueError."""
    field, values = known[row.field], list(row.values)
    if row.field == YAML:
        return _from_yaml(row.text)
    if field.control and not values and row.op not in BARE:
        raise ValueError(f"{field.label}: say with what it is compared.")
    kind, _, name = row.field.partition(":")
    given: Any = values[0] if len(values) == 1 else values
    if kind == "interests":
        given = {row.op: values}
    elif kind == "joined":
        given = {row.op: _day(values[0])}
    elif kind == "never_engaged":
        given = row.op == "true"
    elif kind in _HADS:
        given = _had(row, values)
    elif kind == "attribute":
        given = {"name": name, **_test(row, field)}
    return {kind: given}


def _from_yaml(text: str) -> dict[str, Any]:
    try:
        found = parse_yaml(text, "the YAML")
    except InvalidFile as error:
        raise ValueError(str(error)) from error
    if not isinstance(found, dict):
        raise ValueError("the YAML is no rule; one is: list: newsletter")  # noqa: TRY004  one kind of answer
    return found


def _had(row: Row, values: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if row.op == "campaign":
        found["campaign"] = values[0]
    elif row.op == "edition":
        if not values[0].isdecimal() or len(values[0]) > 9:
            raise ValueError(f"“{values[0][:40]}” is not an edition's number.")
        found["edition"] = int(values[0])
    return found | ({"within": row.within} if row.within else {})


def _test(row: Row, field: Field) -> dict[str, Any]:
    if row.op in ("exists", "lacks"):
        return {"exists": row.op == "exists"}
    written = [field.write(each) for each in row.values]
    if row.op == "between" and len(written) != 2:
        raise ValueError(f"{field.label}: between needs two values, such as 18, 65.")
    return {row.op: written if row.op in ("in", "not_in", "between") else written[0]}
