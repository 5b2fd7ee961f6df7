"""A reader takes their consent back at the moment when a click of theirs is recorded: nothing of it stays."""

import json
import os
import subprocess
import sys

import pytest

_BOTH = """
import sys, threading, time
from broadsheet.cli.setup import ready
workspace = ready()
from datetime import UTC, datetime
from django.db import connection, connections, transaction
from django.utils import timezone
from broadsheet.audience import tracking_consent
from broadsheet.events.counting import record_hits
from broadsheet.events.robots import Hit
from broadsheet.models import *

interests, _ = InterestSet.objects.get_or_create(tags=[])
ada = Subscriber.objects.create(email="ada@reader.example", email_key="ada@reader.example", interests=interests,
                                created_at=timezone.now(), tracking_consent_at=timezone.now())
campaign = Campaign.objects.create(slug="weekly")
edition = Edition.objects.create(campaign=campaign, scheduled_for=timezone.now(), list_name="news")
Delivery.objects.create(edition=edition, subscriber=ada, state="sent")
hit = Hit(EventKind.OPENED, edition.pk, time.time(), "ada", subscriber_id=ada.pk)

def recording():
    record_hits([hit])
    connections.close_all()

def withdrawing():
    tracking_consent.withdraw(Subscriber.objects.get(pk=ada.pk))
    connections.close_all()

def sql(text):
    with connection.cursor() as cursor:
        cursor.execute(text)

def begun(work):
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1.0)
    return thread

if sys.argv[1] == "recorded first":
    # the recorder has looked at the consent and is about to insert: a trigger holds it there
    sql("CREATE FUNCTION hold() RETURNS trigger AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END'"
        " LANGUAGE plpgsql")
    sql("CREATE TRIGGER hold BEFORE INSERT ON broadsheet_event FOR EACH ROW EXECUTE FUNCTION hold()")
    sql("SELECT pg_advisory_lock(4711)")
    threads = [begun(recording), begun(withdrawing)]
    waiting = all(thread.is_alive() for thread in threads)
    sql("SELECT pg_advisory_unlock(4711)")
else:
    with transaction.atomic():
        tracking_consent.withdraw(Subscriber.objects.get(pk=ada.pk))
        threads = [begun(recording)]
        waiting = threads[0].is_alive()
for thread in threads:
    thread.join()
import json
print(json.dumps({"waited": waiting, "events": Event.objects.count(), "counted": Tally.objects.get().count,
                  "agreed": Subscriber.objects.get().tracking_consent_at is not None}))
"""


@pytest.mark.parametrize("order", ["recorded first", "withdrawn first"])
def test_on_postgresql_neither_order_leaves_a_trace(database, tmp_path, order):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
    environment |= {"BROADSHEET_DATABASE": database, "BROADSHEET_WORKSPACE": str(tmp_path / "w")}
    subprocess.run([sys.executable, "-m", "broadsheet", "init", str(tmp_path / "w")], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", _BOTH, order],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"waited": True, "events": 0, "counted": 1, "agreed": False}
