"""Segments compiled to one parameterised query, and said in English."""

from collections.abc import Callable, Sequence

from django.db.models import Q

from broadsheet.models import InterestSet, Subscription, SubscriptionState
from broadsheet.workspace import AttributeRule, Rule, Segment, TagRule


def segment_query(segment: Segment) -> Q:
    """The condition on Subscriber that the segment stands for."""
    query = Q()
    for rule in segment.all:
        query &= _query(rule)
    if segment.any:
        some = Q()
        for rule in segment.any:
            some |= _query(rule)
        query &= some
    for rule in segment.none:
        query &= ~_query(rule)
    return query


def segment_sentence(segment: Segment) -> str:
    """The segment read aloud: "people on newsletter, interested in sleep or movement"."""
    said = [_sentence(rule) for rule in segment.all]
    if segment.any:
        said.append("either " + " or ".join(_sentence(rule) for rule in segment.any))
    said += [f"but not {_sentence(rule)}" for rule in segment.none]
    return "people " + ", ".join(said) if said else "everybody"


def _query(rule: Rule) -> Q:
    if rule.list is not None:
        return _on_lists(rule.list)
    if rule.interests is not None:
        return _interested(rule.interests)
    if rule.attribute is not None:
        return _attribute(rule.attribute)
    return Q(language__in=rule.language or ())


def _sentence(rule: Rule) -> str:
    if rule.list is not None:
        return "on " + _either(rule.list)
    if rule.interests is not None:
        wanted = rule.interests
        said = [f"interested in {_either(wanted.any)}"] if wanted.any else []
        said += [f"interested in all of {', '.join(wanted.all)}"] if wanted.all else []
        said += [f"not interested in {_either(wanted.none)}"] if wanted.none else []
        return ", ".join(said) or "with any interests"
    if rule.attribute is not None:
        return _attribute_sentence(rule.attribute)
    return "reading " + _either(rule.language or ())


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)


def _on_lists(names: Sequence[str]) -> Q:
    on = Subscription.objects.filter(list_name__in=names, state=SubscriptionState.SUBSCRIBED)
    return Q(pk__in=on.values("subscriber_id"))


def _interested(rule: TagRule) -> Q:
    """Interests live in few rows: the sets that fit are found here, readers by their set's number."""
    fit = [row.pk for row in InterestSet.objects.all() if rule.lets_in(frozenset(row.tags))]
    return Q(interests_id__in=fit)


def _has_one_of(name: str, values: Sequence[str]) -> Q:
    """The key is asked for as well: without it the test is NULL, and so is its negation, which lets nobody in."""
    return Q(attributes__has_key=name) & Q(**{f"attributes__{name}__in": values})


_ATTRIBUTE_TESTS: dict[str, Callable[[str, Sequence[str]], Q]] = {
    "is_in": _has_one_of,
    "not_in": lambda name, values: ~_has_one_of(name, values),
    "exists": lambda name, wanted: Q(attributes__has_key=name) if wanted else ~Q(attributes__has_key=name),
}


def _attribute(rule: AttributeRule) -> Q:
    for test, query in _ATTRIBUTE_TESTS.items():
        value = getattr(rule, test)
        if value is not None:
            return query(rule.name, value)
    return Q()


def _attribute_sentence(rule: AttributeRule) -> str:
    if rule.is_in is not None:
        return f"with {rule.name} {_either(rule.is_in)}"
    if rule.not_in is not None:
        return f"whose {rule.name} is not {_either(rule.not_in)}"
    return f"{'with' if rule.exists else 'without'} {rule.name}"
