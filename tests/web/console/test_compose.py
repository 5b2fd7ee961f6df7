"""Compose: what is set goes into the draft and from there into the file; who may; what two people do at once."""

import re

import pytest
from tests.conftest import WEEKLY

from broadsheet import audience, pipeline
from broadsheet.models import Audit, CampaignDraft, Variant
from broadsheet.web.console.compose.draft import open_work
from broadsheet.web.console.compose.sections import BY_NAME, section_shown

PAGE = "/console/campaigns/weekly/compose"
COMMENTED = WEEKLY.replace("list: newsletter", "list: newsletter     # the one on Tuesdays")


@pytest.fixture
def editor(as_role, cast, workspace, write):
    """An editor's browser, on a file with a comment; its articles have been read."""
    write("campaigns/weekly.md", COMMENTED)
    pipeline.collect(workspace)
    return as_role("editor")


def posted(section, **changed):
    """What the section's form posts when these fields say something else."""
    work = open_work("weekly")
    form = {}
    for name, value in section_shown(BY_NAME[section], work.settings).items():
        if name in ("slots", "new_slot", "pinned", "dropped"):
            continue
        if value not in (False, None):
            form[name] = "on" if value is True else value
    if section == "words":
        form["intro"] = work.intro
    if section == "file":
        form["whole"] = work.text
    return {"seen": work.seen(BY_NAME[section]), **form, **changed}


def keep(client, section, form=None, **changed):
    return client.post(f"{PAGE}/keep/{section}", form or posted(section, **changed), headers={"HX-Request": "true"})


def text():
    return open_work("weekly").text


def file(workspace):
    return (workspace.root / "campaigns" / "weekly.md").read_text()


def test_the_page_shows_what_the_file_says(editor):
    page = editor.get(PAGE).content.decode()
    for shown in (
        "Weekly digest",
        "{{ articles[0].title }}",
        "here is what is new.",
        "Every Tuesday at 09:00",
        "plain",
    ):
        assert shown in page or shown.replace("[0]", "[0]") in page
    assert page.count('class="state done"') == 7
    assert "7 of 7 done" in page
    assert 'sandbox="allow-popups' in page


@pytest.mark.parametrize("section", [name for name in BY_NAME if name != "file"])
def test_a_form_that_says_what_the_file_says_changes_nothing(editor, section):
    answer = keep(editor, section)
    assert answer.status_code == 200
    assert not CampaignDraft.objects.exists()
    assert text() == COMMENTED


@pytest.mark.parametrize(
    ("section", "changed", "old", "new"),
    [
        ("name", {"name": "Weekly, too"}, "name: Weekly digest", "name: Weekly, too"),
        ("audience", {"segment": ["movers"]}, "segment: [sleepers, movers]", "segment: [movers]"),
        ("audience", {"list": "letters"}, "list: newsletter     #", "list: letters     #"),
        ("words", {"subject": "Hello"}, 'subject: "{{ articles[0].title }}"', 'subject: "Hello"'),
        ("words", {"intro": "New words."}, COMMENTED[COMMENTED.index("Hello {{") :], "New words.\n"),
        ("articles", {"newest": "3"}, "  newest: 2", "  newest: 3"),
        ("articles", {"tags_none": "sponsored, mind"}, "[sponsored]", "[sponsored, mind]"),
        ("when", {"time": "07:30"}, '"0 9 * * tue"', '"30 7 * * tue"'),
        ("when", {"days": ["tue", "fri"]}, '"0 9 * * tue"', '"0 9 * * tue,fri"'),
        ("when", {"deliver": "reader-local"}, "Europe/Berlin}", "Europe/Berlin, deliver: reader-local}"),
        ("when", {"window_from": "08:00", "window_to": "20:00"}, "Berlin}", 'Berlin, window: "08:00-20:00"}'),
        ("sending", {"approval": "required"}, "approval: automatic", "approval: required"),
        ("sending", {"tracking": "aggregate"}, "approval: automatic\n", "approval: automatic\ntracking: aggregate\n"),
    ],
)
def test_what_is_set_stands_in_the_draft_and_nothing_else_changes(editor, workspace, section, changed, old, new):
    keep(editor, section, **changed)
    assert COMMENTED.count(old) == 1
    assert text() == COMMENTED.replace(old, new)
    assert open_work("weekly").campaign is not None
    assert file(workspace) == COMMENTED
    row = CampaignDraft.objects.get()
    assert (row.begun_by, row.saved_by, row.base) == ("editor@stillwater.test", "editor@stillwater.test", COMMENTED)


