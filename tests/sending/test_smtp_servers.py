"""The adapter against servers that others wrote: Postfix and Exim, read back byte for byte."""

import random
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.installed import needs
from tests.sending.mail_servers import EXIM, Exim, Postfix

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending import Result
from broadsheet.sending.adapters.smtp import Smtp
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail


@contextmanager
def open_folder():
    """A folder that the servers' own users reach too, which pytest's temporary folders are not."""
    with TemporaryDirectory(prefix="broadsheet-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def postfix():
    needs("postfix", "postfix")
    with open_folder() as folder, Postfix(folder) as running:
        yield running


@pytest.fixture(scope="module")
def exim():
    needs(EXIM / "usr/sbin/exim4", "Exim (.ci/exim unpacks it)")
    with open_folder() as folder, Exim(folder) as running:
        yield running


@pytest.fixture(params=["postfix", "exim"])
def mail_server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def _empty_boxes(postfix, exim):
    yield
    postfix.clear()
    exim.clear()


def adapter(port, **given):
    known = {
        "kind": "smtp",
        "port": port,
        "security": "none",
        "hello": "tests.example",
        "connections": 3,
        "patience": 3.0,
    }
    return Smtp(SmtpAdapter(**{**known, **given}))


def delivered(smtp, mails):
    tray = Handful(mails)
    try:
        smtp.open()
        smtp.deliver(tray)
    finally:
        smtp.close()
    return {outcome.delivery_id: outcome for outcome in tray.outcomes}


def mail(number, to=None, content=None):
    """Every kind of line that could come to harm."""
    lines = [b"", b".", b"..", b". ", b"x" * 998, b"\t tabs \t", b"=2E", b"From here", b"last "]
    random.Random(number).shuffle(lines)
    head = b"From: <news@news.example>\r\nTo: <%b>\r\nSubject: %d\r\nMessage-ID: <%d@news.example>\r\n" % (
        (to or f"r{number}@reader.example").encode(), number, number,
    )  # fmt: skip
    head += b"Date: Tue, 03 Mar 2026 08:00:00 +0000\r\n\r\n"
    content = b"\r\n".join(lines) + b"\r\n" if content is None else content
    return Mail(
        number,
        f"b+{number}@news.example",
        to or f"r{number}@reader.example",
        f"<{number}@news.example>",
        (head + content,),
    )


def without(added, content):
    """The mail as it was handed over: less the headers that the server put before it, its line ends CRLF again."""
    lines = content.split(b"\n")
    while lines[0].partition(b":")[0] in added or lines[0][:1] in (b" ", b"\t"):
        lines.pop(0)
    return b"\r\n".join(lines)


@pytest.mark.parametrize("door", ["chunks", "groups", "steps"])
def test_every_mail_arrives_once_and_byte_for_byte(mail_server, door):
    mails = [mail(number) for number in range(1, 61)]
    outcomes = delivered(adapter(mail_server.ports[door]), mails)
    assert {outcome.result for outcome in outcomes.values()} == {Result.SENT}
    found = mail_server.delivered(60)
    assert {name: len(copies) for name, copies in found.items()} == {f"r{number}": 1 for number in range(1, 61)}
    for each in mails:
        got = found[each.rcpt_to.partition("@")[0]][0]
        assert f"return-path: <{each.mail_from}>".encode() in got.lower()
        assert without(mail_server.adds, got) == each.content


@pytest.mark.parametrize("door", ["chunks", "groups", "steps"])
def test_refused_readers_disturb_no_neighbour(mail_server, door):
    refused = set(range(3, 40, 4)) | {1, 20, 21, 22, 40}
    mails = [mail(n, f"nobody{n}@reader.example" if n in refused else None) for n in range(1, 41)]
    outcomes = delivered(adapter(mail_server.ports[door], connections=1), mails)
    assert {n for n, outcome in outcomes.items() if outcome.result is Result.FAILED} == refused
    assert all(outcomes[n].dead and outcomes[n].reply.startswith("550 5.1.1 ") for n in refused)
    assert {n for n, outcome in outcomes.items() if outcome.result is Result.SENT} == set(range(1, 41)) - refused
    found = mail_server.delivered(40 - len(refused))
    assert {name: len(copies) for name, copies in found.items()} == {
        f"r{n}": 1 for n in range(1, 41) if n not in refused
    }


@pytest.mark.parametrize("door", ["chunks", "groups", "steps"])
def test_many_refused_readers_in_a_row_end_no_session_early(mail_server, door):
    """Exim ends a session with the tenth RSET that no mail followed, Postfix with the twentieth error."""
    mails = [mail(n, f"nobody{n}@reader.example") for n in range(1, 17)] + [mail(n) for n in range(17, 25)]
    outcomes = delivered(adapter(mail_server.ports[door], connections=1), mails)
    assert all(outcomes[n].reply.startswith("550 5.1.1 ") for n in range(1, 17))
    assert {outcomes[n].result for n in range(17, 25)} == {Result.SENT}


@pytest.mark.parametrize("door", ["chunks", "groups", "steps"])
def test_a_mail_that_is_too_big_fails_alone(postfix, door):
    outcomes = delivered(adapter(postfix.ports[door]), [mail(1), mail(2, content=b"x\r\n" * 100_000), mail(3)])
    assert {n: outcome.result for n, outcome in outcomes.items()} == {1: "sent", 2: "failed", 3: "sent"}
    assert outcomes[2].reply.startswith("the mail has 300")


@pytest.mark.parametrize("door", ["chunks", "groups", "steps"])
def test_a_mail_refused_for_its_size_by_the_server_itself_fails_alone(postfix, door):
    smtp = adapter(postfix.ports[door], discard=["SIZE"], connections=1)
    outcomes = delivered(smtp, [mail(1), mail(2, content=b"x\r\n" * 100_000), mail(3)])
    assert {n: outcome.result for n, outcome in outcomes.items()} == {1: "sent", 2: "failed", 3: "sent"}
    assert outcomes[2].reply.startswith("552 5.3.4 ")
    assert not outcomes[2].dead


@pytest.mark.parametrize("door", ["chunks", "groups", "steps"])
def test_an_international_address_and_8_bit_content_arrive(postfix, door):
    each = mail(1, "rü1@reader.example", "Grüße\r\n".encode())
    outcomes = delivered(adapter(postfix.ports[door]), [each])
    assert outcomes[1].result is Result.SENT, outcomes[1].reply
    ((got,),) = postfix.delivered(1).values()
    assert without(postfix.adds, got) == each.content


@pytest.mark.parametrize(("door", "security"), [("starttls", "starttls"), ("tls", "tls")])
def test_mail_goes_through_tls_where_the_certificate_is_good(postfix, door, security):
    smtp = adapter(postfix.ports[door], security=security, ca_file=str(postfix.authority.file))
    mails = [mail(number) for number in range(1, 31)]
    assert {outcome.result for outcome in delivered(smtp, mails).values()} == {Result.SENT}
    found = postfix.delivered(30)
    assert all(b"with ESMTPS" in copies[0] for copies in found.values())
    assert {without(postfix.adds, copies[0]) for copies in found.values()} == {each.content for each in mails}


@pytest.mark.parametrize(("door", "security"), [("starttls", "starttls"), ("tls", "tls")])
def test_a_certificate_that_nobody_known_signed_is_refused(postfix, door, security):
    with pytest.raises(AdapterFailed, match="certificate"):
        delivered(adapter(postfix.ports[door], security=security), [mail(1)])


def test_a_server_that_wants_tls_is_not_given_mail_without(postfix):
    outcomes = delivered(adapter(postfix.ports["starttls"]), [mail(1)])
    assert outcomes[1].reply.startswith("530 5.7.0 ")
