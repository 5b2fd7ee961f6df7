"""What came back, recorded. Handlers may run twice and change nothing the second time."""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.events.hooks import work_on_calls
    from broadsheet.events.incoming import (
        Came,
        Listener,
        Recorder,
        keep,
        let_go,
        read_mailboxes,
        record,
        record_waiting,
    )
    from broadsheet.events.leaving import left_its_list, resubscribed, said_why, unsubscribed
    from broadsheet.events.outgoing import announce, deliver_due
    from broadsheet.events.refusals import record_refusals

__all__ = [
    "Came",
    "Listener",
    "Recorder",
    "announce",
    "deliver_due",
    "keep",
    "left_its_list",
    "let_go",
    "read_mailboxes",
    "record",
    "record_refusals",
    "record_waiting",
    "resubscribed",
    "said_why",
    "unsubscribed",
    "work_on_calls",
]

__getattr__ = lazily(
    __name__,
    {
        "incoming": "Came Listener Recorder keep let_go read_mailboxes record record_waiting",
        "hooks": "work_on_calls",
        "leaving": "left_its_list resubscribed said_why unsubscribed",
        "outgoing": "announce deliver_due",
        "refusals": "record_refusals",
    },
)
