"""``broadsheet subscribers``: people in and out, and one person at a time."""

import signal
import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from broadsheet.cli.content import Json
from broadsheet.cli.output import ERR, OUT, counted, print_json, print_table
from broadsheet.cli.setup import WrongUse, existing_file, is_terminal, ready, who
from broadsheet.errors import BroadsheetError

if TYPE_CHECKING:
    from broadsheet.audience import ImportReport
    from broadsheet.models import Subscriber

subscribers = typer.Typer(help="People: in, out, and one at a time.", no_args_is_help=True)
#: Rejected lines that a terminal shows; their file has them all.
SHOWN = 20
Email = Annotated[str, typer.Argument(help="Their address.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


class Update(StrEnum):
    """What an import may change of people who are here already."""

    NONE = "none"
    MISSING = "missing"
    ALL = "all"


class Form(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


@subscribers.callback()
def people() -> None:
    """People."""


@subscribers.command("import")
def import_(  # noqa: PLR0913, PLR0917  one parameter for each option
    file: Annotated[Path, typer.Argument(help="CSV, TSV, a ZIP of one, XLSX, or an export in JSON Lines.")],
    list_name: Annotated[str | None, typer.Option("--list", help="The list for lines that name none.")] = None,
    update: Annotated[
        Update, typer.Option(help="Of people who are here: change nothing, fill in what is missing, or all.")
    ] = Update.MISSING,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", help='A column by hand: "E-mail Address=email"; "Column=" leaves it out.'),
    ] = None,
    means: Annotated[
        list[str] | None, typer.Option(help='What a status means that may mean anything: "enabled=subscribed".')
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="What every line says, if the file doesn't: unsubscribed, bounced, …")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Where rejected lines go; a dry run writes them only if this is given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say all that and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Take people from a file. A second run of the same file changes nothing. Exit code 1 if lines were rejected."""
    workspace = ready()
    from broadsheet.audience import ImportChoices, import_people

    choices = ImportChoices(
        list_name, update.value, _pairs("--map", mapped), _pairs("--means", means), status, dry_run, rejected
    )
    with ExitStack() as stack:
        report = import_people(workspace, existing_file(file), list_name, choices, _progress(stack, file.name))
    if json:
        print_json(report.as_data(dry_run=dry_run))
    else:
        _print_report(report, file.name, dry_run=dry_run)
    if report.stopped:
        ERR.print("Stopped. What is in are whole batches; run it again to take the rest.", style="red")
        raise typer.Exit(130)
    if report.rejected_lines:
        raise typer.Exit(1)


@subscribers.command("carry-out", hidden=True)
def carry_out(
    pk: Annotated[int, typer.Argument(help="The number of the uploaded file.")],
) -> None:
    """What the console has begun with an uploaded file, in a process of its own: look at it, try it, or import it."""
    workspace = ready()
    from broadsheet.audience import uploads

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uploads.carry_out(workspace, pk)


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for each in given or ():
        name, sign, value = each.rpartition("=")
        if not sign or not name.strip():
            raise WrongUse(f'{option} “{each}” is no pair; write it like {option} "E-mail Address=email".')
        pairs[name.strip()] = value.strip()
    return pairs


def _progress(stack: ExitStack, name: str) -> Any:
    """Shows how far an import is and how long it will take, where somebody is looking."""
    if not ERR.is_terminal:
        return None
    bar = stack.enter_context(
        Progress(
            TextColumn(name), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("left"),
            TimeRemainingColumn(), console=ERR, transient=True,
        )
    )  # fmt: skip
    task = bar.add_task(name, total=None)
    return lambda done, size: bar.update(task, completed=done, total=size)


def _print_report(report: "ImportReport", name: str, *, dry_run: bool) -> None:
    ERR.print(f"{name}: {report.said}", markup=False, soft_wrap=True)
    taken = ", ".join(column if column == to else f"{column} → {to}" for column, to in report.columns.items())
    ERR.print(f"columns: {taken}", markup=False, soft_wrap=True)
    print_table(
        f"{name}: {report.read:,} read" + (", nothing written (dry run)" if dry_run else ""),
        ("added", "updated", "unchanged", "rejected"),
        [(report.added, report.updated, report.unchanged, report.rejected_lines)],
    )
    said = ", ".join(f"{count:,} {standing}" for standing, count in report.standings.most_common())
    ERR.print(f"what the file says of them: {said or 'nothing'}", markup=False, soft_wrap=True)
    for doubt, count in report.doubts.most_common():
        ERR.print(f"in doubt: {doubt} ({count:,})", style="yellow", markup=False, soft_wrap=True)
    for each in report.rejected[:SHOWN]:
        ERR.print(f"line {each.line}: {each.reason}", style="red", markup=False, soft_wrap=True)
    if (more := report.rejected_lines - SHOWN) > 0:
        where = "" if report.rejected_file else "; --rejected FILE writes all of them"
        ERR.print(f"and {more:,} more{where}", style="red")
    if report.rejected_file:
        ERR.print(f"all rejected lines: {report.rejected_file}", markup=False, soft_wrap=True)


@subscribers.command()
def export(
    list_name: Annotated[str | None, typer.Option("--list", help="Only people ever on this list.")] = None,
    segment: Annotated[str | None, typer.Option(help="Only people in this segment.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output if unset.")] = None,
    form: Annotated[Form, typer.Option("--format", help="CSV for spreadsheets, JSON Lines for programs.")] = Form.CSV,
) -> None:
    """Write people as CSV or JSON Lines; an import of either gives the same people."""
    workspace = ready()
    from broadsheet import audience

    if list_name is not None:
        workspace.list_file(list_name)
    rows = audience.chosen(list_name, workspace.segment(segment) if segment is not None else None)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(out.open("w", encoding="utf-8", newline="")) if out else sys.stdout
        except OSError as error:
            raise BroadsheetError(f"{out} can't be written ({error.strerror}).") from error
        if form is Form.CSV:
            count = audience.written(audience.csv_lines(workspace, rows, list_name), file) - 1  # the line of names
        else:
            count = audience.written(audience.json_lines(audience.records(rows, list_name)), file)
    ERR.print(f"{counted(count, 'person', 'people')} written.")


@subscribers.command()
def show(email: Email, json: Json = False) -> None:
    """Everything held on one person or address, and their history."""
    ready()
    from broadsheet.audience import held_on

    held = held_on(_key(email))
    if held is None:
        raise _nobody(email)
    if json:
        print_json(held)
        return
    skipped = ("history", "subscriptions", "attributes")
    facts = [(name, _shown(value)) for name, value in held.items() if name not in skipped]
    facts += [(name, _shown(value)) for name, value in held["attributes"].items()]
    print_table(held["email"], ("what", "value"), facts)
    print_table(
        "Lists",
        ("list", "state", "agreed", "how", "from", "to"),
        [
            (
                each["list"], each["state"], each["consent_at"] or "–",
                "; ".join(filter(None, (each["consent_how"], each["consent_detail"]))),
                each["consent_network"], each["consent_wording"],
            )
            for each in held["subscriptions"]
        ],
    )  # fmt: skip
    print_table(
        "History", ("when", "what", "detail"), [(each["at"], each["what"], each["detail"]) for each in held["history"]]
    )


def _shown(value: Any) -> str:
    return "–" if value in ("", None, []) else ", ".join(value) if isinstance(value, list) else str(value)


def _key(email: str) -> str:
    from broadsheet.audience import known_address

    try:
        return known_address(email)[1]
    except ValueError as error:
        raise WrongUse(f"{error}.") from error


def _person(email: str) -> "Subscriber":
    from broadsheet.models import Subscriber

    found = Subscriber.objects.select_related("interests").filter(email_key=_key(email)).first()
    if found is None:
        raise _nobody(email)
    return found


def _nobody(email: str) -> BroadsheetError:
    from broadsheet.audience import is_suppressed

    why = is_suppressed(email)
    if why == "erased":
        return BroadsheetError(f"Nobody here has the address {email}; a keyed hash says that its owner was erased.")
    also = f" It is suppressed ({why}); `broadsheet subscribers show` says more." if why else ""
    return BroadsheetError(f"Nobody here has the address {email}.{also}")


def _sure(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not is_terminal():
        raise WrongUse(f"{question} Nobody is here to answer; add --yes.")
    typer.confirm(question, abort=True, err=True)


@subscribers.command()
def erase(email: Email, yes: Yes = False) -> None:
    """Take a person or address out of the database; only a keyed hash stays, so that no import brings them back."""
    ready()
    from broadsheet import audience
    from broadsheet.models import Subscriber

    key = _key(email)
    if audience.held_on(key) is None:
        raise _nobody(email)
    _sure(f"Erase {email} and all that is held on them? This can't be undone.", yes=yes)
    person = Subscriber.objects.filter(email_key=key).first()
    if person:
        audience.erase(person)
    else:
        audience.erase_address(key)
    ERR.print(f"{email} is erased.")


@subscribers.command()
def suppress(
    email: Email, reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "", json: Json = False
) -> None:
    """Never mail an address, whatever list it is on."""
    ready()
    from broadsheet import audience
    from broadsheet.models import SuppressionReason

    try:
        new = audience.suppress(email, SuppressionReason.BY_HAND, reason, who=who())
    except ValueError as error:
        raise WrongUse(f"{error}.") from error
    if json:
        print_json({"email": email, "suppressed": True, "new": new})
    else:
        ERR.print(f"{email} is not mailed any more." if new else f"{email} was suppressed before; its reason stays.")


@subscribers.command()
def unsuppress(
    email: Email,
    reason: Annotated[str, typer.Option(help="Why it may be mailed again; it is kept.")],
    json: Json = False,
) -> None:
    """Let an address be mailed again. Who has left a list has still left it."""
    ready()
    from broadsheet import audience

    if not reason.strip():
        raise WrongUse("--reason is empty; say why the address may be mailed again.")
    try:
        lifted = audience.unsuppress(email, reason.strip(), who=who())
    except ValueError as error:
        raise WrongUse(f"{error}.") from error
    if not lifted:
        raise BroadsheetError(f"{email} was not suppressed.")
    if json:
        print_json({"email": email, "suppressed": False})
    else:
        ERR.print(f"{email} may be mailed again, on the lists it is on.")


@subscribers.command()
def tag(
    email: Email,
    add: Annotated[list[str] | None, typer.Option(help="An interest to add.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="An interest to take away.")] = None,
    json: Json = False,
) -> None:
    """Add or take away interests of one person."""
    ready()
    from broadsheet import audience

    person = _person(email)
    before = person.interests.tags
    try:
        audience.set_interests(person, {*before, *(add or ())} - set(audience.normal_tags(remove or ())))
    except ValueError as error:
        raise WrongUse(f"{error}.") from error
    if person.interests.tags != before:
        audience.note(person.email_key, who(), f"interests: {', '.join(person.interests.tags) or 'none'}")
    if json:
        print_json({"email": person.email, "interests": person.interests.tags})
    else:
        OUT.print(f"{person.email}: {', '.join(person.interests.tags) or 'no interests'}", markup=False, soft_wrap=True)
