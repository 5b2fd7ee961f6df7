"""The press: compiling a variant, stamping a reader, and the memory of a long loop."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from markupsafe import Markup

from benchmarks.figures import Figure, median_seconds
from broadsheet.articles import Content, Picture, direction
from broadsheet.articles.folders import ArticleFile, article_files
from broadsheet.articles.parsing import Context, ParsedArticle, parse_article
from broadsheet.articles.tagging import Tagging
from broadsheet.audience import Reader
from broadsheet.conf import FolderSource
from broadsheet.rendering import Message, Sheet, compile_message, sheet_for
from broadsheet.stamping import Imprint, LinkSigner, Stamp
from broadsheet.workspace import Workspace

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
ROUND = 2_000
IMPRINT = Imprint(12, "https://news.example", "news.example", "hello@news.example", LinkSigner("bench"))

#: Eight slots beside the headers: three values, two conditions, three addresses.
HTML = """<!doctype html>
<html lang="en" dir="ltr"><head><title>News</title><style>p {{ color: #123456; margin: 0 }}</style></head><body>
<p>Hello {{{{ subscriber.first_name | default("there") }}}},</p>
{{% if subscriber.language == "de" %}}<p>Guten Tag.</p>{{% else %}}<p>Good morning.</p>{{% endif %}}
{}
{{% if "sleep" in subscriber.interests %}}<p>More about sleep.</p>{{% endif %}}
<p>Sent to {{{{ subscriber.email }}}}.</p>
<p><a href="{{{{ unsubscribe_url }}}}">leave</a>, <a href="{{{{ view_url }}}}">view</a></p>
</body></html>
"""
TEXT = 'Hello {{ subscriber.first_name | default("there") }}!\n\nLeave: {{ unsubscribe_url }}\n'
FILLER = "<p>{}</p>\n".format("There is no need to read everything at once; a story keeps, and so does the tea. " * 4)
FILLERS = 95  # makes the stamped message 38 kB


def figures() -> list[Figure]:
    """Microseconds a stamped message, milliseconds a compiled variant, and the growth of a long loop in MB."""
    with TemporaryDirectory() as folder:
        stamp = Stamp(Message.from_bytes(compile_message(_big_sheet(Path(folder))).to_bytes()), IMPRINT)
    readers = [_reader(number) for number in range(1, ROUND + 1)]
    size = len(stamp(readers[0], delivery_id=1, now=NOW).content)
    each = median_seconds(lambda: _stamp_all(stamp, readers)) / ROUND
    sheet = _digest_sheet()
    compiled = median_seconds(lambda: compile_message(sheet))
    long = 1_000_000 if os.environ.get("BROADSHEET_BENCH_FULL") else 100_000
    return [
        Figure(f"stamp a message of {size / 1000:.0f} kB with 8 slots", each * 1e6, "us", 40),
        Figure("compile the digest with 5 articles", compiled * 1e3, "ms", 60),
        Figure(f"memory after {long:,} stamped readers, growth", _growth(stamp, long), "MB", 5),
    ]


def _stamp_all(stamp: Stamp, readers: list[Reader]) -> None:
    for reader in readers:  # as a sender does: nothing is kept
        stamp(reader, delivery_id=1, now=NOW)


def _reader(number: int) -> Reader:
    """Every fifth has a name that is not ASCII, every third says nothing."""
    name = "" if number % 3 == 0 else "Jürgen" if number % 5 == 0 else f"Ada{number % 97}"
    values = {"email": f"reader{number}@reader.example", "interests": ["sleep", "mind"][: number % 3]}
    values |= {"first_name": name, "language": "de"} if name else {}
    return Reader(number, f"reader{number}@reader.example", name, values)


def _big_sheet(folder: Path) -> Sheet:
    (folder / "big").mkdir()
    (folder / "big/template.html").write_text(HTML.format(FILLER * FILLERS), encoding="utf-8")
    (folder / "big/text.txt").write_text(TEXT, encoding="utf-8")
    return replace(_digest_sheet(), templates=folder, template="big")


def _digest_sheet() -> Sheet:
    workspace = Workspace(Path(os.environ["BROADSHEET_WORKSPACE"]))
    folders = [source for source in workspace.config.sources if isinstance(source, FolderSource)]
    tagging = Tagging.of(workspace.config)
    parsed = [
        parse_article(file.text(), file.path, Context.of(workspace.config, tagging, folder.keys))
        for folder in folders
        for file in article_files(workspace, folder)
        if isinstance(file, ArticleFile)
    ]
    chosen = [_content(each) for each in parsed if isinstance(each, ParsedArticle)][:5]
    return sheet_for(workspace, workspace.campaign("weekly-digest"), NOW, chosen)


def _growth(stamp: Stamp, readers: int) -> float:
    for number in range(1, 2_000):
        stamp(_reader(number), delivery_id=number, now=NOW)
    before = _resident()
    for number in range(1, readers + 1):
        stamp(_reader(number), delivery_id=number, now=NOW)
    return _resident() - before


def _resident() -> float:
    """Megabytes of memory in use now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _content(parsed: ParsedArticle) -> Content:
    return Content(
        slug=parsed.slug,
        title=parsed.title,
        excerpt=parsed.excerpt,
        url=parsed.url,
        image=Picture("https://news.example/i/picture.png", 640, 360, parsed.image_alt),
        category=parsed.category,
        author=parsed.author,
        tags=parsed.tags,
        published_at=parsed.published_at,
        html=Markup(parsed.html),
        language=parsed.language,
        dir=direction(parsed.language),
        minutes=3,
    )
