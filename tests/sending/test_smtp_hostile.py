"""The adapter on loopback against a server that is late, in pieces, silent, lying, cut off or full."""

import ssl
import threading
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sending.certificates import Authority
from tests.sending.machine import CHUNKED, PIPELINED, PLAIN, PLAIN_CHUNKED, Books, HostileServer, Mood

from broadsheet.conf import SmtpAdapter, SmtpServer
from broadsheet.errors import AdapterFailed
from broadsheet.sending import Result
from broadsheet.sending.adapters.smtp import Smtp, connection, waiting
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail

PLAIN_WITHOUT_UTF8 = ("PIPELINING", "8BITMIME")
WAYS = {"chunks": CHUNKED, "groups": PIPELINED, "steps": PLAIN}


def mails(count, size=200):
    body = (b"x" * 60 + b"\r\n") * (size // 62)
    return [
        Mail(n, f"b+{n}@news.example", f"r{n}@reader.example", f"<{n}@news.example>",
             (b"Subject: x\r\nMessage-ID: <%d@news.example>\r\n\r\n%b" % (n, body),))
        for n in range(1, count + 1)
    ]  # fmt: skip


class Noting(Handful):
    """A tray that keeps what was attempted."""

    def __init__(self, given):
        super().__init__(given)
        self.attempts = []

    def attempt(self, mail):
        self.attempts.append(mail.delivery_id)


def adapter(*ports, **given):
    known = {
        "kind": "smtp",
        "port": ports[0],
        "security": "none",
        "hello": "tests.example",
        "connections": 1,
        "patience": 5.0,
    }
    return Smtp(SmtpAdapter(**{**known, **given}))


def delivered(smtp, tray):
    try:
        smtp.open()
        smtp.deliver(tray)
    finally:
        smtp.close()
    assert sorted(outcome.delivery_id for outcome in tray.outcomes) == sorted({o.delivery_id for o in tray.outcomes})
    return {outcome.delivery_id: outcome.result for outcome in tray.outcomes}


def judged(results, tray, books):
    """Each outcome is true of what the server has, and what it may have was noted before."""
    for number, result in results.items():
        copies = books.taken[f"{number}@news.example"]
        possible = {Result.SENT: {1}, Result.UNKNOWN: {0, 1}, Result.DEFERRED: {0}, Result.FAILED: {0}}
        assert copies in possible[result], (number, result)
        if result in (Result.SENT, Result.UNKNOWN):
            assert number in tray.attempts
    assert books.violations == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "mood", [Mood(), Mood(dribble=True), Mood(delay=0.002, connections=9)], ids=["well", "in pieces", "late"]
)
def test_a_slow_or_stuttering_server_gets_every_mail_once(way, mood):
    with HostileServer(Books(WAYS[way], verbose=True), mood) as server:
        tray = Noting(mails(30))
        results = delivered(adapter(server.port, connections=3), tray)
        assert results == dict.fromkeys(range(1, 31), Result.SENT)
        judged(results, tray, server.books)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    way=st.sampled_from(sorted(WAYS)),
    cut_in=st.integers(1, 2600),
    cut_out=st.integers(1, 1200),
    both=st.sampled_from(["in", "out"]),
)
def test_a_connection_cut_anywhere_leaves_every_mail_in_a_known_state(way, cut_in, cut_out, both):
    """The login has about 230 bytes of replies; a connection cut in it is the server's trouble, not the mails'."""
    mood = Mood(cut_in=cut_in + 22) if both == "in" else Mood(cut_out=cut_out + 230)
    with HostileServer(Books(WAYS[way]), mood) as server:
        tray = Noting(mails(6))
        results = delivered(adapter(server.port, in_flight=3), tray)
        judged(results, tray, server.books)
        assert len(results) == 6
        counts = Counter(results.values())
        assert counts[Result.UNKNOWN] <= (3 if way == "chunks" else 1)
        assert counts[Result.SENT] + counts[Result.UNKNOWN] == 6, "what was not begun goes out on another connection"


