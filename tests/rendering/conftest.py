"""A desk to press at: templates in a folder, two articles, a sheet, a stamp, and mails read back."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from markupsafe import Markup

from broadsheet.articles import Content
from broadsheet.audience import Reader
from broadsheet.rendering import Sheet, compile_message
from broadsheet.stamping import Imprint, LinkSigner, Mail, Stamp

settings.register_profile(
    "press", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
NOW = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
IMPRINT = Imprint(
    7, "https://news.stillwater.example", "news.stillwater.example", "hello@news.stillwater.example", LinkSigner("key")
)
HTML = (
    '<!doctype html>\n<html lang="en" dir="ltr"><head><title>{{ subject }}</title></head><body>\n%s\n</body></html>\n'
)


def article(title: str = "Night & harbour", **more: object) -> Content:
    return replace(
        Content(
            slug="night", title=title, excerpt="An excerpt.", url="https://stillwater.example/night", image=None,
            category="Sleep", author="Ada",
            tags=("sleep", "mind"), published_at=NOW, html=Markup("<p>Whole.</p>"), language="en", dir="ltr", minutes=2,
        ),
        **more,
    )  # fmt: skip


def a_reader(email: str = "ada@reader.example", name: str = "", **values: object) -> Reader:
    return Reader(3, email, name, values)


@dataclass
class Press:
    """Templates in a folder of their own, and what is made of them."""

    folder: Path

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_html", ".html").replace("_txt", ".txt").replace(
                "_mjml", ".mjml"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")

    def sheet(self, body: str | None = None, text: str | None = "x\n", *, whole: str = "", **campaign: str) -> Sheet:
        """The sheet of a mail with that body, or that ``whole`` HTML; ``text=None``: no text.txt."""
        if body is not None or whole:
            self.write(t__template_html=whole or HTML % body)
        if text is not None:
            self.write(t__text_txt=text)
        words = {"name": "Weekly", "slug": "weekly", "subject": "News", "preheader": "", "intro": ""}
        return Sheet(
            templates=self.folder,
            template="t",
            theme={},
            campaign={**words, **campaign},
            site={
                "name": "Stillwater & Co",
                "url": "https://stillwater.example",
                "language": "en",
                "dir": "ltr",
                "postal_address": "Kiel",
            },
            sender={"name": "Stillwater", "email": "hello@news.stillwater.example"},
            list={"name": "newsletter", "title": "Weekly"},
            edition={"date": NOW},
            articles=(article(), article("Pillow <moon>", category="")),
            headers=(("List-Id", '"Weekly" <newsletter.news.stillwater.example>'),),
        )

    def compile(self, body: str | None = None, text: str | None = "x\n", **more: str):
        return compile_message(self.sheet(body, text, **more))

    def mail(
        self, body: str | None = None, text: str | None = "x\n", reader: Reader | None = None, **more: str
    ) -> "ReadBack":
        stamp = Stamp(self.compile(body, text, **more), IMPRINT)
        return ReadBack(stamp(reader or a_reader(), delivery_id=1, now=NOW))

    def body(self, body: str, **values: object) -> str:
        """What a reader with those values finds between <body> and </body>."""
        html = self.mail(body, reader=a_reader(**values)).html
        return html.split("<body>", 1)[1].rsplit("</body>", 1)[0].strip()


class ReadBack:
    """A stamped mail as the standard library reads it."""

    def __init__(self, mail: Mail) -> None:
        self.mail, self.raw = mail, mail.content
        self.parsed: EmailMessage = message_from_bytes(mail.content, policy=policy.default)
        self.text, self.html = (self.part(kind).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
        self.subject = self.parsed["Subject"]

    def part(self, kind: str) -> EmailMessage:
        (found,) = [part for part in self.parsed.walk() if part.get_content_type() == f"text/{kind}"]
        return found

    def is_sound(self) -> None:
        """RFC 5322 and 2045: line lengths and ends, no leading dots, nothing that the parser minds."""
        body = self.raw.split(b"\r\n\r\n", 1)[1]
        assert b"\n" not in self.raw.replace(b"\r\n", b"") and b"\r" not in self.raw.replace(b"\r\n", b"")
        lines = self.raw.split(b"\r\n")
        assert max(map(len, lines)) <= 998
        assert max(map(len, body.split(b"\r\n"))) <= 78
        assert not any(line.startswith(b".") for line in lines)
        assert all(not part.defects for part in self.parsed.walk())
        assert not any(value.defects for value in self.parsed.values())
        assert [part.get_content_type() for part in self.parsed.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]


@contextmanager
def pressing() -> Iterator[Press]:
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-press-"))
    try:
        yield Press(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def press() -> Iterator[Press]:
    with pressing() as desk:
        yield desk
