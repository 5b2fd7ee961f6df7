"""The adapter of every HTTP API: several calls at once, each answer given back to the mail it is for."""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from threading import Lock
from typing import Any, Final, Protocol
from uuid import NAMESPACE_URL, uuid5

from broadsheet.errors import AdapterFailed, UnstampableReader
from broadsheet.sending.adapters.providers.answers import Answer, Reading
from broadsheet.sending.adapters.providers.table import Verdict
from broadsheet.sending.outcome import Again, Outcome, Result
from broadsheet.sending.tray import Tray
from broadsheet.stamping import Mail

#: A call that got no answer is made again so often, after so many seconds, where its key makes that safe.
AGAIN: Final = (0.5, 2.0, 8.0)
#: Who has to wait longer gives the mails back: the edition rests, and another may leave meanwhile.
_LONGEST_REST: Final = 120.0

_RESULTS: Final = {
    Verdict.TAKEN: Result.SENT,
    Verdict.DEFER: Result.DEFERRED,
    Verdict.WAIT: Result.DEFERRED,
    Verdict.FAIL: Result.FAILED,
    Verdict.UNKNOWN: Result.UNKNOWN,
}


@dataclass(frozen=True)
class Keys:
    """What idempotency keys allow: how long a call may be made again, begun anew, and how many mails one holds."""

    last: timedelta
    most: int


class Api(Protocol):
    """An HTTP API as the adapter uses it."""

    title: str
    calls: int
    timeout: float
    """The seconds that an answer may take."""
    most: int
    """How many mails one call may hold."""
    key_lasts: timedelta
    """How long a call may be made again with its key, and sends nothing twice; zero without one."""

    def open(self) -> None:
        """Make ready. Raises AdapterFailed if something is missing."""

    def prepared(self, mail: Mail) -> Any:
        """The mail in the API's form. Raises UnstampableReader if it can't have it."""

    def call(self, prepared: Sequence[Any], key: str) -> Answer | None:
        """The answer; None if the connection ended without one. Raises AdapterFailed if no connection came about."""

    def read(self, answer: Answer, mails: int) -> list[Reading]:
        """What the answer means for each mail of its call."""

    def login(self, sender: str) -> str:
        """What the API says about the key that ``sender`` would use. Raises AdapterFailed if it does not work."""

    def close(self) -> None:
        """Let go of connections."""