@pytest.mark.clock
@pytest.mark.parametrize(("way", "unknown"), [("chunks", 4), ("groups", 1), ("steps", 1)])
def test_a_server_that_falls_silent_leaves_unknown_only_what_was_in_flight(way, unknown):
    with HostileServer(Books(WAYS[way]), Mood(mute_after=800)) as server:
        tray = Noting(mails(12))
        results = delivered(adapter(server.port, in_flight=4, content_timeout=0.3, timeout=0.3), tray)
        judged(results, tray, server.books)
        counts = Counter(results.values())
        assert counts[Result.UNKNOWN] <= unknown
        assert counts[Result.SENT] + counts[Result.UNKNOWN] == 12


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lie", [b"no reply at all\r\n", b"354 go on\r\n" * 9, b"250-" + b"x" * 9000])
def test_a_lying_server_is_left_and_nothing_is_sent_twice(way, lie):
    with HostileServer(Books(WAYS[way]), Mood(lie_after=(600, lie))) as server:
        tray = Noting(mails(12))
        results = delivered(adapter(server.port, in_flight=4), tray)
        judged(results, tray, server.books)
        assert Counter(results.values())[Result.UNKNOWN] <= 4


def test_a_mail_too_large_for_the_buffers_and_cut_is_certainly_not_taken():
    with HostileServer(Books(CHUNKED), Mood(cut_in=100_000)) as server:
        server.books.offers = tuple(each for each in CHUNKED if not each.startswith("SIZE"))
        tray = Noting(mails(1, size=8_000_000))
        results = delivered(adapter(server.port), tray)
        assert tray.attempts == [1, 1], "its first attempt can't have been complete, so it went out again"
        assert results == {1: Result.SENT}
        judged(results, tray, server.books)


def test_a_mail_that_ends_every_connection_is_put_off_and_its_neighbours_are_not():
    class Poisoned(Books):
        pass

    books = Poisoned(PLAIN)
    with HostileServer(books) as server:
        books.replies["RCPT", "r2@reader.example"] = "421 4.3.2 not that one"
        tray = Noting(mails(4))
        results = delivered(adapter(server.port), tray)
    assert results == {1: Result.SENT, 2: Result.DEFERRED, 3: Result.SENT, 4: Result.SENT}
    assert books.tries["r2@reader.example"] == 2
    assert next(o.reply for o in tray.outcomes if o.delivery_id == 2) == "421 4.3.2 not that one"


@pytest.mark.clock
def test_421_for_a_greeting_is_waited_out_with_growing_pauses():
    with HostileServer(Books(CHUNKED), Mood(banner=b"421 4.7.0 too many connections\r\n", connections=0)) as server:
        smtp = adapter(server.port)
        smtp.open()
        server.mood.connections = 3  # the first, which is open, and two more
        for connection in list(smtp._pool._connections):
            connection.left = 1
        tray = Noting(mails(3))
        start = time.monotonic()
        smtp.deliver(tray)
        smtp.close()
        assert 0.7 < time.monotonic() - start < 2, "a quarter of a second, then half a second"
        assert {outcome.result for outcome in tray.outcomes} == {Result.SENT}
        assert server.sessions == 4


@pytest.mark.clock
def test_a_server_that_lets_few_connections_in_goes_on_with_those_it_has():
    class Narrow(HostileServer):
        inside = turned_away = 0

        async def _session(self, reader, writer):
            if self.inside == 2:
                self.turned_away += 1
                writer.write(b"421 4.7.0 too many connections\r\n")
                writer.close()
                return
            self.inside += 1
            await super()._session(reader, writer)
            self.inside -= 1

    with Narrow(Books(PLAIN), Mood(delay=0.01, connections=99)) as server:
        started = time.monotonic()
        results = delivered(adapter(server.port, connections=4), tray := Noting(mails(60)))
        assert time.monotonic() - started < 3, "60 mails of four steps each, two at a time, and no rests"
        assert set(results.values()) == {Result.SENT}
        judged(results, tray, server.books)
        assert server.turned_away < 10


@pytest.mark.clock
def test_deferrals_for_the_senders_rate_give_the_server_a_rest():
    books = Books(CHUNKED)
    for n in range(1, 9):
        books.replies["RCPT", f"r{n}@reader.example"] = "450 4.7.1 slow down"
    with HostileServer(books) as server:
        tray = Noting(mails(40))
        start = time.monotonic()
        results = delivered(adapter(server.port, in_flight=5), tray)
        assert 0.24 < time.monotonic() - start < 1.5
    assert Counter(results.values()) == {Result.DEFERRED: 8, Result.SENT: 32}


