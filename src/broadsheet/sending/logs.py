"""What a sender writes into the log: ids, and no addresses unless asked."""

import logging
import re
from collections.abc import Sequence

from broadsheet.sending.hand import Copy
from broadsheet.sending.outcome import Outcome, Result

log = logging.getLogger("broadsheet.sending")

_ADDRESS = re.compile(r"[^\s<>@:;,\"]+@[^\s<>@:;,\"]+")


def without_addresses(text: str) -> str:
    """The text with its addresses left out."""
    return _ADDRESS.sub("…", text)


def outcomes(edition_id: int, answers: Sequence[tuple[Copy, Outcome]], *, addresses: bool) -> None:
    """A line for each answer: at ``DEBUG`` for what was sent, at ``INFO`` for the rest."""
    if not log.isEnabledFor(logging.INFO):
        return
    for copy, outcome in answers:
        level = logging.DEBUG if outcome.result is Result.SENT else logging.INFO
        if not log.isEnabledFor(level):
            continue
        reply = outcome.reply if addresses else without_addresses(outcome.reply)
        to = f" to={copy.reader.email}" if addresses else ""
        log.log(
            level, "edition=%s delivery=%s attempt=%s result=%s%s reply=%r",
            edition_id, outcome.delivery_id, copy.row.attempts + 1, outcome.result.value, to, reply,
        )  # fmt: skip


def database(edition_id: int, sender: str, error: Exception) -> None:
    """The database can't be reached; the sender goes on when it can."""
    words = " ".join(str(error).split())[:200]
    log.warning("edition=%s sender=%s database: %s; trying again", edition_id, sender, words)
