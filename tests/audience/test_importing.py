"""People from a CSV file: dialects, statuses, bad lines, and nobody made mailable against their will."""

import csv
import io
import time
from datetime import UTC, datetime

import pytest
from django.db import transaction
from email_validator import EmailNotValidError, validate_email
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broadsheet.audience import ImportChoices, ImportReport, Target, import_people, known_address, mailable
from broadsheet.audience.statuses import WORDS as STATUSES
from broadsheet.audience.statuses import Standing
from broadsheet.errors import BroadsheetError
from broadsheet.models import Subscriber, Subscription, Suppression

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(workspace, write):
    """Imports a file of this content."""

    def taken(content, list_name="newsletter", name="people.csv", **choices):
        file = write(f"subscribers/{name}", content)
        return import_people(workspace, file, choices=ImportChoices(list_name, **choices))

    return taken


def counts(report):
    return report.read, report.added, report.updated, report.unchanged, report.rejected_lines


def state_of(email, list_name="newsletter"):
    return Subscription.objects.get(subscriber__email_key=email, list_name=list_name).state


def mailed(list_name="newsletter"):
    return sorted(mailable(Target(list_name)).values_list("email", flat=True))


# Dialects


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_dialect_that_a_spreadsheet_writes_is_read(take, delimiter, encoding, line_end):
    rows = [["Email Address", "First-Name", "Country"], ["kaethe@reader.example", "Käthe", "DE"]]
    content = line_end.join(delimiter.join(row) for row in rows) + line_end
    assert counts(take(content.encode(encoding))) == (1, 1, 0, 0, 0)
    person = Subscriber.objects.get()
    assert (person.email, person.first_name, person.attributes) == ("kaethe@reader.example", "Käthe", {"country": "DE"})


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks(take):
    take('email,first_name,interests\nada@reader.example,"Ada ""Countess"",\nof Lovelace","sleep, mind"\n')
    person = Subscriber.objects.select_related("interests").get()
    assert person.first_name == 'Ada "Countess", of Lovelace'
    assert person.interests.tags == ["mind", "sleep"]


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_only_a_line_break_ends_a_line(take, odd):
    report = take(f"email,first_name,status\nada@reader.example,A{odd}da,unsubscribed\n")
    assert counts(report) == (1, 1, 0, 0, 0)
    assert mailed() == []


def test_every_known_column_is_taken_and_the_rest_are_attributes(take):
    take(
        "E-Mail,Given Name,surname,lang,TZ,Topics,list,state,Joined,First visit\n"
        "ada@reader.example,Ada,Lovelace,en,Europe/London,Sleep;Mind,letters,active,2024-01-17,2020-02-03\n",
        None,
    )
    person = Subscriber.objects.select_related("interests").get()
    assert (person.first_name, person.last_name, person.language) == ("Ada", "Lovelace", "en")
    assert person.time_zone == "Europe/London"
    assert person.interests.tags == ["mind", "sleep"]
    assert person.attributes == {"first_visit": "2020-02-03"}
    consent = person.subscriptions.get()
    assert (consent.list_name, consent.state, consent.consent_at) == (
        "letters",
        "subscribed",
        datetime(2024, 1, 17, tzinfo=UTC),
    )
    assert (consent.consent_how, consent.consent_detail) == ("import", "people.csv")


def test_of_two_columns_that_would_do_the_better_named_one_is_taken(take):
    take("Email Address,Address,State,Status\nada@reader.example,12 Harbour Lane,CA,unsubscribed\n")
    person = Subscriber.objects.get()
    assert person.attributes == {"address": "12 Harbour Lane", "state": "CA"}
    assert state_of("ada@reader.example") == "unsubscribed"


def test_a_blank_second_status_does_not_unsay_the_first(take):
    take("email,status,state\nada@reader.example,unsubscribed,\n")
    assert mailed() == []


def test_two_columns_of_one_name_are_refused(take):
    with pytest.raises(BroadsheetError, match="it names `status` twice"):
        take("email,status,Status\nada@reader.example,unsubscribed,subscribed\n")
    assert not Subscriber.objects.exists()