def test_a_few_greylisted_addresses_slow_nothing_down():
    books = Books(CHUNKED)
    for n in range(3, 60, 5):
        books.replies["RCPT", f"r{n}@reader.example"] = "450 4.7.1 greylisted"
    with HostileServer(books) as server:
        smtp = adapter(server.port)
        results = delivered(smtp, Noting(mails(60)))
        assert smtp._pool._servers[0].trouble is None, "it was never put to rest"
    assert Counter(results.values())[Result.SENT] == 48


def test_a_connection_carries_so_many_mails_and_no_more():
    with HostileServer(Books(CHUNKED)) as server:
        results = delivered(adapter(server.port, messages_per_connection=7, in_flight=3), Noting(mails(40)))
        assert set(results.values()) == {Result.SENT}
        assert server.sessions == 6
        assert server.books.commands.count("QUIT") == 6


@pytest.mark.clock
def test_connections_are_opened_side_by_side_and_kept():
    with HostileServer(Books(CHUNKED), Mood(delay=0.05, connections=20)) as server:
        smtp = adapter(server.port, connections=20, in_flight=1)
        smtp.open()
        start = time.monotonic()
        smtp.deliver(Noting(mails(100)))
        assert time.monotonic() - start < 1.0, "one after the other, 20 logins of 0.1 s take 2 s"
        sessions = server.sessions
        smtp.deliver(Noting(mails(50)))
        assert 15 < server.sessions == sessions <= 20
        smtp.close()


def test_one_mail_opens_one_connection():
    with HostileServer(Books(CHUNKED)) as server:
        delivered(adapter(server.port, connections=10), Noting(mails(1)))
        assert server.sessions == 1


def test_a_kept_connection_that_the_server_closed_meanwhile_costs_nothing():
    with HostileServer(Books(CHUNKED)) as server:
        smtp = adapter(server.port, patience=0.3)
        smtp.open()
        smtp.deliver(Noting(mails(2)))
    with pytest.raises(AdapterFailed):
        smtp.deliver(tray := Noting(mails(1)))
    assert tray.attempts == []
    smtp.close()


def test_an_idle_connection_is_asked_before_it_gets_mail(monkeypatch):
    monkeypatch.setattr("broadsheet.sending.adapters.smtp.connection._QUIET", 0.1)
    with HostileServer(Books(CHUNKED)) as server:
        smtp = adapter(server.port)
        smtp.open()
        time.sleep(0.15)
        smtp.deliver(tray := Noting(mails(3)))
        smtp.close()
        assert {outcome.result for outcome in tray.outcomes} == {Result.SENT}
        assert server.books.commands[:3] == ["EHLO", "RSET", "MAIL"]


class Trickle(Noting):
    """Gives a mail now and then, as a pace does, from another thread."""

    def __init__(self, given, pause):
        super().__init__([])
        self._left = list(given)
        threading.Thread(target=self._fill, args=(pause,), daemon=True).start()

    def _fill(self, pause):
        while self._left:
            self._waiting.append(self._left.pop(0))
            time.sleep(pause)
        self._left = None

    def ended(self):
        return self._left is None and not self._waiting


def test_mails_that_come_slowly_leave_at_once():
    with HostileServer(Books(CHUNKED)) as server:
        tray = Trickle(mails(20), 0.02)
        results = delivered(adapter(server.port, connections=3), tray)
        assert results == dict.fromkeys(range(1, 21), Result.SENT)


@pytest.mark.parametrize("way", WAYS)
def test_over_tls_too_a_connection_that_had_nothing_to_say_goes_on(way, tmp_path):
    authority, context = Authority(tmp_path / "ca.pem"), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.write_server(tmp_path / "server.pem")
    context.load_cert_chain(tmp_path / "server.pem")
    with HostileServer(Books(WAYS[way]), tls=context) as server:
        smtp = adapter(server.port, security="tls", ca_file=str(authority.file))
        tray = Trickle(mails(20), 0.02)
        sending = threading.Thread(target=delivered, args=(smtp, tray), daemon=True)
        sending.start()
        sending.join(10)
        assert Counter(outcome.result for outcome in tray.outcomes) == {Result.SENT: 20}
        assert server.books.violations == []


