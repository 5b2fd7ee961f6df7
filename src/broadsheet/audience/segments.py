"""Segments compiled to one parameterised query, and said in English: one row of a table for each kind of rule."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from broadsheet.audience.addresses import known_domain
from broadsheet.audience.attributes import ago, attribute_query, attribute_sentence, shown
from broadsheet.audience.idsets import Condition, all_of, as_set, denied, one_of
from broadsheet.audience.languages import language_query
from broadsheet.errors import InvalidFile
from broadsheet.models import (
    Delivery,
    DeliveryState,
    Edition,
    Event,
    EventKind,
    InterestSet,
    Subscription,
    SubscriptionState,
)
from broadsheet.models.delivery import ENGAGED
from broadsheet.workspace import Had, Joined, Rule, Segment, TagRule, Workspace

Titles = Mapping[str, str]
"""What readers know lists as, by name."""
#: The kinds of rules that few people meet, fewest first: a query begins with these.
_FEW = {"clicked": 0, "opened": 1, "list": 2}


def segment_query(segment: Segment) -> Q:
    """The condition on Subscriber that the segment stands for; empty for everybody."""
    rules = sorted(segment.all, key=lambda rule: _FEW.get(rule.kind, len(_FEW)))
    query = all_of([_condition(rule, deep=False) for rule in rules])
    if segment.any:
        query &= one_of([_condition(rule) for rule in segment.any])
    for rule in segment.none:
        query &= denied(_condition(rule))
    return query


def in_any(segments: Iterable[Segment]) -> Q:
    """The condition to be in at least one of the segments; everybody, if there are none."""
    queries = [segment_query(segment) for segment in segments]
    if len(queries) < 2:
        return queries[0] if queries else Q()
    return one_of([as_set(query) for query in queries])


def not_in_any(segments: Iterable[Segment]) -> Q:
    """The condition to be in none of the segments."""
    query = Q()
    for segment in segments:
        query &= denied(as_set(segment_query(segment)))
    return query


def segment_sentence(segment: Segment, titles: Titles | None = None) -> str:
    """The segment read aloud: "people on Newsletter, interested in sleep, who joined in the last 90 days"."""
    said = _said(segment, titles or {})
    return f"people {said}" if said else "everybody"


def segment_label(workspace: Workspace, named: str | Segment) -> str:
    """What staff call a segment that a campaign names: its title or name; its sentence if it is written out."""
    segment = workspace.segment(named)
    return segment.title or (named if isinstance(named, str) else segment_sentence(segment, list_titles(workspace)))


def segment_titles(workspace: Workspace) -> Titles:
    """What staff call each segment; none while their file holds mistakes, which the segments' page says."""
    try:
        return {name: each.title or name for name, each in workspace.segments.items()}
    except InvalidFile:
        return {}


def list_titles(workspace: Workspace) -> Titles:
    """What readers know each list as."""
    return {name: each.title for name, each in workspace.lists.lists.items()}


def _said(segment: Segment, titles: Titles) -> str:
    parts = [RULES[rule.kind].says(rule.given, titles) for rule in segment.all]
    if segment.any:
        some = [RULES[rule.kind].says(rule.given, titles) for rule in segment.any]
        parts.append(("either " if len(some) > 1 else "") + " or ".join(some))
    parts += [f"but not {RULES[rule.kind].says(rule.given, titles)}" for rule in segment.none]
    return ", ".join(part for part in parts if part)


def _condition(rule: Rule, *, deep: bool = True) -> Condition:
    """What the rule stands for; ``deep`` under OR and NOT, where what holds sets of its own must be one set."""
    condition = RULES[rule.kind].query(rule.given)
    nested = rule.kind in ("segment", "never_engaged") and isinstance(condition, Q)
    return as_set(condition) if deep and nested and isinstance(condition, Q) else condition


def _either(words: Sequence[object]) -> str:
    return " or ".join(str(word) for word in words)


def _domain(name: str) -> str:
    """The domain as rows have it."""
    plain = name.lower().removeprefix("@")
    return known_domain(plain) or plain


def _on_lists(names: Sequence[str]) -> Condition:
    on = Subscription.objects.filter(list_name__in=names, state=SubscriptionState.SUBSCRIBED)
    return on.values("subscriber_id")


def _interested(rule: TagRule) -> Q:
    """Interests live in few rows: the sets that fit are found first, readers by their set's number."""
    sets = InterestSet.objects.annotate(fenced=Concat(Value("|"), F("key"), Value("|")))
    has = {tag: Q(fenced__contains=f"|{tag}|") for tag in (*rule.any, *rule.all, *rule.none)}
    some = Q()
    for tag in rule.any:
        some |= has[tag]
    sets = sets.filter(some)
    for tag in rule.all:
        sets = sets.filter(has[tag])
    for tag in rule.none:
        sets = sets.exclude(has[tag])
    return Q(interests_id__in=sets.values("pk"))