def test_blank_lines_and_trailing_delimiters_are_no_people(take):
    report = take("email,first_name\n\nada@reader.example,Ada,,,\n  ,  \n\n")
    assert counts(report) == (1, 1, 0, 0, 0)


# Statuses


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("subscribed", "subscribed"),
        ("ACTIVE", "subscribed"),
        (" Confirmed ", "subscribed"),
        ("", "pending"),
        ("pending", "pending"),
        ("unconfirmed", "pending"),
        ("unsubscribed", "unsubscribed"),
        ("unknown word", "unsubscribed"),
        ("subscribed?", "unsubscribed"),
        ("nonsubscribed", "unsubscribed"),
        ("0", "unsubscribed"),
    ],
)
def test_a_status_becomes_the_state_it_means_and_an_unknown_one_the_safe_one(take, status, state):
    take(f"email,status\nada@reader.example,{status}\n")
    assert state_of("ada@reader.example") == state
    assert mailed() == (["ada@reader.example"] if state == "subscribed" else [])


@pytest.mark.parametrize(
    ("status", "reason"),
    [("suppressed", "by-hand"), ("cleaned", "dead"), ("bounced", "dead"), ("Complained", "complained")],
)
def test_a_suppressed_person_comes_with_their_suppression(take, status, reason):
    take(f"email,status\nAda@Reader.example,{status}\n")
    assert Suppression.objects.get().email_key == "ada@reader.example"
    assert Suppression.objects.get().reason == reason
    assert mailed() == []


def test_no_word_that_is_not_in_the_table_of_statuses_subscribes():
    assert {word for word, standing in STATUSES.items() if standing == Standing.SUBSCRIBED} == {
        *("subscribed", "active", "confirmed"),
        *("regular", "premium", "gifted", "trialed", "churning"),  # Buttondown's
        "marketing contact",  # HubSpot's
    }


# Lines that are not taken


