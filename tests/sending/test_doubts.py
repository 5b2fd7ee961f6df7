"""Calls with an idempotency key after a crash: made again with it, so that nobody is unknown and nobody mailed twice."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.sending.api import CUT, mails_of

from broadsheet import editions, events, pipeline, sending
from broadsheet.conf import HttpAdapter
from broadsheet.models import Claim, Delivery, Edition, EditionState, Repeat, Subscriber
from broadsheet.sending import claims
from broadsheet.sending.adapters.providers import ApiAdapter, DescribedApi
from broadsheet.sending.journal import Journal, call_of
from broadsheet.workspace import Workspace

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"
READERS = 60
CAMPAIGN = """\
---
name: News
list: news
template: plain
subject: News
approval: automatic
schedule: {at: "2026-03-03T09:00", grace: 5000w}
---
Hello {{ subscriber.first_name }}.
"""
FILES = {
    "subscribers/lists.yaml": "lists: {news: {title: News}}\n",
    "templates/plain/template.html": "<p>{{ intro }}</p>",
    "articles/a.md": "---\ntitle: A\ndate: 2026-03-01\n---\nWords.\n",
    "campaigns/news.md": CAMPAIGN,
    "people.csv": "email,first_name\n" + "".join(f"r{n}@reader.example,R{n}\n" for n in range(READERS)),
}
BODY = (
    '{"to": {{ to }}, "from": {{ sender }}, "subject": {{ subject }}, "text": {{ text }}, "html": {{ html }}, '
    '"headers": {"idempotencyKey": {{ delivery }}}}'
)
#: kind, settings, and how many mails one call holds
WITH_KEYS = {
    "resend one by one": ("resend", {"batch": 1}),
    "resend in batches": ("resend", {"batch": 20}),
    "brevo": ("brevo", {}),
    "an API of one's own": ("http", {"repeatable": True, "body": BODY}),
}
SECRETS = {f"BROADSHEET_ADAPTERS_DEFAULT_{name}": "s3cret" for name in ("API_KEY", "SECRET")}


def toml(kind, address, settings):
    place = f'url = "{address}"' if kind == "http" else f'api_url = "{address}"'
    lines = [
        f"{key} = {str(value).lower() if not isinstance(value, str) else repr(value)}"
        for key, value in settings.items()
    ]
    return "\n".join([f'[adapters.default]\nkind = "{kind}"\n{place}\ncalls = 3', *lines, ""])


class Machine:
    """A workspace whose commands are processes, which can be killed."""

    def __init__(self, folder, api, kind, settings):
        self.folder = folder
        sender = '[sender]\nemail = "hello@news.example"\nreply_to = "editors@news.example"\n'
        for path, text in {**FILES, "broadsheet.toml": sender + toml(kind, api.url, settings)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
        self.environment = kept | SECRETS
        api.kind = "" if kind == "http" else kind
        for command in (["subscribers", "import", "people.csv", "--list", "news"], ["sync"]):
            assert self.start(*command).wait() == 0

    def start(self, *arguments):
        command = [sys.executable, "-m", "broadsheet", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL)

    def a_minute_later(self):
        """Calls that a killed sender was making again are due again."""
        with contextlib.closing(sqlite3.connect(self.folder / ".broadsheet/broadsheet.sqlite3", timeout=20)) as rows:
            rows.execute("UPDATE broadsheet_repeat SET again_at = '2026-03-03 00:00:00'")
            rows.commit()

    def send(self):
        return self.start("send", "news", "--at", "2026-03-03T09:00", "--yes")


@pytest.mark.clock
@pytest.mark.parametrize("case", WITH_KEYS)
def test_after_kill_9_a_call_goes_again_with_its_key_and_nothing_is_unknown(api, tmp_path, case):
    kind, settings = WITH_KEYS[case]
    machine = Machine(tmp_path / "workspace", api, kind, settings)
    api.slow_answer, kills = 0.3, 0
    for _ in range(2):
        sender, before = machine.send(), len(api.delivered)
        while len(api.delivered) == before and sender.poll() is None:
            time.sleep(0.005)  # until mails were taken whose answer is not there yet
        if sender.poll() is None:
            sender.kill()
            kills += 1
        sender.wait()
        machine.a_minute_later()
    assert kills
    api.slow_answer = 0.0
    for _ in range(5):
        if machine.send().wait() == 0 and len({mail["to"] for mail in api.delivered}) == READERS:
            break
        machine.a_minute_later()  # a call that the killed sender made may be under way there still, and is asked again
    copies = Counter(mail["to"] for mail in api.delivered)
    assert len(copies) == READERS
    assert set(copies.values()) == {1}, "nobody is mailed twice"
    assert len(api.items()) > READERS, "what was in flight was asked for again"
    shown = subprocess.run(
        [sys.executable, "-m", "broadsheet", "editions", "--json"],
        cwd=machine.folder, env=machine.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"unknown": 0' in shown.stdout
    assert f'"sent": {READERS}' in shown.stdout


# Cases, one by one


@pytest.fixture
def made(workspace, write, api, monkeypatch):
    """Sets up the workspace's adapter, and makes it anew."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    def adapter(kind, **settings):
        write("broadsheet.toml", (workspace.root / "broadsheet.toml").read_text() + toml(kind, api.url, settings))
        api.kind = "" if kind == "http" else kind
        return Workspace(workspace.root)

    return adapter


