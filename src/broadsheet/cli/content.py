"""``broadsheet sync`` and ``broadsheet articles``."""

from typing import Annotated

import typer

from broadsheet.cli.output import ERR, counted, print_json, print_table
from broadsheet.cli.setup import ready

#: A folder of thousands may have something to say about each; a terminal shows the first few.
MOST_ADVICE = 20
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def sync(json: Json = False) -> None:
    """Read the article sources. Exit code 1 if an article was rejected or a feed failed; the others go on."""
    workspace = ready()
    from broadsheet import pipeline

    report = pipeline.collect(workspace)
    if json:
        print_json(
            {
                "added": report.added,
                "changed": report.changed,
                "unchanged": report.unchanged,
                "removed": report.removed,
                "rejected": [
                    {"path": each.path, "reason": ": ".join(filter(None, (each.where, each.reason)))}
                    for each in report.rejected
                ],
                "articles": report.articles,
                "failed": [{"source": each.path, "reason": each.reason} for each in report.failed],
                "findings": [
                    {"path": path, "code": each.code, "message": each.message} for path, each in report.findings
                ],
            }
        )
    else:
        print_table(
            f"Articles: {report.articles}",
            ("added", "changed", "unchanged", "removed", "rejected"),
            [(report.added, report.changed, report.unchanged, report.removed, len(report.rejected))],
        )
        for problem in report.rejected:
            ERR.print(f"rejected: {problem}", style="red", markup=False, soft_wrap=True)
        for problem in report.failed:
            ERR.print(f"failed: {problem}", style="red", markup=False, soft_wrap=True)
        for path, finding in report.findings[:MOST_ADVICE]:
            ERR.print(f"advice: {path}: {finding.message}", style="yellow", markup=False, soft_wrap=True)
        if (left := len(report.findings) - MOST_ADVICE) > 0:
            ERR.print(f"advice: and {left:,} more; `broadsheet sync --json` and `broadsheet articles` have them all.")
    if not report.fine:
        raise typer.Exit(1)


def articles(
    tag: Annotated[str | None, typer.Option(help="Only articles with this tag.")] = None, json: Json = False
) -> None:
    """List the articles, newest first."""
    workspace = ready()
    from broadsheet.articles import article_rows

    rows = article_rows(tag)
    if json:
        print_json(rows)
        return
    if not rows:
        ERR.print(f"No articles{f' with the tag “{tag}”' if tag else ''} yet. `broadsheet sync` reads the sources.")
        return
    print_table(
        counted(len(rows), "article"),
        ("published", "title", "tags", "slug", "advice"),
        [
            (
                row["published_at"].astimezone(workspace.config.zone).strftime("%Y-%m-%d")
                if row["published_at"]
                else "–",
                row["title"] + (" (draft)" if row["draft"] else " (archive)" if row["seen_before"] else ""),
                ", ".join(row["tags"]),
                row["slug"],
                "\n".join(each["message"] for each in row["findings"]),
            )
            for row in rows
        ],
    )