def test_bad_lines_are_rejected_with_their_numbers_and_the_others_go_on(take):
    report = take(
        "email,first_name,time_zone,lists,created,status\n"
        "ada@reader.example,Ada,,,,subscribed\n"
        "not an address,,,,,\n"
        '"ben@reader.example","B\nen",,,,subscribed\n'
        "dan@reader.example,,Mars/Olympus,,,\n"
        "eve@reader.example,,,newsleter,,\n"
        "fay@reader.example,,,,yesterday,\n"
        "ADA@reader.example,again,,,,subscribed\n"
        f"gus@reader.example,{'G' * 201},,,,\n"
        "hal@reader.example,Hal\n"
        "ida@reader.example,Ida, Jr,,,,unsubscribed\n"
        ",Jo,,,,\n"
        "kim@reader.example,,,,0001-01-01T00:00:00+23:00,\n"
        "lea@reader.example,,,,,subscribed\n"
    )
    assert counts(report) == (13, 3, 0, 0, 10)
    reasons = {each.line: each.reason for each in report.rejected}
    assert sorted(reasons) == [3, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert "is not an email address" in reasons[3]
    assert "is not a time zone" in reasons[6]
    assert reasons[7].startswith("there is no list “newsleter”; there is: letters, newsletter;")
    assert "is not a date" in reasons[8]
    assert reasons[9] == "the same address as an earlier line"
    assert "longer than 200" in reasons[10]
    assert reasons[11] == "has 2 cells, but the first line 6; it may say that they left"
    assert reasons[12] == "has 7 cells, but the first line 6; only its status (left) was taken"
    assert "is not a date" in reasons[14]
    assert mailed() == ["ada@reader.example", "ben@reader.example", "lea@reader.example"]


def test_a_quote_that_never_ends_is_rejected_and_does_not_swallow_people_silently(take):
    report = take('email,first_name\nada@reader.example,Ada\nben@reader.example,"Ben\ncleo@reader.example,Cleo\n')
    assert report.added == 2
    assert [each.line for each in report.rejected] == [3]
    assert "not CSV" in report.rejected[0].reason


@pytest.mark.parametrize(
    ("column", "no", "yes", "stays"),
    [
        ("Archived", "yes", "no", False), ("archived_at", "2026-01-01", "", False), ("Active", "no", "yes", False),
        ("is_enabled", "false", "true", False), ("Disabled", "1", "0", False), ("Inactive", "yes", "no", True),
        ("Subscription", "unsubscribed", "Monthly", False), ("Subscription", "no", "yes", True),
        ("Newsletter", "cancelled", "Weekly", False), ("Removed", "x", "", False),
    ],
)  # fmt: skip
def test_columns_that_say_that_somebody_left_in_their_own_way_are_heeded(take, column, no, yes, stays):
    content = f"email,{column}\nada@reader.example,{no}\nben@reader.example,{yes}\n"
    assert take(content).columns[column].startswith("status")
    assert mailed() == ["ben@reader.example"]
    Subscription.objects.update(state="subscribed", left_at=None)
    take(content, name="later.csv")
    assert mailed() == (["ada@reader.example"] if stays else []) + ["ben@reader.example"]


@pytest.mark.parametrize("target", ["unsubscribed", "Unsubscribed", "bounced", "archived"])
def test_a_column_mapped_to_a_status_is_one_and_no_attribute(take, target):
    content = "email,Gone\nada@reader.example,yes\nben@reader.example,no\n"
    assert take(content, mapped={"Gone": target}).columns["Gone"] == "status"
    assert mailed() == ["ben@reader.example"]
    assert Subscriber.objects.get(email_key="ben@reader.example").attributes == {}
    take("email,Gone\nada@reader.example,2026-01-01\n", mapped={"Gone": "unsubscribed_at"}, name="when.csv")


@pytest.mark.parametrize("target", ["left", "Hard bounce", "opted out"])
def test_a_column_mapped_to_what_only_a_person_can_be_is_a_mistake(take, target):
    with pytest.raises(BroadsheetError, match="map it to `status` if its words say so, to `unsubscribed`"):
        take("email,Gone\nada@reader.example,yes\n", mapped={"Gone": target})


HERE = "ada@reader.example,Ada,subscribed\nben@reader.example,Ben,subscribed\ncleo@reader.example,Cleo,subscribed\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('ada@reader.example,"Ada "The" L",unsubscribed', "only its status (left) was taken"),
        ('ada@reader.example,"Ada,unsubscribed', "only its status (left) was taken"),
        ('"ada@reader.example,Ada,unsubscribed', "only its status (left) was taken"),
        ("ada@reader.example,Ada, Countess,unsubscribed", "only its status (left) was taken"),
        ("ada@reader.example,unsubscribed", "only its status (left) was taken"),
        ('ada@reader.example,"Ada "The, first" L",bounced', "only its status (dead) was taken"),
        (f"ada@reader.example,{'A' * 201},complained", "only its status (complained) was taken"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("after", ["", '"ben@reader.example","Ben",subscribed\ncleo@reader.example,Cleo,subscribed\n'])
def test_whoever_a_broken_line_calls_unsubscribed_is_not_mailed_any_more(take, line, said, after):
    take(f"email,first_name,status\n{HERE}")
    report = take(f"email,first_name,status\n{line}\n{after}")
    assert mailed() == ["ben@reader.example", "cleo@reader.example"]
    assert (report.rejected_lines, report.rejected[0].line) == (1, 2)
    assert report.rejected[0].reason.endswith(said)
    assert report.unchanged == after.count("\n")


@pytest.mark.parametrize(
    "line",
    ['ada@reader.example,"Ada "The, first" L",gone', "ada@reader.example,Ada, Countess,subscribed", "ada@reader.example",
     '"ada@reader.example,Ada,"so, so",archive, deleted,removed?'],
)  # fmt: skip
def test_where_it_cannot_be_told_whether_a_broken_line_says_that_they_left_the_report_says_so(take, line):
    take(f"email,first_name,status\n{HERE}", name="before.csv")
    report = take(f"email,first_name,status\n{line}\nben@reader.example,Ben,subscribed\n")
    (doubt,) = report.doubts
    assert doubt.startswith("line 2 can't be taken (")
    assert "@" not in doubt
    assert "may say that somebody left" in doubt
    assert mailed() == ["ada@reader.example", "ben@reader.example", "cleo@reader.example"]


def test_nobody_is_made_mailable_by_a_line_after_a_broken_one_of_theirs(take):
    report = take("email,first_name,status\nada@reader.example,Ada, L,odd\nada@reader.example,Ada,subscribed\n")
    assert (report.added, report.rejected_lines, mailed()) == (0, 2, [])
    take("email,first_name,status\nada@reader.example,Ada,subscribed\nada@reader.example,Ada, L,odd\n")
    assert mailed() == []


def test_many_lines_that_cannot_be_told_are_named_as_far_as_anybody_reads(take):
    report = take("email,first_name,status\n" + "".join(f"r{each}@reader.example,A,B,C\n" for each in range(100)))
    assert len(report.doubts) == 21
    assert sum(report.doubts.values()) == 100


def test_a_broken_line_of_a_file_that_says_nothing_of_status_is_no_doubt(take):
    report = take('email,first_name\nada@reader.example,"Ada "The" L"\nben@reader.example,Ben,L\n')
    assert [each for each in report.doubts if "may say" in each] == []
    assert report.rejected_lines == 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_file_of_rejected_lines_has_their_text(take, end):
    lines = ["email,first_name,status", '=ada@reader.example,"Ada "The" L",unsubscribed', 'ben@reader.example,"Ben,left',
             "cleo@reader.example,Cleo,subscribed"]  # fmt: skip
    report = take(end.join([*lines, ""]))
    header, *rows = csv.reader(io.StringIO(report.rejected_file.read_text(encoding="utf-8"), newline=""))
    assert header == ["rejected_line", "rejected_reason", "rejected_text", *lines[0].split(",")]
    assert [(row[0], row[2], row[3:]) for row in rows] == [("2", f"'{lines[1]}", []), ("3", lines[2], [])]
    again = take(report.rejected_file.read_text(encoding="utf-8"), name="again.csv")
    assert again.rejected_file.read_text(encoding="utf-8").count("The") == 1, "who mends nothing keeps the text"


def test_a_quote_that_closes_some_lines_later_costs_its_own_line_only(take):
    report = take(
        'email,first_name,status\nada@reader.example,"Ada,subscribed\nben@reader.example,Ben,unsubscribed\n'
        'cleo@reader.example,Cleo,subscribed\ndan@reader.example,"Dan",subscribed\n'
    )
    assert (report.added, [each.line for each in report.rejected]) == (3, [2])
    assert mailed() == ["cleo@reader.example", "dan@reader.example"]


def test_quotes_that_never_close_cost_no_more_time_than_their_lines(take):
    lines = [f'r{number}@reader.example,"{number} ""quoted"" words,subscribed' for number in range(3_000)]
    began = time.perf_counter()
    report = take("\n".join(["email,first_name,status", *lines, ""]))
    assert (report.rejected_lines, mailed()) == (3_000, [])
    assert time.perf_counter() - began < 5


def test_a_cell_too_large_for_a_csv_reader_is_rejected(take):
    report = take(f"email,note\nada@reader.example,{'x' * 200_000}\nben@reader.example,short\n")
    assert (report.added, len(report.rejected)) == (1, 1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"   \n", "no column of addresses"),
        (b"name,country\nAda,DE\n", "no column of addresses"),
        (b"ada@reader.example\nben@reader.example\n", "no column of addresses"),
        (b"PK\x03\x04\0\0 an .xlsx file", "is a damaged ZIP file"),
        ("email\0".encode("utf-16"), "is not a text file; export it as CSV"),
        (b"\xff\xfe\x00\xd8", "is not a text file; export it as CSV"),
        (b'"email' + b"x" * 200_000, "the first line can't be read"),
        (b'"email\n', "the first line can't be read"),
    ],
)
def test_a_file_that_is_no_list_of_people_is_one_clear_sentence(take, content, sentence):
    with pytest.raises(BroadsheetError, match=sentence):
        take(content)


