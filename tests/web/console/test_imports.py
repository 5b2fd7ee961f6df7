"""Importing in the console: upload, columns, dry run, import, rejected lines; any bytes give a page and never a traceback."""

import os
import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.audience import uploads
from broadsheet.models import Audit, Subscriber, Subscription, Suppression, Upload, UploadState

PEOPLE = (
    "E-mail Address,First Name,Vorliebe,Status\n"
    "ada@reader.example,Ada,tea,subscribed\n"
    "not an address,Bo,tea,subscribed\n"
    "cy@reader.example,Cy,coffee,unsubscribed\n"
    "dee@reader.example,Dee,,enabled\n"
)


@pytest.fixture
def at_once(monkeypatch):
    """What a process of its own would do is done before the page answers: the test's database is this process's."""
    monkeypatch.setattr(uploads, "launch", lambda workspace, pk, _: uploads.carry_out(workspace, pk))


@pytest.fixture
def publisher(as_role, at_once):
    return as_role("publisher")


@pytest.fixture
def upload(publisher):
    """Uploads a file of people: its row."""

    def uploaded(content=PEOPLE, name="customers.csv"):
        data = content if isinstance(content, bytes) else content.encode()
        answer = publisher.post("/console/imports", {"file": SimpleUploadedFile(name, data)})
        assert answer.status_code == 302, answer.content.decode()
        return Upload.objects.get(pk=int(answer.url.rpartition("/")[2]))

    return uploaded


def page_of(browser, row):
    answer = browser.get(f"/console/imports/{row.pk}")
    assert answer.status_code == 200
    return answer


def test_a_file_is_looked_at_tried_and_imported(publisher, upload, workspace):
    row = upload()
    assert (row.state, row.glance["said"], row.who) == (
        "ready", "CSV parted by commas, UTF-8", "publisher@stillwater.test",
    )  # fmt: skip
    columns = page_of(publisher, row).context["columns"]
    assert [(each["name"], each["word"]) for each in columns] == [
        ("E-mail Address", "Address"), ("First Name", "First name"), ("Vorliebe", "Attribute vorliebe"),
        ("Status", "Whether they are subscribed"),
    ]  # fmt: skip
    assert columns[0]["cells"] == ["ada@reader.example", "not an address", "cy@reader.example"]

    publisher.post(f"/console/imports/{row.pk}/run")
    assert not Subscriber.objects.exists(), "nothing is taken that was not tried"
    said = {"list": "newsletter", "update": "missing", "status": "", "column-2": "@drink"}
    publisher.post(f"/console/imports/{row.pk}/try", said)
    page = page_of(publisher, row)
    row.refresh_from_db()
    assert (row.state, row.report["added"], row.report["rejected_lines"], row.report["dry_run"]) == (
        "tried",
        3,
        1,
        True,
    )
    assert "What importing it would do" in page.content.decode()
    assert "Line 3: " in page.content.decode()
    assert "enabled" in next(iter(row.report["doubts"]))
    assert not Subscriber.objects.exists()

    publisher.post(f"/console/imports/{row.pk}/run")
    row.refresh_from_db()
    assert (row.state, row.report["added"], row.report["dry_run"]) == ("done", 3, False)
    states = dict(Subscription.objects.values_list("subscriber__email", "state"))
    assert states == {
        "ada@reader.example": "subscribed", "cy@reader.example": "unsubscribed", "dee@reader.example": "unsubscribed",
    }  # fmt: skip
    ada = Subscriber.objects.get(email="ada@reader.example")
    assert (ada.attributes, ada.source) == ({"drink": "tea"}, "import: customers.csv")
    assert not uploads.file_of(workspace, row).exists(), "the file goes when its people are in"
    kept = b"".join(publisher.get(f"/console/imports/{row.pk}/rejected.csv").streaming_content).decode()
    assert kept.splitlines()[1].startswith("3,")
    assert "not an address" in kept
    audited = list(Audit.objects.order_by("pk").values_list("what", "target"))
    assert audited == [(what, f"import {row.pk}") for what in ("import-upload", "import", "import-run")]
    assert Audit.objects.get(what="import").after == "3 added, 0 updated, 1 rejected"
    assert "Imported" in publisher.get("/console/imports").content.decode()


def test_it_keeps_what_the_command_promises(publisher, upload, join):
    left = join("ada@reader.example", state="unsubscribed")
    Suppression.objects.create(email_key="cy@reader.example", reason="complained")
    row = upload("email\nada@reader.example\ncy@reader.example\n")
    said = {"list": "newsletter", "update": "all"}
    publisher.post(f"/console/imports/{row.pk}/try", said)
    publisher.post(f"/console/imports/{row.pk}/run")
    assert Subscription.objects.get(subscriber=left).state == "unsubscribed"
    assert Suppression.objects.count() == 1
    again = upload("email\nada@reader.example\ncy@reader.example\n")
    publisher.post(f"/console/imports/{again.pk}/try", said)
    again.refresh_from_db()
    assert (again.report["added"], again.report["updated"], again.report["unchanged"]) == (0, 0, 2)