@pytest.mark.parametrize(
    ("changed", "schedule"),
    [
        ({"way": ""}, None),
        ({"way": "monthly", "month_day": "last"}, {"cron": "0 9 last * *", "time_zone": "Europe/Berlin"}),
        ({"way": "cron", "cron": "5  8 * * 1-5"}, {"cron": "5 8 * * 1-5", "time_zone": "Europe/Berlin"}),
        (
            {"way": "every", "every": "3", "unit": "d", "start": "2026-12-01T08:00"},
            {"every": "3d", "start": "2026-12-01T08:00", "time_zone": "Europe/Berlin"},
        ),
        (
            {"way": "at", "at": "2030-12-01 09:00\r\n\r\n2031-01-05T07:30"},
            {"at": ["2030-12-01T09:00", "2031-01-05T07:30"], "time_zone": "Europe/Berlin"},
        ),
    ],
)
def test_every_way_to_say_when(editor, changed, schedule):
    keep(editor, "when", **changed)
    work = open_work("weekly")
    assert work.settings.get("schedule") == schedule
    assert work.campaign is not None
    assert section_shown(BY_NAME["when"], work.settings)["way"] == changed["way"] if changed["way"] != "cron" else True
    before = text()
    keep(editor, "when")
    assert text() == before


def test_pins_drops_order_and_slots(editor):
    for what in ("pin:pillow-moon", "pin:night-harbour", "up:night-harbour", "drop:eleven-lengths"):
        keep(editor, "articles", do=what)
    rules = open_work("weekly").settings["articles"]
    assert (rules["pinned"], rules["dropped"]) == (["night-harbour", "pillow-moon"], ["eleven-lengths"])
    slot = {"slot-0-name": "lead", "slot-0-newest": "1", "slot-0-tags_any": "sleep"}
    keep(editor, "articles", **slot)
    slot |= {"slot-0-archive": "on", "slot-0-sort": "oldest", "slot-0-categories": ""}
    keep(editor, "articles", **slot)
    assert open_work("weekly").settings["articles"]["slots"] == [
        {"name": "lead", "tags": {"any": ["sleep"]}, "sort": "oldest", "archive": True}
    ]
    keep(editor, "articles", **slot, do="unslot:0")
    for what in ("unpin:pillow-moon", "unpin:night-harbour", "undrop:eleven-lengths"):
        keep(editor, "articles", do=what)
    assert text() == COMMENTED
    assert not CampaignDraft.objects.exists(), "what is as in the file is no draft"


def test_a_mistake_is_kept_named_in_its_part_and_not_published(editor, as_role, workspace):
    page = keep(editor, "articles", newest="many").content.decode()
    assert re.search(r'id="stand-articles" class="state wrong"', page)
    assert "must be a whole number" in page
    assert 'value="many"' in editor.get(PAGE).content.decode()
    publisher = as_role("publisher")
    answer = publisher.post(f"{PAGE}/publish", {"number": "1"}, follow=True)
    assert "must be a whole number" in answer.content.decode()
    assert file(workspace) == COMMENTED
    assert text() != COMMENTED


def test_the_draft_is_the_same_for_everybody_and_the_publisher_writes_it(editor, as_role, workspace):
    keep(editor, "words", subject="Hello", intro="Grüße.")
    publisher = as_role("publisher")
    page = publisher.get(PAGE).content.decode()
    assert "by editor@stillwater.test" in page
    assert 'value="Hello"' in page
    answer = publisher.post(f"{PAGE}/publish", {"number": "1"}, follow=True)
    assert "Published" in answer.content.decode()
    assert file(workspace) == COMMENTED.replace("{{ articles[0].title }}", "Hello").replace(
        COMMENTED[COMMENTED.index("Hello {{") :], "Grüße.\n"
    )
    assert not CampaignDraft.objects.exists()
    rows = {row.what: row for row in Audit.objects.all()}
    assert set(rows) == {"campaign-draft", "campaign-publish"}
    assert (rows["campaign-publish"].who, rows["campaign-publish"].before) == ("publisher@stillwater.test", COMMENTED)
    assert rows["campaign-publish"].after == file(workspace)