def test_a_list_that_is_not_there_is_refused_before_anything_is_written(take):
    with pytest.raises(BroadsheetError, match="There is no list “news”; there is: letters, newsletter"):
        take("email\nada@reader.example\n", "news")
    assert not Subscriber.objects.exists()


def test_a_file_that_is_not_there_is_one_clear_sentence(workspace, tmp_path):
    with pytest.raises(BroadsheetError, match=r"no\.csv can't be read \(No such file"):
        import_people(workspace, tmp_path / "no.csv", "newsletter")


# Again


FILE = (
    "email,first_name,interests,status,country\n"
    "ada@reader.example,Ada,sleep,subscribed,DE\n"
    "ben@reader.example,Ben,,unsubscribed,\n"
    "cleo@reader.example,,mind;sleep,pending,AT\n"
    "gus@reader.example,,,bounced,\n"
)


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Subscriber, Subscription, Suppression)]


def test_a_second_run_changes_nothing(take):
    assert counts(take(FILE)) == (4, 4, 0, 0, 0)
    before = everything()
    assert counts(take(FILE)) == (4, 0, 0, 4, 0)
    assert everything() == before


def test_who_has_left_is_not_subscribed_again(take):
    take(FILE)
    Subscription.objects.filter(subscriber__email="ada@reader.example").update(state="unsubscribed")
    report = take(FILE)
    assert counts(report) == (4, 0, 0, 4, 0)
    assert state_of("ada@reader.example") == "unsubscribed"


