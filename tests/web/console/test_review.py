"""Review and approve: what an edition's page shows before it goes, and what staff may do to it there."""

import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet import editions, pipeline
from broadsheet.models import Audit, Comment, Edition, EditionState, Role
from broadsheet.sending.inbox import MailFolder
from broadsheet.workspace import Workspace

PUBLISHERS, EDITORS = {"publisher", "admin"}, {"editor", "publisher", "admin"}


@pytest.fixture
def post(as_role, draft):
    """Posts to the edition as somebody of that role, and follows: the page."""

    def posted(role, what, given=()):
        answer = as_role(role).post(f"/console/editions/{draft.pk}/{what}", dict(given), follow=True)
        draft.refresh_from_db()
        return answer.content.decode()

    return posted


@pytest.fixture
def mails(workspace):
    """What is in the local inbox, by whom it went to."""

    def found():
        folder = MailFolder(workspace.state / "inbox")
        return [message_from_bytes(folder.source(each.name), policy=policy.default) for each in folder.list()]

    return found


def part(as_role, draft, name, role="viewer"):
    answer = as_role(role).get(f"/console/editions/{draft.pk}/{name}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# What there is to look at


def test_the_page_says_who_gets_what_and_who_does_not(as_role, draft):
    page = as_role("viewer").get(f"/console/editions/{draft.pk}").content.decode()
    assert "<h1>Weekly digest" in page
    assert re.search(r'<td class="number">2</td>\s*<td><a [^>]*target="mail">Back to the allotment</a>', page)
    assert "1 outside the segment" in page
    assert "the local inbox: it reaches nobody" in page
    for name in ("findings", "takes", "changes"):
        assert f'hx-get="/console/editions/{draft.pk}/{name}"' in page


def test_blockers_are_parted_from_advice_and_each_says_where_to_mend_it(as_role, freeze, draft, write):
    write(
        "templates/plain/template.html",
        '<html lang="en"><body>{{ intro }}<p><a href="#">{{ subscriber.nick }}</a></p></body></html>',
    )
    pipeline.refreeze(Workspace(pipeline.settings.WORKSPACE.root), draft, who="test")
    shown = part(as_role, draft, "findings")
    blocks, _, rest = shown.partition("Should be mended")
    assert "Must be mended before it goes" in blocks
    assert blocks.count('<li class="block">') == shown.count('<li class="block">') > 0
    assert '<li class="warn">' not in blocks
    assert '<li class="warn">' in rest
    assert shown.count('class="where"') == shown.count("<li class=")
    assert "templates/plain/template.html, line 1" in shown


def test_how_long_sending_takes_follows_the_pace(as_role, draft, write, settings):
    assert "no pace is set" in part(as_role, draft, "takes")
    text = (settings.WORKSPACE.root / "broadsheet.toml").read_text()
    write("broadsheet.toml", text + '\n[pace.default]\nper_hour = 1\n[pace.default.domains]\n"reader.example" = 1\n')
    settings.WORKSPACE = Workspace(settings.WORKSPACE.root)
    assert "2 h at the adapter" in part(as_role, draft, "takes")


def test_what_changed_since_the_last_yes_is_shown_by_the_word(as_role, draft, write, settings):
    assert "Nobody has approved an edition of this campaign before" in part(as_role, draft, "changes")
    pipeline.approve(settings.WORKSPACE, draft, who="pia@stillwater.test")
    assert "Nothing, since pia@stillwater.test said yes" in part(as_role, draft, "changes")
    for words in ("here is what is old.", "here is what is newest."):
        write("campaigns/weekly.md", WEEKLY.replace("here is what is new.", words))
        pipeline.refreeze(Workspace(settings.WORKSPACE.root), draft, who="ed")
        Edition.objects.filter(pk=draft.pk).update(state="draft", approved_hash="")
        draft.refresh_from_db()
    shown = part(as_role, draft, "changes")
    assert "Since pia@stillwater.test approved it" in shown
    assert "here is what is <del>new</del><ins>newest</ins>." in shown, "not since it was frozen anew last"


def test_a_new_edition_is_compared_with_the_last_that_was_approved(as_role, draft, workspace, write):
    pipeline.approve(workspace, draft, who="pia@stillwater.test")
    write(
        "campaigns/weekly.md", WEEKLY.replace("here is what is new.", "here is more.").replace("newest: 2", "newest: 1")
    )
    later = draft.scheduled_for + timedelta(days=7)
    pipeline.prepare(Workspace(workspace.root), "weekly", later, who="test")
    edition = Edition.objects.get(scheduled_for=later)
    Edition.objects.filter(pk=edition.pk).update(state="draft", approved_hash="")
    shown = part(as_role, edition, "changes")
    assert f'<a href="/console/editions/{draft.pk}">the edition of' in shown
    assert "Left out: had the articles already" in shown
    assert "<del>what is new</del><ins>more</ins>" in shown


def test_freezing_anew_is_tried_out_first_and_changes_nothing_until_it_is_done(as_role, post, draft, write):
    write("campaigns/weekly.md", WEEKLY.replace("here is what is new.", "here is more."))
    before = draft.content_hash
    shown = part(as_role, draft, "anew", "editor")
    assert "<del>what is new</del><ins>more</ins>" in shown
    assert "Freeze it anew" in shown
    assert "Freeze it anew" not in part(as_role, draft, "anew", "viewer")
    draft.refresh_from_db()
    assert draft.content_hash == before
    assert "Frozen anew from the files as they are now." in post("editor", "anew")
    assert draft.content_hash != before
    assert Audit.objects.get().what == "edition-anew"
    assert "The files say what is frozen here" in part(as_role, draft, "anew")


def test_among_many_people_it_is_tried_out_beside_the_page(as_role, draft, write, later):
    way = f"/console/editions/{draft.pk}/anew"
    editor = as_role("editor")
    write("campaigns/weekly.md", WEEKLY.replace("here is what is new.", "here is the newest."))
    assert "Planning it from the files" in editor.get(way).content.decode()
    assert "Planning it from the files" in editor.get(f"{way}?begun=yes").content.decode()
    assert later() == 1
    assert "Freeze it anew" in editor.get(f"{way}?begun=yes").content.decode()
    assert later() == 0
    write("campaigns/weekly.md", WEEKLY)
    assert "Planning it from the files" in editor.get(way).content.decode(), "what was found then says nothing of now"


def test_an_approved_edition_is_not_frozen_anew_under_the_hands_of_who_approved_it(post, draft, workspace, write):
    pipeline.approve(workspace, draft, who="pia@stillwater.test")
    write("campaigns/weekly.md", WEEKLY.replace("here is what is new.", "here is more."))
    assert "Take the approval back first" in post("admin", "anew")
    assert draft.state == EditionState.APPROVED


def test_names_with_marks_in_them_are_shown_as_text(as_role, draft, write, settings):
    Comment.objects.create(edition=draft, who="<b>x</b>@stillwater.test", text="<script>alert(1)</script>\nTwo")
    page = as_role("viewer").get(f"/console/editions/{draft.pk}").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>Two" in page
    assert "<b>x</b>" not in page


# Asking, saying, showing


def test_a_colleague_is_asked_by_mail_with_a_proof_and_a_link_to_the_page(hire, post, draft, mails):
    hire("publisher", "pia@stillwater.test")
    hire("viewer", "vic@stillwater.test")
    page = post("editor", "ask", {"to": ["pia@stillwater.test", "vic@stillwater.test"], "note": "Is it calm\nenough?"})
    assert "Asked pia@stillwater.test." in page
    assert draft.state == EditionState.PROOFED
    proof, question = sorted(mails(), key=lambda mail: "[TEST]" not in mail["Subject"])
    assert {proof["To"], question["To"]} == {"pia@stillwater.test"}
    text = question.get_content().replace("\r\n", "\n")
    assert "editor@stillwater.test asks you to look at it.\nIs it calm\nenough?" in text
    assert f"https://news.stillwater.example/console/editions/{draft.pk}\n" in text
    assert "/a/" not in text, "no link that approves without a name"
    assert question["Reply-To"] == "editor@stillwater.test"
    asked = Comment.objects.get()
    assert (asked.kind, asked.who, asked.asked) == ("asked", "editor@stillwater.test", "pia@stillwater.test")
    assert (Audit.objects.get().before, Audit.objects.get().after) == ("draft", "proofed: asked pia@stillwater.test")


def test_nobody_is_asked_who_may_not_approve(hire, post, draft, mails):
    hire("viewer", "vic@stillwater.test")
    assert "Choose whom to ask" in post("editor", "ask", {"to": "vic@stillwater.test"})
    assert (mails(), draft.state) == ([], EditionState.DRAFT)


def test_a_comment_is_kept_and_mailed_to_those_whom_it_concerns(hire, post, draft, mails):
    for address in ("pia@stillwater.test", "ann@stillwater.test", "off@stillwater.test"):
        hire("editor", address)
    Comment.objects.create(edition=draft, who="pia@stillwater.test", text="Fine.")
    Comment.objects.create(edition=draft, who="gone@stillwater.test", text="Fine.")
    page = post("editor", "comment", {"text": "  The second story is old.  "})
    assert "The second story is old." in page
    assert "mailed to pia@stillwater.test." in page
    (mail,) = mails()
    assert (mail["To"], mail["Subject"]) == (
        "pia@stillwater.test",
        "Weekly digest: a comment by editor@stillwater.test",
    )
    assert "The second story is old." in mail.get_content()
    assert (Audit.objects.get().what, Audit.objects.get().after) == ("edition-comment", "The second story is old.")


def test_an_empty_comment_is_none(post, draft):
    assert "nothing in your comment" in post("editor", "comment", {"text": "  \n "})
    assert not Comment.objects.exists()


def test_a_comment_stays_when_its_mail_is_not_taken(hire, post, draft, settings, write):
    Comment.objects.create(edition=draft, who=hire("editor", "pia@stillwater.test").user.email, text="Fine.")
    text = (settings.WORKSPACE.root / "broadsheet.toml").read_text()
    write("broadsheet.toml", text + '\n[adapters.default]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 1\n')
    settings.WORKSPACE = Workspace(settings.WORKSPACE.root)
    page = post("editor", "comment", {"text": "The second story is old."})
    assert "could not be mailed" in page
    assert Comment.objects.count() == 2


def test_a_proof_goes_to_several_people_once_each(post, draft, mails):
    page = post("editor", "proof", {"to": "eva@staff.example, Eva@staff.example; bo@staff.example"})
    assert "Proof sent to eva@staff.example, bo@staff.example" in page
    assert sorted((mail["To"], mail["Subject"]) for mail in mails()) == [
        ("bo@staff.example", "[TEST] Back to the allotment"),
        ("eva@staff.example", "[TEST] Back to the allotment"),
    ]
    assert draft.state == EditionState.DRAFT


def test_a_proof_is_of_the_copy_that_was_chosen(post, draft, mails):
    other = draft.variants.order_by("readers").first()
    post("editor", "proof", {"to": "eva@staff.example", "variant": other.pk})
    (mail,) = mails()
    assert "Pillow moon" in mail.get_body(("html",)).get_content()
    assert "Eleven lengths" not in mail.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("", "Say whom to send it to"),
        ("eva@staff.example, nobody", "Nothing was sent"),
        (" ".join(f"p{n}@staff.example" for n in range(11)), "10 people at the most"),
        ("eva@staff.example\r\nBcc: x@y.example", "Nothing was sent"),
    ],
)
def test_a_proof_that_can_not_go_to_all_goes_to_nobody(post, draft, mails, to, said):
    assert said in post("editor", "proof", {"to": to})
    assert (mails(), Audit.objects.count()) == ([], 0)


