"""``broadsheet segments``."""

from typing import Annotated

import typer

from broadsheet.cli.content import Json
from broadsheet.cli.output import ERR, counted, print_json, print_table
from broadsheet.cli.setup import ready


def segments(name: Annotated[str | None, typer.Argument(help="Only this one.")] = None, json: Json = False) -> None:
    """Segments, who each of them is in words, and how many people are in it now."""
    workspace = ready()
    from broadsheet.audience import list_titles, segment_sentence, segment_size

    chosen = workspace.segments if name is None else {name: workspace.segment(name)}
    titles = list_titles(workspace)
    rows = [
        {
            "name": each,
            "readers": segment_size(segment),
            "title": segment.title,
            "sentence": segment_sentence(segment, titles),
        }
        for each, segment in chosen.items()
    ]
    if json:
        print_json(rows)
    elif rows:
        print_table(
            counted(len(rows), "segment"),
            ("readers", "name", "who that is"),
            [(row["readers"], row["name"], row["sentence"]) for row in rows],
        )
    else:
        ERR.print("No segments yet; they are written in subscribers/segments.yaml.")
