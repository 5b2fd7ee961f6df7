"""Quoted-printable in pieces (RFC 2045 section 6.7): what is put together decodes to what went in."""

import quopri

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.rendering.mime import encoded_body, quoted_printable

texts = st.one_of(
    st.text(max_size=200),
    st.text(st.sampled_from("ab .=\n\té\U0001f680"), max_size=400),
    st.text(st.sampled_from(". "), max_size=300),
)


@given(st.lists(texts, max_size=6))
def test_pieces_encoded_on_their_own_decode_to_the_whole(parts):
    encoded = b"".join(encoded_body(tuple(part.encode() for part in parts)))
    whole = "".join(part.replace("\r\n", "\n").replace("\r", "\n") for part in parts)
    assert quopri.decodestring(encoded).decode().replace("\r\n", "\n").removesuffix("\n") == whole.removesuffix("\n")


@given(texts)
def test_each_piece_is_whole_lines_without_leading_dots(text):
    encoded = quoted_printable(text.encode())
    assert encoded == b"" or encoded.endswith(b"\r\n")
    lines = encoded.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert not any(line.startswith(b".") for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines)
    assert encoded.isascii()


def test_nothing_is_nothing():
    assert quoted_printable(b"") == b""
    assert encoded_body(()) == (b"\r\n",)


def test_a_line_of_dots_is_written_out():
    assert quoted_printable(b"." * 30 + b"\n") == b"=2E" * 24 + b"=\r\n" + b"=2E" * 6 + b"=\r\n\r\n"
