"""Articles as a mail needs them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from broadsheet.articles.images import ImageProblem, rendition
from broadsheet.conf import FeedSource
from broadsheet.models import Article
from broadsheet.workspace import Workspace

WORDS_A_MINUTE = 220
SHOWN_WIDTH = 640
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv", "ku"}


@dataclass(frozen=True)
class Picture:
    """An article's picture as a template sees it; sizes in CSS pixels."""

    src: str
    width: int
    height: int
    alt: str


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
    words = len(re.sub(r"<[^>]+>", " ", row.html).split())
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
        html=Markup(row.html),  # noqa: S704  sanitised when it was read
        language=row.language,
        dir=direction(row.language),
        minutes=max(1, round(words / WORDS_A_MINUTE)),
        problems=problems,
    )


def _picture(workspace: Workspace, row: Article) -> tuple[Picture | None, tuple[str, ...]]:
    if not row.image_url:
        return None, ()
    source = next((each for each in workspace.config.sources if row.place in ("", each.place)), None)
    if source is None:
        return None, (f"its source {row.source} is no longer in broadsheet.toml",)
    private = isinstance(source, FeedSource) and source.allow_private
    made = rendition(workspace, source, row.image_url, allow_private=private)
    if isinstance(made, ImageProblem):
        return None, (f"the image {made.address} {made.reason}",)
    scale = min(1.0, SHOWN_WIDTH / made.width)
    return (
        Picture(
            src=f"{workspace.config.public.url}/i/{made.name}",
            width=round(made.width * scale),
            height=round(made.height * scale),
            alt=row.image_alt,
        ),
        (),
    )
