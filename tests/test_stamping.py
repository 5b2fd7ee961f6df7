"""Links are signed, mailboxes are written so that they parse back, and a stamp gives one reader's mail."""

import base64
import quopri
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.audience import Reader
from broadsheet.errors import UnstampableReader
from broadsheet.rendering import Message
from broadsheet.rendering.message import Choice, Encoding, Line, Slot
from broadsheet.stamping import Imprint, LinkSigner, Stamp
from broadsheet.stamping.signing import packed

NOW = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
SIGNER = LinkSigner("key")
IMPRINT = Imprint(7, "https://news.example", "mail.example", "bounce@mail.example", SIGNER)
numbers = st.integers(0, 2**63 - 1)


def name(word):
    return ["name", word]


def stamped(reader, *pieces, imprint=IMPRINT, now=NOW):
    return Stamp(Message(pieces, "", 0), imprint)(reader, delivery_id=5, now=now)


def ada(email="ada@reader.example", name="", **values):
    return Reader(3, email, name, values)


# Signed words


@given(st.sampled_from("uvpm"), numbers, numbers)
def test_a_word_says_edition_and_subscriber(purpose, edition, subscriber):
    word = SIGNER.make(purpose, edition, subscriber)
    assert SIGNER.read(purpose, word) == (edition, subscriber)
    assert len(word) < 60
    assert word.replace("-", "").replace("_", "").isalnum()


def test_a_word_is_short_for_everyday_numbers():
    assert len(SIGNER.make("u", 500, 1_000_000)) <= 20


@given(numbers, numbers)
def test_a_word_is_good_for_its_own_purpose_and_key_alone(edition, subscriber):
    word = SIGNER.make("u", edition, subscriber)
    assert SIGNER.read("v", word) is None
    assert LinkSigner("another key").read("u", word) is None


@given(st.data(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_changed_word_says_nothing(data, edition, subscriber):
    word = SIGNER.make("u", edition, subscriber)
    at = data.draw(st.integers(0, len(word) - 1))
    other = data.draw(st.sampled_from("ABCDabcd0189-_").filter(lambda letter: letter != word[at]))
    assert SIGNER.read("u", word[:at] + other + word[at + 1 :]) is None
    assert SIGNER.read("u", word[:at]) is None
    assert SIGNER.read("u", word + other) is None


@given(st.text(max_size=60))
def test_no_text_makes_it_stumble(text):
    assert SIGNER.read("u", text) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: w + "=",
        lambda w: w + "==",
        lambda w: " " + w,
        lambda w: w + "\n",
        lambda w: w.replace("-", "+").replace("_", "/") + " ",
        lambda w: "ä" + w,
    ],
)
def test_a_word_has_one_spelling(spoil):
    assert SIGNER.read("u", spoil(SIGNER.make("u", 7, 3))) is None


def test_stray_bits_at_the_end_are_another_spelling():
    word = SIGNER.make("u", 300, 3)  # 13 bytes: the last letter has four bits to spare
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = word[:-1] + alphabet[alphabet.index(word[-1]) + 1]
    assert base64.urlsafe_b64decode(other + "===") == base64.urlsafe_b64decode(word + "===")
    assert SIGNER.read("u", other) is None


def test_a_maker_makes_what_make_makes():
    assert SIGNER.maker("v", 9)(packed(12)) == SIGNER.make("v", 9, 12)


# Mailboxes


@pytest.mark.parametrize(
    "person",
    ["Ada", "Ada Lovelace", "Dr. Ada, Countess", 'Ada "the" Lovelace', "back\\slash", "Ada (of Kiel)", "a@b",
     "Jürgen Groß", "👩🏽‍🚀 Ada 🎉", "مرحبا", "山田 太郎", "=?utf-8?q?x?=",
     "Ada; Ben: Cleo", "<evil@x.example>", "O'Neil", ".dot", "-"],
)  # fmt: skip
def test_a_name_in_to_parses_back(person):
    mail = stamped(ada(name=person), b"To: ", Slot(name("to"), Encoding.PLAIN), b"\r\n\r\n")
    parsed = message_from_bytes(mail.content, policy=policy.default)
    (address,) = parsed["To"].addresses
    assert (address.display_name, address.addr_spec) == (person, "ada@reader.example")
    assert not parsed["To"].defects
    assert all(len(line) <= 120 for line in mail.content.split(b"\r\n"))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60).map(lambda text: " ".join(text.split())))
def test_any_name_leaves_the_address_alone(person):
    mail = stamped(ada(name=person), b"To: ", Slot(name("to"), Encoding.PLAIN), b"\r\n\r\n")
    parsed = message_from_bytes(mail.content, policy=policy.default)
    (address,) = parsed["To"].addresses
    assert address.addr_spec == "ada@reader.example"


def test_a_long_name_is_cut_and_one_with_line_breaks_left_out():
    to = Slot(name("to"), Encoding.PLAIN)
    assert stamped(ada(name="Ada " * 500), to).content == b"Ada " * 14 + b"Ada <ada@reader.example>"
    assert stamped(ada(name="é" * 5000), to).content.count(b"=?utf-8?b?") == 3
    assert stamped(ada(name="Ada\r\nBcc: x@y.example"), to).content == b"ada@reader.example"


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: x@y.example", "a b@c.example", "a@b.example>", "<a@b.example", "a\x00@b.example"]
)
def test_an_address_that_would_end_its_header_is_refused(address):
    with pytest.raises(UnstampableReader, match="reader 3: their address holds"):
        stamped(ada(email=address))


