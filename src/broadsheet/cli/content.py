"""``broadsheet sync`` and ``broadsheet articles``."""

from typing import Annotated

import typer

from broadsheet.cli.output import ERR, counted, print_json, print_table
from broadsheet.cli.setup import ready

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def sync(json: Json = False) -> None:
    """Read the article sources. Exit code 1 if a file was rejected; the others go on."""
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
    if report.rejected:
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
        ("published", "title", "tags", "slug"),
        [
            (
                row["published_at"].astimezone(workspace.config.zone).strftime("%Y-%m-%d")
                if row["published_at"]
                else "–",
                row["title"] + (" (draft)" if row["draft"] else ""),
                ", ".join(row["tags"]),
                row["slug"],
            )
            for row in rows
        ],
    )
