"""Logging in: over TLS, by PLAIN and by LOGIN; a wrong password stops everything and says so."""

import asyncio
import ssl
import threading

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr
from tests.sending.certificates import Authority

from broadsheet.conf import SmtpServer
from broadsheet.errors import AdapterFailed
from broadsheet.models import Edition

pytestmark = [
    pytest.mark.django_db,
    # the server does not know of a TLS that was there before it
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

#: what no command line or base64 alphabet takes for granted
USER, PASSWORD = "news@stillwater.example", "pässword: 7% =+/\\ 🗝"
OTHERS = "somebody else's"


class Locked:
    """A server that takes mail over TLS and after a login only; it notes by which mechanism."""

    def __init__(self, certificate, mechanism, *, at_once, temporary=False) -> None:
        self.mails, self.logins, self.temporary, self._sessions = [], [], temporary, []
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._others = {"PLAIN", "LOGIN"} - {mechanism}
        self._at_once, self._ready, self._stop = at_once, threading.Event(), None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tls = self._context if self._at_once else None
        server = await self._loop.create_server(self._session, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for each in self._sessions:
            if each.transport is not None:
                each.transport.abort()
        await asyncio.sleep(0.05)

    def _session(self) -> SMTP:
        self._sessions.append(self._made())
        return self._sessions[-1]

    def _made(self) -> SMTP:
        return SMTP(
            self,
            loop=self._loop,
            hostname="localhost",
            tls_context=None if self._at_once else self._context,
            require_starttls=not self._at_once,
            auth_require_tls=not self._at_once,
            auth_required=True,
            auth_exclude_mechanism=self._others,
            authenticator=self._look,
        )

    def _look(self, server, session, envelope, mechanism, data) -> AuthResult:
        good = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        self.logins.append((mechanism, good))
        if self.temporary:
            return AuthResult(success=False, handled=False, message="454 4.7.0 Try again later")
        return AuthResult(success=good, handled=good)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        assert session.authenticated
        self.mails.append(envelope.rcpt_tos[0])
        return "250 2.0.0 OK"


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path / "ca.pem")
    made.write_server(tmp_path / "server.pem")
    return made


@pytest.fixture
def locked(authority, tmp_path):
    """Makes a server that wants a login."""
    running = []

    def made(mechanism="PLAIN", security="starttls", **more):
        running.append(Locked(tmp_path / "server.pem", mechanism, at_once=security == "tls", **more).__enter__())
        return running[-1]

    yield made
    for each in running:
        each.__exit__()


@pytest.fixture
def login(smtp, authority):
    """Makes an adapter that logs in."""

    def made(server, password=PASSWORD, **settings):
        given = {"user": USER, "password": password, "ca_file": str(authority.file), "security": "starttls"}
        return smtp(server, **{**given, **settings})

    return made


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_it_logs_in_over_tls_on_each_connection_and_sends(locked, login, freeze, send, cast, mechanism, security):
    server = locked(mechanism, security)
    numbers = send(freeze("weekly"), login(server, security=security, connections=2))
    assert numbers.sent == len(server.mails) == 3
    assert set(server.logins) == {(mechanism, True)}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_wrong_password_stops_everything_and_says_so(locked, login, freeze, send, cast, ledger, mechanism, caplog):
    server, edition = locked(mechanism), freeze("weekly")
    with pytest.raises(AdapterFailed, match=r"refused the login .535.*check `user` and the password") as failed:
        send(edition, login(server, OTHERS))
    assert failed.value.permanent
    assert (edition.state, server.mails) == ("paused", [])
    reason = Edition.objects.get().reason
    assert f"127.0.0.1:{server.port}" in reason
    assert "check `user`" in reason
    assert OTHERS not in reason + str(failed.value) + caplog.text
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert 1 <= len(server.logins) <= 10, "a server that counts wrong logins locks the account"


def test_a_login_that_is_refused_for_now_pauses_nothing(locked, login, freeze, send, cast, ledger):
    server, edition = locked(temporary=True), freeze("weekly")
    with pytest.raises(AdapterFailed, match=r"refused the login .454") as failed:
        send(edition, login(server))
    assert not failed.value.permanent
    assert edition.state == "sending"
    assert {state for state, _ in ledger(edition).values()} == {"queued"}


def test_a_server_whose_certificate_nobody_signed_is_told_no_password(locked, login, freeze, send, cast, tmp_path):
    server, other = locked(), Authority(tmp_path / "other.pem")
    with pytest.raises(AdapterFailed, match="certificate verify failed"):
        send(freeze("weekly"), login(server, ca_file=str(other.file)))
    assert server.logins == []


def test_without_a_login_a_server_that_wants_one_fails_no_reader(locked, login, freeze, send, cast, ledger):
    server, edition = locked(), freeze("weekly")
    with pytest.raises(AdapterFailed, match=r"wants a login or TLS first .530 5.7.0 Auth.*check `user`"):
        send(edition, login(server, user=None, password=None))
    assert edition.state == "paused"
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert server.mails == []


def test_of_several_servers_each_has_a_login_of_its_own(locked, login, freeze, send, cast):
    first, second = locked("PLAIN"), locked("LOGIN")
    own = [
        SmtpServer(host="127.0.0.1", port=server.port, user=user, password=SecretStr(password))
        for server, user, password in ((first, "nobody", OTHERS), (second, USER, PASSWORD))
    ]
    numbers = send(freeze("weekly"), login(second, servers=tuple(own)))
    assert numbers.sent == len(second.mails) == 3
    assert first.mails == []