def test_who_never_confirmed_is_not_confirmed_by_an_import(take):
    take(FILE)
    take("email,status\ncleo@reader.example,subscribed\n")
    assert state_of("cleo@reader.example") == "pending"


def test_who_is_suppressed_stays_suppressed(take):
    take(FILE)
    take("email,status\ngus@reader.example,subscribed\n")
    assert Suppression.objects.get().reason == "dead"
    assert "gus@reader.example" not in mailed()


def test_a_suppression_keeps_its_first_reason(take):
    take(FILE)
    take("email,status\ngus@reader.example,complained\n")
    assert Suppression.objects.get().reason == "dead"


def test_whom_a_later_file_calls_unsubscribed_is_taken_off(take):
    take(FILE)
    report = take("email,status\nada@reader.example,Unsubscribed\n")
    assert counts(report) == (1, 0, 1, 0, 0)
    assert state_of("ada@reader.example") == "unsubscribed"
    assert Subscription.objects.get(subscriber__email="ada@reader.example").left_at is not None


def test_a_later_file_with_an_unknown_status_takes_nobody_off(take):
    take(FILE)
    take("email,state\nada@reader.example,Bavaria\n")
    assert mailed() == ["ada@reader.example"]


def test_a_later_file_fills_in_and_changes_but_does_not_blank(take):
    take(FILE)
    report = take("email,first_name,interests,time_zone,town\nada@reader.example,,,Europe/Berlin,Kiel\n")
    assert counts(report) == (1, 0, 1, 0, 0)
    ada = Subscriber.objects.select_related("interests").get(email="ada@reader.example")
    assert (ada.first_name, ada.time_zone, ada.interests.tags) == ("Ada", "Europe/Berlin", ["sleep"])
    assert ada.attributes == {"country": "DE", "town": "Kiel"}


def test_a_person_on_one_list_can_join_another_by_import(take):
    take(FILE)
    assert counts(take("email\nada@reader.example\n", "letters")) == (1, 0, 1, 0, 0)
    assert mailed("letters") == ["ada@reader.example"]


