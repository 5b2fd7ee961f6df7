"""What a sender writes into the log: ids, and no addresses unless asked."""

import logging
from collections.abc import Sequence

from broadsheet import logs
from broadsheet.sending.hand import Copy
from broadsheet.sending.outcome import Outcome, Result

log = logging.getLogger("broadsheet.sending")

#: How loud an answer is said.
_LEVELS: dict[Result, int] = {
    Result.SENT: logging.DEBUG,
    Result.DEFERRED: logging.INFO,
    Result.FAILED: logging.INFO,
    Result.UNKNOWN: logging.WARNING,
}


def outcomes(edition_id: int, answers: Sequence[tuple[Copy, Outcome]]) -> None:
    """A line for each answer, with the ids of edition and delivery."""
    for copy, outcome in answers if log.isEnabledFor(logging.WARNING) else ():
        level = _LEVELS[outcome.result]
        if not log.isEnabledFor(level):
            continue
        said = {
            "edition": edition_id,
            "delivery": outcome.delivery_id,
            "attempt": copy.row.attempts + 1,
            "result": outcome.result.value,
            "reply": logs.discreet(outcome.reply),
        }
        if logs.with_addresses():
            said["to"] = copy.reader.email
        log.log(level, " ".join(f"{key}=%s" for key in said), *said.values(), extra=said)


def database(edition_id: int, sender: str, error: Exception) -> None:
    """The database can't be reached; the sender goes on when it can."""
    words = " ".join(str(error).split())[:200]
    said = {"edition": edition_id, "sender": sender}
    log.warning("edition=%s sender=%s database: %s; trying again", edition_id, sender, words, extra=said)
