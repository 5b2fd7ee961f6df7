"""Articles as a mail needs them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from html import unescape

from markupsafe import Markup, escape

from broadsheet.articles.images import ImageProblem, Rendition, at_width, rendition
from broadsheet.conf import FeedSource
from broadsheet.models import Article
from broadsheet.workspace import Workspace

WORDS_A_MINUTE = 220
_WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
_IMG = re.compile(r"""<img\b(?:[^>"']|"[^"]*"|'[^']*')*>""")
_SRC = re.compile(r'\s*src="([^"]*)"')
_SIZE = re.compile(r'\s*(?:width|height)="[^"]*"')
#: Endings of what every mail program shows, so that the source's own address may be used.
_SHOWN_AS_IT_IS = re.compile(r"\.(?:png|jpe?g|gif)(?:$|\?)", re.IGNORECASE)
#: The widest that a picture is shown: over the whole mail, and within an article's text. In CSS pixels.
SHOWN_WIDTH, TEXT_WIDTH = 640, 560
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv", "ku"}


@dataclass(frozen=True)
class Picture:
    """An article's picture as a template sees it; sizes in CSS pixels."""

    src: str
    width: int
    height: int
    alt: str
    sized: Callable[[int], str] | None = field(default=None, compare=False, repr=False)
    """The address of the picture with at most so many pixels of width, where it comes in sizes."""

    def at(self, width: int, widest: int = 0) -> "Picture":
        """The picture so wide, its file twice as wide for sharp screens; ``widest``, where it grows on phones."""
        height = round(self.height * width / self.width) if self.width else 0
        src = self.sized(2 * max(width, widest)) if self.sized else self.src
        return replace(self, src=src, width=width, height=height)


@dataclass(frozen=True)
class Content:
    """One article as a template sees it."""

    slug: str
    title: str
    excerpt: str
    url: str
    image: Picture | None
    category: str
    author: str
    tags: tuple[str, ...]
    published_at: datetime | None
    html: Markup
    language: str
    dir: str
    minutes: int
    problems: tuple[str, ...] = ()
    """What could not be brought along, each with its reason: a picture that can't be fetched."""


def direction(language: str) -> str:
    """``rtl`` for languages written from right to left, else ``ltr``."""
    return "rtl" if language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def load_content(workspace: Workspace, slugs: Iterable[str]) -> dict[str, Content]:
    """The articles of those slugs, by slug, each with a picture that mail clients show."""
    rows = Article.objects.filter(slug__in=set(slugs)).prefetch_related("tags")
    return {row.slug: _content(workspace, row) for row in rows}


def _content(workspace: Workspace, row: Article) -> Content:
    picture, problems = _picture(workspace, row)
    html, missing = _with_pictures(workspace, row)
    problems += missing
    return Content(
        slug=row.slug,
        title=row.title,
        excerpt=row.excerpt,
        url=row.url,
        image=picture,
        category=row.category,
        author=row.author,
        tags=tuple(tag.name for tag in row.tags.all()),
        published_at=row.published_at.astimezone(workspace.config.zone) if row.published_at else None,
        html=Markup(html),  # noqa: S704  sanitised when it was read
        language=row.language,
        dir=direction(row.language),
        minutes=reading_minutes(row.html),
        problems=problems,
    )


def reading_minutes(html: str) -> int:
    """How long reading takes, at least 1. Where words are not set apart by spaces, two signs count as a word."""
    text = re.sub(r"<[^>]+>", " ", html)
    signs = len(_WITHOUT_SPACES.findall(text))
    words = len(_WITHOUT_SPACES.sub(" ", text).split()) + signs / 2
    return max(1, round(words / WORDS_A_MINUTE))


def _picture(workspace: Workspace, row: Article) -> tuple[Picture | None, tuple[str, ...]]:
    if not row.image_url:
        return None, ()
    made = _made(workspace, row, row.image_url)
    return (None, (made,)) if isinstance(made, str) else (replace(made, alt=row.image_alt), ())


def _with_pictures(workspace: Workspace, row: Article) -> tuple[str, tuple[str, ...]]:
    """The article's HTML with its pictures as mail programs show them; those that can't be had are left out."""
    problems: list[str] = []

    def shown(found: re.Match[str]) -> str:
        address = _SRC.search(found[0])
        if address is None:
            return found[0]
        made = _made(workspace, row, unescape(address[1]))
        if isinstance(made, str):
            problems.append(made)
            return ""
        there = made.at(min(made.width, TEXT_WIDTH))
        rest = _SIZE.sub("", _SRC.sub("", found[0].removeprefix("<img").removesuffix(">").removesuffix("/")))
        return f'<img src="{escape(there.src)}" width="{there.width}" height="{there.height}"{rest}>'

    return _IMG.sub(shown, row.html), tuple(problems)


def _made(workspace: Workspace, row: Article, address: str) -> Picture | str:
    """A picture fit for a mail, or why it can't be had."""
    source = next((each for each in workspace.config.sources if row.place in ("", each.place)), None)
    if source is None:
        return f"its source {row.source} is no longer in broadsheet.toml"
    private = isinstance(source, FeedSource) and source.allow_private
    made = rendition(workspace, source, address, allow_private=private)
    if isinstance(made, ImageProblem):
        return f"the image {made.address} {made.reason}"
    scale = min(1.0, SHOWN_WIDTH / made.width)
    width, height = round(made.width * scale), round(made.height * scale)
    if workspace.config.public.images == "source" and _SHOWN_AS_IT_IS.search(address):
        return Picture(address, width, height, "")
    images = f"{workspace.config.public.url}/i"
    return Picture(f"{images}/{made.name}", width, height, "", partial(_sized, workspace, made))


def _sized(workspace: Workspace, made: Rendition, pixels: int) -> str:
    return f"{workspace.config.public.url}/i/{at_width(workspace, made, pixels).name}"
