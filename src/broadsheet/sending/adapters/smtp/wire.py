"""The dialogue with one server as a machine without sockets: letters in, bytes out, replies in, verdicts out.

Three ways to hand a letter over, the fastest that the server offers:

- **chunks** (PIPELINING and CHUNKING, RFC 2920 and 3030): ``RSET MAIL RCPT BDAT n LAST`` and the content in one go,
  several letters in flight. RSET keeps a refused letter's open transaction from its successor.
- **groups** (PIPELINING alone): content, ``.`` and the next letter's ``MAIL RCPT DATA`` in one go.
- **steps**: each command after the reply to the last.

A server answers in order, so each reply is matched to its letter by a queue of what is expected. A letter gets its
verdict with its last reply; :meth:`Conversation.lost` judges what a broken connection leaves.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broadsheet.sending.adapters.smtp.envelope import Contents, Offers, commands
from broadsheet.sending.adapters.smtp.letter import Letter, Verdict
from broadsheet.sending.adapters.smtp.replies import one_line
from broadsheet.stamping import Mail

#: Longest line and most lines of one reply; RFC 5321 section 4.5.3.1.5 says 512 octets a line.
_LONGEST_LINE: Final = 8_192
_MOST_LINES: Final = 100
_GOOD, _GO_ON = b"23"
#: Different lines that a server is expected to say again and again.
_USUAL: Final = 20

#: Refused letters after which a connection had better end. Each leaves an open transaction and costs a RSET, and Exim
#: ends a session with the tenth of them (smtp_accept_max_nonmail), whatever is in flight then; Postfix slows down at
#: its tenth error and ends the session at its twentieth.
REFUSALS: Final = 4

Handler = Callable[[Letter, bytes], None]


_NOBODY: Final = Letter(Mail(0, "", "", "", ()))


@dataclass(frozen=True)
class Window:
    """How much may be in flight on one connection."""

    letters: int
    size: int


class Conversation:
    """One connection's dialogue after its login.

    ``note`` is called with each mail before the bytes that could complete it are in :meth:`output`. Where the content
    waits for replies, ``may_leave`` is asked once they are there: a reader may have left meanwhile.
    """

    def __init__(
        self,
        offers: Offers,
        window: Window,
        contents: Contents,
        note: Callable[[Mail], None],
        may_leave: Callable[[Mail], bool] = lambda _: True,
    ) -> None:
        self.offers = offers
        #: letters with their verdicts, for whoever drives the connection to take away
        self.settled: list[tuple[Letter, Verdict]] = []
        #: what makes going on impossible: a reply that can't be one, or to nothing
        self.fault = ""
        #: the server's words when it said that it closes the connection (421)
        self.closing = ""
        #: how many bytes at least, of the last that were given out, have not left this process
        self.held_up = 0
        #: letters without a verdict, in the order of their replies
        self.flight: deque[Letter] = deque()
        #: how many letters were refused so far
        self.refusals = 0
        #: a letter that the server waits for, and that may not leave now: :meth:`go_on` asks again
        self.held: Letter | None = None
        self._note, self._may_leave = note, may_leave
        self._window, self._contents = window, contents
        self._expected: deque[tuple[Handler, Letter]] = deque()
        self._out: list[bytes] = []
        self._written = self._given_out = self._in_flight_bytes = 0
        self._rest = b""
        self._lines: list[bytes] = []
        self._usual: set[bytes] = set()  # replies that were looked at
        self._opening = self._dirty = self._busy = False
        self._clean = True
        self._chunks = offers.chunking and offers.pipelining
        self._start = self._start_chunk if self._chunks else self._start_steps
        if offers.pipelining and not offers.chunking:
            self._start = self._start_group

    def room(self) -> int:
        """How many letters it can take at this moment."""
        if self._busy or self.closing or self.fault or self.held is not None:
            return 0
        waiting = len(self.flight)
        if not self._chunks:
            return 0 if self._opening or (waiting and not self.offers.pipelining) else 1
        if not waiting:
            return self._window.letters
        usual = self._in_flight_bytes // waiting + 1
        return max(0, min(self._window.letters - waiting, (self._window.size - self._in_flight_bytes) // usual))

    def begin(self, letter: Letter) -> None:
        """Start handing ``letter`` over; there must be room."""
        letter.forget()
        if (content := letter.form) is None:
            contents = self._contents
            content = contents.for_chunk(letter.mail) if self.offers.chunking else contents.for_data(letter.mail)
        letter.content, letter.size = content.pieces, content.size
        letter.mail_command, letter.rcpt_command = commands(letter.mail, content, self.offers)
        self.flight.append(letter)
        self._in_flight_bytes += letter.size
        self._start(letter)

    def probe(self) -> None:
        """Ask whether the server is still there; there is no room until it has answered."""
        self._busy = self._clean = True  # the next letter needs no RSET of its own: Exim counts the second in a row
        self._say(b"RSET\r\n", self._probed, _NOBODY)

    def leave(self) -> None:
        """Say goodbye; there is no room any more."""
        self._busy = True
        self._say(b"QUIT\r\n", self._skipped, _NOBODY)

    def go_on(self) -> None:
        """Hand over the letter that is held, if it may leave now."""
        if self.held is not None:
            self._hand_over(self.held)

    def output(self) -> tuple[list[bytes], int]:
        """What to write now, in pieces, and how many bytes that is."""
        pieces, size = self._out, self._written - self._given_out
        self._out, self._given_out = [], self._written
        return pieces, size

    def awaits_content_reply(self) -> bool | None:
        """Whether the reply that is due is the one to a mail's content; None if none is due."""
        return self._expected[0][0] in (self._ended, self._dotted) if self._expected else None

    def received(self, data: bytes) -> None:
        """Take in what the server sent: whole replies or parts of some."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line in self._usual and not self._lines:
                self._handled(line)
            elif line[3:4] == b"-" and len(self._lines) < _MOST_LINES:
                self._lines.append(line)
                continue
            else:
                self._replied(line)
            if self.fault:
                return
        if len(self._rest) > _LONGEST_LINE:
            self.fault = "a reply without end"

    def lost(self) -> None:
        """The connection has ended: every letter in flight gets the verdict that is certain, or UNKNOWN."""
        gone = self._gone()
        for letter in self.flight:
            if letter.refusal and not letter.recipient_taken:
                verdict = Verdict.REFUSED
            elif letter.end < 0 or letter.end > gone or self.closing:
                verdict = Verdict.UNTOUCHED  # a server that says 421 has done nothing with what came after
            else:
                verdict = Verdict.UNKNOWN
            self.settled.append((letter, verdict))
        self.held = None
        self.flight.clear()
        self._expected.clear()

    def _gone(self) -> int:
        """How many bytes may have reached the server, at most."""
        return self._given_out - self.held_up

    def _say(self, command: bytes, handler: Handler, letter: Letter) -> None:
        self._out.append(command)
        self._written += len(command)
        self._expected.append((handler, letter))

    def _say_content(self, letter: Letter, before: bytes, after: bytes) -> None:
        """The mail itself; its attempt is noted first."""
        letter.noted = True
        self._note(letter.mail)
        self._out.append(before)
        self._out += letter.content
        self._out.append(after)
        self._written += len(before) + letter.size + len(after)
        letter.end = self._written
        self._expected.append((self._ended, letter))

    def _hand_over(self, letter: Letter) -> None:
        """The content of a letter that the server is ready for."""
        if not self._may_leave(letter.mail):
            self.held = letter
            return
        self.held = None
        if self.offers.chunking:
            self._say_content(letter, b"BDAT %d LAST\r\n" % letter.size, b"")
        else:
            self._say_content(letter, b"", b".\r\n")

    def _start_chunk(self, letter: Letter) -> None:
        if not self._clean:
            self._say(b"RSET\r\n", self._skipped, letter)
        self._clean = False
        self._say(letter.mail_command, self._mail_answered, letter)
        self._say(letter.rcpt_command, self._rcpt_answered, letter)
        self._say_content(letter, b"BDAT %d LAST\r\n" % letter.size, b"")

    def _start_group(self, letter: Letter) -> None:
        self._opening = True
        if self._dirty:
            self._dirty = False
            self._say(b"RSET\r\n", self._skipped, letter)
        self._say(letter.mail_command, self._mail_answered, letter)
        self._say(letter.rcpt_command, self._rcpt_answered, letter)
        self._say(b"DATA\r\n", self._data_answered, letter)

    def _start_steps(self, letter: Letter) -> None:
        self._opening = True
        if self._dirty:
            self._dirty = False
            self._say(b"RSET\r\n", self._reset_step, letter)
        else:
            self._say(letter.mail_command, self._mail_step, letter)

    def _replied(self, line: bytes) -> None:
        """One whole reply: its last line; the others are in ``_lines``."""
        if self._is_reply(line):
            self._handled(line)
        else:
            self.fault = f"no reply of SMTP: {line[:60]!r}"
        self._lines.clear()

    def _handled(self, line: bytes) -> None:
        if self._expected:
            handler, letter = self._expected.popleft()
            handler(letter, line)
        elif not self.closing:
            self.fault = f"a reply to nothing: {self._words(line)}"

    def _words(self, line: bytes) -> str:
        """What the reply that ends with ``line`` says."""
        return one_line([*self._lines, line])

    def _is_reply(self, line: bytes) -> bool:
        if not line[:3].isdigit() or line[:1] not in b"2345" or line[3:4] not in (b" ", b"\r", b""):
            return False
        if line.startswith(b"421"):
            self.closing = self._words(line)
        elif len(self._usual) < _USUAL and len(line) < 100:
            self._usual.add(line)
        return True

    def _skipped(self, letter: Letter, line: bytes) -> None:
        """A reply that changes nothing."""

    def _probed(self, letter: Letter, line: bytes) -> None:
        self._busy = False

    def _refuse(self, letter: Letter, line: bytes) -> None:
        if line[0] not in b"45":
            self.fault = f"a reply that fits nothing: {self._words(line)}"
        elif not letter.refusal:
            letter.refusal = self._words(line)

    def _settle(self, letter: Letter, verdict: Verdict) -> None:
        self.refusals += verdict is Verdict.REFUSED
        self.flight.popleft()
        self._in_flight_bytes -= letter.size
        letter.content = ()
        self.settled.append((letter, verdict))

    def _mail_answered(self, letter: Letter, line: bytes) -> None:
        if line[0] != _GOOD:
            self._refuse(letter, line)

    def _rcpt_answered(self, letter: Letter, line: bytes) -> None:
        if line[0] == _GOOD:
            letter.recipient_taken = True
        else:
            self._refuse(letter, line)

    def _data_answered(self, letter: Letter, line: bytes) -> None:
        self._opening = False
        if line[0] != _GO_ON:
            self._dirty = True
            self._refuse(letter, line)
            if not self.fault:
                self._settle(letter, Verdict.REFUSED)
        elif not letter.refusal:
            self._hand_over(letter)
        elif letter.recipient_taken:  # a lone dot would be a mail for them
            self.fault = f"it wants the content after {letter.refusal}"
        else:
            self._say(b".\r\n", self._dotted, letter)  # RFC 2920 section 3.1

    def _dotted(self, letter: Letter, line: bytes) -> None:
        self._settle(letter, Verdict.REFUSED)

    def _ended(self, letter: Letter, line: bytes) -> None:
        """The reply to the content, which is the last one for the letter."""
        self._opening = self._opening and self.offers.pipelining
        if line[0] != _GOOD:
            self._refuse(letter, line)
            if not self.fault:
                self._settle(letter, Verdict.REFUSED)
        elif not letter.recipient_taken:
            self._settle(letter, Verdict.REFUSED)
        elif letter.end > self._gone():
            letter.end = 0  # it claims to have what it can't have: nobody can say
            self.fault = f"it took a mail that it did not have yet: {self._words(line)}"
        else:
            self._settle(letter, Verdict.TAKEN)

    def _reset_step(self, letter: Letter, line: bytes) -> None:
        self._say(letter.mail_command, self._mail_step, letter)

    def _mail_step(self, letter: Letter, line: bytes) -> None:
        if line[0] == _GOOD:
            self._say(letter.rcpt_command, self._rcpt_step, letter)
        else:
            self._give_up(letter, line)

    def _rcpt_step(self, letter: Letter, line: bytes) -> None:
        if line[0] != _GOOD:
            self._dirty = True
            self._give_up(letter, line)
            return
        letter.recipient_taken = True
        if self.offers.chunking:
            self._hand_over(letter)
        else:
            self._say(b"DATA\r\n", self._data_answered, letter)

    def _give_up(self, letter: Letter, line: bytes) -> None:
        self._opening = False
        self._refuse(letter, line)
        if not self.fault:
            self._settle(letter, Verdict.REFUSED)