def test_only_what_the_page_showed_is_published_or_thrown_away(editor, as_role, workspace):
    keep(editor, "words", subject="Hello")
    keep(editor, "words", subject="Hello again")
    publisher = as_role("publisher")
    for doing in ("publish", "discard"):
        answer = publisher.post(f"{PAGE}/{doing}", {"number": "1"}, follow=True)
        assert "was changed since this page was opened" in answer.content.decode()
    assert file(workspace) == COMMENTED
    assert "Hello again" in text()


def test_a_draft_that_is_thrown_away_stays_in_the_audit(editor):
    keep(editor, "words", subject="Hello")
    kept = text()
    editor.post(f"{PAGE}/discard", {"number": "1"})
    assert text() == COMMENTED
    assert Audit.objects.get(what="campaign-discard").before == kept


def test_two_people_in_different_parts_do_not_meet(editor, as_role):
    theirs, mine = posted("words", subject="Theirs"), posted("articles", newest="1")
    keep(editor, "words", theirs)
    keep(as_role("admin"), "articles", mine)
    assert open_work("weekly").settings["subject"] == "Theirs"
    assert open_work("weekly").settings["articles"]["newest"] == 1


def test_two_people_in_the_same_part_are_told_and_nothing_is_lost(editor, as_role):
    theirs, mine = posted("words", subject="Theirs"), posted("words", subject="Mine")
    keep(editor, "words", theirs)
    admin = as_role("admin")
    page = keep(admin, "words", mine).content.decode()
    assert "editor@stillwater.test changed this part meanwhile" in page
    assert "Theirs" in page
    assert "Mine" in page
    assert open_work("weekly").settings["subject"] == "Theirs"
    plain = admin.post(f"{PAGE}/keep/words", mine).content.decode()
    assert ">\nMine</textarea>" in plain, "without scripts the words are in the form that keeps them"
    now = re.search(r'name="mine" value="(\w+)"', plain)[1]
    keep(admin, "words", {**mine, "mine": now})
    assert open_work("weekly").settings["subject"] == "Mine"


@pytest.fixture
def conflict(editor, as_role, write):
    """The subject in a draft, the name and the intro on the disk; a publisher's browser."""
    keep(editor, "words", subject="Mine")
    write("campaigns/weekly.md", COMMENTED.replace("Weekly digest", "Theirs").replace("what is new", "what is newest"))
    return as_role("publisher")


def choose(client, choice):
    page = client.get(f"{PAGE}/compare").content.decode()
    seen = {name: re.search(rf'name="{name}" value="(\w*)"', page)[1] for name in ("number", "digest")}
    return client.post(f"{PAGE}/compare", {**seen, "choice": choice}, follow=True)


def test_a_file_that_changed_on_the_disk_is_not_written_over(conflict, workspace):
    assert "was changed on the disk since" in conflict.get(PAGE).content.decode()
    before = file(workspace)
    page = conflict.post(f"{PAGE}/publish", {"number": "1"}, follow=True).content.decode()
    assert file(workspace) == before
    assert re.search(r'class="add">.*name: Theirs', page)
    assert re.search(r'class="add">.*subject: &quot;Mine&quot;', page)


def test_both_sets_of_changes_can_be_put_together(conflict, workspace):
    choose(conflict, "merge")
    work = open_work("weekly")
    assert not work.changed_on_disk
    assert (work.settings["name"], work.settings["subject"]) == ("Theirs", "Mine")
    assert "what is newest" in work.intro
    conflict.post(f"{PAGE}/publish", {"number": str(work.number)})
    assert workspace.campaign("weekly").subject == "Mine"
    assert "# the one on Tuesdays" in file(workspace)


