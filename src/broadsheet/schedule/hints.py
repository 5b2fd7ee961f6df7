"""Hints on the broker: which edition has work. The ledger is the truth: a lost, repeated or late hint does no harm.

A hint says “drain edition 12”. Several of them for one edition are several workers that drain it side by side, each
until nothing is due. The scheduler looks into the ledger at each tick and gives new hints where work is left and none
waits, which is how an edition goes on whose hints a broker has lost.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from broadsheet import editions, pipeline, reports
from broadsheet.models import Edition
from broadsheet.schedule.senders import ids
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

DRAIN = "broadsheet.drain"
#: Due copies for which one more worker is called, and the most that are called for an edition at once.
SHARE, MOST = 250, 32
#: An edition that still has work gets new hints after this even if some wait, which may be another edition's.
AGAIN = timedelta(minutes=1)
#: A hint older than this (seconds) is not worth a look: there are newer ones, if there is work.
FRESH = 90
#: Seconds until a broker that does not answer counts as gone.
_PATIENCE = 4

#: What Celery is told; https://docs.celeryq.dev/en/stable/userguide/configuration.html
_CONFIGURATION: dict[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "broker_connection_timeout": _PATIENCE,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # a worker waits for its broker, however long
    "broker_heartbeat": 10,
    "task_publish_retry": False,  # the next tick is the next try
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # the copies in hand are the ledger's business
    "worker_hijack_root_logger": False,
}
_AMQP: dict[str, Any] = {"confirm_publish": True}
_REDIS: dict[str, Any] = {
    "visibility_timeout": 600,  # seconds after which a hint that nobody acknowledged is given to another
    "socket_connect_timeout": _PATIENCE,
    "socket_timeout": 2 * _PATIENCE,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
_TRANSPORT: dict[str, dict[str, Any]] = {"amqp": _AMQP, "amqps": _AMQP, "redis": _REDIS, "rediss": _REDIS}


def make_app(address: str) -> Celery:
    """The Celery application that gives hints to that broker, or takes them from it."""
    app = Celery("broadsheet", broker=address, set_as_current=False, fixups=[])
    app.conf.update(_CONFIGURATION, broker_transport_options=_TRANSPORT[address.partition(":")[0]])
    return app


def queue_of(adapter: str) -> str:
    """The queue in which hints wait for workers that send through the adapter."""
    return f"broadsheet.{adapter}"


def queues(workspace: Workspace) -> list[str]:
    """The queues of every adapter there is."""
    return sorted({queue_of(name) for name in ("default", *workspace.config.adapters)})


def give(app: Celery, edition: Edition, share: int) -> None:
    """One hint that the edition has work. Raises kombu's OperationalError if the broker can't be reached."""
    app.send_task(DRAIN, kwargs={"edition": edition.pk, "share": share}, queue=queue_of(edition.adapter), expires=FRESH)


def waiting(app: Celery, queue: str) -> int:
    """How many hints nobody has taken yet. Raises kombu's OperationalError if the broker can't be reached."""
    with reached(app) as connection:
        declared: Any = app.amqp.queues[queue].bind(connection.default_channel).queue_declare()
        return int(declared.message_count)


@contextmanager
def reached(app: Celery) -> Iterator[Connection]:
    """A connection to the broker. Raises kombu's OperationalError if there is none to be had soon."""
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=_PATIENCE)
        yield connection


class Hints:
    """The place of :class:`~broadsheet.schedule.senders.Senders` where workers send."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._given: dict[int, datetime] = {}
        self._trouble = ""

    def look(self, workspace: Workspace, now: datetime) -> None:
        """Settle what dead senders left behind, and give hints for each edition that is ready and has too few."""
        pipeline.sweep(workspace)
        try:
            for edition in editions.ready_to_send(now):
                self._look_at(edition, now)
        except OperationalError as error:
            self._say(str(error))
        else:
            self._say("")

    def _look_at(self, edition: Edition, now: datetime) -> None:
        given = self._given.get(edition.pk)
        lately = given is not None and timedelta(0) <= now - given < AGAIN
        if lately and waiting(self._app, queue_of(edition.adapter)):
            return
        shares = min(MOST, -(-reports.due_now(edition, now, SHARE * MOST) // SHARE) or 1)
        for share in range(shares):
            give(self._app, edition, share)
        self._given[edition.pk] = now
        log.info("Edition %s (%s) has work: %s hints given", edition.pk, edition.key, shares, extra=ids(edition))

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.error("The broker can't be reached (%s); what is due waits in the ledger", trouble)
        elif self._trouble and not trouble:
            log.info("The broker can be reached again")
        self._trouble = trouble

    def stop(self, _seconds: float) -> bool:
        """Nothing is in this process's hand."""
        self._app.close()
        return True