def test_a_failure_of_the_tray_is_not_swallowed():
    class Broken(Noting):
        def answer(self, outcome):
            raise RuntimeError("the ledger is gone")

    with HostileServer(Books(CHUNKED)) as server:
        smtp = adapter(server.port)
        smtp.open()
        with pytest.raises(RuntimeError, match="the ledger is gone"):
            smtp.deliver(Broken(mails(20)))
        taken = server.books.taken
        smtp.deliver(tray := Noting([]))
        smtp.close()
        assert tray.outcomes == []
        assert server.books.taken == taken, "nothing of it is left to be sent later"


def two(first, second, **given):
    servers = tuple(SmtpServer(host="127.0.0.1", port=port, weight=weight) for port, weight in (first, second))
    return adapter(first[0], servers=servers, **given)


def test_servers_get_connections_by_weight():
    late = Mood(delay=0.01, connections=99)
    with HostileServer(Books(CHUNKED), late) as one, HostileServer(Books(CHUNKED), late) as other:
        results = delivered(two((one.port, 3), (other.port, 1), connections=8, in_flight=1), Noting(mails(200)))
        assert set(results.values()) == {Result.SENT}
        assert one.sessions <= 6 and 1 <= other.sessions <= 2
        assert len(one.books.mails) > 2 * len(other.books.mails) > 20


def test_a_server_that_stands_by_is_not_used_while_another_can():
    with HostileServer(Books(CHUNKED)) as one, HostileServer(Books(CHUNKED)) as other:
        delivered(two((other.port, 0), (one.port, 1), connections=4), Noting(mails(50)))
        assert (len(one.books.mails), other.sessions) == (50, 0)


@pytest.mark.clock
def test_when_a_server_dies_another_takes_over_and_nothing_is_lost_or_doubled():
    late = Mood(delay=0.001, connections=99)
    with HostileServer(Books(CHUNKED), late) as other, HostileServer(Books(CHUNKED), late) as one:
        smtp = two((one.port, 1), (other.port, 0), connections=2, in_flight=2)
        smtp.open()
        tray = Trickle(mails(60), 0.005)
        threading.Timer(0.15, one.__exit__).start()
        smtp.deliver(tray)
        smtp.close()
    results = {outcome.delivery_id: outcome.result for outcome in tray.outcomes}
    both = Books(mails=one.books.mails + other.books.mails)
    judged(results, tray, both)
    assert len(results) == 60
    assert Counter(results.values())[Result.UNKNOWN] <= 4
    assert len(other.books.mails) > 10 < len(one.books.mails)


def test_a_server_that_rests_keeps_no_mail_from_another():
    class Striking(Noting):
        """Has mail once the second server is there too; then the first rests, and one connection is enough."""

        def take(self, limit):
            resting, awake = smtp._pool._servers
            if not resting.rests_until and second.sessions:
                resting.rests_until, awake._strikes = time.monotonic() + 20, 1
                return []
            return super().take(limit) if second.sessions else []

    with HostileServer(Books(CHUNKED)) as first, HostileServer(Books(CHUNKED)) as second:
        servers = tuple(SmtpServer(host="127.0.0.1", port=each.port) for each in (first, second))
        smtp, tray = adapter(first.port, servers=servers, connections=2), Striking(mails(20))
        sending = threading.Thread(target=delivered, args=(smtp, tray), daemon=True)
        sending.start()
        sending.join(5)
        assert Counter(outcome.result for outcome in tray.outcomes) == {Result.SENT: 20}
        assert len(second.books.mails) == 20


def test_a_server_that_comes_back_is_used_again():
    with HostileServer(Books(CHUNKED), Mood(cut_in=300)) as one, HostileServer(Books(CHUNKED)) as other:
        smtp = two((one.port, 1), (other.port, 0), connections=2, in_flight=1)
        smtp.open()
        smtp.deliver(Trickle(mails(80), 0.02))
        smtp.close()
        assert one.sessions > 1
        assert len(one.books.mails) + len(other.books.mails) >= 79, "what was in flight at the cut is unknown"


@pytest.mark.clock
def test_without_any_server_it_gives_up_in_time_and_says_which():
    with HostileServer(Books(CHUNKED)) as server:
        port = server.port
    start = time.monotonic()
    with pytest.raises(
        AdapterFailed, match=rf"127\.0\.0\.1:{port} can't be reached \(.*refused\); check `host`"
    ) as caught:
        delivered(adapter(port), Noting(mails(1)))
    assert not caught.value.permanent
    assert time.monotonic() - start < 2