def test_a_line_that_can_not_be_taken_still_says_that_somebody_left(take):
    take("email,status\nada@reader.example,subscribed\nben@reader.example,subscribed\n")
    report = take(
        "email,status,time_zone\nada@reader.example,unsubscribed,Mars/Olympus\nada@reader.example,subscribed,\n"
        "ben@reader.example,bounced,Mars/Olympus\nnew@reader.example,complained,Mars/Olympus\n"
    )
    assert (report.added, report.rejected_lines) == (0, 4)
    assert report.rejected[0].reason.endswith("; only its status (left) was taken")
    assert mailed() == []
    assert set(Suppression.objects.values_list("email_key", "reason")) == {
        ("ben@reader.example", "dead"),
        ("new@reader.example", "complained"),
    }
    assert not Subscriber.objects.filter(email="new@reader.example").exists()


@pytest.mark.parametrize("batch", [2, 10])
@pytest.mark.parametrize("graver", ["unsubscribed", "pending", "who knows", "bounced"])
def test_of_two_lines_for_one_address_the_graver_counts_across_batches_too(take, monkeypatch, graver, batch):
    monkeypatch.setattr("broadsheet.audience.importing.BATCH", batch)
    lines = "".join(f"{name}@reader.example,subscribed,{name}\n" for name in ("ada", "r0", "r1", "r2", "r3"))
    report = take(f"email,status,first_name\n{lines}ADA@reader.example,{graver},Other\n")
    assert (report.added, report.rejected_lines) == (5, 1)
    assert "ada@reader.example" not in mailed()
    assert mailed() == [f"r{number}@reader.example" for number in range(4)]
    assert Subscriber.objects.get(email_key="ada@reader.example").first_name == "ada"
    assert counts(take(f"email,status,first_name\n{lines}ADA@reader.example,{graver},Other\n")) == (6, 0, 0, 5, 1)


def test_a_line_that_names_a_list_twice_is_taken_as_the_graver(take):
    take("email,lists\nada@reader.example,newsletter;newsletter:unsubscribed\nben@reader.example,newsletter\n")
    assert mailed() == ["ben@reader.example"]


def test_subscriptions_are_of_who_they_were_read_for(take, monkeypatch):
    monkeypatch.setattr("broadsheet.audience.importing.BATCH", 3)
    lists = {"ada": "newsletter;letters", "ben": "", "cleo": "letters", "dan": "newsletter"}
    lines = "".join(f"{name}@reader.example,{on}\n" for name, on in lists.items())
    take("email,lists\ncleo@reader.example,newsletter\n", list_name=None)
    take(f"email,lists\n{lines}", list_name=None)
    found = {name: set() for name in lists}
    for email, name in Subscription.objects.values_list("subscriber__email", "list_name"):
        found[email.partition("@")[0]].add(name)
    assert found == {
        name: set(filter(None, on.split(";"))) for name, on in (lists | {"cleo": "newsletter;letters"}).items()
    }


# Updating


KNOWN = "email,first_name,interests,country\nada@reader.example,Ada,sleep,DE\n"
NEWS = "email,first_name,last_name,interests,country,town\nada@reader.example,Augusta,Lovelace,mind,AT,Kiel\n"


@pytest.mark.parametrize(
    ("update", "names", "tags", "attributes"),
    [
        ("none", ("Ada", ""), ["sleep"], {"country": "DE"}),
        ("missing", ("Ada", "Lovelace"), ["sleep"], {"country": "DE", "town": "Kiel"}),
        ("all", ("Augusta", "Lovelace"), ["mind"], {"country": "AT", "town": "Kiel"}),
    ],
)
def test_people_who_are_here_are_updated_only_as_asked(take, update, names, tags, attributes):
    take(KNOWN)
    report = take(NEWS, update=update)
    assert report.updated == (0 if update == "none" else 1)
    ada = Subscriber.objects.select_related("interests").get()
    assert ((ada.first_name, ada.last_name), ada.interests.tags, ada.attributes) == (names, tags, attributes)
    assert take(NEWS, update=update).unchanged == 1


