"""When too much fails, the edition is paused: the reason is most likely ours, not the readers'."""

import re
from collections import Counter, deque
from collections.abc import Iterable

from broadsheet.conf import Sending
from broadsheet.sending.outcome import Outcome, Result

#: The share is one of so many answers; fewer say nothing.
WINDOW = 200
_OWN = re.compile(r"<[^>]*>|\S+@\S+")  # what differs from reader to reader


class Breaker:
    """Counts the answers of one sender. Temporary refusals don't count: those go again by themselves."""

    def __init__(self, rules: Sending) -> None:
        self._rules = rules
        self._in_a_row = 0
        self._window: deque[bool] = deque(maxlen=WINDOW)
        self._replies: deque[str] = deque(maxlen=WINDOW)

    def after(self, outcomes: Iterable[Outcome]) -> str:
        """Why the edition should be paused after these answers; empty if it may go on."""
        for outcome in outcomes:
            if outcome.result is Result.DEFERRED:
                continue
            failed = outcome.result is not Result.SENT
            self._window.append(failed)
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if failed:
                self._replies.append(_OWN.sub("…", outcome.reply))
                if 0 < self._rules.pause_after <= self._in_a_row:
                    return self._because(f"{self._in_a_row} failures in a row")
                share = 100 * sum(self._window) / WINDOW
                if len(self._window) == WINDOW and 0 < self._rules.pause_share <= share:
                    return self._because(f"{share:.0f}% of the last {WINDOW} copies failed")
        return ""

    def _because(self, what: str) -> str:
        reply, _ = Counter(self._replies).most_common(1)[0]
        return f"{what}, most often: {reply}"[:300]
