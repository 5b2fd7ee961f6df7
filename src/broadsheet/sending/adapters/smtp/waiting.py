"""Letters that wait for a connection: signed ahead, given back by one that broke, or kept for another server."""

from collections import deque
from collections.abc import Callable
from typing import Final

from broadsheet.sending.adapters.smtp.letter import Letter
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Tray

#: Seconds that a letter waits for its reader's consent to be looked at again, and for a server that takes it.
KEEPS: Final = 3.0
#: Connections that a letter may lose before it is put off: the next one may be the letter's own fault.
_TRIES: Final = 2

Fits = Callable[[Letter], bool | None]
"""Whether a letter can go now; None: not on this connection. What can't go at all was answered for."""


class Waiting:
    """Who waits, in order. ``answer`` is told of those who wait no more."""

    def __init__(self, answer: Callable[[Outcome], None]) -> None:
        self._answer = answer
        self._letters: deque[Letter] = deque()
        self._tries: dict[int, int] = {}  # how many connections given back mails had lost, should they come again

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter, now: float) -> None:
        """One more."""
        letter.waits_since = now
        self._letters.append(letter)

    def once_more(self, letter: Letter, now: float) -> None:
        """One whose connection broke before its data were complete; it is put off with the second of these."""
        letter.tries += 1
        if letter.tries < _TRIES:
            self.put(letter, now)
        else:
            self._put_off(letter, letter.refusal or "connection lost before the mail was complete, twice")

    def some(self, room: int, tray: Tray, fits: Fits, now: float) -> list[Letter]:
        """Up to so many that may leave; who has waited too long for that goes back or is put off."""
        letters: list[Letter] = []
        for _ in range(len(self._letters)):
            if len(letters) == room:
                break
            letter = self._letters.popleft()
            late = now - letter.waits_since > KEEPS
            if not tray.may_leave(letter.mail):
                if late:
                    self._give_back(letter, "no connection was found in time")
                else:
                    self._letters.append(letter)
            elif fit := fits(letter):
                letters.append(letter)
            elif fit is None and late:
                self._put_off(letter, "no connection to a server that takes such a mail")
            elif fit is None:
                self._letters.append(letter)
        return letters

    def remember(self, letter: Letter) -> None:
        """A letter that was taken from the tray: what it went through before it was given back counts."""
        if self._tries:
            letter.tries = self._tries.pop(letter.mail.delivery_id, letter.tries)

    def give_all_back(self) -> None:
        """Nothing may leave any more."""
        while self._letters:
            self._give_back(self._letters.popleft(), "the sender was told to stop")

    def put_off_begun(self) -> None:
        """Those whose attempt was noted are put off, or they would count as unknown; the others are nobody's yet."""
        for letter in self._letters:
            if letter.noted:
                self._put_off(letter, letter.refusal or "connection lost before the mail was complete")

    def forget(self) -> None:
        """Nobody waits any more."""
        self._letters.clear()
        self._tries.clear()

    def _give_back(self, letter: Letter, why: str) -> None:
        """It waited so long that its reader may have left meanwhile: it is to be looked at anew."""
        self._tries[letter.mail.delivery_id] = letter.tries
        self._answer(Outcome(letter.mail.delivery_id, Result.DEFERRED, why, attempted=False))

    def _put_off(self, letter: Letter, why: str) -> None:
        self._answer(Outcome(letter.mail.delivery_id, Result.DEFERRED, why[:300]))
