"""Picking articles. Nothing here has a database: pytest would refuse the first query."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.selection import TOO_FEW, Candidate, Picks, pick, pool
from broadsheet.workspace import ArticleRules, TagRule

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def article(slug, *tags, days_old=1, draft=False):
    published_at = None if days_old is None else NOON - timedelta(days=days_old)
    return Candidate(slug, published_at, draft, frozenset(tags))


def picked(articles, *, interests=(), seen=(), **rules):
    set_rules = ArticleRules(**rules)
    return pick(set_rules, pool(set_rules, articles, NOON), frozenset(interests), frozenset(seen))


SHELF = [
    article("oldest", "sleep", days_old=9),
    article("newest", "sleep", "mind", days_old=1),
    article("middle", "movement", days_old=5),
    article("advert", "sleep", "sponsored", days_old=2),
]


def test_the_database_is_out_of_reach_here():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        connection.cursor()


@pytest.mark.parametrize(
    ("rule", "slugs"),
    [
        ({}, "newest advert middle oldest"),
        ({"any": ("sleep",)}, "newest advert oldest"),
        ({"any": ("mind", "movement")}, "newest middle"),
        ({"all": ("sleep", "mind")}, "newest"),
        ({"none": ("sponsored",)}, "newest middle oldest"),
        ({"any": ("sleep",), "all": ("mind",), "none": ("sponsored",)}, "newest"),
        ({"any": ("sleep",), "none": ("sleep",)}, ""),
        ({"any": ("Sleep",)}, "newest advert oldest"),
    ],
)
def test_tags_let_articles_in_by_any_all_and_none_newest_first(rule, slugs):
    assert picked(SHELF, tags=TagRule(**rule)).slugs == tuple(slugs.split())


def test_an_article_without_tags_is_let_in_unless_tags_are_asked_for():
    bare = [article("bare")]
    assert picked(bare).slugs == ("bare",)
    assert picked(bare, tags=TagRule(none=("sleep",))).slugs == ("bare",)
    assert picked(bare, tags=TagRule(any=("sleep",))).slugs == ()


def test_no_more_than_the_newest_are_picked():
    assert picked(SHELF, newest=2).slugs == ("newest", "advert")


def test_with_fewer_than_the_minimum_there_is_nothing_at_all():
    assert picked(SHELF, minimum=4).slugs == ("newest", "advert", "middle", "oldest")
    assert picked(SHELF, minimum=5) == Picks((), TOO_FEW)


def test_an_empty_mail_is_never_picked_even_without_a_minimum():
    assert picked([], minimum=0) == Picks((), TOO_FEW)
    assert picked(SHELF, minimum=0, seen=["newest", "advert", "middle", "oldest"]).too_few


def test_interests_narrow_the_picks_only_where_the_campaign_says_so():
    assert picked(SHELF, match_interests=True, interests=["movement"]).slugs == ("middle",)
    assert picked(SHELF, match_interests=False, interests=["movement"], newest=1).slugs == ("newest",)
    assert picked(SHELF, match_interests=True, interests=[]).too_few


def test_what_a_reader_has_had_makes_room_for_the_next():
    assert picked(SHELF, newest=2, seen=["newest"]).slugs == ("advert", "middle")


def test_drafts_undated_and_future_articles_wait():
    shelf = [
        article("draft", draft=True),
        article("undated", days_old=None),
        article("tomorrow", days_old=-1),
        article("this second", days_old=0),
    ]
    assert picked(shelf).slugs == ("this second",)


def test_a_date_in_another_zone_is_the_same_moment():
    berlin = Candidate("noon", datetime.fromisoformat("2026-03-03T13:00:00+01:00"), False, frozenset())
    later = Candidate("later", datetime.fromisoformat("2026-03-03T13:00:01+01:00"), False, frozenset())
    assert picked([berlin, later]).slugs == ("noon",)


def test_articles_of_one_moment_are_in_the_order_of_their_names():
    shelf = [article("b", days_old=1), article("c", days_old=1), article("a", days_old=1)]
    assert picked(shelf).slugs == picked(shelf[::-1]).slugs == ("a", "b", "c")


TAGS = ("sleep", "movement", "mind", "sponsored")
TAG_SETS = st.frozensets(st.sampled_from(TAGS))
SHELVES = st.lists(
    st.builds(
        article,
        st.sampled_from([f"article-{number}" for number in range(8)]),
        days_old=st.one_of(st.none(), st.integers(-2, 9)),
        draft=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.slug,
)
TAG_RULES = st.builds(
    TagRule,
    any=st.lists(st.sampled_from(TAGS), max_size=2).map(tuple),
    none=st.lists(st.sampled_from(TAGS), max_size=1).map(tuple),
)
RULES = st.integers(1, 3).flatmap(
    lambda newest: st.builds(
        ArticleRules,
        tags=TAG_RULES,
        match_interests=st.booleans(),
        newest=st.just(newest),
        minimum=st.integers(0, newest),
    )
)


@given(RULES, SHELVES, TAG_SETS, st.frozensets(st.sampled_from([f"article-{number}" for number in range(8)])))
def test_picks_keep_every_rule_whatever_there_is(rules, shelf, interests, seen):
    by_slug = {each.slug: each for each in shelf}
    found = pick(rules, pool(rules, shelf, NOON), interests, seen)
    assert found.too_few == (not found.slugs)
    assert len(set(found.slugs)) == len(found.slugs) <= rules.newest
    assert not found.slugs or len(found.slugs) >= rules.minimum
    dates = [by_slug[slug].published_at for slug in found.slugs]
    assert dates == sorted(dates, reverse=True)
    for slug in found.slugs:
        each = by_slug[slug]
        assert slug not in seen
        assert not each.draft
        assert each.published_at <= NOON
        assert rules.tags.lets_in(each.tags)
        assert not rules.match_interests or interests & each.tags