def test_an_international_address_is_written_as_it_is():
    """RFC 6532: UTF-8 in the header; whether a server takes it is the adapter's to find out."""
    mail = stamped(ada(email="zoë@reader.example", name="Zoë"), b"To: ", Slot(name("to"), Encoding.PLAIN), b"\r\n\r\n")
    assert mail.rcpt_to == "zoë@reader.example"
    assert mail.content.endswith("<zoë@reader.example>\r\n\r\n".encode())


# Stamping


def test_a_mail_says_for_whom_and_from_where_it_is():
    mail = stamped(ada(), b"x")
    assert (mail.delivery_id, mail.mail_from, mail.rcpt_to, mail.content) == (
        5,
        "bounce@mail.example",
        "ada@reader.example",
        b"x",
    )
    assert mail.message_id == f"<{SIGNER.make('m', 7, 3)}@mail.example>"


def test_with_a_bounce_domain_each_copy_has_a_return_path_of_its_own():
    imprint = Imprint(7, "https://news.example", "mail.example", "b+{word}@bounce.example", SIGNER)
    mail = stamped(ada(), imprint=imprint)
    word = mail.mail_from.removeprefix("b+").removesuffix("@bounce.example")
    assert SIGNER.read("b", word) == (7, 3)
    assert SIGNER.read("u", word) is None
    assert stamped(Reader(4, "ben@reader.example", "", {}), imprint=imprint).mail_from != mail.mail_from
    assert stamped(ada()).mail_from == "bounce@mail.example"


def test_each_reader_has_addresses_of_their_own():
    pieces = [Slot(name(word), Encoding.PLAIN) for word in ("unsubscribe_url", "view_url", "preferences_url")]
    words = [SIGNER.make(purpose, 7, 3) for purpose in "uvp"]
    assert stamped(ada(), *pieces).content.decode() == "".join(
        f"https://news.example/{p}/{w}" for p, w in zip("uvp", words, strict=True)
    )


def test_addresses_are_found_wherever_they_are_used():
    url = name("view_url")
    for piece in (
        Choice(url, (b"x",), ()),
        Choice(["const", 1], (Slot(["filter", "upper", url, [], {}, True], Encoding.HTML),), ()),
        Line((["v", False, url],)),
        Line((["i", ["const", True], [["v", False, url]], []],)),
    ):
        assert stamped(ada(), piece).content


def test_the_date_is_that_of_the_moment():
    stamp = Stamp(Message((Slot(name("date"), Encoding.PLAIN),), "", 0), IMPRINT)
    later = NOW.replace(minute=31)
    dates = [stamp(ada(), delivery_id=1, now=now).content for now in (NOW, NOW, later, NOW)]
    assert dates == [b"Tue, 03 Mar 2026 08:30:00 +0000"] * 2 + [
        b"Tue, 03 Mar 2026 08:31:00 +0000",
        b"Tue, 03 Mar 2026 08:30:00 +0000",
    ]


def test_a_choice_takes_one_side_and_evaluates_that_alone():
    boom = Slot(["binary", "/", ["const", 1], ["const", 0]], Encoding.HTML)
    piece = Choice(["attr", name("subscriber"), "x"], (b"yes",), (boom,))
    assert stamped(ada(x=1), piece).content == b"yes"
    with pytest.raises(UnstampableReader, match="reader 3: division by zero"):
        stamped(ada(), piece)


def test_values_begin_and_end_at_the_beginning_of_an_encoded_line():
    for value in ("Ada", "é", "a" * 500, ".", "a\n", " ", ""):
        content = stamped(ada(x=value), Slot(["attr", name("subscriber"), "x"], Encoding.TEXT)).content
        assert content == b"" or content.endswith(b"\r\n")
        assert not content.startswith(b".")


def test_values_that_come_again_and_more_than_are_kept_are_written_as_the_first_time():
    stamp = Stamp(Message((Slot(["attr", name("subscriber"), "x"], Encoding.HTML),), "", 0), IMPRINT)
    values = [f"Zoë & {number}" for number in range(1_500)]
    first, again = ([stamp(ada(x=each), delivery_id=1, now=NOW).content for each in values] for _ in range(2))
    assert first == again
    assert [quopri.decodestring(each).decode() for each in first] == [f"Zoë &amp; {n}" for n in range(1_500)]


@pytest.mark.parametrize("host", ["news.example", "a&b.example", "long." * 12 + "example"])
@pytest.mark.parametrize("encoding", [Encoding.HTML, Encoding.ADDRESS, Encoding.URL, Encoding.TEXT, Encoding.FROM_HTML])
def test_an_address_of_the_readers_own_is_written_whatever_it_is_like(host, encoding):
    imprint = Imprint(7, f"https://{host}", "mail.example", "b@mail.example", SIGNER)
    content = stamped(ada(), Slot(name("view_url"), encoding), imprint=imprint).content
    assert content.endswith(b"=\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 76
    url = f"https://{host}/v/{SIGNER.make('v', 7, 3)}"
    written = url if encoding in (Encoding.TEXT, Encoding.FROM_HTML) else url.replace("&", "&amp;")
    assert quopri.decodestring(content).decode() == written
