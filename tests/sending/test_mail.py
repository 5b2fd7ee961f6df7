"""A sent mail's headers and parts, as a reader's mail program meets them."""

import email
from datetime import timedelta
from email import policy
from email.utils import parsedate_to_datetime

import pytest
from django.utils import timezone

from broadsheet import pipeline

pytestmark = pytest.mark.django_db

ADA = "ada@reader.example"


@pytest.fixture
def mail(freeze, send, memory, cast):
    """Ada's copy of the weekly digest, parsed."""
    send(freeze("weekly"), memory)
    return email.message_from_bytes(copy_of(memory, ADA).content, policy=policy.default)


def copy_of(outbox, address):
    return next(mail for mail in outbox.mails if mail.rcpt_to == address)


def test_a_mail_is_read_back_without_defects(mail):
    assert mail.defects == []
    for part in mail.walk():
        assert part.defects == []
        assert all(not getattr(value, "defects", ()) for value in part.values())


def test_it_says_from_whom_to_whom_and_when(mail):
    assert mail["From"] == "Stillwater <hello@news.stillwater.example>"
    assert mail["To"] == f"Ada Lovelace <{ADA}>"
    assert mail["Reply-To"] == "editors@stillwater.example"
    assert mail["Subject"] == "Back to the allotment"
    assert abs(parsedate_to_datetime(mail["Date"]) - timezone.now()) < timedelta(minutes=1)


def test_each_header_stands_there_once(mail):
    names = [name.lower() for name in mail]
    assert sorted(names) == sorted(set(names))


def test_it_has_a_text_and_an_html_part_in_that_order(mail):
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "Hello Ada," in text
    assert "Hello Ada," in html
    assert "https://stillwater.example/" in text
    assert html.lstrip().lower().startswith("<!doctype html>")
    assert "{{" not in text + html


def test_leaving_takes_one_click(mail, client):
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    first = mail["List-Unsubscribe"].partition(",")[0].strip()
    assert first.startswith("<https://news.stillwater.example/u/")
    path = first.strip("<>").removeprefix("https://news.stillwater.example")
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200


def test_the_body_has_the_same_way_out_and_the_postal_address(mail):
    way = mail["List-Unsubscribe"].partition(">")[0].strip(" <")
    text, html = (part.get_content() for part in mail.iter_parts())
    assert way in html
    assert way in text
    assert "12 Harbour Lane" in html
    assert "12 Harbour Lane" in text


def test_the_list_and_the_campaign_are_named_the_same_way_for_every_reader(mail, memory):
    assert mail["List-Id"] == '"Stillwater Weekly" <newsletter.news.stillwater.example>'
    assert mail["Feedback-ID"] == "weekly-20260303T0900:weekly:newsletter:broadsheet"
    assert mail["Precedence"] == "bulk"
    other = email.message_from_bytes(copy_of(memory, "ben@reader.example").content, policy=policy.default)
    for name in ("List-Id", "Feedback-ID", "Precedence", "From"):
        assert other[name] == mail[name]


def test_no_copy_shows_another_readers_data(mail, memory):
    for each in memory.mails:
        others = {mail.rcpt_to for mail in memory.mails} - {each.rcpt_to}
        assert not any(other.encode() in each.content for other in others)


def test_every_message_id_and_way_out_is_a_readers_own(mail, memory):
    parsed = [email.message_from_bytes(each.content, policy=policy.default) for each in memory.mails]
    assert len({each["Message-ID"] for each in parsed}) == len(parsed) == 3
    assert len({each["List-Unsubscribe"] for each in parsed}) == 3
    assert all(each["Message-ID"].endswith("@news.stillwater.example>") for each in parsed)


def test_the_message_id_is_the_same_on_a_retry(freeze, send, once_more, memory, cast):
    edition = freeze("weekly")
    send(edition, memory)
    first = {mail.rcpt_to: mail.message_id for mail in memory.mails}
    memory.mails.clear()
    once_more(edition)
    send(edition, memory)
    assert {mail.rcpt_to: mail.message_id for mail in memory.mails} == first
    for mail in memory.mails:
        assert email.message_from_bytes(mail.content)["Message-ID"] == mail.message_id


def test_the_next_edition_has_new_message_ids(freeze, send, memory, cast, at):
    send(freeze("weekly"), memory)
    send(freeze("weekly", at + timedelta(days=7)), memory)
    assert len({mail.message_id for mail in memory.mails}) == len(memory.mails)


def test_lines_are_short_and_end_as_smtp_wants_them(mail, memory):
    for each in memory.mails:
        assert each.content.endswith(b"\r\n")
        assert b"\n" not in each.content.replace(b"\r\n", b"")
        lines = each.content.split(b"\r\n")
        assert max(len(line) for line in lines) <= 998
        assert not any(line.startswith(b".") for line in lines)


def test_a_name_that_would_break_a_header_goes_nowhere(freeze, send, memory, join, ledger):
    join(ADA, "sleep", first_name="Ada\r\nBcc: all@reader.example")
    join("ben@reader.example", "sleep", first_name="Ben")
    edition = freeze("weekly")
    send(edition, memory)
    for each in memory.mails:
        assert "Bcc" not in email.message_from_bytes(each.content)
    assert "ben@reader.example" in [each.rcpt_to for each in memory.mails]


def test_the_browser_shows_the_copy_as_it_was_sent(mail, memory, cast):
    from broadsheet.models import Edition

    html = pipeline.as_reader_got_it(Edition.objects.get().pk, cast.ada.pk)
    assert html == mail.get_body(("html",)).get_content()
    assert pipeline.as_reader_got_it(Edition.objects.get().pk, cast.hal.pk) is None
