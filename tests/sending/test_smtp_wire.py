"""The dialogue without sockets: every way of handing over, against a strict server, cut at every byte."""

import pytest
from tests.sending.machine import CHUNKED, PIPELINED, PLAIN, PLAIN_CHUNKED, Books, Session

from broadsheet.sending.adapters.smtp.envelope import Contents, Offers
from broadsheet.sending.adapters.smtp.letter import Letter, Verdict
from broadsheet.sending.adapters.smtp.wire import Conversation, Window
from broadsheet.stamping import Mail

WAYS = {"chunks": CHUNKED, "groups": PIPELINED, "steps": PLAIN, "steps with chunks": PLAIN_CHUNKED}
NAMES = ["ada", "ben", "cleo", "dan", "eve"]


def mail(name):
    content = f"Subject: x\r\nMessage-ID: <{name}@news.example>\r\n\r\nHello\r\n.\r\n..dots\r\nend\r\n".encode()
    return Mail(
        NAMES.index(name) + 1, f"b+{name}@news.example", f"{name}@reader.example", f"<{name}@news.example>", (content,)
    )


def written(talk):
    """What the conversation writes now, in one piece; its size is what it says."""
    pieces, size = talk.output()
    out = b"".join(pieces)
    assert len(out) == size
    return out


class Run:
    """Letters through a conversation into a session, with at most so many bytes each way."""

    def __init__(self, books, *, up=None, down=None, piece=None, window=3):
        extensions = {word.lower(): rest for word, _, rest in (each.partition(" ") for each in books.offers)}
        self.noted = []
        self.talk = Conversation(
            Offers.of(extensions), Window(window, 100_000), Contents(), lambda each: self.noted.append(each.rcpt_to)
        )
        self.session = Session(books)
        self.waiting = [Letter(mail(name)) for name in NAMES]
        self.up, self.down, self.piece = up, down, piece
        self.sent_up = self.sent_down = 0

    def go(self):
        """Verdicts by name; the connection is lost when a limit is reached or nothing moves any more."""
        talk = self.talk
        while True:
            for _ in range(min(talk.room(), len(self.waiting))):
                talk.begin(self.waiting.pop(0))
            out = written(talk)
            if self.up is not None:
                out = out[: self.up - self.sent_up]
            self.sent_up += len(out)
            replies = self.session.feed(out)
            if self.down is not None:
                replies = replies[: self.down - self.sent_down]
            self.sent_down += len(replies)
            size = self.piece or len(replies) or 1
            for start in range(0, len(replies), size):
                talk.received(replies[start : start + size])
            if (not out and not replies) or talk.fault:
                break
        left = list(talk.flight)
        talk.lost()
        assert [letter for letter, _ in talk.settled[len(talk.settled) - len(left) :]] == left
        return {letter.mail.rcpt_to.partition("@")[0]: verdict for letter, verdict in talk.settled}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("piece", [None, 1, 7])
@pytest.mark.parametrize("verbose", [False, True])
def test_every_letter_is_taken_once_and_byte_for_byte(way, piece, verbose):
    books = Books(WAYS[way], verbose=verbose)
    assert Run(books, piece=piece).go() == dict.fromkeys(NAMES, Verdict.TAKEN)
    assert [content for _, _, content in books.mails] == [mail(name).content for name in NAMES]
    assert [(sender, to) for sender, to, _ in books.mails] == [(mail(n).mail_from, mail(n).rcpt_to) for n in NAMES]
    assert books.violations == []