# Yes and no


def test_sent_back_with_a_reason_it_is_a_draft_and_says_why(hire, post, draft, mails):
    Comment.objects.create(edition=draft, who=hire("editor", "ed@stillwater.test").user.email, text="Ready.")
    assert "Say what should be different" in post("publisher", "send-back", {"why": " "})
    page = post("publisher", "send-back", {"why": "The photo\nis wrong"})
    assert draft.state == EditionState.DRAFT
    assert "Sent back by publisher@stillwater.test: The photo is wrong" in page
    assert Comment.objects.last().kind == "sent-back"
    (mail,) = mails()
    assert (mail["To"], "The photo is wrong" in mail.get_content()) == ("ed@stillwater.test", True)


def test_an_approval_is_taken_back_until_the_edition_begins(post, draft, workspace):
    post("publisher", "approve", {"hash": draft.content_hash})
    assert draft.state == EditionState.APPROVED
    page = post("publisher", "take-back")
    assert (draft.state, "Taken back" in page) == (EditionState.DRAFT, True)
    assert draft not in editions.ready_to_send(draft.scheduled_for + timedelta(days=1))
    Edition.objects.filter(pk=draft.pk).update(state="sending")
    assert "only one that is approved and has not begun" in post("publisher", "take-back")
    assert draft.state == EditionState.SENDING


