"""``broadsheet demo``: the whole main job on the sample workspace, into a local inbox, in a scratch database."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from django.utils import timezone

from broadsheet.cli.inbox import inbox_page
from broadsheet.cli.output import ERR, OUT, counted, in_zone, print_table
from broadsheet.cli.serve import run_until_stopped
from broadsheet.cli.setup import ready
from broadsheet.cli.year.serving import serve_year
from broadsheet.conf import SmtpAdapter
from broadsheet.errors import WorkspaceNotFound
from broadsheet.workspace import Workspace, find_root, make_workspace

if TYPE_CHECKING:
    from broadsheet.models import Edition
    from broadsheet.reports import Numbers

CAMPAIGN = "weekly-digest"


def demo(
    show: Annotated[bool, typer.Option("--inbox", help="Then show the mails on a page, until Ctrl-C.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Instead: open the console on a year of made-up history, until Ctrl-C.")
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", help="With --serve: make that year again, up to now.")] = False,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="With --serve: how many weeks of editions to make.")] = 52,
    host: Annotated[str, typer.Option(help="With --serve: address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --serve: port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Do the whole main job on this workspace, into a local inbox. Sends nothing off this machine."""
    if serve:
        serve_year(_root() / ".broadsheet" / "year", host, port, anew=anew, weeks=weeks)
        return
    started = time.monotonic()
    workspace = _scratch_workspace()
    from broadsheet import audience, pipeline, reports
    from broadsheet.models import Edition
    from broadsheet.schedule import last_time
    from broadsheet.sending.adapters.smtp import Smtp
    from broadsheet.sending.inbox import Catcher, MailFolder

    ERR.print("Broadsheet demo: articles by tag become each reader's mail, in a local inbox.", style="bold")
    report = pipeline.collect(workspace)
    _step(f"read {counted(report.articles, 'article')} from {', '.join(s.place for s in workspace.config.sources)}/")
    people = sum(
        audience.import_people(workspace, file).read for file in sorted((workspace.root / "subscribers").glob("*.csv"))
    )
    _step(f"imported {counted(people, 'person', 'people')} from subscribers/")
    campaign = workspace.campaign(CAMPAIGN)
    edition = Edition.objects.select_related("campaign").filter(campaign__slug=CAMPAIGN).first()
    again = edition is not None and reports.numbers(edition).finished
    if edition is None:
        planned = pipeline.select(workspace, campaign, last_time(workspace, campaign, timezone.now()))
        printed = pipeline.press(workspace, planned)
        edition = pipeline.freeze(workspace, planned, printed, who="demo")
        named = " and ".join(each if isinstance(each, str) else "people" for each in campaign.segment)
        _step(f"picked articles by tag for {named}, and compiled {counted(len(printed), 'different mail')}")
    inbox = MailFolder(workspace.state / "inbox")
    with Catcher(inbox) as catcher:
        server = SmtpAdapter(kind="smtp", host="127.0.0.1", port=catcher.port, security="none")
        numbers = pipeline.send(workspace, edition, Smtp(server))
    _step(
        "this edition was sent before, so nobody was mailed again"
        if again
        else f"sent {counted(numbers.sent, 'mail')} over SMTP to 127.0.0.1:{catcher.port}"
    )
    faults = _check(edition, inbox)
    _step(f"read the inbox back: {counted(len(inbox.list()), 'mail')}, every one checked")
    _tables(workspace, edition, numbers)
    for fault in faults[:10]:
        ERR.print(f"wrong: {fault}", style="red", markup=False, soft_wrap=True)
    if faults or numbers.failed or numbers.unknown or numbers.deferred:
        ERR.print("The demo did not do what it promises; please report this.", style="red")
        raise typer.Exit(1)
    OUT.print(
        f"\n[bold]Done in {time.monotonic() - started:.1f} s.[/bold] "
        + (
            f"Nobody was mailed twice: all {numbers.sent} had their copy already, and none got a second."
            if again
            else f"Everyone due got exactly one mail ({numbers.sent} of {numbers.sent}), "
            "each with articles of their own tags."
        )
    )
    _next_steps(workspace)
    if show:
        server, address = inbox_page()
        ERR.print(f"Read the mails at {address} (Ctrl-C stops it)", soft_wrap=True)
        run_until_stopped(server)


def _root() -> Path:
    """The folder of the workspace here, or of a new one from the starter."""
    try:
        return find_root()
    except WorkspaceNotFound:
        made = Path("broadsheet-demo")
        if (made / "broadsheet.toml").is_file():
            return made.resolve()
        root = make_workspace(made).root
        ERR.print(f"No workspace here, so one was made in {root}.", soft_wrap=True)
        return root


def _scratch_workspace() -> Workspace:
    """The workspace, its state in a scratch folder of the demo's own."""
    root = _root()
    os.environ["BROADSHEET_WORKSPACE"] = str(root)
    os.environ["BROADSHEET_STATE"] = str(root / ".broadsheet" / "demo")
    os.environ.pop("BROADSHEET_DATABASE", None)
    return ready()


def _step(text: str) -> None:
    ERR.print(f"  ✓ {text}", markup=False, soft_wrap=True)


