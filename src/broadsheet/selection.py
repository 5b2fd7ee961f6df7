"""Rules, articles and a reader's past, to ordered picks. Pure: no query, no clock.

Its cost grows with the distinct groups of readers (same interests, same past), not with readers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadsheet.timing import span_in_words
from broadsheet.workspace import ArticleRules, Slot

TOO_FEW = "too few articles for them"
HAD_ALL = "had the articles already"


@dataclass(frozen=True)
class Candidate:
    """What picking needs to know of an article."""

    slug: str
    published_at: datetime | None
    draft: bool
    tags: frozenset[str]
    title: str = ""
    category: str = ""
    source: str = ""
    changed_at: datetime | None = None
    seen_before: bool = False
    """Was there, and old, when its source was first read."""
    settle: timedelta = timedelta(0)
    """How long its source wants it to be unchanged."""


@dataclass(frozen=True)
class Pool:
    """The articles of one moment, sorted out by the campaign's own rules, before any reader is looked at."""

    fresh: tuple[Candidate, ...]
    """What may be picked, in the campaign's order."""
    archive: tuple[Candidate, ...]
    """What only a slot from the archive may take."""
    pinned: tuple[Candidate, ...]
    """What comes first, in the order of the campaign's file."""
    kept_out: dict[str, str]
    """Why the others may not, by slug."""
    by_slot: tuple[tuple[Slot, tuple[Candidate, ...]], ...] = ()


@dataclass(frozen=True)
class Picks:
    """What one group of readers gets: slugs in order; or nothing, and why."""

    slugs: tuple[str, ...]
    reason: str = ""
    """Empty, :data:`TOO_FEW` or :data:`HAD_ALL`."""

    @property
    def too_few(self) -> bool:
        """Whether they get nothing."""
        return not self.slugs


@dataclass(frozen=True)
class Verdict:
    """Why one article is in a reader's edition, or not."""

    slug: str
    picked: bool
    reason: str


def pool(rules: ArticleRules, articles: Iterable[Candidate], at: datetime) -> Pool:
    """The articles that the campaign's own rules let in at that moment, sorted.

    Drafts, articles without a date and articles dated in the future wait, pinned or not.
    """
    listed = list(articles)
    kept_out: dict[str, str] = {}
    fresh, archive, pinned = [], [], {}
    for article in listed:
        reason = _waits(rules, article, at)
        if not reason and article.slug in rules.pinned:
            pinned[article.slug] = article
            continue
        if not reason and not rules.lets_in(article.tags, article.category, article.source):
            reason = "the campaign's tags, categories or sources don't ask for it"
        if reason:
            kept_out[article.slug] = reason
        elif old := _is_old(rules, article, at):
            archive.append(article)
            kept_out[article.slug] = old
        else:
            fresh.append(article)
    ordered = _sorted(fresh, rules.sort)
    stored = _sorted(archive, rules.sort)
    return Pool(
        fresh=ordered,
        archive=stored,
        pinned=tuple(pinned[slug] for slug in rules.pinned if slug in pinned),
        kept_out=kept_out,
        by_slot=tuple((slot, _for_slot(slot, stored if slot.archive else ordered)) for slot in slots_of(rules)),
    )