class ApiAdapter:
    """Takes mails from the tray and hands them to an API, ``calls`` calls at once."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._rest_until = 0.0
        self._failed: AdapterFailed | None = None
        self._lock = Lock()

    @property
    def keys(self) -> Keys | None:
        """What its keys allow; None without any. What a call takes with all its tries is taken off."""
        if not self.api.key_lasts:
            return None
        longest = timedelta(seconds=sum(AGAIN) + self.api.timeout * (len(AGAIN) + 1))
        return Keys(self.api.key_lasts - longest, self.api.most)

    def open(self) -> None:
        """Prepare the session. Raises AdapterFailed without a key."""
        self.api.open()

    def close(self) -> None:
        """Close the session."""
        self.api.close()

    def deliver(self, tray: Tray) -> None:
        """Make calls until the tray has ended. Raises AdapterFailed, those under way ended, if one stops all."""
        self._failed, running = None, set[Future[None]]()
        with ThreadPoolExecutor(self.api.calls, thread_name_prefix="api") as pool:
            while not tray.ended() and self._failed is None:
                running = _unfinished(running, self.api.calls)
                if (rest := self._rest_until - time.monotonic()) > 0:
                    tray.wait(min(rest, 0.5))
                    time.sleep(min(rest, 0.05))  # a tray that is full does not wait
                elif self._failed is None and (mails := tray.take(self.api.most)):
                    mails = sorted(mails, key=attrgetter("delivery_id"))
                    tray.attempt_together(mails)
                    running.add(pool.submit(self._hand_over, mails, tray))
                else:
                    tray.wait(0.5)
        for future in running:
            future.result()  # a mistake of ours is not to be swallowed by its thread
        if self._failed is not None:
            raise self._failed

    def _hand_over(self, mails: Sequence[Mail], tray: Tray) -> None:
        """One call and an answer for each of its mails."""
        ready = []
        for mail in mails:
            try:
                ready.append((mail, self.api.prepared(mail)))
            except UnstampableReader as error:
                tray.answer(Outcome(mail.delivery_id, Result.FAILED, str(error)[:300]))
        if ready:
            self._call(ready, tray)

    def _call(self, ready: list[tuple[Mail, Any]], tray: Tray) -> None:
        mails = [mail for mail, _ in ready]
        again = self._again(mails)
        try:
            answer = self._answer([prepared for _, prepared in ready], _key(mails))
        except AdapterFailed as error:
            self._stop(error)
            for mail in mails:
                tray.answer(_back(mail, error.reason))
            return
        if answer is None:
            for mail in mails:
                tray.answer(Outcome(mail.delivery_id, Result.UNKNOWN, "no answer", again=again))
            return
        readings = self.api.read(answer, len(mails))
        if len(ready) > 1 and all(reading.verdict is Verdict.FAIL for reading in readings) and answer.status >= 400:
            for each in ready:  # nothing was taken, perhaps because of one of them
                if self._failed is None:
                    self._call([each], tray)
                else:
                    tray.answer(_back(each[0], self._failed.reason))
            return
        for mail, reading in zip(mails, readings, strict=True):
            outcome = self._outcome(mail, reading, answer)
            if outcome.result is Result.UNKNOWN and not 400 <= answer.status < 500:
                outcome = replace(outcome, again=again)
            tray.answer(outcome)

    def _again(self, mails: Sequence[Mail]) -> Again | None:
        """That this call may be made again, begun now."""
        if (keys := self.keys) is None:
            return None
        return Again(tuple(mail.delivery_id for mail in mails), datetime.now(UTC) + keys.last)

    def _answer(self, prepared: list[Any], key: str) -> Answer | None:
        """The answer, asked for again where the key makes that safe."""
        answer = self.api.call(prepared, key)
        for pause in AGAIN if self.api.key_lasts else ():
            if answer is not None and answer.status not in (502, 504):
                break
            time.sleep(pause)
            answer = self.api.call(prepared, key)
        return answer

    def _outcome(self, mail: Mail, reading: Reading, answer: Answer) -> Outcome:
        if reading.verdict in (Verdict.STOP, Verdict.QUOTA):
            stop = reading.verdict is Verdict.STOP
            what = "check the key and the account" if stop else "it goes on when its quota allows"
            self._stop(AdapterFailed(f"{self.api.title} takes no mail: {reading.reply}; {what}.", permanent=stop))
            return _back(mail, reading.reply)
        if reading.verdict is Verdict.WAIT:
            self._rest(answer.wait)
            return Outcome(mail.delivery_id, Result.DEFERRED, reading.reply, retry_after=answer.wait, attempted=False)
        return Outcome(mail.delivery_id, _RESULTS[reading.verdict], reading.reply)

    def _rest(self, seconds: float) -> None:
        if seconds > _LONGEST_REST:
            reason = f"{self.api.title} asks to wait {seconds:.0f} seconds."
            self._stop(AdapterFailed(reason, permanent=False))
        with self._lock:
            self._rest_until = max(self._rest_until, time.monotonic() + seconds)

    def _stop(self, error: AdapterFailed) -> None:
        """Begin no further call. What a person must put right counts before what passes."""
        with self._lock:
            if self._failed is None or (error.permanent and not self._failed.permanent):
                self._failed = error


def _unfinished(running: set[Future[None]], most: int) -> set[Future[None]]:
    """The calls still under way, once there are fewer than ``most``."""
    if len(running) < most:
        return running
    done, unfinished = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return unfinished


def _back(mail: Mail, reason: str) -> Outcome:
    """The mail was not looked at; it goes back as it was."""
    return Outcome(mail.delivery_id, Result.DEFERRED, reason[:300], attempted=False)


def _key(mails: Sequence[Mail]) -> str:
    """The same for the same mails, and for no others: Message-IDs stay the same on every retry."""
    return str(uuid5(NAMESPACE_URL, "broadsheet:" + " ".join(mail.message_id for mail in mails)))