def test_a_dry_run_counts_the_same_and_writes_nothing(take):
    take(KNOWN)
    before = everything()
    dry = take(NEWS + "ben@reader.example,,,,,\n,,,,,x\n", update="all", dry_run=True)
    assert everything() == before
    assert counts(dry) == counts(take(NEWS + "ben@reader.example,,,,,\n,,,,,x\n", update="all")) == (3, 1, 1, 0, 1)


# Types of attributes

TYPED = """\
lists: {newsletter: {title: Weekly}, letters: {title: Letters}}
attributes:
  age: {type: number}
  visit: {type: date}
  vip: {type: yes/no}
  size: {type: choice, choices: [Small, Large]}
"""


def test_declared_attributes_are_kept_in_their_type(workspace, write, take):
    write("subscribers/lists.yaml", TYPED)
    report = take(
        "email,age,visit,vip,size\n"
        'ada@reader.example,"41,5",17.01.2024,Yes,small\n'
        "ben@reader.example,-3,01/17/2024 09:00,0,Large\n"
        "cleo@reader.example,old,,,\ndan@reader.example,,soon,,\neve@reader.example,,,maybe,\n"
        "fay@reader.example,,,,medium\ngus@reader.example,,,,\n"
    )
    held = dict(Subscriber.objects.values_list("email", "attributes"))
    assert held["ada@reader.example"] == {"age": 41.5, "visit": "2024-01-17", "vip": True, "size": "Small"}
    assert held["ben@reader.example"] == {"age": -3, "visit": "2024-01-17", "vip": False, "size": "Large"}
    assert held["gus@reader.example"] == {}
    assert [each.reason for each in report.rejected] == [
        "age is “old”, which is not a number",
        "visit: “soon” is not a date; write one like 2026-01-31",
        "vip is “maybe”, which is neither yes nor no",
        "size is “medium”; allowed: Small, Large",
    ]


# Identity


def test_an_address_is_known_whatever_its_case_and_written_as_first_given(take):
    take("email,first_name\nAda.Lovelace@Reader.Example,Ada\n")
    take("email,last_name\nADA.LOVELACE@READER.EXAMPLE,Lovelace\n")
    ada = Subscriber.objects.get()
    assert (ada.email, ada.first_name, ada.last_name) == ("Ada.Lovelace@reader.example", "Ada", "Lovelace")


def test_an_international_domain_and_its_ascii_form_are_one_address(take):
    report = take("email\nada@bücher.example\nada@xn--bcher-kva.example\nADA@BÜCHER.example\n")
    assert counts(report) == (3, 1, 0, 0, 2)
    assert Subscriber.objects.get().email == "ada@xn--bcher-kva.example"


def test_an_international_name_stays_as_it_is(take):
    take("email\nkäthe@bücher.example\n")
    assert Subscriber.objects.get().email == "käthe@bücher.example"
    assert Subscriber.objects.get().needs_smtputf8
    assert Subscriber.objects.get().domain == "bücher.example"


@given(
    st.one_of(st.emails(), st.text(max_size=30), st.from_regex(r"[a-z.+'-]{1,70}@[A-Za-z0-9.-]{1,30}", fullmatch=True))
)
@example("a@-b.example")
@example("a" * 65 + "@b.example")
@example("a@" + "b" * 64 + ".example")
def test_the_quick_look_at_an_address_finds_what_the_library_does(text):
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
        expected = checked.ascii_email or checked.normalized
    except (EmailNotValidError, UnicodeError):
        expected = None
    try:
        found = known_address(text)
    except ValueError:
        found = None
    assert (found and found[0]) == expected
    assert found is None or found[1] == expected.casefold()


@pytest.mark.parametrize(
    "address",
    ["ada@reader.example\r\nBcc: all@reader.example", "Ada <ada@reader.example>", "ada@", "a b@c.example", "@"],
)
def test_what_could_break_a_header_is_no_address(take, address):
    out = io.StringIO()
    csv.writer(out).writerows([["email"], [address]])
    assert len(take(out.getvalue()).rejected) == 1
    assert not Subscriber.objects.exists()