@pytest.fixture
def died(freeze, cast):
    """An edition whose sender died with calls under way; ``died(workspace, (0, 1), (2,))``: who went in which call."""

    def leave(workspace, *calls, campaign="weekly", answered=(), **known):
        edition = freeze(campaign)
        Edition.objects.filter(pk=edition.pk).update(state=EditionState.SENDING, **known)
        rows = claims.claim(edition.pk, "dead", 3).rows
        book = Journal(pipeline.journals(workspace), "dead")
        for call in calls:
            mark = call_of(rows[number].id for number in call)
            for number in call:
                slot = book.attempt(rows[number].id, mark)
                if number in answered:
                    book.answer(slot, sending.Outcome(rows[number].id, sending.Result.SENT))
        book.close(keep=True)
        edition.refresh_from_db()
        return edition, [row.id for row in rows]

    return leave


def states(edition):
    return dict(edition.deliveries.filter(variant__isnull=False).values_list("pk", "state"))


def asked(api):
    return [[mail["to"].rpartition("<")[2].rstrip(">") for mail in body_mails] for body_mails in _calls(api)]


def _calls(api):
    return [mails_of(api.kind, call) for call in api.calls]


@pytest.mark.django_db
def test_a_batch_goes_again_as_it_was_and_the_rest_by_itself(api, made, died):
    workspace = made("resend", batch=50)
    edition, (first, second, third) = died(workspace, (0, 1))
    pipeline.send(workspace, edition)
    assert states(edition) == dict.fromkeys((first, second, third), "sent")
    assert [len(each) for each in asked(api)] == [2, 1]
    assert not Repeat.objects.exists()
    assert Edition.objects.get().state == EditionState.SENT


@pytest.mark.django_db
def test_a_batch_that_was_answered_in_part_is_asked_for_as_a_whole(api, made, died):
    workspace = made("resend", batch=50)
    edition, pks = died(workspace, (0, 1, 2), answered=(1,))
    pipeline.send(workspace, edition)
    assert states(edition) == dict.fromkeys(pks, "sent")
    assert [len(each) for each in asked(api)] == [3]
    assert set(edition.deliveries.filter(pk__in=pks).values_list("attempts", flat=True)) == {1, 2}


@pytest.mark.django_db
def test_a_batch_whose_reader_left_is_not_asked_for_and_is_the_campaigns_to_settle(api, made, died, cast):
    workspace = made("resend", batch=50)
    edition, pks = died(workspace, (0, 1), on_unknown="hold")
    events.unsubscribed(Delivery.objects.get(pk=pks[0]).subscriber_id, "newsletter", how="page")
    pipeline.send(workspace, edition)
    assert states(edition) == {pks[0]: "unknown", pks[1]: "unknown", pks[2]: "sent"}
    assert [len(each) for each in asked(api)] == [1]
    assert not Repeat.objects.exists()


@pytest.mark.django_db
def test_where_calls_hold_one_mail_only_who_left_is_not_asked_for(api, made, died, cast):
    workspace = made("resend", batch=1)
    edition, pks = died(workspace, (0,), (1,))
    gone = Delivery.objects.get(pk=pks[0])
    events.unsubscribed(gone.subscriber_id, "newsletter", how="page")
    pipeline.send(workspace, edition)
    assert states(edition) == {pks[0]: "unknown", pks[1]: "sent", pks[2]: "sent"}
    assert Subscriber.objects.get(pk=gone.subscriber_id).email not in [each for call in asked(api) for each in call]


