"""Syncing 10,000 Markdown files: the first time, again with nothing changed, and the memory that takes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure

FILES = 10_000
#: Makes an article of 5 kB, 850 words.
PARAGRAPH = (
    "There is **no need** to read everything at once; a story keeps, and [so does the tea](/tea/{0}). What helps on "
    "one day may not on the next, *and that is fine*: `pacing` is a skill that takes a while, and nobody is counting. "
) * 5
ARTICLE = """\
---
title: "Story {0}: what helps when the day is long"
date: {1}
tags: [sleep, "tag {2}"]
category: PATIENT_STORIES
author: Ann Lee
image: /images/{0}.png
---

# Story {0}: what helps when the day is long

{{{{< figure src="{0}.png" >}}}}

""" + "\n\n".join(
    [PARAGRAPH, "## In the morning", PARAGRAPH, "- one\n- two\n- three", PARAGRAPH, PARAGRAPH, "> Words."]
)

#: Run in a process of its own, so that its peak of memory is the sync's.
SYNC = """
import json, resource, time
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet.articles import sync
started = time.perf_counter()
report = sync(workspace)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, peak, report.added, report.unchanged]))
"""


def figures() -> list[Figure]:
    """Seconds of the first and the second sync, and the larger peak of memory in MB."""
    with TemporaryDirectory() as folder:
        _write_files(Path(folder))
        first, first_peak, added, _ = _sync(folder)
        second, second_peak, _, unchanged = _sync(folder)
    if (added, unchanged) != (FILES, FILES):
        raise RuntimeError(f"{added} articles were added and {unchanged} unchanged, of {FILES}")
    return [
        Figure(f"first sync of {FILES:,} Markdown files", first, "s", 60),
        Figure("second sync, nothing changed", second, "s", 3),
        Figure("memory of a sync, peak", max(first_peak, second_peak), "MB", 300),
    ]


def _write_files(folder: Path) -> None:
    (folder / "broadsheet.toml").write_text("", encoding="utf-8")
    for number in range(FILES):
        file = folder / "articles" / f"{number % 100}" / f"story-{number}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        day = f"20{10 + number % 15}-{1 + number % 12:02}-{1 + number % 28:02}"
        file.write_text(ARTICLE.format(number, day, number % 50), encoding="utf-8")


def _sync(folder: str) -> tuple[float, float, int, int]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
    environment["BROADSHEET_WORKSPACE"] = folder
    done = subprocess.run(
        [sys.executable, "-c", SYNC], env=environment, capture_output=True, text=True, check=True, cwd=folder
    )
    seconds, peak, added, unchanged = json.loads(done.stdout)
    return seconds, peak, added, unchanged