def _for_slot(slot: Slot, articles: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    wanted = [each for each in articles if slot.lets_in(each.tags, each.category, each.source)]
    return _sorted(wanted, slot.sort) if slot.sort else tuple(wanted)


def _waits(rules: ArticleRules, article: Candidate, at: datetime) -> str:
    """Why the article can't go out at that moment, whoever reads; empty if it can."""
    if article.slug in rules.dropped:
        return "the campaign drops it"
    if article.draft:
        return "a draft"
    if article.published_at is None:
        return "has no date"
    if article.published_at > at:
        return f"waits for {article.published_at:%Y-%m-%d %H:%M %Z}"
    settle = max(rules.settle or timedelta(0), article.settle)
    if settle and article.changed_at and article.changed_at > at - settle:
        return "changed a moment ago; it has to settle"
    return ""


def _is_old(rules: ArticleRules, article: Candidate, at: datetime) -> str:
    if rules.max_age and article.published_at and article.published_at < at - rules.max_age:
        return f"older than {span_in_words(rules.max_age)}"
    return "older than its source's first reading" if article.seen_before else ""


def _sorted(articles: Iterable[Candidate], order: str) -> tuple[Candidate, ...]:
    if order == "title":
        return tuple(sorted(articles, key=lambda each: (each.title.casefold(), each.slug)))
    sign = 1 if order == "oldest" else -1
    return tuple(sorted(articles, key=lambda each: (sign * (each.published_at or datetime.max).timestamp(), each.slug)))


def slots_of(rules: ArticleRules) -> tuple[Slot, ...]:
    """The campaign's slots; without any, one that takes ``newest``."""
    return rules.slots or (Slot(newest=rules.newest),)


def pick(rules: ArticleRules, fit: Pool, interests: frozenset[str], seen: frozenset[str]) -> Picks:
    """What a reader with these interests who has had ``seen`` gets, out of :func:`pool`.

    Pinned articles come first, then each slot in turn, then what fills up. No article comes twice.
    """
    slugs = _slugs(rules, fit, interests, seen)
    least = max(rules.minimum, 1)
    if len(slugs) >= least:
        return Picks(slugs)
    had = bool(seen) and len(_slugs(rules, fit, interests, frozenset())) >= least
    return Picks((), HAD_ALL if had else TOO_FEW)


def _slugs(rules: ArticleRules, fit: Pool, interests: frozenset[str], seen: frozenset[str]) -> tuple[str, ...]:
    return tuple(article.slug for article, _ in _taken(rules, fit, interests, seen))


def explain(rules: ArticleRules, fit: Pool, interests: frozenset[str], seen: frozenset[str]) -> tuple[Verdict, ...]:
    """For each article which rule let it in, or kept it out, for such a reader; picks first, in their order."""
    taken = list(_taken(rules, fit, interests, seen))
    verdicts = [Verdict(article.slug, picked=True, reason=reason) for article, reason in taken]
    known = {article.slug for article, _ in taken}
    for article in (*fit.pinned, *fit.fresh, *fit.archive):
        if article.slug not in known:
            known.add(article.slug)
            verdicts.append(Verdict(article.slug, picked=False, reason=_missed(rules, fit, article, interests, seen)))
    verdicts += [Verdict(slug, picked=False, reason=why) for slug, why in fit.kept_out.items() if slug not in known]
    return tuple(verdicts)


def _missed(rules: ArticleRules, fit: Pool, article: Candidate, interests: frozenset[str], seen: frozenset[str]) -> str:
    if article.slug in seen:
        return "this reader has had it"
    if article in fit.pinned:
        return "pinned, but there are as many articles already"
    if not any(article in articles for _, articles in fit.by_slot):
        return fit.kept_out.get(article.slug) or "no slot asks for it"
    if rules.match_interests and interests.isdisjoint(article.tags):
        return "shares no tag with this reader's interests"
    return "no place left: others came first"


def _taken(
    rules: ArticleRules, fit: Pool, interests: frozenset[str], seen: frozenset[str]
) -> Iterator[tuple[Candidate, str]]:
    had = set(seen)
    count, most = 0, sum(slot.newest for slot in slots_of(rules))
    for article in fit.pinned:
        if article.slug not in had and (rules.slots or count < most):
            had.add(article.slug)
            count += 1
            yield article, "pinned"
    for slot, articles in fit.by_slot:
        room = slot.newest if rules.slots else most - count
        reason = f"slot {slot.name}" if slot.name else "the campaign's rules"
        for article in articles:
            if room <= 0:
                break
            if article.slug in had or (rules.match_interests and interests.isdisjoint(article.tags)):
                continue
            had.add(article.slug)
            room, count = room - 1, count + 1
            yield article, reason + (", matches their interests" if rules.match_interests else "")
    fill = rules.fill
    for article in fit.fresh if fill else ():
        if fill is None or count >= fill.up_to:
            break
        if article.slug not in had and fill.lets_in(article.tags, article.category, article.source):
            had.add(article.slug)
            count += 1
            yield article, "fills up"
