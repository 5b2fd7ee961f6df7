"""DKIM: what dkimpy, which others wrote, says of our signatures."""

import re

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.sending.machine import CHUNKED, PIPELINED, Books, HostileServer

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.adapters.smtp import Smtp
from broadsheet.sending.adapters.smtp.dkim import Signer, signer_of
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


KEYS = {"rsa": rsa.generate_private_key(65537, 2048), "ed25519": ed25519.Ed25519PrivateKey.generate()}
SIGNERS = {name: Signer("news.example", "s1", pem(key)) for name, key in KEYS.items()}
HEAD = (
    b"Date: Tue, 03 Mar 2026 08:00:00 +0000\r\nTo: Ada <ada@reader.example>\r\nSubject: Hello  there,\r\n\tAda \r\n"
    b"Message-ID: <1@news.example>\r\nList-Unsubscribe: <https://news.example/u/x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFrom: News <news@news.example>\r\n\r\n"
)


def a_mail(*pieces):
    return Mail(1, "b@news.example", "ada@reader.example", "<1@news.example>", pieces)


def verifies(signer, content):
    record = signer.record.encode()

    def dns(name, timeout=5):
        return record if name == b"s1._domainkey.news.example." else None

    return dkim.verify(content, dnsfunc=dns)


def signed(signer, mail):
    return signer.header(mail.pieces) + mail.content


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD, b"Hello\r\n"),
        (HEAD,),
        (HEAD, b"\r\n\r\n"),
        (HEAD, b"a\r\n\r\n\r\n"),
        (HEAD, b"no end"),
        (HEAD, b"a  b\t\tc  \r\n \r\nd\t\r\n"),
        (HEAD, b"a ", b" b\r\n"),
        (HEAD, b"x" * 300 + b" \r\n", b"y\r\n", b"x" * 300 + b" \r\n"),
        (HEAD[:100], HEAD[100:] + b"from the  first\r\n", b"z" * 500 + b"\r\n", b"end\r\n\r\n"),
        (HEAD + b"  a\r\n", b"  indented  \r\n" * 40, b"--\r\n"),
        (HEAD[:-2],),
    ],
)
def test_a_signature_is_good_in_the_eyes_of_others(kind, pieces):
    signer = SIGNERS[kind]
    for _ in range(2):  # the second time pieces are known
        assert verifies(signer, signed(signer, a_mail(*pieces)))


LINES = st.lists(
    st.sampled_from([b"", b" ", b"  ", b"\t", b"a", b"a  b", b"a \t", b" b", b"=20", b"x" * 300]), max_size=6
)


@settings(max_examples=60, deadline=None)
@example(chunks=[[b"a"]], cut=len(HEAD) - 1)
@example(chunks=[[b"a"]], cut=len(HEAD) - 2)
@example(chunks=[[b"a"]], cut=len(HEAD) - 3)
@given(chunks=st.lists(LINES, max_size=5), cut=st.integers(1, len(HEAD)))
def test_any_body_in_any_pieces_is_signed_alike(chunks, cut):
    pieces = [HEAD[:cut], b"", HEAD[cut:], *(b"\r\n".join(lines) + b"\r\n" for lines in chunks)]
    mail = a_mail(*pieces)
    whole = Mail(1, "b@x", "a@x", "<1@x>", (mail.content,))
    signer = SIGNERS["ed25519"]
    assert signer.header(mail.pieces, 1) == signer.header(whole.pieces, 1)
    assert verifies(signer, signed(signer, mail))


@pytest.mark.parametrize("kind", KEYS)
def test_what_was_changed_on_the_way_is_found_out(kind):
    content = signed(SIGNERS[kind], a_mail(HEAD, b"Hello\r\nyou\r\n"))
    assert verifies(SIGNERS[kind], content)
    for old, new in [
        (b"you\r\n", b"You\r\n"),
        (b"you\r\n", b"you\r\nand more\r\n"),
        (b"/u/x>", b"/u/y>"),
        (b"=One-Click", b"=Two-Clicks"),
        (b"From: News", b"From: Olds"),
        (b"\r\nSubject:", b"\r\nSubject: another\r\nSubject:"),
        (b"\r\nFrom: News", b"\r\nFrom: <x@y.example>\r\nFrom: News"),
    ]:
        assert old in content
        assert not verifies(SIGNERS[kind], content.replace(old, new, 1)), new


def test_the_unsubscribe_headers_are_covered_and_no_length_is_given():
    header = SIGNERS["rsa"].header((HEAD, b"x\r\n"))
    covered = re.search(rb"h=([^;]*);", header)[1].split(b":")
    assert {b"from", b"list-unsubscribe", b"list-unsubscribe-post", b"date", b"subject", b"to"} <= set(covered)
    assert b"l=" not in header.replace(b"\r\n\t", b" ").split(b"; b")[0]
    assert all(len(line) <= 998 for line in header.split(b"\r\n"))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("offers", [CHUNKED, PIPELINED])
@pytest.mark.parametrize("body", [b"Hello\r\n..\r\n", b".dots\r\n.\r\n", b"bare\nline\rends"])
def test_what_arrives_bears_a_good_signature(kind, offers, body, tmp_path):
    (tmp_path / "key.pem").write_bytes(pem(KEYS[kind]))
    with HostileServer(Books(offers)) as server:
        given = {"dkim_domain": "news.example", "dkim_selector": "s1", "dkim_key_file": "key.pem"}
        settings = SmtpAdapter(kind="smtp", port=server.port, security="none", hello="t.example", **given)
        smtp = Smtp(settings, tmp_path)
        smtp.open()
        tray = Handful([a_mail(HEAD, body), a_mail(HEAD, body)])
        smtp.deliver(tray)
        smtp.close()
        assert len(server.books.mails) == 2
        assert all(verifies(SIGNERS[kind], content) for _, _, content in server.books.mails)
        assert server.books.violations == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dkim_selector": "s1"}, "no key"),
        ({"dkim_key_file": "key.pem"}, "no selector"),
        ({"dkim_selector": "s1", "dkim_key_file": "none.pem"}, "none.pem can't be read"),
        ({"dkim_selector": "s1", "dkim_key": "nonsense"}, "no private key in PEM"),
        ({"dkim_selector": "s1", "dkim_key_file": "curve.pem"}, "neither RSA"),
        ({"dkim_selector": "s 1;", "dkim_key_file": "key.pem"}, "no name of a DNS record"),
    ],
)
def test_a_wrong_setting_is_said_in_one_sentence(given, said, tmp_path):
    (tmp_path / "curve.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (tmp_path / "key.pem").write_bytes(pem(KEYS["rsa"]))
    with pytest.raises(AdapterFailed, match=said) as caught:
        signer_of(SmtpAdapter(kind="smtp", dkim_domain="news.example", **given), tmp_path)
    assert caught.value.permanent
    assert "\n" not in str(caught.value)


def test_the_key_may_come_from_the_environment(tmp_path):
    settings = SmtpAdapter(
        kind="smtp", dkim_domain="news.example", dkim_selector="s1", dkim_key=pem(KEYS["rsa"]).decode()
    )
    assert "PRIVATE" not in repr(settings)
    signer = signer_of(settings, tmp_path)
    assert verifies(signer, signed(signer, a_mail(HEAD, b"x\r\n")))
    assert signer_of(SmtpAdapter(kind="smtp"), tmp_path) is None
