"""People from a file. When in doubt, the safer state."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from broadsheet.audience import bulk
from broadsheet.audience.columns import Layout, layout, plain
from broadsheet.audience.lines import BadRow
from broadsheet.audience.persons import Person, Terms, Unusable, gravest, person_of
from broadsheet.audience.refused import made_out
from broadsheet.audience.rejects import Rejects
from broadsheet.audience.statuses import WORDS, Standing, is_alarming, status_word, worded
from broadsheet.audience.tables import Table, open_table
from broadsheet.audience.taking import ERASED, People, Taker, Update
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace

#: A batch touches most pages of the index of addresses, so few large ones write less than many small ones.
BATCH = 10_000
#: A report shows so many rejected lines, and so many words it did not know; the file of rejected lines has them all.
SHOWN_LINES, SHOWN_WORDS = 1_000, 20
#: After so many new people the database looks anew at what it holds.
MANY = 5_000
NAMED_SO = "no column says who is subscribed, and the file's name that they are not; say what they are with --status"
_NAMES = {standing: standing.name.lower() for standing in Standing}
Progress = Callable[[int, int], None]
"""Told how far it is: units done, units in all."""


@dataclass(frozen=True)
class RejectedLine:
    """A line that was not taken."""

    line: int
    reason: str


@dataclass
class ImportReport:
    """What an import did, or would do."""

    said: str = ""
    """The format and dialect that was found."""
    columns: dict[str, str] = field(default_factory=dict)
    """What each column was taken for."""
    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    standings: Counter[str] = field(default_factory=Counter)
    """How many of the people are subscribed, pending and so on in the file's own words."""
    doubts: Counter[str] = field(default_factory=Counter)
    """Where the safer state was taken, and how often."""
    rejected: list[RejectedLine] = field(default_factory=list)
    """The first thousand lines that were not taken."""
    rejected_lines: int = 0
    rejected_file: Path | None = None
    stopped: bool = False
    """Whether somebody stopped it; whole batches are in."""

    def as_data(self, *, dry_run: bool) -> dict[str, Any]:
        """The report as plain data, as ``subscribers import --json`` prints it."""
        return {
            "format": self.said,
            "columns": self.columns,
            "read": self.read,
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "people": dict(self.standings),
            "doubts": dict(self.doubts),
            "rejected": [{"line": each.line, "reason": each.reason} for each in self.rejected],
            "rejected_lines": self.rejected_lines,
            "rejected_file": str(self.rejected_file) if self.rejected_file else None,
            "dry_run": dry_run,
            "stopped": self.stopped,
        }


@dataclass(frozen=True)
class ImportChoices:
    """How a file is to be taken."""

    list_name: str | None = None
    update: Update = "missing"
    mapped: Mapping[str, str] = field(default_factory=dict)
    """Columns by hand: a name in the file to a field, an attribute, or an empty word to leave it out."""
    means: Mapping[str, str] = field(default_factory=dict)
    """What words mean that may mean anything: ``{"enabled": "subscribed"}``."""
    status: str | None = None
    """What every line says, beside what it says itself: a file of people who unsubscribed may not say so."""
    dry_run: bool = False
    rejected_file: Path | None = None
    """Where rejected lines go; if unset, in the state folder, and nowhere in a dry run, which writes nothing."""