def _check(edition: "Edition", inbox: object) -> list[str]:
    """What is wrong with the inbox, held against the ledger; nothing, if all is well."""
    from broadsheet.models import Article, Delivery
    from broadsheet.sending.inbox import MailFolder

    assert isinstance(inbox, MailFolder)
    tags = {a.slug: {tag.name for tag in a.tags.all()} for a in Article.objects.prefetch_related("tags")}
    urls = dict(Article.objects.values_list("slug", "url"))
    rows = Delivery.objects.filter(edition=edition).select_related("subscriber__interests", "variant")
    copies: Counter[str] = Counter()
    bodies: dict[str, str] = {}
    for summary in inbox.list():
        address = summary.to[0]
        copies[address] += 1
        mail = inbox.read(summary.name)
        bodies[address] = (mail.html or "") if mail else ""
    faults = [f"{address} got {number} copies" for address, number in copies.items() if number != 1]
    for row in rows:
        address, due = row.subscriber.email, row.state == "sent"
        if due != bool(copies.pop(address, 0)):
            faults.append(f"{address} {'got no mail' if due else 'got a mail that was not due'}")
        if not due or row.variant is None:
            continue
        interests = set(row.subscriber.interests.tags)
        for slug in row.variant.articles:
            if not interests & tags[slug]:
                faults.append(f"{address} got {slug}, which is about none of {sorted(interests)}")
            if urls[slug] not in bodies.get(address, ""):
                faults.append(f"the mail to {address} lacks {slug}")
    return faults + [f"{address} got a mail and is not in the edition" for address in copies]


def _tables(workspace: Workspace, edition: "Edition", numbers: "Numbers") -> None:
    from broadsheet.models import Article, Delivery, Variant

    titles = dict(Article.objects.values_list("slug", "title"))
    sent = Delivery.objects.filter(edition=edition, state="sent").select_related("subscriber__interests", "variant")
    by_article: Counter[str] = Counter()
    variants: dict[int, list[Delivery]] = {}
    for row in sent:
        by_article.update(row.variant.articles if row.variant else [])
        variants.setdefault(row.variant_id or 0, []).append(row)
    OUT.print(
        f"\n[bold]{workspace.campaign(CAMPAIGN).name}[/bold], edition of "
        f"{in_zone(edition.scheduled_for, workspace.config.zone)}"
    )
    _segment_table(workspace, edition)
    largest = sorted(variants.values(), key=len, reverse=True)[:5]
    print_table(
        f"Who got what: the {len(largest)} most common of {Variant.objects.filter(edition=edition).count()} mails",
        ("readers", "for example", "who likes", "got"),
        [_variant_row(rows, titles) for rows in largest],
    )
    print_table(
        "How often each article went out",
        ("readers", "article"),
        [(count, titles.get(slug, slug)) for slug, count in by_article.most_common()],
    )
    nobody = Counter(edition.excluded)
    nobody |= Counter(numbers.reasons)
    print_table(
        "Who got nothing, and why",
        ("people", "because"),
        [(count, why) for why, count in nobody.most_common()] or [(0, "nobody was left out")],
    )


def _variant_row(rows: Sequence[object], titles: dict[str, str]) -> tuple[object, ...]:
    from broadsheet.models import Delivery

    first = rows[0]
    assert isinstance(first, Delivery)
    person = first.subscriber
    name = f"{person.first_name} {person.last_name}".strip() or person.email
    got = [titles.get(slug, slug) for slug in (first.variant.articles if first.variant else [])]
    return len(rows), name, ", ".join(person.interests.tags), "\n".join(f"• {title}" for title in got)


def _segment_table(workspace: Workspace, edition: "Edition") -> None:
    from broadsheet.audience import list_titles, segment_label, segment_query, segment_sentence
    from broadsheet.models import Delivery, Subscriber

    named = workspace.campaign(CAMPAIGN).segment
    segments = {segment_label(workspace, each): workspace.segment(each) for each in named}
    got = set(Delivery.objects.filter(edition=edition, state="sent").values_list("subscriber_id", flat=True))
    members = {
        label: got & set(Subscriber.objects.filter(segment_query(segment)).values_list("pk", flat=True))
        for label, segment in segments.items()
    }
    rows: list[tuple[object, ...]] = [
        (label, segment_sentence(segment, list_titles(workspace)), len(members[label]))
        for label, segment in segments.items()
    ]
    if len(segments) > 1:
        both = set.intersection(*members.values())
        rows.append(("in both, mailed once", "", len(both)))
    print_table("Segments", ("segment", "who that is", "mailed"), rows)


def _next_steps(workspace: Workspace) -> None:
    """Three lines on where to look, right for a checkout and for an installed package."""
    if (workspace.root / "Makefile").is_file():
        read, pages, console = "make inbox", "make pages", "make serve"
    else:
        state = f"BROADSHEET_STATE={workspace.state.relative_to(workspace.root)}"
        at = f"--workspace {os.path.relpath(workspace.root)}"
        read, pages = f"{state} broadsheet {at} inbox", f"{state} broadsheet {at} serve"
        console = f"broadsheet {at} demo --serve"
    OUT.print("\nWhere to look next:")
    for command, purpose in (
        (read, "read those mails in your browser"),
        (pages, "the pages behind their links: unsubscribe, preferences, view in browser"),
        (console, "the staff's console, on a year of made-up history"),
        (f"{os.path.relpath(workspace.root / 'campaigns' / CAMPAIGN)}.md", "the file that said all this; change it"),
    ):
        OUT.print(f"  {command:<32}  {purpose}", markup=False, soft_wrap=True)
