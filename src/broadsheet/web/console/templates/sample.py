"""What templates are tried with: made-up words, articles of the workspace or made-up ones, and made-up readers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from django.utils import timezone
from markupsafe import Markup

from broadsheet.articles import Content, Picture, direction, load_content
from broadsheet.audience import known_attributes
from broadsheet.conf import FolderSource
from broadsheet.drafts import NO_EDITION
from broadsheet.models import Article
from broadsheet.notices.letters import sample_sheets
from broadsheet.rendering import Sheet
from broadsheet.rendering.findings import House, sample_readers
from broadsheet.rendering.sheet import site_values
from broadsheet.stamping import Imprint, LinkSigner
from broadsheet.web.console.templates.trial import Order
from broadsheet.workspace import Workspace

#: How many articles a sample has; a magazine wants five.
ARTICLES: Final = 5
#: Where a made-up article's picture would be; frames show a drawn one there.
PICTURE: Final = "sample.png"
_INTRO: Final = (
    'Good morning {{ subscriber.first_name | default("there") }}, this is how the words of a campaign look: '
    "a short greeting, a [link to our site]({{ site.url }}), and what is new.\n\n"
    "A second paragraph, **bold** in places."
)
_MADE_UP: Final = (
    ("What the tide leaves behind", "A walk along the harbour after the storm, and three things worth picking up."),
    ("Breakfast without rules", "Six ideas for mornings on which nothing may take longer than five minutes."),
    ("The bench at the end of the pier", "Who sits there, and why nobody ever sits there alone."),
    ("A letter that took thirty years", "It was posted in spring, and it arrived in time after all."),
    ("How we choose our words", "On plain language, and a list of twelve words that we have given up."),
)


def order_for(workspace: Workspace, template: str, templates: Path, theme: Mapping[str, object] | None = None) -> Order:
    """What that template is tried with; its files are those in ``templates``, its theme too, if none is given."""
    sheets = tuple(
        replace(each, templates=templates, theme=theme or workspace.theme(template, templates))
        for each in _sheets(workspace, template)
    )
    config, attributes = workspace.config, known_attributes()
    imprint = Imprint(
        NO_EDITION,
        config.public.url,
        config.mail_domain,
        config.sender.email,
        LinkSigner("a sample's links lead nowhere"),
    )
    readers = sample_readers(workspace.lists, attributes)
    ignored = [("image-missing", PICTURE)]
    if template in notice_templates(workspace):
        ignored.append(("footer-incomplete", ""))  # nothing of a notice can be viewed in a browser
    return Order(template, sheets, readers, House.of(workspace, attributes), imprint, timezone.now(), tuple(ignored))


def _sheets(workspace: Workspace, template: str) -> list[Sheet]:
    """The fullest mail the template may have to make, and the barest."""
    if template in notice_templates(workspace):
        return sample_sheets(workspace, template)
    full = sample_articles(workspace)
    return [_sheet(workspace, template, full), _sheet(workspace, template, [_bare(workspace)])]


def notice_templates(workspace: Workspace) -> set[str]:
    """The templates of confirmations, welcome mails and their like."""
    return {"notice", *(each.welcome for each in workspace.lists.lists.values() if each.welcome)}


def _sheet(workspace: Workspace, template: str, content: list[Content]) -> Sheet:
    config = workspace.config
    name, declared = next(iter(workspace.lists.lists.items()), ("newsletter", None))
    title = declared.title if declared else config.site.name
    return Sheet(
        templates=workspace.templates,
        template=template,
        theme={},
        campaign={
            "name": title,
            "slug": "sample",
            "subject": "{{ articles[0].title }}",
            "preheader": "What an inbox shows after the subject",
            "intro": _INTRO,
        },
        site=site_values(workspace, config.site.language),
        sender={"name": config.sender.name, "email": config.sender.email},
        list={"name": name, "title": title},
        edition={"date": timezone.now().astimezone(config.zone)},
        articles=tuple(content),
        headers=(("List-Id", f"<{name}.{config.mail_domain}>"),),
    )


def sample_articles(workspace: Workspace) -> list[Content]:
    """The workspace's newest articles, filled up with made-up ones. Nothing is fetched for them."""
    places = [each.place for each in workspace.config.sources if isinstance(each, FolderSource)]
    rows = Article.objects.filter(draft=False, place__in=places, published_at__lte=timezone.now()).values_list(
        "slug", "image_url", "html"
    )
    site = workspace.config.site.url
    slugs = [slug for slug, image, html in rows[: 3 * ARTICLES] if _is_local(image, site) and 'src="http' not in html]
    content = load_content(workspace, slugs[:ARTICLES])
    found = [content[slug] for slug in slugs[:ARTICLES] if slug in content]
    return found + [_made_up(workspace, number) for number in range(len(found), ARTICLES)]


def _is_local(image: str, site: str) -> bool:
    return not urlsplit(image).scheme or image.startswith(f"{site}/")


def _made_up(workspace: Workspace, number: int) -> Content:
    title, excerpt = _MADE_UP[number]
    language = workspace.config.site.language
    at = (timezone.now() - timedelta(days=3 * number + 1)).astimezone(workspace.config.zone)
    return Content(
        slug=f"sample-{number}",
        title=title,
        excerpt=excerpt,
        url=f"{workspace.config.site.url}/sample-{number}",
        image=Picture(f"{workspace.config.public.url}/i/{PICTURE}", 640, 360, f"A drawing for “{title}”"),
        category=("Walks", "Kitchen")[number % 2],
        author="Robin Reader",
        tags=("sample",),
        published_at=at,
        html=Markup("<p>{}</p><h2>And then?</h2><p>{}</p>").format(excerpt, excerpt),
        language=language,
        dir=direction(language),
        minutes=4,
    )


def _bare(workspace: Workspace) -> Content:
    """An article of which only the title and the address are known."""
    url = f"{workspace.config.site.url}/bare"
    return Content("bare", "A title", "", url, None, "", "", (), None, Markup(""), "", "", 1)


@contextmanager
def overlaid(templates: Path, changed: Mapping[str, str]) -> Iterator[Path]:
    """The folder of templates with other texts in some files, for as long as the block runs: ``digest/text.txt``."""
    if not changed:
        yield templates
        return
    with TemporaryDirectory(prefix="broadsheet-templates-") as made:
        copy = Path(made, "templates")
        copy.mkdir()
        folders = {path.partition("/")[0] for path in changed}
        for each in templates.iterdir():
            if each.name in folders:
                (copy / each.name).mkdir()
                for file in each.iterdir():
                    if f"{each.name}/{file.name}" not in changed:
                        (copy / each.name / file.name).symlink_to(file.resolve())
            else:
                (copy / each.name).symlink_to(each.resolve())
        for path, text in changed.items():
            (copy / path).write_text(text, encoding="utf-8")
        yield copy