@pytest.mark.django_db
@pytest.mark.parametrize(("decides", "state"), [("hold", "unknown"), ("assume-sent", "sent"), ("resend", "deferred")])
def test_when_the_key_has_ended_the_campaign_says_what_becomes_of_it(api, made, died, decides, state):
    workspace = made("brevo")
    edition, pks = died(workspace, (0,), on_unknown=decides)
    Claim.objects.update(taken_at=timezone.now() - timedelta(minutes=14))  # it lasts for 15, and a call may take 1.5
    pipeline.sweep(workspace)
    assert states(edition)[pks[0]] == state
    assert not Repeat.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("decides", "state"), [("hold", "unknown"), ("assume-sent", "sent"), ("resend", "deferred")])
def test_a_key_that_ends_before_anybody_asks_is_not_used(api, made, died, decides, state):
    workspace = made("brevo")
    edition, pks = died(workspace, (0,), on_unknown=decides)
    pipeline.sweep(workspace)
    assert (states(edition)[pks[0]], Repeat.objects.count()) == ("unknown", 1)
    Repeat.objects.update(until=timezone.now())
    pipeline.send(workspace, edition)
    assert states(edition)[pks[0]] == state
    assert [len(each) for each in asked(api)] == [1, 1], "only the two that had not left"


@pytest.mark.django_db
def test_an_edition_is_not_over_while_a_call_is_to_be_made_again(api, made, died):
    workspace = made("resend", batch=50)
    edition, _ = died(workspace, (0, 1, 2))
    api.play[ADA] = (503, {"name": "internal_server_error", "message": "later"})
    numbers = pipeline.send(workspace, edition)
    assert (numbers.unknown, numbers.finished, edition.state) == (3, False, EditionState.SENDING)
    assert editions.ready_to_send(timezone.now()) == []
    soon = timezone.now() + timedelta(minutes=2)
    assert editions.ready_to_send(soon) == [edition]
    api.play.clear()
    Repeat.objects.update(again_at=timezone.now())
    assert pipeline.send(workspace, edition).sent == 3
    assert edition.state == EditionState.SENT


@pytest.mark.django_db
def test_a_call_without_an_answer_is_made_again_later_though_nobody_died(api, made, freeze, cast):
    workspace = made("brevo")
    edition = freeze("weekly")
    api.play[ADA] = [CUT, CUT, CUT]
    numbers = pipeline.send(workspace, edition)
    assert (numbers.sent, numbers.unknown, edition.state) == (2, 1, EditionState.SENDING)
    Repeat.objects.update(again_at=timezone.now())
    assert pipeline.send(workspace, edition).sent == 3
    keys = [body["headers"]["idempotencyKey"] for _, _, body in api.calls if ADA in str(body)]
    assert (len(keys), len(set(keys))) == (4, 1)


@pytest.mark.django_db
def test_a_key_that_the_provider_has_with_other_content_says_that_something_was_sent(api, made, died):
    workspace = made("resend", batch=1)
    edition, pks = died(workspace, (0,))
    who = Delivery.objects.get(pk=pks[0]).subscriber.email
    api.play[who] = (409, {"name": "invalid_idempotent_request", "message": "Other payload"})
    pipeline.send(workspace, edition)
    assert states(edition)[pks[0]] == "unknown"
    assert not Repeat.objects.exists()


@pytest.mark.django_db
def test_what_a_person_settles_is_not_asked_for(api, made, died):
    workspace = made("resend", batch=1)
    edition, pks = died(workspace, (0,))
    pipeline.sweep(workspace)
    assert editions.settle_unknown(edition, "sent", who="test") == 1
    pipeline.send(workspace, edition)
    assert len(api.calls) == 2
    assert states(edition) == dict.fromkeys(pks, "sent")


@pytest.mark.django_db
def test_another_machines_calls_go_again_where_each_holds_one_mail(api, made, freeze, cast):
    workspace = made("resend", batch=1)
    edition = freeze("weekly")
    Edition.objects.update(state=EditionState.SENDING)
    rows = claims.claim(edition.pk, "elsewhere", 3).rows
    Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert pipeline.send(workspace, edition).sent == 3
    assert len(api.delivered) == len(rows) == 3


@pytest.mark.django_db
def test_a_call_whose_key_nobody_asked_for_in_its_turn_is_asked_for_by_one_only(api, made, died):
    workspace = made("resend", batch=1)
    edition, _ = died(workspace, (0,))
    pipeline.sweep(workspace)
    job = sending.Job(
        edition, ApiAdapter(DescribedApi(HttpAdapter("http", "https://a.example"))), pipeline.signer(), None
    )
    first = sending.ask_again(job, lambda: True, lambda _: None)
    assert next(first).outcomes[0].result == sending.Result.UNKNOWN, "that adapter has no keys"
    assert list(first) == []