def test_sending_now_wants_the_number_of_readers(post, draft, workspace, memory):
    given = {"hash": draft.content_hash}
    for typed in ("", "2", "three", "33"):
        assert "not the number of readers" in post("publisher", "send-now", {**given, "typed": typed})
    assert draft.state == EditionState.DRAFT
    page = post("publisher", "send-now", {**given, "typed": " 3 "})
    assert "It goes out now." in page
    assert (draft.state, draft.scheduled_for <= timezone.now()) == (EditionState.APPROVED, True)
    assert pipeline.send(workspace, draft, memory).sent == 3
    assert Audit.objects.get().after == "approved: 3 readers typed"


def test_sending_now_is_for_what_the_page_showed(post, draft):
    assert "has changed since you looked" in post("publisher", "send-now", {"hash": "0" * 64, "typed": "3"})
    assert draft.state == EditionState.DRAFT


def test_approving_what_is_held_sends_it_and_wants_the_number_too(post, draft):
    Edition.objects.filter(pk=draft.pk).update(scheduled_for=timezone.now() - timedelta(hours=1))
    assert "not the number of readers" in post("publisher", "approve", {"hash": draft.content_hash})
    assert draft.state == EditionState.DRAFT
    post("publisher", "approve", {"hash": draft.content_hash, "typed": "3"})
    assert draft.state == EditionState.APPROVED


