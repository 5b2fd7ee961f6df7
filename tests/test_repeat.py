"""Nobody gets an article twice: random articles, readers and campaigns, through real editions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet import editions
from broadsheet.audience import interest_set
from broadsheet.editions import FrozenText, PrintedVariant
from broadsheet.errors import WrongState
from broadsheet.models import Article, Delivery, DeliveryState, EditionState, Subscriber, Subscription, Tag
from broadsheet.models.delivery import HAD
from broadsheet.workspace import ArticleRules, CampaignFile, Fill, Slot, TagRule

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
TAGS = ("sleep", "movement", "mind")
TAG_SETS = st.frozensets(st.sampled_from(TAGS))
TAG_RULES = st.builds(TagRule, any=st.lists(st.sampled_from(TAGS), max_size=2).map(tuple))
RULES = st.one_of(
    st.builds(ArticleRules, tags=TAG_RULES, match_interests=st.booleans(), newest=st.integers(1, 3)),
    st.builds(
        ArticleRules,
        match_interests=st.booleans(),
        slots=st.lists(st.builds(Slot, tags=TAG_RULES, archive=st.booleans()), min_size=1, max_size=3).map(tuple),
        max_age=st.sampled_from((None, "2d")),
    ),
    st.builds(
        ArticleRules,
        match_interests=st.just(True),
        newest=st.just(1),
        fill=st.builds(Fill, up_to=st.integers(1, 3)),
        pinned=st.sampled_from(((), ("article-0",))),
    ),
)
#: What may become of a copy once a sender has it.
FATES = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN, DeliveryState.SKIPPED)


@dataclass(frozen=True)
class Step:
    """One thing that happens: a campaign comes out; an older edition sends some, is cancelled, or sends again."""

    does: str
    campaign: str
    rules: ArticleRules
    edition: int
    fates: tuple[str, ...]


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(("freeze", "freeze", "freeze", "send", "send", "cancel", "resend", "resolve")),
        st.sampled_from(("weekly", "letter", "special")),
        RULES,
        st.integers(0, 9),
        st.lists(st.sampled_from(FATES), min_size=1, max_size=4).map(tuple),
    ),
    min_size=3,
    max_size=14,
)


def freeze(workspace, step, number):
    """The step's edition, planned and frozen as the pipeline does it, without compiling a mail."""
    campaign = CampaignFile(
        slug=step.campaign,
        name="x",
        list="newsletter",
        template="plain",
        subject="x",
        articles=step.rules,
        approval="automatic",
    )
    planned = editions.plan(workspace, campaign, NOON + timedelta(hours=number))
    printed = [PrintedVariant(variant.slugs, variant.key, "x", b"x") for variant in planned.variants]
    text = FrozenText("a@news.example", "news.example", "https://news.example")
    return editions.freeze(planned, printed, text, who="test")


def send(edition, fates, delivered):
    """Two copies leave and meet their fates; ``delivered`` notes what reached, or may have reached, whom."""
    if not editions.begin(edition, who="test"):
        return
    waiting = edition.deliveries.filter(state__in=(DeliveryState.QUEUED, DeliveryState.DEFERRED)).order_by("pk")
    for number, row in enumerate(waiting.select_related("variant")[:2]):
        row.state = fates[number % len(fates)]
        row.save()
        if row.state in (DeliveryState.SENT, DeliveryState.UNKNOWN):
            delivered.setdefault(row.subscriber_id, []).extend((slug, row.edition_id) for slug in row.variant.articles)