def test_the_draft_can_win(conflict, workspace):
    choose(conflict, "mine")
    work = open_work("weekly")
    conflict.post(f"{PAGE}/publish", {"number": str(work.number)})
    assert file(workspace) == COMMENTED.replace("{{ articles[0].title }}", "Mine")
    assert "name: Theirs" in Audit.objects.get(what="campaign-publish").before


def test_the_file_can_win(conflict, workspace):
    kept, before = text(), file(workspace)
    choose(conflict, "theirs")
    assert text() == file(workspace) == before
    assert Audit.objects.get(what="campaign-discard").before == kept


def test_a_choice_is_between_the_two_that_were_shown(conflict, write):
    page = conflict.get(f"{PAGE}/compare").content.decode()
    seen = {name: re.search(rf'name="{name}" value="(\w*)"', page)[1] for name in ("number", "digest")}
    write("campaigns/weekly.md", COMMENTED.replace("Weekly digest", "Once more"))
    answer = conflict.post(f"{PAGE}/compare", {**seen, "choice": "theirs"}, follow=True)
    assert "Look at both again" in answer.content.decode()
    assert CampaignDraft.objects.exists()


def test_a_file_that_was_taken_away_can_be_made_again(editor, as_role, workspace):
    keep(editor, "words", subject="Mine")
    (workspace.root / "campaigns" / "weekly.md").unlink()
    page = editor.get(PAGE, follow=True).content.decode()
    assert "was taken away" in page
    choose(editor, "mine")
    assert workspace.campaign("weekly").subject == "Mine"


def test_the_whole_file_can_be_written_and_says_what_is_wrong_with_the_line(editor):
    whole = COMMENTED.replace("template: plain", "template: plain\ncolour: red")
    page = keep(editor, "file", whole=whole.replace("\n", "\r\n")).content.decode()
    assert "line 10: colour: is not a key here" in page
    assert text() == whole
    broken = whole.replace("[sleepers, movers]", "[sleepers")
    page = keep(editor, "file", whole=broken).content.decode()
    assert re.search(r"line \d+: not valid YAML", page)
    assert text() == whole, "the draft before it"
    assert CampaignDraft.objects.get().unread == broken
    assert "segment: [sleepers" in editor.get(PAGE).content.decode()
    keep(editor, "file", whole=COMMENTED)
    assert not CampaignDraft.objects.exists()


def test_what_the_form_has_no_field_for_stays(editor, write):
    own = COMMENTED.replace("segment: [sleepers, movers]", "segment: [sleepers, {all: [{list: letters}]}]")
    write("campaigns/weekly.md", own)
    keep(editor, "audience", segment=["movers"])
    assert open_work("weekly").settings["segment"] == ["movers", {"all": [{"list": "letters"}]}]
    assert "written out in the file" in editor.get(PAGE).content.decode()


@pytest.mark.parametrize("text_", ["+++\nname = 1\n+++\n", "---\nname: [\n---\n", "no front matter", ""])
def test_a_file_that_no_form_can_change_opens_as_text(editor, write, text_):
    write("campaigns/weekly.md", text_)
    page = editor.get(PAGE).content.decode()
    assert "The form can't change this file" in page
    assert 'name="whole"' in page
    assert 'name="subject"' not in page


def test_the_audience_is_counted_once_and_kept_with_its_age(editor, cast):
    page = editor.get(PAGE).content.decode()
    assert "counting" in page
    part = editor.get(f"{PAGE}/reach", headers={"HX-Request": "true"}).content.decode()
    assert '<span class="big">3</span> readers' in part
    assert "1 unsubscribed" in part
    assert "1 suppressed" in part
    assert "Ada Lovelace" in part
    assert '<span class="big">3</span>' in editor.get(PAGE).content.decode()
    keep(editor, "audience", segment=["sleepers"], exclude=["movers"])
    assert '<span class="big">1</span> reader ' in editor.get(f"{PAGE}/reach").content.decode()