def test_words_can_be_explained_but_not_turned_round(publisher, upload):
    row = upload()
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter", "means": "enabled = subscribed"})
    row.refresh_from_db()
    assert row.report["people"] == {"subscribed": 2, "left": 1}
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter", "means": "unsubscribed = subscribed"})
    row.refresh_from_db()
    assert row.state == "ready"
    assert "must not be mailed" in row.reason
    page = publisher.post(f"/console/imports/{row.pk}/try", {"means": "enabled"}, follow=True).content.decode()
    assert "does not say what a word means" in page
    said = publisher.post(f"/console/imports/{row.pk}/try", {"list": "nowhere"}, follow=True).content.decode()
    assert "There is no list “nowhere”" in said


def test_columns_that_say_the_same_are_said_and_can_be_parted(publisher, upload):
    row = upload("email,Email,Name\nada@reader.example,bo@reader.example,Ada\n")
    page = page_of(publisher, row)
    assert [each["again"] for each in page.context["columns"]] == [False, True, False]
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter"})
    row.refresh_from_db()
    assert row.state == "ready"
    assert "names `email` twice" in row.reason
    assert str(uploads.folder.__module__) not in row.reason
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter", "column-0": "-"})
    row.refresh_from_db()
    assert (row.state, row.report["added"]) == ("tried", 1)


def test_no_path_of_the_machine_is_shown(publisher, upload, workspace):
    row = upload("one,two\n1,2\n")
    publisher.post(f"/console/imports/{row.pk}/try", {})
    page = page_of(publisher, row).content.decode()
    assert "it has no column of addresses" in page
    assert str(workspace.root) not in page


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../evil.csv", "evil.csv"), ("..", "people.csv"), ("C:\\people\\list.csv", "list.csv"),
        ("ä" * 200 + ".csv", "ä" * 60 + ".csv"), (".hidden", "hidden"), ("a\nb.csv", "ab.csv"),
    ],
)  # fmt: skip
def test_a_name_is_made_fit_to_be_one(name, kept):
    safe = uploads._safe(name)
    assert len(safe.encode()) <= 150
    assert safe.strip("ä") == kept.strip("ä")


def test_what_is_no_file_of_people_says_so(publisher, upload, workspace):
    row = upload(b"\xd0\xcf\x11\xe0 old", "people.xls")
    assert (row.state, row.reason) == ("failed", "people.xls is an old Excel file (.xls); save it as .xlsx or CSV.")
    assert "old Excel file" in page_of(publisher, row).content.decode()
    publisher.post(f"/console/imports/{row.pk}/drop")
    assert not Upload.objects.exists()
    assert list(uploads.folder(workspace).iterdir()) == []
    for form in ({}, {"file": SimpleUploadedFile("none.csv", b"")}):
        assert 'role="alert"' in publisher.post("/console/imports", form).content.decode()
    assert not Upload.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(publisher, monkeypatch, workspace):
    monkeypatch.setattr(uploads, "MOST", 1_000)
    answer = publisher.post("/console/imports", {"file": SimpleUploadedFile("people.csv", b"x" * 2_000)})
    assert answer.status_code == 413
    assert not (workspace.state / "imports").exists()


def test_a_role_that_may_not_import_leaves_nothing_behind(as_role, workspace, at_once):
    answer = as_role("editor").post("/console/imports", {"file": SimpleUploadedFile("people.csv", b"x" * 5_000)})
    assert answer.status_code == 403
    assert not (workspace.state / "imports").exists()


def test_what_ended_with_its_process_says_so_and_can_go_on(publisher, upload):
    row = upload()
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter"})
    Upload.objects.update(state="taking", beat_at=timezone.now())
    page = page_of(publisher, row).content.decode()
    assert "every 1s" in page
    assert "HX-Refresh" not in publisher.get(f"/console/imports/{row.pk}/live").headers
    Upload.objects.update(beat_at=timezone.now() - timedelta(minutes=3))
    assert publisher.get(f"/console/imports/{row.pk}/live").headers["HX-Refresh"] == "true"
    page = page_of(publisher, row).content.decode()
    assert "ended before its time" in page
    assert "Whole batches are in" in page
    publisher.post(f"/console/imports/{row.pk}/run")
    row.refresh_from_db()
    assert (row.state, Subscriber.objects.count()) == ("done", 3)


