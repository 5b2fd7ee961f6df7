"""A template tried: its mail made with sample data, in a process of its own.

A template is a program. Jinja's sandbox keeps it from files and from Python, not from going on for ever or from filling
the memory, so nothing of it runs in the server: :func:`made_all` is the other process's side, under its limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from broadsheet.articles.apart import apart
from broadsheet.audience.readers import Reader
from broadsheet.errors import BroadsheetError, TemplateProblem, UnstampableReader
from broadsheet.rendering import Sheet, compile_message, findings
from broadsheet.rendering.findings import Copy, Finding, House
from broadsheet.rendering.message import Choice, Message, Pieces
from broadsheet.stamping import Imprint, Stamp

#: Seconds of processor time, bytes of memory, and bytes of a mail's HTML. Gmail shows the first 102 kB.
SECONDS: Final = 10
MEMORY: Final = 1_000_000_000
LARGEST: Final = 1_000_000
#: How many are tried at once, and how long (seconds) the next one waits for its turn.
_TURNS = BoundedSemaphore(2)
_WAIT: Final = 60.0


@dataclass(frozen=True)
class Order:
    """What a template is tried with."""

    template: str
    sheets: tuple[Sheet, ...]
    """The first is the one that is shown; all are checked."""
    readers: Mapping[str, Reader]
    """Who they are, in words, to the reader; the first one's copy is shown."""
    house: House
    imprint: Imprint
    at: datetime
    ignored: tuple[tuple[str, str], ...]
    """What is the sample's fault: codes of findings, and a part of where they are."""


@dataclass(frozen=True)
class Fault:
    """Why a template's mail can't be made."""

    file: str
    """Relative to the workspace."""
    line: int | None
    reason: str


@dataclass(frozen=True)
class Tried:
    """What came of it."""

    subject: str = ""
    html: str = ""
    text: str = ""
    html_size: int = 0
    findings: tuple[Finding, ...] = ()
    fault: Fault | None = None


def tried(orders: Sequence[Order]) -> list[Tried]:
    """Each template's mail and what is wrong with it, made in one process; whatever the templates do, this ends."""
    if not _TURNS.acquire(timeout=_WAIT):
        return [Tried(fault=_fault_of_all(orders, "waits for too many others; try again in a minute"))] * len(orders)
    try:
        return apart(made_all, orders, seconds=SECONDS + len(orders), memory=MEMORY)
    except BroadsheetError:  # its time or its memory was up
        reason = (
            f"takes longer than {SECONDS} seconds or more than {MEMORY / 1e9:g} GB of memory; "
            "look for a loop that does not end, or a text that is repeated too often"
        )
        return [Tried(fault=_fault_of_all(orders, reason))] * len(orders)
    finally:
        _TURNS.release()


def _fault_of_all(orders: Sequence[Order], reason: str) -> Fault:
    return Fault(f"templates/{orders[0].template}" if len(orders) == 1 else "templates", None, reason)


def made_all(orders: Sequence[Order]) -> list[Tried]:
    """The other process's side."""
    return [made(order) for order in orders]


def made(order: Order) -> Tried:
    """The mail compiled, stamped for each sample reader, and checked."""
    shown = Tried()
    found: list[Finding] = []
    for number, sheet in enumerate(order.sheets):
        try:
            message = compile_message(sheet)
        except TemplateProblem as problem:
            return Tried(fault=_fault(problem, order, sheet.templates))
        if (size := _size(message)) > LARGEST:
            return Tried(fault=_too_large(order, size))
        if not number:
            found += findings.of_message(message, sheet, order.house.attributes)
        stamp = Stamp(message, order.imprint)
        for who, reader in order.readers.items():
            try:
                content = stamp(reader, delivery_id=0, now=order.at).content
            except UnstampableReader as problem:
                return Tried(fault=Fault(f"templates/{order.template}", None, f"{problem} ({who})"))
            if len(content) > 2 * LARGEST:
                return Tried(fault=_too_large(order, len(content)))
            copy = Copy.of(content)
            if not number:
                found += findings.of_copy(copy, order.house)
            if not shown.html:
                shown = Tried(copy.subject, copy.html, copy.text, len(copy.html.encode()))
    told = [each for each in found if not any(code == each.code and part in each.where for code, part in order.ignored)]
    return Tried(shown.subject, shown.html, shown.text, shown.html_size, tuple(findings.in_order(told)))


def _fault(problem: TemplateProblem, order: Order, folder: Path) -> Fault:
    file = problem.template.partition(": ")[0]
    if not (folder.parent / file).is_file() and not (folder / file.removeprefix("templates/")).is_file():
        file = f"templates/{order.template}"
    return Fault(file, problem.line, problem.reason)


def _too_large(order: Order, size: int) -> Fault:
    reason = f"makes a mail of {size / 1e6:.1f} MB; at most {LARGEST / 1e6:g} MB can be shown, and Gmail cuts at 0.1"
    return Fault(f"templates/{order.template}", None, reason)


def _size(message: Message) -> int:
    return _bytes(message.pieces)


def _bytes(pieces: Pieces) -> int:
    return sum(
        len(piece)
        if isinstance(piece, bytes)
        else max(_bytes(piece.first), _bytes(piece.second))
        if isinstance(piece, Choice)
        else 0
        for piece in pieces
    )
