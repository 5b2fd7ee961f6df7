"""Drains an edition: claims copies, looks again at consent, lets an adapter take them, and records what it answers.

Two threads share the work. The adapter's takes copies, stamped as it takes them, and answers. The ledger's, which is
the caller's own, goes round: the answers since the last round are recorded and the next copies claimed in one
transaction, so that the adapter never waits for the database.
"""

from collections.abc import Callable, Iterator
from threading import Thread

from broadsheet.sending.ledger import Batch, Job, Ledger
from broadsheet.sending.recovery import Record
from broadsheet.sending.turns import Companion, collect_rarely

#: Seconds that the adapter's thread has to end once it was told so.
PATIENCE = 9.0


def drain(job: Job, go_on: Callable[[], bool] = lambda: True, record: Record = lambda _: None) -> Iterator[Batch]:
    """Sends what is due, and yields what was recorded, round after round.

    It ends when nothing is due, or within two seconds after the edition is paused or cancelled or ``go_on``, which both
    threads ask, says no; what is on the wire by then is still answered and recorded. ``record`` is told of outcomes
    in the transaction that records them. A copy is not sent to anyone who left the list or was suppressed since the
    freeze.

    Raises AdapterFailed when the adapter can't send at all; what was claimed and not attempted goes back to the queue.
    """
    ledger = Ledger(job, record, go_on)
    adapter = Thread(target=ledger.deliver, name=f"adapter of edition {job.edition.pk}", daemon=True)
    companion = None
    collect_rarely()
    try:
        while not ledger.finished:
            if not go_on():
                ledger.halt()
            if (batch := ledger.round()) is not None:
                yield batch
            if companion is None:
                adapter.start()
                companion = Companion(adapter.native_id or 0)
            if not ledger.finished:
                companion.let_go()
                ledger.rest()
                companion.follow()
    finally:
        if companion is not None:
            companion.part()
        ledger.halt()
        if adapter.ident is not None:
            adapter.join(PATIENCE)
        rest = ledger.close(ended=not adapter.is_alive())
    if rest is not None:
        yield rest
    if ledger.fault is not None:
        raise ledger.fault