# Any file at all

ADDRESSES = ("ada@reader.example", "ADA@reader.example", "ben@reader.example", "käthe@bücher.example", "no address", "")
LISTED = st.sampled_from(("", "newsletter", "letters", "newsletter;letters", "newsletter:unsubscribed"))
CELLS = st.one_of(
    st.sampled_from(("", "sleep;mind", "newsletter", "letters", "2024-01-17", "Europe/Berlin", "subscribed", "active")),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
)
WORDS = st.one_of(
    st.sampled_from((*STATUSES, "unsubscribed", "Unsubscribed", "cleaned", "bounced", "complained", "vip")),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)
COLUMNS = st.permutations(["email", "status", "first_name", "interests", "lists", "created", "time_zone", "note"])


@st.composite
def spreadsheets(draw):
    """A file as a spreadsheet might write it, and what each address's lines say: ``{address: {status}}``."""
    columns = draw(COLUMNS)
    said, rows = {}, []
    for _ in range(draw(st.integers(1, 6))):
        row = {name: draw(CELLS) for name in columns}
        row |= {"email": draw(st.sampled_from(ADDRESSES)), "status": draw(WORDS), "lists": draw(LISTED)}
        for listed in (row["lists"] or "newsletter").split(";"):
            name, _, own = listed.partition(":")
            words = {row["status"].strip().lower(), own or "subscribed"}
            said.setdefault((row["email"].lower(), name), set()).update(words)
        rows.append([row[name] for name in columns])
    out = io.StringIO(newline="")
    dialect = {
        "delimiter": draw(st.sampled_from(",;\t")),
        "lineterminator": draw(st.sampled_from(("\n", "\r\n", "\r"))),
    }
    csv.writer(out, **dialect).writerows([columns, *rows])
    text, encoding = out.getvalue(), draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "latin-1")))
    return text.encode(encoding, "replace"), said


ANY_FILE = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def import_bytes(workspace, content):
    """The report, or None for a file that was refused in a sentence."""
    path = workspace.root / "subscribers" / "any.csv"
    path.write_bytes(content)
    try:
        return import_people(workspace, path, "newsletter")
    except BroadsheetError:
        return None


@ANY_FILE
@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: ("email,status\n" + text).encode())))
@example(b"email,status\nada@reader.example\x85,unsubscribed")
@example(b'email,"status\nada@reader.example,unsubscribed')
@example(b"email,status\nada@reader.example,subscribed\nada@reader.example,unsubscribed\n")
@example("email,status\n\ud7ff@reader.example,x".encode("utf-16"))
@example(b"PK\x03\x04" + bytes(40))
@example(b"email,created\nada@reader.example,9999-12-31T23:59:59-23:59")
def test_any_bytes_give_a_report_or_a_sentence(workspace, content):
    with transaction.atomic():
        report = import_bytes(workspace, content)
        assert report is None or isinstance(report, ImportReport)
        if report:
            assert report.read == report.added + report.updated + report.unchanged + report.rejected_lines
        transaction.set_rollback(True)


@ANY_FILE
@given(spreadsheets())
def test_nobody_is_subscribed_whose_line_said_otherwise(workspace, spreadsheet):
    content, said = spreadsheet
    yes = {word for word, standing in STATUSES.items() if standing == Standing.SUBSCRIBED}
    with transaction.atomic():
        import_bytes(workspace, content)
        for list_name in ("newsletter", "letters"):
            for person in mailable(Target(list_name)):
                words = {
                    word
                    for (address, listed), words in said.items()
                    if listed == list_name and as_read(address) == person.email_key
                    for word in words
                }
                assert words <= yes, f"{person.email} was subscribed to {list_name}, but the file said {words}"
        transaction.set_rollback(True)


def as_read(address):
    """An address of the file as it is known here, whatever its encoding made of it."""
    for text in (address, address.encode("latin-1", "replace").decode("latin-1")):
        try:
            return known_address(text)[1]
        except ValueError:
            continue
    return ""