def run(workspace, steps):
    """Everything happens in its order; what reached whom, as article and edition."""
    frozen, delivered = [], {}
    for number, step in enumerate(steps):
        if step.does == "freeze" or not frozen:
            frozen.append(freeze(workspace, step, number))
            continue
        edition = frozen[step.edition % len(frozen)]
        edition.refresh_from_db()
        try:
            if step.does == "send":
                send(edition, step.fates, delivered)
            elif step.does == "cancel":
                editions.cancel(edition, who="test")
            elif step.does == "resend":
                editions.resend_failed(edition, who="test")
            else:
                edition.deliveries.filter(state=DeliveryState.UNKNOWN).update(state=DeliveryState.SENT)
        except WrongState:
            continue  # an edition that is over
    return frozen, delivered


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    shelf=st.lists(st.tuples(TAG_SETS, st.integers(0, 5), st.booleans()), min_size=1, max_size=6),
    interests=st.lists(TAG_SETS, min_size=1, max_size=4),
    steps=STEPS,
)
def test_nobody_gets_an_article_twice_across_campaigns_in_any_order(workspace, shelf, interests, steps):
    with transaction.atomic():
        tags = {name: Tag.objects.create(name=name) for name in TAGS}
        for number, (names, days_old, draft) in enumerate(shelf):
            row = Article.objects.create(
                slug=f"article-{number}", title="x", url="x", draft=draft, published_at=NOON - timedelta(days=days_old)
            )
            row.tags.set(tags[name] for name in names)
        for number, names in enumerate(interests):
            address = f"{number}@reader.example"
            person = Subscriber.objects.create(
                email=address, email_key=address, interests=interest_set(names), created_at=NOON
            )
            Subscription.objects.create(subscriber=person, list_name="newsletter", state="subscribed")
        frozen, delivered = run(workspace, steps)
        for person, pairs in delivered.items():
            slugs = [slug for slug, _ in pairs]
            assert len(set(slugs)) == len(slugs), f"{person} got {pairs} by {steps}"
        for person in Subscriber.objects.all():
            rows = Delivery.objects.filter(subscriber=person, state__in=HAD, variant__isnull=False)
            on_their_way = [slug for row in rows for slug in row.variant.articles]
            assert len(set(on_their_way)) == len(on_their_way)
        for edition in frozen:
            edition.refresh_from_db()
            if edition.state == EditionState.CANCELLED:
                assert not edition.deliveries.filter(state__in=DeliveryState.open()).exists()
        transaction.set_rollback(True)


def articles_of(edition, person):
    row = edition.deliveries.select_related("variant").get(subscriber=person)
    return row.variant.articles if row.variant else []


def test_copies_of_a_cancelled_edition_that_did_not_leave_count_as_not_had(freeze, cast, at):
    first = freeze("weekly")
    first.deliveries.filter(subscriber=cast.ben).update(state=DeliveryState.SENT)
    editions.cancel(first, who="test")
    second = freeze("weekly", at + timedelta(days=7))
    assert articles_of(second, cast.ada) == ["back-to-the-allotment", "pillow-moon"], "hers never left"
    assert articles_of(second, cast.ben) == [], "his did"


def test_copies_of_an_edition_that_is_skipped_at_its_time_count_as_not_had(freeze, cast, at):
    first = freeze("weekly")
    editions.move(first, EditionState.SKIPPED, who="scheduler", why="too late")
    assert set(first.deliveries.values_list("state", "reason")) == {("cancelled", "the edition was skipped")}
    assert articles_of(freeze("weekly", at + timedelta(days=7)), cast.ada) == ["back-to-the-allotment", "pillow-moon"]


def test_a_failed_copy_does_not_go_again_once_another_edition_brought_its_article(freeze, send, memory, cast, at):
    first = freeze("weekly")
    send(first, memory)
    first.deliveries.filter(subscriber__in=(cast.ada, cast.ben)).update(state=DeliveryState.FAILED)
    second = freeze("weekly", at + timedelta(days=7))
    second.deliveries.exclude(subscriber=cast.ada).update(state=DeliveryState.FAILED)
    assert articles_of(second, cast.ada) == ["back-to-the-allotment", "pillow-moon"]
    first.refresh_from_db()
    assert editions.resend_failed(first, who="test") == 1
    assert first.deliveries.get(subscriber=cast.ada).state == DeliveryState.FAILED
    assert first.deliveries.get(subscriber=cast.ben).state == DeliveryState.QUEUED