def test_among_many_the_audience_is_estimated_at_once_and_counted_beside(editor, cast, later):
    def reach():
        return editor.get(f"{PAGE}/reach", headers={"HX-Request": "true"}).content.decode()

    part = reach()
    assert 'about <span class="big">3</span> readers' in part
    assert "estimated, counting" in part
    assert 'hx-trigger="load delay:1500ms"' in part
    assert "unsubscribed" not in part
    assert "Ada Lovelace" in part
    assert "estimated" in reach()
    assert later() == 1, "begun once, however often one looks"
    part = reach()
    assert 'about <span class="big">' not in part
    assert "1 unsubscribed" in part
    assert "hx-get" not in part
    assert later() == 0


def test_an_estimate_knows_segments_and_exclusions(cast, workspace):
    sleepers, movers = workspace.segment("sleepers"), workspace.segment("movers")
    for target in (
        audience.Target("newsletter"),
        audience.Target("newsletter", (sleepers,)),
        audience.Target("newsletter", (sleepers, movers)),
        audience.Target("newsletter", (sleepers,), (movers,)),
    ):
        people = set(audience.mailable(target).values_list("pk", flat=True))
        assert audience.estimate_reach(target) == (len(people), people)


def test_the_mail_is_shown_as_any_reader_gets_it(editor, cast):
    mail = editor.get(f"{PAGE}/mail?reader=ada@reader.example")
    assert "Hello Ada," in mail.content.decode()
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert "script-src" not in mail.headers["Content-Security-Policy"]
    beside = editor.get(f"{PAGE}/beside?reader=eve@reader.example").content.decode()
    assert "would get nothing: they have left the list" in beside
    assert "Nobody has the address" in editor.get(f"{PAGE}/beside?reader=zoe@reader.example").content.decode()
    assert "ada@reader.example" in editor.get(f"{PAGE}/readers?q=love").content.decode()
    page = keep(editor, "words", intro="{% if %}").content.decode()
    assert re.search(r'id="stand-words" class="state wrong"', page)
    assert "The mail can't be made" in editor.get(f"{PAGE}/beside").content.decode()


def test_the_articles_say_what_comes_and_how_many_had_them(editor, freeze, send, memory):
    send(freeze(), memory)
    assert Variant.objects.exists()
    page = editor.get(PAGE).content.decode()
    assert "already sent to 2" in page
    assert "2 articles come" in page
    assert "campaign&#x27;s tags, categories or sources don&#x27;t ask for it" in page


def test_a_viewer_reads_only(as_role, editor):
    keep(editor, "words", subject="Hello")
    page = as_role("viewer").get(PAGE).content.decode()
    assert page.count("<fieldset disabled>") == len(BY_NAME)
    assert "Throw the draft away" not in page
    assert ">Publish</button>" not in page
    assert ">Publish</button>" not in editor.get(PAGE).content.decode()
    assert ">Publish</button>" in as_role("publisher").get(PAGE).content.decode()


def test_without_scripts_a_part_is_kept_and_the_page_comes_back(editor):
    answer = editor.post(f"{PAGE}/keep/words", posted("words", subject="Hello"))
    assert (answer.status_code, answer.url) == (302, f"{PAGE}#words")
    assert open_work("weekly").settings["subject"] == "Hello"


def test_signs_that_no_file_can_hold_do_no_harm(editor):
    keep(editor, "words", subject="Hel\0lo\n\x07", intro="One\0two\u2028three \U0001f331")
    work = open_work("weekly")
    assert "\0" not in work.text
    assert work.intro == "Onetwo\u2028three \U0001f331"
    assert not work.settings["subject"].count("\n")
    assert editor.get(PAGE).status_code == 200
    assert editor.get(PAGE.replace("weekly", "a%00b")).status_code == 404


@pytest.mark.parametrize("way", [PAGE.replace("weekly", "none"), f"{PAGE}/keep/none", PAGE.replace("weekly", "..")])
def test_what_is_not_there_is_not_found(editor, way):
    answer = editor.post(way, {"seen": "x"}) if "keep" in way else editor.get(way)
    assert answer.status_code == 404
