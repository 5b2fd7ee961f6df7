"""The scratch workspace of the sample year: the starter's files, three more campaigns, a year of articles."""

import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from broadsheet.cli.year.texts import ANGLES, PARAGRAPHS, SUBJECTS, Angle
from broadsheet.workspace import Workspace, make_workspace
from broadsheet.workspace.reading import write_atomically

FEED: Final = "https://journal.openrehab.example/feed.xml"
A_WEEK: Final = 4
_IMAGES: Final = ("stepping-stones", "tide-lines", "lamp-window", "hills-and-sun", "pillow-moon", "allotment-rows")

_LISTS: Final = """\
  research:
    title: Research Notes
    description: What new studies mean for people who live with pain. Every other Thursday.
  kitchen:
    title: Kitchen Notes
    description: One thing to cook on a tired Friday.
  courses:
    title: Courses at the clinic
    description: Dates of our courses, about once a month.

"""
_CAMPAIGNS: Final = {
    "research-notes": """\
---
name: Research notes
list: research
articles:
  tags: {{any: [research]}}
  newest: 3
  max_age: 30d
template: digest
subject: "{{{{ articles[0].title }}}}"
preheader: "And what we make of it at Stillwater"
schedule: {{every: 2w, start: {start}, time_zone: Europe/Berlin}}
approval: required               # a physician reads these first
tracking: aggregate
---
Dear colleague,

three things that we read this fortnight, with what we would and would not conclude from them.
""",
    "kitchen-notes": """\
---
name: Kitchen notes
list: kitchen
articles:
  tags: {{any: [nutrition]}}
  newest: 2
  max_age: 21d
  repeat: per-campaign
template: letter
subject: "For Friday: {{{{ articles[0].title | lower }}}}"
preheader: "One pan, one hand, half an hour"
schedule: {{cron: "0 16 * * fri", time_zone: Europe/Berlin}}
approval: automatic
tracking: aggregate
---
Hello {{{{ subscriber.first_name | default("there") }}}},

it is Friday, and nobody needs to be a hero at the stove.
""",
    "course-dates": """\
---
name: Course dates
list: courses
articles: {{newest: 1, max_age: 40d, repeat: allow}}
template: announcement
subject: "Places left: {{{{ articles[0].title | lower }}}}"
preheader: "Our courses in the coming weeks"
schedule: {{cron: "0 10 12 * *", time_zone: Europe/Berlin}}
approval: required
tracking: aggregate
---
Some of our courses still have places. Ring us, or simply come by.
""",
}
_BROKEN_FEED: Final = f'\n[[sources]]\nname = "Open Rehab Journal"\nurl = "{FEED}"\n'


def lay_out(folder: Path, at: datetime, chance: random.Random) -> Workspace:
    """A new workspace in ``folder`` with a year of articles up to ``at``; what was there is gone."""
    if folder.exists():
        shutil.rmtree(folder)
    workspace = make_workspace(folder)
    lists = folder / "subscribers" / "lists.yaml"
    head, mark, tail = lists.read_text(encoding="utf-8").partition("# What else may be known")
    write_atomically(lists, f"{head.rstrip()}\n{_LISTS}{mark}{tail}")
    weekly = folder / "campaigns" / "weekly-digest.md"
    text = weekly.read_text(encoding="utf-8")
    text = text.replace("tracking: none", "tracking: individual\nwithout_consent: aggregate")
    write_atomically(weekly, text.replace("  minimum: 1\n", "  minimum: 1\n  max_age: 8d\n"))
    start = _thursday(at)
    for slug, words in _CAMPAIGNS.items():
        write_atomically(folder / "campaigns" / f"{slug}.md", words.format(start=f"{start:%Y-%m-%dT%H:%M}"))
    for name, words in _articles(at, chance):
        (folder / "articles" / name).write_text(words, encoding="utf-8")
    return workspace


def add_broken_feed(workspace: Workspace) -> Workspace:
    """The same workspace with one more source, which can't be read."""
    settings = workspace.root / "broadsheet.toml"
    write_atomically(settings, settings.read_text(encoding="utf-8") + _BROKEN_FEED)
    return Workspace(workspace.root)


def _thursday(at: datetime) -> datetime:
    """The Thursday morning a year before the next one that is more than a day away."""
    soon = at + timedelta(days=2)
    coming = soon + timedelta(days=(3 - soon.weekday()) % 7)
    return (coming - timedelta(weeks=52)).replace(hour=7, minute=0, second=0, microsecond=0)


def _articles(at: datetime, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Names and texts of the articles, four a week, the oldest first."""
    weeks = _weeks(chance)
    for week, turns in enumerate(weeks):
        for place, (subject, tags, angle) in enumerate(turns):
            written = at - timedelta(weeks=len(weeks) - week - 1, hours=4 + 40 * (A_WEEK - 1 - place))
            title = angle.title.format(subject=subject, Subject=subject[0].upper() + subject[1:])
            slug = "-".join("".join(sign if sign.isalnum() else " " for sign in title.lower()).split())
            image = _IMAGES[(week * A_WEEK + place) % len(_IMAGES)]
            front = (
                f'---\ntitle: "{title}"\nslug: "{slug}"\nexcerpt: "{angle.excerpt.format(subject=subject)}"\n'
                f'category: "{angle.category}"\nauthor: "{angle.author}"\npublishedAt: "{written:%Y-%m-%dT%H:%M:%SZ}"\n'
                f'featuredImage: "/images/{image}.png"\nimageAlt: ""\n'
                f"tags: {[*tags, *filter(None, [angle.tag])]}\n---\n"
            )
            body = "\n\n".join(paragraph.format(subject=subject) for paragraph in PARAGRAPHS)
            yield f"{written:%Y-%m-%d}-{slug}.md", f"{front}\n{body}\n"


Turn = tuple[str, tuple[str, ...], Angle]


def _weeks(chance: random.Random) -> list[tuple[Turn, ...]]:
    """Four articles for each week: one on sleep, one on pain, one on getting up again, and one more."""
    pools: dict[str, list[Turn]] = {kind: [] for kind in ("sleep", "chronic pain", "movement", "other")}
    for subject, tags in SUBJECTS:
        kind = next((each for each in pools if each in tags), "movement" if "recovery" in tags else "other")
        pools[kind] += [(subject, tags, angle) for angle in ANGLES]
    for pool in pools.values():
        chance.shuffle(pool)
    count = min(len(pools["sleep"]), len(pools["chronic pain"]), len(pools["movement"]))
    pools["other"] += pools["movement"][count:]
    return list(zip(*(pool[:count] for pool in pools.values()), strict=False))
