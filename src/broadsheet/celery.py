"""The worker: ``celery -A broadsheet.celery worker``, on as many machines as wanted.

It needs the database, the broker and ``broadsheet.toml``: an edition is frozen with all that its copies need. Which
edition has work it learns from hints (:mod:`broadsheet.schedule.hints`); what there is to do, from the ledger.
"""

import logging
import mmap
import os
import signal
import time
from datetime import datetime
from typing import Any

import django
from celery import signals
from django.db import connections
from django.db.utils import Error
from django.utils import timezone
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from broadsheet import logs
from broadsheet.conf.cluster import broker
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace, find_root

log = logging.getLogger(__name__)


def _ready() -> tuple[Workspace, str]:
    """The workspace and the broker, with Django and the log set up. Raises BroadsheetError."""
    address = broker()
    if address is None:
        raise BroadsheetError("A worker needs BROADSHEET_BROKER, the broker that it gets its work from.")
    workspace = Workspace(find_root())
    logs.configure(workspace.config.logging)
    os.environ["BROADSHEET_WORKSPACE"] = str(workspace.root)
    os.environ["DJANGO_SETTINGS_MODULE"] = "broadsheet.settings"
    django.setup()
    return workspace, address


try:
    WORKSPACE, _BROKER = _ready()
except BroadsheetError as error:
    raise SystemExit(str(error)) from error  # Celery would show a traceback instead of the sentence

from broadsheet import editions, pipeline  # noqa: E402  models can be imported only now
from broadsheet.models import Edition  # noqa: E402
from broadsheet.schedule import hints, senders  # noqa: E402

#: Seconds of one edition after which a worker lets another have its turn. Far below what RabbitMQ (30 min) and Redis
#: (the visibility time-out) wait for an acknowledgement.
TURN = 60.0

app = hints.make_app(_BROKER)
app.conf.task_queues = [Queue(name, Exchange(name), routing_key=name) for name in hints.queues(WORKSPACE)]

_resting = senders.Resting()
#: One byte that this process shares with those it forks: a lock could be left held by one that is killed.
_stopping = mmap.mmap(-1, 1)
#: Whether this one process was told to stop.
_told = {"stop": False}


@app.task(name=hints.DRAIN)
def drain(edition: int, share: int) -> None:
    """Send what is due of the edition, for a turn; if that was not all, the hint goes to the end of the queue.

    A hint that is late or came twice finds nothing due. What goes wrong is logged, and the scheduler's next look at
    the ledger gives a new hint.
    """
    try:
        pipeline.sweep(WORKSPACE)
        found, now = _with_work(edition)
        if found is None or _resting.rests(found, now):
            return
        until = time.monotonic() + TURN
        if rest := senders.send(WORKSPACE, found, lambda: _is_to_stop() or time.monotonic() > until):
            _resting.rest(found, now + rest)
        elif (_is_to_stop() or time.monotonic() > until) and _with_work(edition)[0]:
            hints.give(app, found, share)
    except Error as error:
        log.error("The database can't be used (%s); its work waits", _line(error), extra={"edition": edition})  # noqa: TRY400
    except OperationalError as error:
        log.error("The broker can't be reached (%s); the scheduler's next look finds the work", _line(error))  # noqa: TRY400
    finally:
        connections.close_all()


def _with_work(pk: int) -> tuple[Edition | None, datetime]:
    """The edition, if copies of it may leave now; and now."""
    now = timezone.now()
    return next((each for each in editions.ready_to_send(now) if each.pk == pk), None), now


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _is_to_stop() -> bool:
    return _told["stop"] or _stopping[0] != 0


@signals.setup_logging.connect
def _keep_our_log(**_: Any) -> None:
    """Celery sets up no log of its own where this is connected."""


@signals.worker_shutting_down.connect
def _stop_all(**_: Any) -> None:
    """SIGTERM: every process ends the batch in its hand, hands back the rest, and gives its hint to another worker."""
    _stopping[0] = 1


@signals.worker_process_init.connect
def _mind_sigterm(**_: Any) -> None:
    """A service manager may signal every process of a worker; without this they would die in mid-send."""
    signal.signal(signal.SIGTERM, lambda *_: _told.update(stop=True))


@signals.worker_process_init.connect
def _settle(**_: Any) -> None:
    """What the process before this one had in hand is in a journal that only this machine can read."""
    try:
        pipeline.sweep(WORKSPACE)
    except Error as error:
        log.warning("The database can't be used yet (%s)", _line(error))
    finally:
        connections.close_all()
