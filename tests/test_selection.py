"""Picking articles. Nothing here has a database: pytest would refuse the first query."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.selection import HAD_ALL, TOO_FEW, Candidate, Picks, explain, pick, pool
from broadsheet.workspace import ArticleRules, Fill, Slot, TagRule

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def article(slug, *tags, days_old=1, draft=False, **known):
    published_at = None if days_old is None else NOON - timedelta(days=days_old)
    return Candidate(slug, published_at, draft, frozenset(tags), **known)


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


# Order, age, where from


def test_the_order_is_newest_oldest_or_by_title():
    shelf = [
        article("a", days_old=3, title="Zebra"),
        article("b", days_old=1, title="apple"),
        article("c", days_old=2, title="Moon"),
    ]
    assert picked(shelf).slugs == ("b", "c", "a")
    assert picked(shelf, sort="oldest").slugs == ("a", "c", "b")
    assert picked(shelf, sort="title").slugs == ("b", "c", "a")
    assert picked(shelf, sort="oldest", newest=1).slugs == ("a",)


def test_what_is_older_than_max_age_is_left_out_to_the_second():
    shelf = [article("just", days_old=5), article("over", days_old=5.001)]
    assert picked(shelf, max_age="5d").slugs == ("just",)
    assert picked(shelf, max_age="1w").slugs == ("just", "over")


def test_what_changed_a_moment_ago_has_to_settle():
    shelf = [
        article("busy", changed_at=NOON - timedelta(minutes=29)),
        article("calm", changed_at=NOON - timedelta(minutes=30)),
        article("untold"),
    ]
    assert set(picked(shelf, settle="30m").slugs) == {"calm", "untold"}
    assert set(picked(shelf).slugs) == {"busy", "calm", "untold"}


def test_categories_and_sources_narrow_what_is_let_in():
    shelf = [
        article("essay", category="Essays", source="blog"),
        article("news", category="News", source="blog"),
        article("feed", category="Essays", source="a feed"),
    ]
    assert set(picked(shelf, categories=("essays",)).slugs) == {"essay", "feed"}
    assert set(picked(shelf, sources=("blog",)).slugs) == {"essay", "news"}
    assert picked(shelf, categories=("ESSAYS",), sources=("blog",)).slugs == ("essay",)


def test_what_was_there_when_its_source_was_first_read_is_no_news():
    shelf = [article("old stock", seen_before=True), article("fresh", days_old=2)]
    assert picked(shelf).slugs == ("fresh",)
    assert picked(shelf, slots=(Slot(), Slot(archive=True))).slugs == ("fresh", "old stock")


# Pinned and dropped


def test_pinned_articles_come_first_in_their_order_whatever_their_tags_or_age():
    rules = {"pinned": ("oldest", "advert"), "tags": TagRule(none=("sponsored",)), "max_age": "3d"}
    assert picked(SHELF, **rules).slugs == ("oldest", "advert", "newest")


def test_pinned_articles_count_towards_the_newest():
    assert picked(SHELF, pinned=("oldest",), newest=2).slugs == ("oldest", "newest")
    assert picked(SHELF, pinned=("oldest", "middle", "advert"), newest=2).slugs == ("oldest", "middle")


def test_a_pinned_article_is_for_every_reader_but_once():
    rules = {"pinned": ("middle",), "match_interests": True, "newest": 2}
    assert picked(SHELF, interests=["mind"], **rules).slugs == ("middle", "newest")
    assert picked(SHELF, interests=["mind"], seen=["middle"], **rules).slugs == ("newest",)


def test_a_pinned_draft_or_a_pinned_article_of_tomorrow_waits_all_the_same():
    shelf = [article("draft", draft=True), article("tomorrow", days_old=-1), article("today")]
    assert picked(shelf, pinned=("draft", "tomorrow", "nowhere")).slugs == ("today",)


def test_dropped_articles_are_never_picked():
    assert picked(SHELF, dropped=("newest", "nowhere")).slugs == ("advert", "middle", "oldest")


# Slots and filling up


def test_each_slot_takes_by_its_own_rule_and_what_is_taken_is_gone():
    slots = (Slot(name="lead", tags=TagRule(any=("mind",))), Slot(name="rest", newest=2), Slot(newest=2, sort="oldest"))
    assert picked(SHELF, slots=slots).slugs == ("newest", "advert", "middle", "oldest")


def test_a_slot_that_finds_nothing_stays_empty():
    slots = (Slot(name="lead", tags=TagRule(any=("cooking",))), Slot(name="rest", newest=1))
    assert picked(SHELF, slots=slots).slugs == ("newest",)


def test_a_slot_from_the_archive_takes_only_what_is_too_old_for_the_others():
    slots = (Slot(newest=3), Slot(name="from the archive", archive=True))
    assert picked(SHELF, slots=slots, max_age="4d").slugs == ("newest", "advert", "middle")
    assert picked(SHELF, slots=slots, max_age="4d", seen=["middle"]).slugs == ("newest", "advert", "oldest")
    assert picked(SHELF, slots=slots).slugs == ("newest", "advert", "middle"), "without a max_age nothing is old"


def test_a_slot_asks_within_what_the_campaign_asks_for():
    slots = (Slot(tags=TagRule(any=("sponsored",))), Slot())
    assert picked(SHELF, slots=slots, tags=TagRule(none=("sponsored",))).slugs == ("newest",)


def test_pinned_articles_take_no_slots_place():
    assert picked(SHELF, slots=(Slot(),), pinned=("oldest",)).slugs == ("oldest", "newest")


def test_filling_up_adds_what_others_read_until_there_are_enough():
    rules = {"match_interests": True, "fill": Fill(up_to=3)}
    assert picked(SHELF, interests=["movement"], **rules).slugs == ("middle", "newest", "advert")
    assert picked(SHELF, interests=["sleep"], **rules).slugs == ("newest", "advert", "oldest")
    assert picked(SHELF, interests=["movement"], seen=["newest"], **rules).slugs == ("middle", "advert", "oldest")


def test_filling_up_keeps_its_own_rule_and_the_campaigns():
    fill = Fill(up_to=4, tags=TagRule(none=("sponsored",)))
    assert picked(SHELF, interests=["movement"], match_interests=True, fill=fill).slugs == (
        "middle",
        "newest",
        "oldest",
    )
    assert "oldest" not in picked(SHELF, match_interests=True, fill=fill, max_age="6d").slugs


# Why


def test_nothing_new_is_told_apart_from_too_few():
    assert picked(SHELF, minimum=2, seen=["newest", "advert", "middle"]) == Picks((), HAD_ALL)
    assert picked(SHELF, minimum=2, match_interests=True, interests=["mind"], seen=["newest"]) == Picks((), TOO_FEW)


def test_every_article_has_a_verdict_with_its_reason():
    shelf = [
        *SHELF,
        article("draft", draft=True),
        article("undated", days_old=None),
        article("tomorrow", days_old=-1),
        article("dropped"),
        article("pinned"),
        article("had", "mind"),
        article("ancient", "mind", days_old=40),
        article("busy", changed_at=NOON),
        article("stock", "mind", seen_before=True),
    ]
    rules = ArticleRules(
        tags=TagRule(none=("sponsored",)), match_interests=True, newest=2, pinned=("pinned",), dropped=("dropped",),
        max_age="4w", settle="1h",
    )  # fmt: skip
    found = explain(rules, pool(rules, shelf, NOON), frozenset({"sleep", "mind"}), frozenset({"had"}))
    assert {each.slug: (each.picked, each.reason) for each in found} == {
        "pinned": (True, "pinned"),
        "newest": (True, "the campaign's rules, matches their interests"),
        "oldest": (False, "no place left: others came first"),
        "middle": (False, "shares no tag with this reader's interests"),
        "advert": (False, "the campaign's tags, categories or sources don't ask for it"),
        "draft": (False, "a draft"),
        "undated": (False, "has no date"),
        "tomorrow": (False, "waits for 2026-03-04 12:00 UTC"),
        "dropped": (False, "the campaign drops it"),
        "had": (False, "this reader has had it"),
        "ancient": (False, "older than 4 weeks"),
        "busy": (False, "changed a moment ago; it has to settle"),
        "stock": (False, "older than its source's first reading"),
    }
    assert [each.slug for each in found][:2] == ["pinned", "newest"], "picks first, in their order"


def test_a_slot_and_filling_up_are_named_as_the_reason():
    rules = ArticleRules(slots=(Slot(name="lead", tags=TagRule(any=("mind",))),), fill=Fill(up_to=2))
    found = explain(rules, pool(rules, SHELF, NOON), frozenset(), frozenset())
    assert [(each.slug, each.reason) for each in found][:3] == [
        ("newest", "slot lead"),
        ("advert", "fills up"),
        ("middle", "no slot asks for it"),
    ]


SLUGS = [f"article-{number}" for number in range(8)]
TAGS = ("sleep", "movement", "mind", "sponsored")
TAG_SETS = st.frozensets(st.sampled_from(TAGS))
SHELVES = st.lists(
    st.builds(
        article,
        st.sampled_from(SLUGS),
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
SLOTS = st.lists(
    st.builds(
        Slot,
        tags=TAG_RULES,
        newest=st.integers(1, 2),
        archive=st.booleans(),
        sort=st.sampled_from((None, "newest", "oldest", "title")),
    ),
    max_size=3,
).map(tuple)


@st.composite
def all_rules(draw):
    """Rules of every kind that make sense together."""
    newest, slots = draw(st.integers(1, 3)), draw(SLOTS)
    chosen = draw(st.lists(st.sampled_from(SLUGS), max_size=4, unique=True))
    cut = draw(st.integers(0, len(chosen)))
    return ArticleRules(
        tags=draw(TAG_RULES),
        match_interests=draw(st.booleans()),
        newest=newest,
        minimum=draw(st.integers(0, sum(slot.newest for slot in slots) or newest)),
        max_age=draw(st.sampled_from((None, "3d"))),
        slots=slots,
        fill=draw(st.none() | st.builds(Fill, up_to=st.integers(1, 4), tags=TAG_RULES)),
        pinned=tuple(chosen[:cut]),
        dropped=tuple(chosen[cut:]),
        sort=draw(st.sampled_from(("newest", "oldest", "title"))),
    )


SEEN = st.frozensets(st.sampled_from(SLUGS))


@given(all_rules(), SHELVES, TAG_SETS, SEEN, st.randoms(use_true_random=False))
def test_picks_keep_every_rule_whatever_there_is(rules, shelf, interests, seen, chance):
    by_slug = {each.slug: each for each in shelf}
    fit = pool(rules, shelf, NOON)
    found = pick(rules, fit, interests, seen)
    most = sum(slot.newest for slot in rules.slots) + len(rules.pinned) if rules.slots else rules.newest
    assert found.too_few == (not found.slugs) == bool(found.reason)
    assert len(set(found.slugs)) == len(found.slugs) <= max(most, rules.fill.up_to if rules.fill else 0)
    assert not found.slugs or len(found.slugs) >= rules.minimum
    for slug in found.slugs:
        each = by_slug[slug]
        assert slug not in seen
        assert slug not in rules.dropped
        assert not each.draft
        assert each.published_at <= NOON
        assert slug in rules.pinned or rules.tags.lets_in(each.tags)
        assert not rules.match_interests or rules.fill or slug in rules.pinned or interests & each.tags
    mixed = list(shelf)
    chance.shuffle(mixed)
    assert pick(rules, pool(rules, mixed, NOON), interests, seen) == found, "the same, in whatever order they come"


@given(all_rules(), SHELVES, TAG_SETS, SEEN)
def test_an_explanation_agrees_with_the_picks_and_gives_each_article_its_reason(rules, shelf, interests, seen):
    fit = pool(rules, shelf, NOON)
    verdicts = explain(rules, fit, interests, seen)
    assert sorted(each.slug for each in verdicts) == sorted(each.slug for each in shelf)
    assert all(each.reason for each in verdicts)
    found = pick(rules, fit, interests, seen)
    assert found.too_few or found.slugs == tuple(each.slug for each in verdicts if each.picked)


def test_a_source_may_want_its_articles_to_settle():
    now = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    rules = ArticleRules()
    fresh = Candidate(
        "a",
        now - timedelta(days=1),
        False,
        frozenset(),
        changed_at=now - timedelta(minutes=5),
        settle=timedelta(minutes=30),
    )
    assert pick(rules, pool(rules, [fresh], now), frozenset(), frozenset()).too_few
    later = now + timedelta(minutes=26)
    assert pick(rules, pool(rules, [fresh], later), frozenset(), frozenset()).slugs == ("a",)