REFUSALS = [
    ("MAIL", "451 4.3.0 not now"),
    ("MAIL", "550 5.7.1 not you"),
    ("RCPT", "550 5.1.1 nobody"),
    ("RCPT", "450 4.7.1 greylisted"),
    ("DATA", "451 4.3.0 not now"),
    ("END", "554 5.7.1 spam"),
    ("END", "452 4.3.1 full"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize(("stage", "reply"), REFUSALS)
@pytest.mark.parametrize("refused", [["ada"], ["cleo"], ["ben", "cleo"], ["eve"], NAMES])
def test_a_refused_letter_disturbs_no_neighbour(way, lenient, stage, reply, refused):
    if stage == "DATA" and "chunks" in way:
        stage = "END"
    books = Books(WAYS[way], lenient=lenient)
    for name in refused:
        books.replies[stage, f"b+{name}@news.example" if stage == "MAIL" else f"{name}@reader.example"] = reply
    run = Run(books)
    assert run.go() == {name: Verdict.REFUSED if name in refused else Verdict.TAKEN for name in NAMES}
    assert {letter.refusal for letter, verdict in run.talk.settled if verdict is Verdict.REFUSED} == {reply}
    assert books.taken == {f"{name}@news.example": 1 for name in NAMES if name not in refused}
    assert {v for v in books.violations if v != "nested MAIL"} == set()
    assert not books.violations


def judged(run, books):
    """Each verdict is true of what the server has, and an attempt was noted of all that it could have."""
    verdicts = run.go()
    for name, verdict in verdicts.items():
        copies = books.taken[f"{name}@news.example"]
        possible = {Verdict.TAKEN: {1}, Verdict.UNKNOWN: {0, 1}, Verdict.UNTOUCHED: {0}, Verdict.REFUSED: {0}}
        assert copies in possible[verdict], (name, verdict)
        if verdict in (Verdict.TAKEN, Verdict.UNKNOWN):
            assert f"{name}@reader.example" in run.noted
    assert set(books.taken.values()) <= {1}
    assert books.violations == []
    return verdicts


def whole_stream(way, books=None):
    run = Run(books or Books(WAYS[way]))
    run.go()
    return run.sent_up, run.sent_down


@pytest.mark.parametrize("way", WAYS)
def test_cut_at_every_byte_that_it_sends_each_letter_is_in_a_known_state(way):
    up, _ = whole_stream(way)
    unknown = []
    for cut in range(up + 1):
        verdicts = judged(Run(books := Books(WAYS[way]), up=cut), books)
        unknown.append(list(verdicts.values()).count(Verdict.UNKNOWN))
        assert len(verdicts) <= len(NAMES)
    assert max(unknown) == (3 if way == "chunks" else 1), "only what was in flight is unknown"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("refused", [[], ["ben"], ["ada", "cleo"]])
def test_cut_at_every_byte_of_the_replies_each_letter_is_in_a_known_state(way, refused):
    replies = {("RCPT", f"{name}@reader.example"): "550 5.1.1 nobody" for name in refused}
    _, down = whole_stream(way, Books(WAYS[way], replies=dict(replies)))
    for cut in range(down + 1):
        judged(Run(books := Books(WAYS[way], replies=dict(replies)), down=cut), books)


@pytest.mark.parametrize("way", WAYS)
def test_a_letter_whose_last_byte_never_left_is_certainly_not_taken(way):
    books = Books(WAYS[way])
    run = Run(books, window=1)
    run.waiting = run.waiting[:1]
    talk = run.talk
    talk.begin(run.waiting.pop())
    while not run.noted:
        talk.received(run.session.feed(written(talk)))
    talk.output()
    talk.held_up = 1
    talk.lost()
    assert [verdict for _, verdict in talk.settled] == [Verdict.UNTOUCHED]
    assert books.taken == {}


def test_letters_of_which_not_all_bytes_left_are_certainly_not_taken():
    run = Run(Books(CHUNKED), window=4)
    letters = [run.waiting.pop(0) for _ in range(3)]
    for letter in letters:
        run.talk.begin(letter)
    written(run.talk)
    run.talk.held_up = letters[2].end - letters[1].end + 1  # the last one, and the end of the one before
    run.talk.lost()
    assert [verdict for _, verdict in run.talk.settled] == [Verdict.UNKNOWN, Verdict.UNTOUCHED, Verdict.UNTOUCHED]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nth", range(1, 12))
def test_after_421_nothing_is_unknown(way, nth):
    """Whatever it answers, a server that says 421 has done nothing with what came after it."""
    books = Books(WAYS[way])
    run = Run(books)
    said = []
    feed = run.session.feed

    def until_421(data):
        replies = feed(data).split(b"\r\n")[:-1]
        said.extend(replies)
        if len(said) < nth:
            return b"".join(each + b"\r\n" for each in replies)
        run.session.over = True
        kept = replies[: len(replies) - (len(said) - nth) - 1]
        return (
            b"".join(each + b"\r\n" for each in kept) + b"421 4.3.2 closing\r\n"
            if len(said) - len(replies) < nth
            else b""
        )

    run.session.feed = until_421
    verdicts = run.go()
    assert Verdict.UNKNOWN not in verdicts.values()
    assert run.talk.closing == "421 4.3.2 closing"
    assert run.talk.room() == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "nonsense", [b"hello\r\n", b"999 no\r\n", b"25\r\n", b"250\x00ok\r\n", b"\r\n", b"1" * 9000, b"250-a\r\n" * 200]
)
def test_nonsense_for_a_reply_ends_the_connection(way, nonsense):
    run = Run(Books(WAYS[way]))
    run.talk.begin(run.waiting.pop(0))
    run.talk.output()
    run.talk.received(nonsense)
    assert run.talk.fault
    assert run.talk.room() == 0


def test_a_reply_to_nothing_ends_the_connection():
    run = Run(Books(CHUNKED))
    run.talk.received(b"250 2.0.0 you are welcome\r\n")
    assert run.talk.fault == "a reply to nothing: 250 2.0.0 you are welcome"


def test_a_server_that_takes_a_mail_before_it_has_it_is_not_believed():
    run = Run(Books(CHUNKED))
    run.talk.begin(run.waiting.pop(0))
    run.talk.received(b"250 a\r\n250 b\r\n250 c\r\n")
    assert "did not have yet" in run.talk.fault
    run.talk.lost()
    assert [verdict for _, verdict in run.talk.settled] == [Verdict.UNKNOWN]


def test_a_server_that_wants_content_for_a_recipient_without_a_sender_gets_none():
    run = Run(Books(PIPELINED))
    run.talk.begin(run.waiting.pop(0))
    run.talk.output()
    run.talk.received(b"550 5.7.1 no\r\n250 ok\r\n354 go on\r\n")
    assert run.talk.fault
    assert written(run.talk) == b""
    run.talk.lost()
    assert run.noted == []


def test_the_window_holds_letters_and_bytes():
    run = Run(Books(CHUNKED), window=4)
    for _ in range(run.talk.room()):
        run.talk.begin(run.waiting.pop(0))
    assert (len(run.talk.flight), run.talk.room()) == (4, 0)
    small = Conversation(run.talk.offers, Window(100, 300), Contents(), lambda _: None)
    small.begin(Letter(mail("ada")))
    assert small.room() == (300 - len(mail("ada").content)) // (len(mail("ada").content) + 1)


def test_a_probe_leaves_no_room_until_it_is_answered():
    run = Run(Books(CHUNKED))
    run.talk.probe()
    assert (written(run.talk), run.talk.room()) == (b"RSET\r\n", 0)
    run.talk.received(b"250 2.0.0 ok\r\n")
    assert run.talk.room() > 0
