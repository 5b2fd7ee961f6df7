"""The ways by which reports come in: mailboxes, a listener, files. Stored first, recorded after."""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.events.incoming.listener import Listener
    from broadsheet.events.incoming.mailboxes import read_mailboxes
    from broadsheet.events.incoming.recording import Recorder
    from broadsheet.events.incoming.storing import Came, keep, let_go, record, record_waiting

__all__ = ["Came", "Listener", "Recorder", "keep", "let_go", "read_mailboxes", "record", "record_waiting"]

__getattr__ = lazily(
    __name__,
    {
        "listener": "Listener",
        "mailboxes": "read_mailboxes",
        "recording": "Recorder",
        "storing": "Came keep let_go record record_waiting",
    },
)
