"""A mail without a fault, to put one in."""

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from broadsheet.rendering.findings import Copy, Finding, House, of_copy

ADDRESS = "Clinic, 12 Harbour Lane, 24103 Kiel"
LEAVE = "https://news.clinic.example/u/abc"
HEAD = '<html lang="en" dir="ltr"><head><title>Sleep well</title></head>'
PREHEADER = '<div style="display:none">Three stories for you</div>'
PAGES = "https://news.clinic.example"
FOOTER = (
    f'<p style="color:#444444">You get this because you subscribed to Clinic Weekly. {ADDRESS} '
    f'<a href="{LEAVE}" style="color:#0f4c4a">Unsubscribe</a> '
    f'<a href="{PAGES}/p/abc" style="color:#0f4c4a">Change your preferences</a> '
    f'<a href="{PAGES}/v/abc" style="color:#0f4c4a">View in browser</a></p>'
)
FOOT = f"Clinic Weekly\nPreferences: {PAGES}/p/abc\nView: {PAGES}/v/abc\n"
TEXT = f"Sleep well.\n\n{ADDRESS}\nUnsubscribe: {LEAVE}\n{FOOT}"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """The clinic's: site, public pages and sender, and an empty folder of pictures."""
    return House(
        site_url="https://clinic.example",
        public_url="https://news.clinic.example",
        postal_address="Clinic\n12 Harbour Lane\n24103 Kiel",
        sender_domain="news.clinic.example",
        images=tmp_path,
    )


@pytest.fixture
def mail() -> Callable[..., bytes]:
    """The bytes of a mail whose HTML has ``body`` between heading and footer, and ``instead`` of some words others."""

    def made(
        body: str = "<p>Good evening.</p>",
        *,
        instead: dict[str, str] | None = None,
        subject: str | None = "Sleep well",
        text: str = TEXT,
        leave: str | None = f"<{LEAVE}>",
    ) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = "Clinic <news@news.clinic.example>"
        message["List-Id"] = '"Clinic Weekly" <weekly.news.clinic.example>'
        if subject is not None:
            message["Subject"] = subject
        if leave:
            message["List-Unsubscribe"] = leave
        message.set_content(text, cte="quoted-printable")
        whole = f"<!doctype html>{HEAD}<body>{PREHEADER}<h1>Sleep well</h1>{body}{FOOTER}</body></html>"
        for old, new in (instead or {}).items():
            assert old in whole
            whole = whole.replace(old, new)
        message.add_alternative(whole, subtype="html", cte="quoted-printable")
        return message.as_bytes()

    return made


@pytest.fixture
def findings(mail: Callable[..., bytes], house: House) -> Callable[..., list[Finding]]:
    """What is found in a mail, made as ``mail`` does."""
    return lambda *args, house=house, **kwargs: of_copy(Copy.of(mail(*args, **kwargs)), house)


@pytest.fixture
def codes(findings: Callable[..., list[Finding]]) -> Callable[..., set[str]]:
    """The codes of what is found in a mail."""
    return lambda *args, **kwargs: {each.code for each in findings(*args, **kwargs)}