def test_stopping_leaves_whole_batches_and_the_rest_can_follow(publisher, upload, monkeypatch):
    monkeypatch.setattr("broadsheet.audience.importing.BATCH", 10)
    monkeypatch.setattr(uploads, "BEAT", timedelta(0))
    row = upload("email\n" + "".join(f"reader{number}@reader.example\n" for number in range(35)))
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter"})
    real = uploads.import_people

    def stopped_meanwhile(*given):
        uploads.stop(row)
        return real(*given)

    monkeypatch.setattr(uploads, "import_people", stopped_meanwhile)
    publisher.post(f"/console/imports/{row.pk}/run")
    row.refresh_from_db()
    assert (row.state, row.report["stopped"], Subscriber.objects.count()) == ("stopped", True, 10)
    monkeypatch.setattr(uploads, "import_people", real)
    assert "Import the rest" in page_of(publisher, row).content.decode()
    publisher.post(f"/console/imports/{row.pk}/run")
    row.refresh_from_db()
    assert (row.state, Subscriber.objects.count()) == ("done", 35)


def test_the_end_of_one_process_is_not_taken_for_that_of_the_next(publisher, upload, workspace, monkeypatch):
    row = upload()
    row.refresh_from_db()
    first = row.began_at
    Upload.objects.update(state="trying", began_at=timezone.now(), beat_at=timezone.now())
    assert not uploads._lost(uploads.Q(pk=row.pk, began_at=first))
    with pytest.raises(KeyboardInterrupt):
        uploads._beating(row)(1, 2)  # who was given up, and comes back, stops


def test_two_who_press_at_once_import_once(publisher, upload, workspace):
    row = upload()
    publisher.post(f"/console/imports/{row.pk}/try", {"list": "newsletter"})
    row.refresh_from_db()
    Upload.objects.update(state="taking", beat_at=timezone.now())
    assert not uploads.begin(workspace, row, UploadState.TAKING)
    assert not uploads.drop(workspace, row)
    assert uploads.file_of(workspace, row).is_file()


def test_old_files_go_and_then_what_is_known_of_them(publisher, upload, workspace):
    row, now = upload(), timezone.now()
    uploads.forget(workspace, now + timedelta(days=6))
    assert uploads.file_of(workspace, row).is_file()
    uploads.forget(workspace, now + timedelta(days=8))
    assert not uploads.file_of(workspace, row).exists()
    assert "The file is not here" in page_of(publisher, row).content.decode() or not Upload.objects.get().glance
    uploads.forget(workspace, now + timedelta(days=31))
    assert not Upload.objects.exists()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    content=st.one_of(
        st.binary(min_size=1, max_size=400),
        st.text(alphabet=st.sampled_from('ae@.,;\t\n"|\0ü= '), min_size=1, max_size=200).map(
            lambda text: f"email,status\n{text}".encode()
        ),
        st.binary(max_size=200).map(lambda data: b"PK\x03\x04" + data),
        st.binary(max_size=200).map(lambda data: b"\xff\xfe" + data),
    ),
    name=st.text(max_size=300),
    choice=st.dictionaries(
        st.sampled_from(["list", "update", "status", "means", "column-0", "column-1", "column-2"]),
        st.one_of(st.text(max_size=30), st.sampled_from(["newsletter", "missing", "email", "-", "@", "status"])),
    ),
)
def test_any_bytes_under_any_name_give_a_page(publisher, content, name, choice):
    file = SimpleUploadedFile("x", content)
    file.name = None  # the browser's word for it is not made fit by Django here
    file._name = name
    answer = publisher.post("/console/imports", {"file": file})
    if answer.status_code == 200:  # without a name, it is no file to Django
        assert 'role="alert"' in answer.content.decode()
        return
    way = answer.url
    assert publisher.get(way).status_code == 200
    publisher.post(f"{way}/try", choice)
    assert publisher.get(way).status_code == 200
    publisher.post(f"{way}/run")
    page = publisher.get(way)
    assert page.status_code == 200
    assert not Upload.objects.filter(state__in=["looking", "trying", "taking"]).exists()
    publisher.post(f"{way}/drop")


@pytest.mark.django_db(transaction=True)
def test_the_real_process_carries_it_out(as_role, workspace, tmp_path, monkeypatch):
    """Only that it is begun: the rows of this test are not the ones that another process sees."""
    begun = []
    monkeypatch.setattr(uploads.subprocess, "Popen", lambda command, **more: begun.append(command) or _Ended())
    answer = as_role("publisher").post("/console/imports", {"file": SimpleUploadedFile("a.csv", PEOPLE.encode())})
    row = Upload.objects.get()
    assert begun[0][1:] == [
        "-m",
        "broadsheet",
        "--workspace",
        str(workspace.root),
        "subscribers",
        "carry-out",
        str(row.pk),
    ]
    assert answer.status_code == 302
    until = time.monotonic() + 90
    while row.state == "looking" and time.monotonic() < until:
        row.refresh_from_db()
    assert (row.state, "ended before its time" in row.reason) == ("failed", True)


class _Ended:
    returncode = os.EX_SOFTWARE

    def communicate(self):
        return None, b"it fell over"
