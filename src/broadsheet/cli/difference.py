"""What changed between an edition and a plan, for people and as JSON."""

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from broadsheet.cli.output import ERR, OUT, counted, in_zone, print_table
from broadsheet.workspace import Workspace

if TYPE_CHECKING:
    from broadsheet.editions import Difference, Passage, Side

#: Rows of a table before it is cut short; ``--json`` has them all.
SHOWN = 20
#: What stands round words that are gone or new, and how they look where there are colours.
_MARKS: Final = {"same": ("", "", ""), "gone": ("[-", "red strike", "-]"), "new": ("{+", "green", "+}")}


def shortened(title: str, number: int, what: str) -> str:
    """The title of a table of so many things, of which the first few are shown."""
    return title if number <= SHOWN else f"{title} (the first {SHOWN} of {number:,} {what}; --json has all)"


def _side_facts(side: "Side") -> dict[str, Any]:
    return {"articles": list(side.articles), "readers": side.readers, "subject": side.subject}


def diff_facts(workspace: Workspace, changes: "Difference") -> dict[str, Any]:
    """What a plan changes against an edition, as ``--json`` has it."""

    def both(pair: tuple[object, object]) -> dict[str, object]:
        return {"before": pair[0], "now": pair[1]}

    return {
        "edition": changes.edition.pk,
        "state": changes.edition.state,
        "scheduled_for": changes.edition.scheduled_for.astimezone(workspace.config.zone),
        "settings": {name: both(values) for name, values in changes.settings.items()},
        "readers": both(changes.readers),
        "excluded": {reason: both(numbers) for reason, numbers in changes.excluded.items()},
        "added": [_side_facts(side) for side in changes.added],
        "removed": [_side_facts(side) for side in changes.removed],
        "changed": [
            {
                "articles": list(each.now.articles),
                "readers": both((each.then.readers, each.now.readers)),
                "subject": both((each.then.subject, each.now.subject)),
                "text": each.otherwise,
                "words": [[{words.fate: words.text} for words in passage] for passage in each.words],
            }
            for each in changes.changed
        ],
    }


def print_diff(workspace: Workspace, changes: "Difference | None") -> None:
    """Say what a plan changes against an edition."""
    if changes is None:
        ERR.print("There is no earlier edition to compare with.")
        return
    edition = changes.edition
    when = in_zone(edition.scheduled_for, workspace.config.zone)
    ERR.print(f"Since edition {edition.pk} ({when}, {edition.state}):", style="bold", soft_wrap=True)
    if changes.nothing:
        ERR.print("Nothing changed.")
        return
    rows: list[tuple[str, str, str]] = [(name, then, now) for name, (then, now) in changes.settings.items()]
    if changes.readers[0] != changes.readers[1]:
        rows.append(("readers", f"{changes.readers[0]:,}", f"{changes.readers[1]:,}"))
    rows += [(reason, f"{then:,}", f"{now:,}") for reason, (then, now) in changes.excluded.items()]
    if rows:
        print_table("Numbers", ("", "then", "now"), rows)
    sides = [("new", each) for each in changes.added] + [("gone", each) for each in changes.removed]
    variants = [(what, f"{side.readers:,}", side.subject, "\n".join(side.articles)) for what, side in sides]
    for each in changes.changed:
        then, now = each.then, each.now
        subject = now.subject if now.subject == then.subject else f"{then.subject}\n→ {now.subject}"
        readers = f"{now.readers:,}" if now.readers == then.readers else f"{then.readers:,} → {now.readers:,}"
        variants.append((each.what, readers, subject, "\n".join(now.articles)))
    if variants:
        title = shortened("Variants", len(variants), "changes")
        print_table(title, ("what", "readers", "subject", "articles"), variants[:SHOWN])
    for together, passages in changes.alike:
        if passages:
            _print_words([each.now.subject for each in together], passages)


def _print_words(subjects: list[str], passages: "tuple[Passage, ...]") -> None:
    """The passages that changed, marked as `git diff --word-diff` marks them."""
    more = f" and {counted(len(subjects) - 1, 'other')}" if len(subjects) > 1 else ""
    OUT.print(f"Words of “{subjects[0]}”{more}", style="bold", markup=False)
    for passage in passages:
        line = Text()
        for words in passage:
            before, style, after = _MARKS[words.fate]
            line.append(f"{before}{words.text}{after}", style=style)
        OUT.print(line, soft_wrap=True)