def import_people(
    workspace: Workspace,
    file: Path,
    list_name: str | None = None,
    choices: ImportChoices | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Takes the people in a file; a second run of the same file changes nothing.

    An import adds people and fills in their data, and takes whom the file calls unsubscribed off the list; it
    never subscribes again who has left one, and never lifts a suppression. A KeyboardInterrupt ends it after the last
    whole batch, and the report says so. Raises BroadsheetError if the file can't be read or has no column of addresses.
    """
    choices = choices or ImportChoices(list_name)
    known = workspace.lists
    if choices.list_name is not None and choices.list_name not in known.lists:
        raise BroadsheetError(f"There is no list “{choices.list_name}”; there is: {', '.join(sorted(known.lists))}.")
    means = _means(choices.means)
    table = open_table(file, str(file))
    with table.closing:
        try:
            where = layout(table.header, choices.mapped)
        except BroadsheetError as error:
            raise BroadsheetError(f"{file}: {error}.") from error
        everybody = _everybody(choices.status)
        named_so = choices.status is None and not where.statuses and is_alarming(plain(file.name + table.said))
        if named_so:
            everybody = Standing.DOUBTFUL
        terms = Terms(
            frozenset(known.lists), known.attributes, choices.list_name, means,
            workspace.config.privacy.truncate_networks, file.name[:250], everybody,
        )  # fmt: skip
        rejected_file = choices.rejected_file
        if rejected_file is None and not choices.dry_run:
            rejected_file = workspace.state / "imports" / f"{file.stem}-rejected.csv"
        run = _Run(
            table,
            where,
            terms,
            Taker(terms.source, choices.update, dry_run=choices.dry_run, carried=bool(where.carried)),
        )
        table.closing.callback(run.rejects.close)
        report = run.to_the_end(rejected_file, progress)
        if named_so and report.read:
            report.doubts[NAMED_SO] = report.read
        return report


def _means(given: Mapping[str, str]) -> dict[str, Standing]:
    """Words by hand. What an export says outright can't be turned into its opposite."""
    found = {}
    for word, meaning in given.items():
        plain = word.strip().lower()
        if WORDS.get(plain, Standing.DOUBTFUL) > Standing.DOUBTFUL:
            raise BroadsheetError(f"“{word}” says that somebody must not be mailed; --means can't change that.")
        if (standing := WORDS.get(meaning.strip().lower())) is None:
            raise BroadsheetError(f"--means “{word}={meaning}”: write subscribed, pending or unsubscribed.")
        found[plain] = standing
    return found


def _everybody(status: str | None) -> Standing:
    if status is None:
        return Standing.SUBSCRIBED
    if (standing := WORDS.get(status.strip().lower())) is None:
        raise BroadsheetError(f"--status “{status}” is no status; write subscribed, pending, unsubscribed or bounced.")
    return standing


class _Run:
    """One import, from the first line to the last."""

    def __init__(self, table: Table, where: Layout, terms: Terms, taker: Taker) -> None:
        self.table, self.layout, self.terms, self.taker = table, where, terms, taker
        self.report = ImportReport(said=table.said, columns=where.said)
        #: of every address so far; two of a million share one with a chance of one in thirty million
        self.seen: set[int] = set()
        self.rejects = Rejects(where)
        self.doubtful_lines = 0

    def to_the_end(self, rejected_file: Path | None, progress: Progress | None) -> ImportReport:
        """The report of it all; rejected lines are in the file, if there is to be one."""
        report = self.report
        try:
            with bulk.hurried():
                for people, meanwhile in _ahead(self._prepared()):
                    with transaction.atomic():
                        batch = self.taker.take(people, meanwhile)
                    report.added += batch.added
                    report.updated += batch.updated
                    report.unchanged += batch.unchanged
                    for person in batch.erased:
                        self._reject(RejectedLine(person.line, ERASED), self._only(person.email))
                    gc.collect(1)
                    if progress:
                        progress(self.table.done(), self.table.size)
        except KeyboardInterrupt:
            report.stopped = True
        if report.read and self.terms.everybody == Standing.SUBSCRIBED:
            if not self.layout.statuses:
                report.doubts["no column says who is subscribed; all were taken as subscribed"] = report.read
            elif all(read is worded for _, _, read in self.layout.statuses):
                report.doubts["no column says for sure who is subscribed; who isn't said to have left was taken so"] = (
                    report.standings["subscribed"]
                )
        if self.rejects.count and rejected_file is not None:
            report.rejected_file = self.rejects.keep(rejected_file)
        report.rejected_lines = self.rejects.count
        if report.added > MANY and not self.taker.dry_run:
            _refresh_statistics()
        return report

    def _prepared(self) -> Iterator[People]:
        return map(self.taker.prepare, self._batches())

    def _batches(self) -> Iterator[list[Person]]:
        people: list[Person] = []
        for line, row in self.table.rows:
            if isinstance(row, BadRow):
                self.report.read += 1
                who = made_out(line, row.cells, self.layout, self.terms)
                person = self._refused(RejectedLine(line, row.reason), who, [], row.text)
            elif not any(row) or not any(cell.strip() for cell in row):
                continue
            else:
                self.report.read += 1
                person = self._person(line, row)
            if person is None:
                continue
            people.append(person)
            if len(people) >= BATCH:
                yield people
                people = []
        if people:
            yield people

    def _person(self, line: int, row: list[str]) -> Person | None:
        """The row as a person to take, if there is one."""
        person: Person | None
        try:
            person = person_of(line, row, self.layout, self.terms)
            number = hash(person.email_key)
            if number not in self.seen:
                self.seen.add(number)
                self._count(person, row)
                return person
            return self._refused(RejectedLine(line, "the same address as an earlier line"), person, row)
        except Unusable as error:
            person = error.bare or made_out(line, row, self.layout, self.terms)
            return self._refused(RejectedLine(line, str(error)), person, row)

    def _refused(self, what: RejectedLine, person: Person | None, row: list[str], text: str = "") -> Person | None:
        """The person of a rejected line, if it says that they are not to be mailed: nothing but that is taken of it.

        Later rows of the same address can only be graver then.
        """
        standing = gravest(person) if person else Standing.SUBSCRIBED
        if person is None or standing == Standing.SUBSCRIBED:
            self._reject(what, row, text)
            return None
        self.seen.add(hash(person.email_key))
        said = f"only its status ({standing.name.lower()}) was taken"
        if standing is Standing.DOUBTFUL:
            self._doubt(what)
            said = "it may say that they left"
        self._reject(RejectedLine(what.line, f"{what.reason}; {said}"), row, text)
        return person._replace(again=True)

    def _doubt(self, what: RejectedLine) -> None:
        """Say that a rejected line may have meant somebody who is here, and is mailed."""
        self.doubtful_lines += 1
        line, why = (f"line {what.line:,}", what.reason) if self.doubtful_lines <= SHOWN_WORDS else ("more lines", "")
        why = f" ({why})" if why and "@" not in why else ""
        self.report.doubts[
            f"{line} can't be taken{why}, and may say that somebody left; mend it, as who was here stays as they are"
        ] += 1

    def _count(self, person: Person, row: list[str]) -> None:
        standing = person.standing
        self.report.standings[_NAMES[standing]] += 1
        if standing is Standing.LEFT and self.terms.list_name is None and self.layout.lists == self.layout.width:
            self.report.doubts["the file names no list; who left was taken off all of them"] += 1
        if standing is Standing.PENDING or standing is Standing.DOUBTFUL:
            for at, name, read in self.layout.statuses:
                if len(self.report.doubts) >= SHOWN_WORDS:
                    break
                cell = row[at].strip()
                if self.terms.means.get(cell.lower(), read(cell)) == standing:
                    known = (
                        "" if read is not status_word or not cell or cell.lower() in WORDS else ", a word not known,"
                    )
                    said = "unconfirmed" if standing == Standing.PENDING else "not subscribed"
                    self.report.doubts[f"{name} “{cell[:40]}”{known} was taken as {said}"] += 1
                    break

    def _only(self, email: str) -> list[str]:
        """A row with nothing in it but that address."""
        return [*[""] * self.layout.fields["email"], email]

    def _reject(self, what: RejectedLine, row: list[str], text: str = "") -> None:
        self.rejects.add(what.line, what.reason, row, text)
        if len(self.report.rejected) < SHOWN_LINES:
            self.report.rejected.append(what)


def _ahead(batches: Iterator[People]) -> Iterator[tuple[People, Callable[[], None]]]:
    """The batches, each with what lets the next one be read: a server writes while this process reads.

    SQLite writes in this process.
    """
    if connection.vendor == "sqlite":
        yield from ((people, lambda: None) for people in batches)
        return
    with ThreadPoolExecutor(1, "reading") as reader:
        following: list[Future[People | None]] = []

        def read_on() -> None:
            if not following:
                following.append(reader.submit(next, batches, None))

        read_on()
        while people := following.pop().result():
            yield people, read_on
            read_on()


def _refresh_statistics() -> None:
    """Let the database look at what it holds now, or it plans for what it held."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA optimize" if connection.vendor == "sqlite" else "ANALYZE")