def _interests_said(rule: TagRule, _: Titles) -> str:
    said = [f"interested in {_either(rule.any)}"] if rule.any else []
    said += [f"interested in all of {', '.join(rule.all)}"] if rule.all else []
    said += [f"not interested in {_either(rule.none)}"] if rule.none else []
    return ", ".join(said) or "with any interests"


def _beginning(of: date) -> datetime:
    return datetime(of.year, of.month, of.day, tzinfo=timezone.get_default_timezone())


def _since(moment: date | timedelta) -> datetime:
    return _beginning(moment) if isinstance(moment, date) else timezone.now() - moment


def _joined(rule: Joined) -> Q:
    query = Q()
    if rule.after is not None:
        query &= Q(created_at__gte=_since(rule.after))
    if rule.before is not None:
        query &= Q(created_at__lt=_since(rule.before))
    return query


def _joined_said(rule: Joined, _: Titles) -> str:
    said = []
    if rule.after is not None:
        recent = isinstance(rule.after, timedelta)
        said.append(f"in the last {ago(rule.after)}" if recent else f"on {shown(rule.after)} or later")
    if rule.before is not None:
        long = isinstance(rule.before, timedelta)
        said.append(f"more than {ago(rule.before)} ago" if long else f"before {shown(rule.before)}")
    return "who joined " + " and ".join(said)


def _few(editions: QuerySet[Edition]) -> list[int]:
    """Their ids, asked first: of a query in their place no database knows that it finds few."""
    return list(editions.values_list("pk", flat=True))


def _got(rule: Had) -> Condition:
    """Whose copy was sent. An edition's time is the campaign's, which for one copy is right to a day."""
    sent = Delivery.objects.filter(state=DeliveryState.SENT)
    if rule.edition is not None:
        sent = sent.filter(edition_id=rule.edition)
    if rule.edition is None or rule.within is not None:
        editions = Edition.objects.all()
        if rule.campaign is not None:
            editions = editions.filter(campaign__slug=rule.campaign)
        if rule.within is not None:
            editions = editions.filter(scheduled_for__gte=timezone.now() - rule.within)
        sent = sent.filter(edition_id__in=_few(editions))
    return sent.values("subscriber_id")


def _engaged(*kinds: str) -> Callable[[Had], Condition]:
    def query(rule: Had) -> Condition:
        events = Event.objects.filter(kind__in=kinds, automatic__in=[False])  # SQLite finds `NOT automatic` in no index
        if rule.within is not None:
            events = events.filter(at__gte=timezone.now() - rule.within)
        if rule.edition is not None:
            events = events.filter(edition_id=rule.edition)
        if rule.campaign is not None:
            events = events.filter(edition_id__in=_few(Edition.objects.filter(campaign__slug=rule.campaign)))
        return events.values("subscriber_id")

    return query


def _had_said(verb: str) -> Callable[[Had, Titles], str]:
    def says(rule: Had, _: Titles) -> str:
        what = "a mail"
        if rule.edition is not None:
            what = f"edition {rule.edition}"
        elif rule.campaign is not None:
            what = f"an edition of {rule.campaign}"
        return f"who {verb} {what}" + (f" in the last {ago(rule.within)}" if rule.within is not None else "")

    return says


def _never_engaged(never: bool) -> Condition:
    events = _engaged(*ENGAGED)(Had())
    return denied(events) if never else events


def _in_segments(segments: Sequence[Segment]) -> Condition:
    return in_any(segments)


def _segments_said(segments: Sequence[Segment], titles: Titles) -> str:
    return _either([f"in “{each.title}”" if each.title else f"({_said(each, titles)})" for each in segments])


@dataclass(frozen=True)
class Kind:
    """One kind of rule: its query, and its sentence in English."""

    query: Callable[[Any], Condition]
    says: Callable[[Any, Titles], str]


RULES: dict[str, Kind] = {
    "list": Kind(_on_lists, lambda names, titles: "on " + _either([titles.get(name, name) for name in names])),
    "interests": Kind(_interested, _interests_said),
    "attribute": Kind(attribute_query, lambda rule, _: attribute_sentence(rule)),
    "language": Kind(language_query, lambda names, _: "reading " + _either(names)),
    "zone": Kind(lambda names: Q(time_zone__in=names), lambda names, _: "living by " + _either(names) + " time"),
    "joined": Kind(_joined, _joined_said),
    "got": Kind(_got, _had_said("got")),
    "opened": Kind(_engaged(EventKind.OPENED), _had_said("opened")),
    "clicked": Kind(_engaged(EventKind.CLICKED), _had_said("clicked in")),
    "never_engaged": Kind(
        _never_engaged,
        lambda never, _: "who never opened or clicked anything" if never else "who have opened or clicked something",
    ),
    "domain": Kind(
        lambda names: Q(domain__in=list(map(_domain, names))),
        lambda names, _: "with an address at " + _either(names),
    ),
    "segment": Kind(_in_segments, _segments_said),
}
