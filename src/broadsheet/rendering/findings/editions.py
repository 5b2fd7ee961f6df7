"""Checks of an edition before it is frozen: that there is one, and that its articles are whole and different."""

import difflib
from collections.abc import Sequence
from urllib.parse import urlsplit

from broadsheet.articles import Content, Names
from broadsheet.editions import Plan
from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.workspace import CampaignFile, Wanted


def of_plan(planned: Plan) -> list[Finding]:
    """The finding that nobody would get a mail, if so."""
    if planned.variants:
        return []
    reasons = "; ".join(f"{count:,} {reason}" for reason, count in planned.excluded.items())
    because = f" ({reasons})" if reasons else ": the list has no people"
    return [found("edition-empty", f"Nobody would get a mail{because}.", f"campaigns/{planned.campaign.slug}.md")]


def of_health(warning: str, hold: str, list_name: str) -> list[Finding]:
    """Findings about what the list's last editions met with."""
    said = (("list-held", hold), ("list-unwell", warning))
    return [found(code, f"{words}.", f"list {list_name}") for code, words in said if words]


def of_rules(campaign: CampaignFile, known: Names) -> list[Finding]:
    """Findings about tags, categories and articles that the campaign names and that there are not."""
    rules = campaign.articles
    places: list[tuple[str, Wanted]] = [
        ("articles", rules),
        *((f"articles.slots.{n}", s) for n, s in enumerate(rules.slots)),
    ]
    places += [("articles.fill", rules.fill)] if rules.fill else []
    asked = [
        (f"{key}.{part}", kind, names, there)
        for key, wanted in places
        for part, kind, names, there in (
            ("tags", "has the tag", (*wanted.tags.any, *wanted.tags.all), known.tags),
            ("categories", "has the category", wanted.categories, known.categories),
        )
    ]
    asked += [(f"articles.{key}", "has the slug", getattr(rules, key), known.slugs) for key in ("pinned", "dropped")]
    return [
        found(
            "unknown-name", f"No article {kind} “{name}”.{_near(name, there)}", f"campaigns/{campaign.slug}.md: {key}"
        )
        for key, kind, names, there in asked
        for name in names
        if there and name not in there
    ]


def _near(name: str, there: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(there), n=1)
    return f" Did you mean “{near[0]}”?" if near else ""


def of_articles(articles: Sequence[Content], campaign_slug: str, intro: str) -> list[Finding]:
    """Findings about the articles of one mail."""
    if not articles and not intro.strip():
        message = "The mail has neither articles nor an intro."
        return [found("edition-empty", message, f"campaigns/{campaign_slug}.md")]
    findings = []
    seen: dict[str, Content] = {}
    for article in articles:
        for problem in article.problems:
            findings.append(found("article-problem", f"“{article.title}”: {problem}.", f"article {article.slug}"))
        twin = next((seen[mark] for mark in _marks(article) if mark in seen), None)
        if twin:
            message = f"“{article.title}” ({article.slug}) is the same as “{twin.title}” ({twin.slug})."
            findings.append(found("article-duplicate", message, f"article {article.slug}"))
        seen |= dict.fromkeys(_marks(article), article)
    return findings


def _marks(article: Content) -> list[str]:
    parts = urlsplit(article.url)
    address = f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{parts.query}"
    title = " ".join(article.title.casefold().split())
    text = " ".join(article.html.striptags().split())
    return [each for each in (f"url {address}", f"title {title}", f"text {text}" if len(text) > 100 else "") if each]