def test_with_four_eyes_the_page_offers_no_yes_to_who_made_it(as_role, post, draft, settings, write):
    text = (settings.WORKSPACE.root / "broadsheet.toml").read_text()
    write("broadsheet.toml", text + "\n[approval]\nfour_eyes = true\n")
    settings.WORKSPACE = Workspace(settings.WORKSPACE.root)
    draft.moves.update(who="publisher@stillwater.test")
    page = as_role("publisher").get(f"/console/editions/{draft.pk}").content.decode()
    assert "You froze it, and here nobody approves their own edition" in page
    assert "Approve for" not in page
    assert "Send now" not in page
    refused = post("publisher", "approve", {"hash": draft.content_hash})
    assert "somebody else has to approve it" in refused
    assert (draft.state, Audit.objects.count()) == (EditionState.DRAFT, 0)
    post("admin", "approve", {"hash": draft.content_hash})
    assert draft.state == EditionState.APPROVED


@pytest.mark.parametrize("state", ["draft", "approved"])
def test_each_role_is_offered_what_it_may_do(as_role, draft, state):
    Edition.objects.filter(pk=draft.pk).update(state=state)
    offers = {
        "Approve for": {"draft": PUBLISHERS, "approved": set()},
        "Send back…": {"draft": PUBLISHERS, "approved": set()},
        "Undo: take": {"draft": set(), "approved": PUBLISHERS},
        "Send now…": {"draft": PUBLISHERS, "approved": PUBLISHERS},
        "Ask…": {"draft": EDITORS, "approved": set()},
        "Proof…": {"draft": EDITORS, "approved": EDITORS},
        "Your comment": {"draft": EDITORS, "approved": EDITORS},
    }
    pages = {role: as_role(role).get(f"/console/editions/{draft.pk}").content.decode() for role in Role}
    for words, who in offers.items():
        assert {role for role, page in pages.items() if words in page} == who[state], words
