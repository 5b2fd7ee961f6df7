"""The connections of one adapter, and the letters that go out on them."""

import asyncio
import ssl
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.adapters.smtp.connection import Connection
from broadsheet.sending.adapters.smtp.envelope import Contents, impossible
from broadsheet.sending.adapters.smtp.letter import Letter, Verdict
from broadsheet.sending.adapters.smtp.login import logged_in, tls_context
from broadsheet.sending.adapters.smtp.replies import asks_to_wait, refused, wants_a_login
from broadsheet.sending.adapters.smtp.servers import Server, places, shared_out
from broadsheet.sending.adapters.smtp.waiting import Waiting
from broadsheet.sending.adapters.smtp.wire import Conversation, Window
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Tray
from broadsheet.stamping import Mail

if TYPE_CHECKING:
    from broadsheet.sending.adapters.smtp.ahead import Ahead

#: Seconds between two looks into a tray that had nothing; a look costs a few microseconds.
_LOOK_AGAIN: Final = 0.005
#: Seconds between two looks at the clock and at the servers.
_TICK: Final = 0.1
#: Letters a second from which on it is worth to have them signed ahead, by processes of their own.
_MANY: Final = 200
#: Seconds that a login under way may go on once all is done.
_LAST_LOGIN: Final = 1.0
#: Seconds that letters in hand wait for a server once the tray has ended.
_LAST_WAIT: Final = 5.0