def test_it_gives_up_in_time_on_a_server_that_lets_it_wait_for_a_login():
    class Hanging(HostileServer):
        async def _session(self, reader, writer):
            if self.sessions:
                await reader.read()
                writer.close()
            else:
                await super()._session(reader, writer)

    with Hanging(Books(CHUNKED)) as server:
        smtp, tray = adapter(server.port, messages_per_connection=5, patience=0.5), Trickle(mails(20), 0.02)
        found = []

        def send():
            with pytest.raises(AdapterFailed, match=r"No mail server let anybody in for 0\.5 s"):
                delivered(smtp, tray)
            found.append("it gave up")

        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        sending.join(5)
        assert found
        assert len(server.books.mails) == 5


def test_a_password_does_not_travel_in_the_clear():
    with pytest.raises(AdapterFailed, match="in the clear"):
        adapter(25, host="mail.example", user="news", password="secret")


@pytest.mark.parametrize("way", WAYS)
def test_what_a_server_can_not_be_given_fails_alone(way):
    offers = tuple(each for each in WAYS[way] if not each.startswith(("SMTPUTF8", "SIZE", "8BIT")))
    with HostileServer(Books((*offers, "SIZE 900"))) as server:
        good, utf8, long, eight, smuggler = mails(5)
        tray = Noting([
            Mail(2, "b@x.example", "käthe@reader.example", "<2@x>", (utf8.content,)),
            Mail(3, "b@x.example", "c@reader.example", "<3@x>", (long.content + b"x" * 900,)),
            Mail(4, "b@x.example", "d@reader.example", "<4@x>", (eight.content + "ü\r\n".encode(),)),
            Mail(5, "b@x.example", "e@reader.example>\r\nRCPT TO:<f@reader.example", "<5@x>", (smuggler.content,)),
            good,
        ])  # fmt: skip
        results = delivered(adapter(server.port), tray)
        assert results == {1: Result.SENT, **dict.fromkeys((2, 3, 4, 5), Result.FAILED)}
        assert [o.reply.split(" ")[0:3] for o in tray.outcomes[:1]]
        assert server.books.commands.count("MAIL") == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "content",
    [
        b"a\r\n.\r\nb\r\n",
        b".\r\n",
        b"..a\r\n.",
        b"a\nb\n",
        b"a\rb",
        b"",
        b"\r\n.\nMAIL FROM:<x@y>\r\n",
        b"a\r\n.\r",
        b"\n.\r\n",
    ],
)
def test_content_that_is_not_fit_for_the_wire_is_made_so(way, content):
    """Dots are doubled, line ends are CRLF; a bare one could end the mail for one server and not for the next."""
    whole = b"Message-ID: <1@news.example>\r\n\r\n" + content
    with HostileServer(Books(WAYS[way])) as server:
        tray = Noting([Mail(1, "b@x.example", "a@reader.example", "<1@news.example>", (whole,))])
        assert delivered(adapter(server.port), tray) == {1: Result.SENT}
        ((_, _, got),) = server.books.mails
        lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
        assert got.removesuffix(b"\r\n").split(b"\r\n") == lines
        assert server.books.violations == []


def test_extensions_are_used_where_they_are_offered():
    with HostileServer(Books(CHUNKED)) as server:
        mail = Mail(
            1, "b@x.example", "käthe@reader.example", "<a+b=c@x.example>", ("Message-ID: <1@x>\r\n\r\nü\r\n".encode(),)
        )
        delivered(adapter(server.port), Noting([mail]))
        assert server.books.mail_parameters == [" SIZE=25 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+3Dc@x.example"]


def test_extensions_are_not_used_where_they_are_not_wanted():
    with HostileServer(Books(CHUNKED)) as server:
        delivered(adapter(server.port, discard=["chunking", "DSN", "SIZE"]), Noting(mails(2)))
        assert server.books.mail_parameters == ["", ""]
        assert "BDAT" not in server.books.commands


