"""The whole way, from article files to the last recorded outcome."""

from datetime import timedelta

import pytest
from django.db import connection

from broadsheet import drafts, editions, pipeline
from broadsheet.errors import AdapterFailed, BroadsheetError, TemplateProblem, UnknownName
from broadsheet.models import Delivery, Edition, EditionState
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.memory import MemoryOutbox

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"


def test_it_publishes_an_edition_from_article_files_to_the_last_outcome(workspace, cast, memory, at):
    edition, numbers = pipeline.publish(workspace, "weekly", at, memory)
    assert (edition.state, numbers.sent, numbers.finished) == (EditionState.SENT, 3, True)
    assert edition.finished_at is not None
    assert sorted(mail.rcpt_to for mail in memory.mails) == [ADA, BEN, CLEO]


def test_published_again_it_mails_nobody_again(workspace, cast, memory, at):
    first, _ = pipeline.publish(workspace, "weekly", at, memory)
    second, numbers = pipeline.publish(workspace, "weekly", at, memory)
    assert second == first
    assert (len(memory.mails), numbers.sent) == (3, 3)


def test_published_again_after_a_breakdown_it_goes_on_where_it_stopped(workspace, cast, memory, at):
    class Breaks(MemoryOutbox):
        def deliver(self, tray):
            [mail] = tray.take(1)
            tray.attempt(mail)
            self.mails.append(mail)
            tray.answer(Outcome(mail.delivery_id, Result.SENT))
            raise AdapterFailed("The cable was pulled.", permanent=False)

    broken = Breaks()
    with pytest.raises(AdapterFailed):
        pipeline.publish(workspace, "weekly", at, broken)
    assert Edition.objects.get().state == EditionState.SENDING
    _, numbers = pipeline.publish(workspace, "weekly", at, memory)
    assert numbers.sent == 3
    assert sorted(mail.rcpt_to for mail in (*broken.mails, *memory.mails)) == [ADA, BEN, CLEO]


def test_a_template_that_does_not_compile_freezes_nothing(workspace, write, cast, memory, at):
    write("templates/plain/template.html", "<p>{{ nonsense( }}</p>")
    with pytest.raises(TemplateProblem, match=r"template\.html"):
        pipeline.publish(workspace, "weekly", at, memory)
    assert not Edition.objects.exists()
    assert not Delivery.objects.exists()


def test_each_distinct_mail_is_compiled_once(plan, workspace, cast, join):
    for number in range(5):
        join(f"{number}@reader.example", "sleep")
    printed = pipeline.press(workspace, plan("weekly"))
    assert len(printed) == 2
    assert all(variant.message and variant.subject for variant in printed)


def test_a_render_is_what_the_reader_will_get(workspace, freeze, send, memory, cast, at):
    pipeline.collect(workspace)
    rendered = drafts.render_for(workspace, workspace.campaign("weekly"), "ADA@reader.example", at)
    assert not Edition.objects.exists(), "nothing is frozen"
    send(freeze("weekly"), memory)
    sent = next(mail for mail in memory.mails if mail.rcpt_to == ADA)
    text, html = pipeline.bodies(rendered)
    sent_text, sent_html = pipeline.bodies(sent)

    def without_links(body):
        return [line for line in body.splitlines() if "news.stillwater.example" not in line]

    assert without_links(text) == without_links(sent_text)
    assert without_links(html) == without_links(sent_html)
    assert rendered.rcpt_to == ADA


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("nobody@reader.example", "Nobody with the address nobody@reader.example is known"),
        ("not an address", "is not an email address"),
        ("dan@reader.example", "would get no mail from weekly: .*outside its segment"),
        ("gus@reader.example", "would get no mail from weekly: .*who may be mailed"),
    ],
)
def test_a_render_for_who_gets_nothing_says_why(workspace, cast, at, email, sentence):
    pipeline.collect(workspace)
    with pytest.raises(BroadsheetError, match=sentence):
        drafts.render_for(workspace, workspace.campaign("weekly"), email, at)


def test_a_render_for_who_has_had_everything_says_so(workspace, freeze, send, memory, cast, at):
    send(freeze("weekly", at - WEEK), memory)
    with pytest.raises(
        BroadsheetError, match=r"ben@reader\.example would get no mail from weekly: had the articles already"
    ):
        drafts.render_for(workspace, workspace.campaign("weekly"), BEN, at)


def test_a_render_of_an_edition_that_is_frozen_is_still_that_edition(workspace, freeze, send, memory, cast, at):
    send(freeze("weekly"), memory)
    rendered = drafts.render_for(workspace, workspace.campaign("weekly"), BEN, at)
    assert "Back to the allotment" in pipeline.bodies(rendered)[1]


def test_a_campaign_that_is_not_there_is_refused_before_anything_happens(workspace, cast, memory, at):
    with pytest.raises(UnknownName):
        pipeline.publish(workspace, "monthly", at, memory)
    assert not Edition.objects.exists()


def test_progress_is_told_of_every_batch(workspace, freeze, cast, memory):
    told = []
    pipeline.send(workspace, freeze("weekly"), memory, progress=told.append)
    assert sum(len(batch.outcomes) + batch.set_aside for batch in told) == 3


def test_of_two_senders_that_end_at_once_the_slower_one_has_nothing_to_complain_of(
    workspace, freeze, cast, memory, monkeypatch
):
    edition, move = freeze("weekly"), editions.move

    def late(chosen, to, **why):
        if to == EditionState.SENT:
            Edition.objects.filter(pk=chosen.pk).update(state=EditionState.SENT)
        move(chosen, to, **why)

    monkeypatch.setattr(editions, "move", late)
    numbers = pipeline.send(workspace, edition, memory)
    assert (numbers.sent, numbers.finished) == (3, True)
    edition.refresh_from_db()
    assert edition.state == EditionState.SENT
    assert edition.finished_at is None, "that is for the other one to say"


def test_the_adapter_is_closed_when_it_could_not_be_opened(workspace, freeze, cast):
    class Shut(MemoryOutbox):
        closed = False

        def open(self):
            raise AdapterFailed("No route to the server.", permanent=False)

        def close(self):
            self.closed = True

    shut = Shut()
    with pytest.raises(AdapterFailed):
        pipeline.send(workspace, freeze("weekly"), shut)
    assert shut.closed


def test_sending_costs_the_same_number_of_queries_for_many_readers_as_for_few(
    workspace, freeze, join, memory, django_assert_max_num_queries
):
    for number in range(60):
        join(f"{number}@reader.example", "sleep")
    edition = freeze("weekly")
    with django_assert_max_num_queries(80):
        pipeline.send(workspace, edition, memory)
    assert len(memory.mails) == 60
    assert connection.vendor == "sqlite"