class Pool:
    """Keeps connections open, opens them side by side, and shares the tray's mails out among them.

    A connection takes mails whenever it has room, so a quick server gets more. What a broken connection certainly did
    not hand over goes out on another.
    """

    def __init__(self, settings: SmtpAdapter, root: Path) -> None:
        self._settings = settings
        self._servers = [Server(each) for each in places(settings, root)]
        self._tls: dict[Server, ssl.SSLContext | None] = {}
        self._window = Window(settings.in_flight, settings.in_flight_bytes)
        self._contents, self._ahead = self._writing(settings, root)
        self._left = 0  # letters that connections got since the last look at the clock
        self._connections: dict[Connection, None] = {}
        self._opening: dict[asyncio.Task[None], Server] = {}
        self._waiting = Waiting(self._answer)
        self._hungry: dict[Connection, None] = {}
        self._stuck_since = 0.0
        self._timers: list[asyncio.Handle] = []
        self._tray: Tray | None = None
        self._finished: asyncio.Future[None] | None = None

    def _writing(self, settings: SmtpAdapter, root: Path) -> tuple[Contents, "Ahead | None"]:
        """What makes contents, and what signs them ahead where that is slow."""
        if settings.dkim_domain is None:
            return Contents(), None
        from broadsheet.sending.adapters.smtp.ahead import Ahead  # 7 MB of cryptography, for who signs only
        from broadsheet.sending.adapters.smtp.dkim import signer_of

        signer = signer_of(settings, root)
        contents = Contents(signer)
        return contents, Ahead(signer, contents, self._signed, self.broken) if signer and signer.rsa_key else None

    async def open_one(self) -> None:
        """One connection to the first server that can be reached. Raises AdapterFailed if none can."""
        trouble: AdapterFailed | None = None
        for server in sorted(self._servers, key=lambda each: -each.place.weight):
            await self._open(server)
            if self._connections:
                return
            trouble = server.trouble if trouble is None or trouble.permanent else trouble
        if trouble is not None:
            raise trouble

    async def deliver(self, tray: Tray) -> None:
        """Hand over the tray's mails until it has ended and all are answered.

        Raises AdapterFailed when no server has taken anything for as long as ``patience``; letters in hand that were
        never begun are then left unanswered.
        """
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # connections that ended meanwhile say so
        await asyncio.sleep(0)
        self._tray, self._finished, self._stuck_since = tray, loop.create_future(), loop.time()
        self._timers = [loop.call_soon(self._look), loop.call_soon(self._tick)]
        try:
            for connection in list(self._connections):
                connection.fill()
            await self._finished
        finally:
            self._tray = self._finished = None
            for timer in self._timers:
                timer.cancel()
            await self._tidy_up()

    async def _tidy_up(self) -> None:
        """Nothing is left under way: neither logins nor, after a failure, letters that nobody answers for any more."""
        if tasks := list(
            self._opening
        ):  # a login is let finish: cancelled at the wrong moment, asyncio loses its socket
            _, late = await asyncio.wait(tasks, timeout=_LAST_LOGIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self._connections):
            if connection.conversation.flight:
                connection.cut("given up")
        await asyncio.sleep(0)
        if self._ahead is not None:
            self._ahead.forget()
        self._hungry.clear()
        self._waiting.forget()

    async def close(self) -> None:
        """Say goodbye on every connection, and wait a second for the answers."""
        if self._ahead is not None:
            self._ahead.close()
        for connection in list(self._connections):
            connection.retiring = True
            connection.fill()
        for _ in range(50):
            if not self._connections:
                return
            await asyncio.sleep(0.02)
        for connection in list(self._connections):
            connection.cut("closed")
        await asyncio.sleep(0.02)

    def letters(self, connection: Connection, room: int) -> list[Letter]:
        """Up to ``room`` letters: first those that wait for a connection, then the tray's."""
        tray = self._tray
        if tray is None:
            return []
        now = self._now()
        if now < connection.server.rests_until:
            self._hungry[connection] = None
            return []
        letters = self._waiting.some(room, tray, lambda letter: self._fits(letter, connection), now)
        if self._ahead is not None and self._ahead.at_work:
            self._sign_some(self._ahead, tray, now)
        elif len(letters) < room:
            for mail in tray.take(room - len(letters)):
                self._waiting.remember(letter := Letter(mail))
                if fits := self._fits(letter, connection):
                    letters.append(letter)
                elif fits is None:
                    self._waiting.put(letter, now)
        if len(letters) < room:
            self._hungry[connection] = None
        self._left += len(letters)
        return letters

    def _sign_some(self, ahead: "Ahead", tray: Tray, now: float) -> None:
        for mail in tray.take(room) if (room := ahead.room(len(self._waiting))) else ():
            self._waiting.remember(letter := Letter(mail))
            if not ahead.sign(letter):
                self._waiting.put(letter, now)

    def _signed(self, letter: Letter) -> None:
        self._waiting.put(letter, self._now())
        self._feed()

    def settled(self, connection: Connection, letter: Letter, verdict: Verdict) -> None:
        """Answer for the letter, or keep it for another connection."""
        if self._tray is None:
            return
        server = connection.server
        if verdict is Verdict.TAKEN:
            connection.proved = True
            server.took_one(self._now())
            self._answer(Outcome(letter.mail.delivery_id, Result.SENT))
        elif verdict is Verdict.UNKNOWN:
            self._answer(
                Outcome(letter.mail.delivery_id, Result.UNKNOWN, f"no reply to the data: {connection.why}"[:300])
            )
        elif verdict is Verdict.UNTOUCHED or letter.refusal.startswith("421"):
            self._waiting.once_more(letter, self._now())
        elif wants_a_login(letter.refusal):
            words = f"The mail server {server.place} wants a login or TLS first ({letter.refusal}); check `user`, "
            server.rest(self._now(), AdapterFailed(f"{words}the password and `security`.", permanent=True))
            self._answer(Outcome(letter.mail.delivery_id, Result.DEFERRED, letter.refusal, attempted=False))
        else:
            if asks_to_wait(letter.refusal):
                server.asked_to_wait(self._now(), letter.refusal)
            self._answer(refused(letter.mail.delivery_id, letter.refusal))

    def ended(self, connection: Connection, *, suspect: bool) -> None:
        """A connection is gone: others take over."""
        self._connections.pop(connection, None)
        self._hungry.pop(connection, None)
        if suspect:
            place = connection.server.place
            connection.server.rest(
                self._now(),
                AdapterFailed(f"The mail server {place} ended the connection ({connection.why}).", permanent=False),
            )
        self._balance()

    def stopped(self) -> bool:
        """Whether the tray's sender was told to stop."""
        return self._tray is None or self._tray.stopped()

    def broken(self, error: BaseException) -> None:
        """Stop: the tray or this code failed."""
        if self._finished is not None and not self._finished.done():
            self._finished.set_exception(error)

    def _now(self) -> float:
        return time.monotonic()  # which asyncio's loops go by

    def _answer(self, outcome: Outcome) -> None:
        if self._tray is not None:
            self._tray.answer(outcome)

    def _fits(self, letter: Letter, connection: Connection) -> bool | None:
        """Whether its server can take the letter; None: another one may. False: none can, and it has failed."""
        problem = impossible(letter.mail, connection.conversation.offers)
        if not problem:
            return True
        others = [server.offers for server in self._servers if server is not connection.server]
        if any(offers is None or not impossible(letter.mail, offers) for offers in others):
            return None
        self._answer(Outcome(letter.mail.delivery_id, Result.FAILED, problem))
        return False

    def _look(self) -> None:
        """Feed the connections that found nothing the last time, and see whether all is done."""
        try:
            self._feed()
            self._see_whether_done()
        except BaseException as error:  # noqa: BLE001  asyncio would only log it
            self.broken(error)
        self._timers[0] = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look)

    def _feed(self) -> None:
        waiting, self._hungry = self._hungry, {}
        nothing, now = False, self._now()
        for connection in waiting:
            if nothing:
                self._hungry.setdefault(connection)
            else:
                connection.fill()
                # one that has room got nothing: nor would the others, unless it is for its server's sake
                nothing = connection in self._hungry and now >= connection.server.rests_until and not self._waiting

    def _see_whether_done(self) -> None:
        if self._tray is None or self._finished is None or self._finished.done():
            return
        if not self._tray.ended():
            return
        if self._tray.stopped():
            self._waiting.give_all_back()
        unsigned = self._ahead is not None and self._ahead.unsigned()
        if not (self._waiting or unsigned or any(each.conversation.flight for each in self._connections)):
            self._finished.set_result(None)

    def _tick(self) -> None:
        now = self._now()
        try:
            for connection in list(self._connections):
                connection.look_at_the_clock(now)
            self._balance()
            self._give_up_if_stuck(now)
            self._look_ahead(now)
        except BaseException as error:  # noqa: BLE001  asyncio would only log it
            self.broken(error)
        self._timers[1] = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _look_ahead(self, now: float) -> None:
        if self._ahead is not None:
            self._ahead.look_at_the_clock(now)
            if self._left >= _MANY * _TICK:
                self._ahead.start()
        self._left = 0

    def _balance(self) -> None:
        """Open the connections that are missing, side by side; let go of those that are too many."""
        if self._tray is None or (self._tray.ended() and not self._waiting):
            return
        shares = shared_out(self._servers, self._settings.connections, self._now())
        live = Counter(each.server for each in self._connections if not each.retiring)
        live.update(self._opening.values())
        for server, share in shares.items():
            for _ in range(share - live[server]):
                task = asyncio.get_running_loop().create_task(self._open(server))
                self._opening[task] = server
                task.add_done_callback(self._opening.pop)
        surplus = sum(live.values()) - self._settings.connections
        for connection in self._connections:
            if surplus > 0 and not connection.retiring and live[connection.server] > shares.get(connection.server, 0):
                connection.retiring = True
                live[connection.server] -= 1
                surplus -= 1

    def _give_up_if_stuck(self, now: float) -> None:
        """Raises AdapterFailed when there is mail and, for too long, no server to give it to."""
        if self._tray is None:
            return
        ended = self._tray.ended()
        in_use = any(each.conversation.flight or now >= each.server.rests_until for each in self._connections)
        if in_use or (ended and not self._waiting):
            self._stuck_since = now
            return
        hopeless = all(server.trouble is not None and server.trouble.permanent for server in self._servers)
        allowed = min(self._settings.patience, _LAST_WAIT) if ended else self._settings.patience
        if hopeless or now - self._stuck_since > allowed:
            self._waiting.put_off_begun()
            none = AdapterFailed(f"No mail server let anybody in for {allowed:g} s; check `host`.", permanent=False)
            raise next((server.trouble for server in self._servers if server.trouble is not None), none)

    async def _open(self, server: Server) -> None:
        try:
            if server not in self._tls:
                self._tls[server] = tls_context(server.place)
            transport, offers = await logged_in(server.place, self._settings, self._tls[server])
        except AdapterFailed as error:
            self._let_nobody_in(server, error)
            return
        server.offers = offers
        conversation = Conversation(offers, self._window, self._contents, self._note, self._may_leave)
        connection = Connection(self, server, conversation, self._settings)
        connection.adopt(transport)
        self._connections[connection] = None
        try:
            connection.fill()
        except BaseException as error:  # noqa: BLE001  nobody looks at the task's result
            self.broken(error)

    def _let_nobody_in(self, server: Server, error: AdapterFailed) -> None:
        """A login failed: while the server goes on with others, it has enough of them; else it is in trouble."""
        live = sum(each.server is server and not each.retiring for each in self._connections)
        under_way = sum(each is server for each in self._opening.values()) - 1
        if live:
            server.enough(self._now(), live + under_way)
        else:
            server.rest(self._now(), error)

    def _may_leave(self, mail: Mail) -> bool:
        return self._tray is not None and self._tray.may_leave(mail)

    def _note(self, mail: Mail) -> None:
        if self._tray is not None:
            self._tray.attempt(mail)
