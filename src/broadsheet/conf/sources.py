"""The settings of article sources and of tags."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, OneOrMore, Pattern, Span, SpanOrNone, feed_address

#: What a mapping of keys may name, as `broadsheet articles --json` calls it.
ArticleKey = Literal[
    "id",
    "title",
    "slug",
    "excerpt",
    "category",
    "author",
    "published_at",
    "image",
    "tags",
    "draft",
    "language",
    "url",
]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Source:
    """``[[sources]]``: where articles come from; what folders and feeds have in common."""

    name: str = Field(
        default="", max_length=100, description="Name shown beside each article; the folder's or host's name if empty."
    )
    images: str | None = Field(
        default=None, description="Folder that the site's own image addresses (`/images/…`) are found in."
    )
    settle: Span = Field(
        default=timedelta(0), description="An article is picked when it has been unchanged for so long, such as `30m`."
    )

    @property
    def label(self) -> str:
        """The name shown beside articles."""
        return self.name

    @property
    def place(self) -> str:
        """What it is known by while its other settings change: the folder, or the feed's address."""
        raise NotImplementedError


@dataclass(frozen=True, config=STRICT, kw_only=True)
class FolderSource(Source):
    """``kind = "folder"``: a folder of files with front matter."""

    kind: Literal["folder"] = Field(default="folder", description="Files with front matter.")
    path: str = Field(max_length=1000, description="Folder of articles, relative to the workspace.")
    glob: OneOrMore = Field(
        default=("**/*.md", "**/*.markdown", "**/*.mdx", "**/*.html", "**/*.txt"),
        description="Which files of the folder are articles: a pattern, or several.",
    )
    keys: dict[ArticleKey, OneOrMore] = Field(
        default_factory=dict,
        description='Front-matter keys of this folder: `{title = "headline", image = "meta.hero"}`.',
    )
    max_age: SpanOrNone = Field(
        default=None, description="What is older at the first sync counts as seen; `none` for no limit."
    )

    @property
    def label(self) -> str:
        """The name, or the folder's name where none is given."""
        return self.name or Path(self.path).name

    @property
    def place(self) -> str:
        """The folder."""
        return self.path


@dataclass(frozen=True, config=STRICT, kw_only=True)
class FeedSource(Source):
    """``kind = "feed"``: RSS, Atom or JSON Feed."""

    kind: Literal["feed"] = Field(default="feed", description="An RSS, Atom or JSON feed.")
    url: Annotated[str, AfterValidator(feed_address)] = Field(max_length=1000, description="The feed's address.")
    timeout: float = Field(default=20.0, gt=0, le=300, description="Seconds that a fetch may take in all.")
    allow_private: bool = Field(
        default=False, description="Whether the feed and its images may be at a private address."
    )
    max_age: SpanOrNone = Field(
        default=timedelta(days=60),
        description="What is older at the first sync counts as seen; `none` for no limit.",
    )

    @property
    def label(self) -> str:
        """The name, or the host where none is given."""
        return self.name or (urlsplit(self.url).hostname or "")[:100]

    @property
    def place(self) -> str:
        """The feed's address."""
        return self.url


def _source_kind(value: Any) -> str:
    given = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
    return str(given.get("kind") or ("feed" if "url" in given and "path" not in given else "folder"))


AnySource = Annotated[
    Annotated[FolderSource, Tag("folder")] | Annotated[FeedSource, Tag("feed")], Discriminator(_source_kind)
]


@dataclass(frozen=True, config=STRICT)
class TaggingRule:
    """``[[tag_rules]]``: a tag for articles whose files give none."""

    tag: str = Field(min_length=1, max_length=100, description="The tag to give.")
    when: Pattern = Field(
        min_length=1,
        description="A regular expression, in any case, looked for in title, excerpt and text: `chronic pain|CRPS`.",
    )
    also_tagged: bool = Field(default=False, description="Whether articles that have tags get it too.")


@dataclass(frozen=True, config=STRICT)
class Tags:
    """``[tags]``: tags brought to one form."""

    synonyms: dict[str, OneOrMore] = Field(
        default_factory=dict,
        description='The tag to keep, and what is replaced by it: `"chronic pain" = ["chronic-pain", "CRPS"]`.',
    )
    categories: dict[str, OneOrMore] = Field(
        default_factory=dict,
        description='A category, and the tags its articles get: `"Patient stories" = "stories"`.',
    )