class Watched(Noting):
    """A tray with a look at consent that is too old, or finds that a reader left, once their address is at the server."""

    def __init__(self, given, books, *, comes_back):
        super().__init__(given)
        self.books, self.comes_back, self.looks = books, comes_back, 0

    def may_leave(self, mail):
        if mail.delivery_id != 3 or not self.books.tries["r3@reader.example"]:
            return True
        self.looks += 1
        return self.comes_back and self.looks > 3


WAITING = {"groups": PIPELINED, "steps": PLAIN, "steps and a chunk": PLAIN_CHUNKED}


@pytest.mark.parametrize("way", WAITING)
def test_who_leaves_while_the_server_thinks_about_their_address_is_not_mailed(way, monkeypatch):
    monkeypatch.setattr(waiting, "KEEPS", 0.2)
    monkeypatch.setattr(connection, "KEEPS", 0.2)
    with HostileServer(Books(WAITING[way])) as server:
        tray = Watched(mails(6), server.books, comes_back=False)
        results = delivered(adapter(server.port), tray)
        judged(results, tray, server.books)
        assert results == {n: Result.DEFERRED if n == 3 else Result.SENT for n in range(1, 7)}
        assert not next(each for each in tray.outcomes if each.delivery_id == 3).attempted
        assert 3 not in tray.attempts


@pytest.mark.parametrize("way", WAITING)
def test_a_content_waits_for_a_fresh_look_while_the_server_waits_for_it(way):
    with HostileServer(Books(WAITING[way])) as server:
        tray = Watched(mails(6), server.books, comes_back=True)
        results = delivered(adapter(server.port), tray)
        judged(results, tray, server.books)
        assert results == dict.fromkeys(range(1, 7), Result.SENT)
        assert (tray.looks, server.sessions) == (4, 1)


class Halting(Noting):
    """A tray whose sender is told to stop when some mails have been taken; nobody looks at consent from then on."""

    def ended(self):
        return super().ended() or self.stopped()

    def stopped(self):
        return len(self._waiting) <= 15

    def take(self, limit):
        return [] if self.stopped() else super().take(limit)

    def may_leave(self, mail):
        return not self.stopped()


@pytest.mark.clock
@pytest.mark.parametrize("way", WAITING)
def test_a_sender_that_is_told_to_stop_waits_for_no_look_that_will_not_come(way):
    with HostileServer(Books(WAITING[way]), Mood(delay=0.1, connections=99)) as server:
        tray = Halting(mails(20))
        started = time.monotonic()
        results = delivered(adapter(server.port, connections=4), tray)
        assert time.monotonic() - started < 3
        judged(results, tray, server.books)
        assert Result.UNKNOWN not in results.values()
        back = [each for each in tray.outcomes if each.result is Result.DEFERRED]
        assert len(back) >= 1
        assert not any(each.attempted for each in back)


@pytest.mark.parametrize(
    "ways", [(PIPELINED, PLAIN_WITHOUT_UTF8), (PLAIN_WITHOUT_UTF8, PIPELINED)], ids=["first", "second"]
)
def test_what_one_server_can_not_take_goes_to_the_other(ways):
    written = mails(40)
    for mail in written[::2]:
        mail.rcpt_to = f"jürgen{mail.delivery_id}@reader.example"
    with HostileServer(Books(ways[0])) as first, HostileServer(Books(ways[1])) as second:
        servers = tuple(SmtpServer(host="127.0.0.1", port=each.port) for each in (first, second))
        tray = Noting(written)
        results = delivered(adapter(first.port, servers=servers, connections=4), tray)
        assert results == dict.fromkeys(range(1, 41), Result.SENT)
        narrow = first if ways[0] is PLAIN_WITHOUT_UTF8 else second
        assert all(recipient.isascii() for _, recipient, _ in narrow.books.mails)


def test_what_no_server_within_reach_can_take_is_put_off_while_another_may(monkeypatch):
    monkeypatch.setattr(waiting, "KEEPS", 0.2)
    (mail,) = mails(1)
    mail.rcpt_to = "jürgen@reader.example"
    with HostileServer(Books(PLAIN_WITHOUT_UTF8)) as server:
        servers = (SmtpServer(host="127.0.0.1", port=server.port), SmtpServer(host="127.0.0.1", port=1))
        tray = Noting([mail])
        assert delivered(adapter(server.port, servers=servers, connections=2), tray) == {1: Result.DEFERRED}
        assert "no connection to a server that takes such a mail" in tray.outcomes[0].reply
