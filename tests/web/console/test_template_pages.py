"""Templates in the console: looked at, tried before they are saved, and never written over somebody else's work."""

import re
import shutil
import time
from pathlib import Path

import pytest
from django.core.cache import cache

from broadsheet import pipeline
from broadsheet.models import Audit, Role
from broadsheet.web.console.templates import trial
from broadsheet.web.console.templates.files import fault_with
from broadsheet.web.console.templates.sample import order_for

STARTER = Path(__file__).parents[3] / "templates"
FILE = "/console/templates/plain/files/template.html"
pytestmark = pytest.mark.usefixtures("tried_here")
GOOD = "<html lang=en dir=ltr><head><title>x</title></head>\n<body><p>{{ articles[0].title }} is new</p></body></html>"


@pytest.fixture(autouse=True)
def _nothing_is_kept(db):
    cache.clear()


@pytest.fixture
def starters(workspace):
    """The five templates that a new workspace has, and their shared parts."""
    for each in STARTER.iterdir():
        shutil.copytree(each, workspace.templates / each.name)
    return workspace


@pytest.fixture
def on_disk(workspace):
    def text(path="plain/template.html"):
        return (workspace.templates / path).read_text(encoding="utf-8")

    return text


def version_on(page):
    return re.search(r'name="version" value="([0-9a-f]*)"', page)[1]


@pytest.fixture
def opened(as_role):
    """A publisher who has a file open: the browser, and the version of the file."""
    browser = as_role("publisher")
    return browser, version_on(browser.get(FILE).content.decode())


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# Looking


def test_each_template_is_shown_with_what_it_is_and_who_uses_it(as_role, starters, write):
    write("campaigns/broken.md", "---\ntemplate: digest\nlist: nowhere\n---\n")
    page = said(as_role("viewer").get("/console/templates"))
    assert "A lead story, then a list of the others." in page
    assert "Used by broken." in page, "a campaign with mistakes uses its template all the same"
    assert "Used by A letter, Weekly digest." in page
    assert "No campaign uses it." in page
    assert "Shared parts" in page


def test_a_workspace_without_templates_says_how_to_make_one(as_role, workspace):
    shutil.rmtree(workspace.templates)
    browser = as_role("viewer")
    assert "No templates yet" in said(browser.get("/console/templates"))
    assert browser.get("/console/templates/plain").status_code == 404
    assert browser.get("/console/templates/shared").status_code == 404


@pytest.mark.parametrize("name", ["announcement", "digest", "letter", "magazine", "notice"])
def test_every_template_of_a_new_workspace_works_with_the_fullest_and_the_barest_sample(starters, name):
    [found] = trial.tried([order_for(starters, name, starters.templates)])
    assert found.fault is None
    assert "A drawing for" in found.html or name in ("letter", "notice")
    assert [each.code for each in found.findings if each.level == "block"] == []


def test_the_mail_has_the_newest_articles_and_stands_in_a_sandbox(as_role, workspace, write):
    write("articles/tomorrow.md", "---\ntitle: Not out yet\ndate: 2099-01-01\n---\nSoon.\n")
    pipeline.collect(workspace)
    answer = as_role("viewer").get("/console/templates/plain/mail")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert not any(each.startswith("script-src") for each in policy)
    page = answer.content.decode()
    assert "Our new sofa" in page
    assert "Alexandra" in page
    assert "Not out yet" not in page


def test_without_articles_made_up_ones_are_shown_and_the_picture_is_drawn(as_role, starters):
    page = as_role("viewer").get("/console/templates/digest/mail").content.decode()
    assert "What the tide leaves behind" in page
    assert 'src="data:image/png;base64,' in page


def test_nothing_of_a_template_is_shown_outside_of_the_frame(as_role, write):
    write("templates/plain/template.html", "<html><body><script>alert(1)</script><b>{{ nope }}</b></body></html>")
    write("templates/plain/template.toml", 'name = "<b>x</b>"\ndescription = "<script>alert(2)</script>"\n')
    browser = as_role("publisher")
    for path in ("", "/plain", "/plain/findings", "/plain/files/template.html", "/plain/look"):
        page = browser.get(f"/console/templates{path}").content.decode()
        assert "<script>alert" not in page
        assert "<b>" not in page
    assert "undefined" in said(browser.get("/console/templates/plain/findings"))
    frame = browser.get("/console/templates/plain/mail")
    assert "can't be shown" in frame.content.decode()


def test_a_broken_table_is_said_and_does_not_hide_the_others(as_role, write):
    write("templates/plain/template.toml", "name = \n")
    browser = as_role("publisher")
    assert "templates/plain/template.toml: line 1: not valid TOML" in said(browser.get("/console/templates"))
    assert browser.get("/console/templates/plain").status_code == 200
    assert "Mend the file first" in said(browser.get("/console/templates/plain/look", follow=True))
    assert "not valid TOML" in said(browser.get("/console/templates/plain/findings"))


def test_findings_are_kept_until_a_file_changes(as_role, write, monkeypatch):
    browser = as_role("viewer")
    assert "Being looked at" in said(browser.get("/console/templates/plain"))
    browser.get("/console/templates/plain/findings")
    monkeypatch.setattr(trial, "apart", None)
    assert "Being looked at" not in said(browser.get("/console/templates/plain"))
    assert browser.get("/console/templates/plain/findings").status_code == 200
    write("templates/plain/template.html", GOOD)
    assert "Being looked at" in said(browser.get("/console/templates/plain"))


@pytest.mark.parametrize("file", ["..%2fbroadsheet.toml", "../broadsheet.toml", ".secret", "nothing.html", "a.png"])
def test_only_a_templates_own_texts_are_served(as_role, write, file):
    write("templates/plain/a.png", b"\x89PNG")
    write("templates/plain/.secret", "secret")
    browser = as_role("admin")
    assert browser.get(f"/console/templates/plain/files/{file}").status_code == 404
    assert browser.post(f"/console/templates/plain/files/{file}", {"text": "x"}).status_code == 404


def test_a_link_that_leads_out_of_the_templates_is_not_followed(as_role, write, workspace):
    write("outside.html", "secret")
    (workspace.templates / "plain" / "link.html").symlink_to("../../outside.html")
    browser = as_role("admin")
    assert "link.html" not in browser.get("/console/templates/plain").content.decode()
    assert browser.get("/console/templates/plain/files/link.html").status_code == 404
    assert browser.get("/console/templates/..%2f/files/broadsheet.toml").status_code == 404


# Editing


def test_a_publisher_saves_a_text_that_works_and_it_is_written_down(opened, workspace, on_disk):
    browser, version = opened
    before = on_disk()
    path = workspace.templates / "plain/template.html"
    path.chmod(0o644)
    answer = browser.post(FILE, {"text": GOOD.replace("\n", "\r\n"), "version": version})
    assert (answer.status_code, answer.url) == (302, FILE)
    assert on_disk() == GOOD
    assert path.stat().st_mode & 0o777 == 0o644
    row = Audit.objects.get()
    assert (row.who, row.what, row.target) == ("publisher@stillwater.test", "template", "templates/plain/template.html")
    assert (row.before, row.after) == (before, GOOD)
    assert "is saved" in said(browser.get(FILE))


def test_only_checking_writes_nothing(opened, on_disk):
    browser, version = opened
    before = on_disk()
    answer = browser.post(FILE, {"text": GOOD, "version": version, "do": "check"})
    assert "It works with the sample data" in said(answer)
    assert (on_disk(), Audit.objects.count()) == (before, 0)
    assert "is new" in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("<p>\n{% for %}</p>", 2, "Expected"),
        ("<p>\n\n{{ articels }}</p>", 3, "&#x27;articels&#x27; is undefined"),
        ("{{ articles[0].html.__class__ }}", 1, "unsafe"),
        ("<p>\n{% for x in subscriber.interests %}{% endfor %}", 2, "join"),
        ('{% include "nothing.html" %}', 1, "there is no template nothing.html"),
        ("{{ articles[0].image.alt.x }}", 1, "has no attribute"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_nothing_is_written(opened, on_disk, text, line, words):
    browser, version = opened
    before = on_disk()
    page = browser.post(FILE, {"text": text, "version": version}).content.decode()
    assert f"templates/plain/template.html, line {line}" in page
    assert words in page
    assert f'data-line="{line}"' in page
    assert "Nothing was written" in page
    assert on_disk() == before
    assert Audit.objects.count() == 0
    assert version_on(page) == version


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "longer than 5 seconds"),
        ("{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}", "a mail of more than 3 MB"),
        ("{{ subscriber.first_name | default('x') | center(10 ** 9) }}", "more than 1 GB of memory"),
        (
            "{% set ns = namespace(t='x' * 10) %}{% for i in range(40) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
            "longer than 10 seconds or more than 1 GB of memory",
        ),
    ],
)
def test_what_does_not_end_or_fills_the_memory_is_ended_with_a_reason(workspace, tried_apart, text, reason):
    start = time.monotonic()
    fault = fault_with(workspace, "plain", "template.html", f"<html><body>{text}</body></html>")
    assert time.monotonic() - start < 45
    assert reason in fault.reason


def test_what_works_works_apart_and_a_mistake_has_its_line_there_too(workspace, tried_apart):
    assert fault_with(workspace, "plain", "template.html", GOOD) is None
    assert fault_with(workspace, "plain", "template.html", "<p>\n{{ articels }}").line == 2


def test_a_mail_that_is_far_too_large_is_refused_with_its_size(opened, on_disk):
    browser, version = opened
    before = on_disk()
    page = said(browser.post(FILE, {"text": "<p>{{ 'word ' * 500000 }}</p>", "version": version}))
    assert re.search(r"makes a mail of \d\.\d MB; at most 1 MB", page)
    assert on_disk() == before


def test_a_text_that_is_none_is_refused(opened, on_disk):
    browser, version = opened
    before = on_disk()
    assert "NUL" in said(browser.post(FILE, {"text": "a\0b", "version": version}))
    assert "400,001 characters" in said(browser.post(FILE, {"text": "a" * 400_001, "version": version}))
    assert on_disk() == before


def test_shared_parts_are_tried_with_every_template_that_they_could_break(as_role, starters):
    path = "/console/templates/shared/files/macros.html"
    browser = as_role("publisher")
    page = browser.get(path).content.decode()
    before = (starters.templates / "shared/macros.html").read_text()
    text = before.replace("macro article_card", "macro article_kard")
    assert text != before
    answer = browser.post(path, {"text": text, "version": version_on(page)})
    assert "Nothing was written" in said(answer)
    assert (starters.templates / "shared/macros.html").read_text() == before


def test_a_template_that_was_broken_before_does_not_keep_another_from_being_saved(workspace, write):
    plain = GOOD.replace("</body>", "{% block x %}{% endblock %}</body>")
    write("templates/base/template.html", plain.replace("{% block x %}{% endblock %}", ""))
    write("templates/child/template.html", '{% extends "base/template.html" %}{% block x %}{{ nope() }}{% endblock %}')
    fault = fault_with(workspace, "base", "template.html", plain)
    assert fault.file == "templates/child/template.html", "it worked as long as nothing called its block"
    write("templates/child/template.html", '{% extends "base/template.html" %}{% block y %}')
    assert fault_with(workspace, "base", "template.html", plain) is None


# Somebody else was faster


def test_a_file_that_changed_meanwhile_is_not_written_over_and_both_texts_are_shown(opened, write, on_disk):
    browser, version = opened
    theirs = GOOD.replace("new", "theirs")
    write("templates/plain/template.html", theirs)
    page = browser.post(FILE, {"text": GOOD, "version": version}).content.decode()
    assert "Somebody changed this file since you opened it" in page
    assert (page.count("is theirs"), page.count("is new")) == (2, 2), "each in its text and among the differences"
    assert on_disk() == theirs
    assert Audit.objects.count() == 0
    assert browser.post(FILE, {"text": GOOD, "version": version_on(page)}).status_code == 302
    assert on_disk() == GOOD
    assert Audit.objects.get().before == theirs


def test_a_disk_that_is_full_is_said_and_the_text_is_kept(opened, monkeypatch, on_disk):
    browser, version = opened
    before = on_disk()

    def full(path, content, *, is_new):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("broadsheet.workspace.writing.write_atomically", full)
    page = browser.post(FILE, {"text": GOOD, "version": version}).content.decode()
    assert "can&#x27;t be written (No space left on device)" in page
    assert "is new" in page
    assert (on_disk(), Audit.objects.count()) == (before, 0)


# Colours and fonts

LOOK = "/console/templates/plain/look"
TABLE = """\
# ours
name = "Plain"

[theme]
ink = "#222222"       # text
card = "#ffffff"
width = 600
font_body = "Georgia, serif"
"""


@pytest.fixture
def filled(as_role, write):
    """Posts the form of colours, as a publisher who opened it when the file was TABLE."""
    write("templates/plain/template.toml", TABLE)
    browser = as_role("publisher")
    was = {"ink": "#222222", "card": "#ffffff", "width": "600", "font_body": "Georgia, serif"}

    def post(**changed):
        given = {f"was.{key}": value for key, value in was.items()}
        given |= {f"theme.{key}": value for key, value in {**was, **changed}.items()}
        return browser.post(LOOK, given)

    return post


def test_a_colour_is_changed_in_its_line_and_its_comment_stays(filled, on_disk):
    assert filled(ink="#123456", width="640").status_code == 302
    assert on_disk("plain/template.toml") == TABLE.replace("#222222", "#123456").replace("600", "640")
    assert Audit.objects.get().target == "templates/plain/template.toml"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ink", "red; } body { display: none"),
        ("ink", "url(https://x.example)"),
        ("ink", "#12345"),
        ("ink", ""),
        ("width", "-1"),
        ("width", "many"),
        ("width", "99999"),
        ("font_body", "x</style><script>"),
        ("font_body", "x;y"),
        ("font_body", "a" * 501),
    ],
)
def test_what_is_no_colour_number_or_font_is_refused_beside_its_field(filled, on_disk, key, value):
    page = filled(**{key: value}).content.decode()
    assert "Look at the marked fields" in page
    assert f'aria-describedby="w-{key}"' in page
    assert "<script>" not in page
    assert on_disk("plain/template.toml") == TABLE


def test_two_people_changing_different_colours_both_have_theirs(filled, write, on_disk):
    write("templates/plain/template.toml", TABLE.replace("#ffffff", "#fafafa"))
    assert filled(ink="#123456").status_code == 302
    assert on_disk("plain/template.toml") == TABLE.replace("#ffffff", "#fafafa").replace("#222222", "#123456")


def test_two_people_changing_the_same_colour_are_told(filled, write, on_disk):
    theirs = TABLE.replace("#222222", "#000000")
    write("templates/plain/template.toml", theirs)
    page = filled(ink="#123456").content.decode()
    assert "Somebody else made this “#000000” meanwhile" in page
    assert 'value="#123456"' in page
    assert on_disk("plain/template.toml") == theirs


def test_an_own_value_over_the_shared_one_is_added_and_taken_away_again(as_role, starters):
    browser, path = as_role("publisher"), starters.templates / "digest" / "template.toml"
    before = path.read_text()
    way = "/console/templates/digest/look"
    assert browser.post(way, {"theme.primary": "#102030", "was.primary": ""}).status_code == 302
    assert path.read_text() == before + '\n[theme]\nprimary = "#102030"\n'
    assert "#102030" in browser.get("/console/templates/digest/mail").content.decode()
    assert browser.post(way, {"theme.primary": "", "was.primary": "#102030"}).status_code == 302
    assert path.read_text() == before + "\n[theme]\n"


def test_a_contrast_that_is_too_low_is_said_while_one_types(as_role, starters):
    browser = as_role("viewer")
    assert "too little" not in said(browser.get("/console/templates/digest/contrast"))
    answer = browser.get("/console/templates/digest/contrast", {"theme.ink": "#bbbbbb"})
    assert "1.9 too little" in said(answer)
    assert "/console/templates/digest/mail?theme.ink=%23bbbbbb" in answer.content.decode()
    frame = browser.get("/console/templates/digest/mail", {"theme.ink": "#bb00bb"}).content.decode()
    assert "#bb00bb" in frame
    assert "#bb00bb" not in (starters.templates / "shared/template.toml").read_text()


def test_what_the_settings_overrule_is_said(as_role, starters, write):
    write("broadsheet.toml", (starters.root / "broadsheet.toml").read_text() + '[theme]\nprimary = "#000000"\n')
    starters.__dict__.pop("config", None)
    assert "broadsheet.toml sets this" in said(as_role("viewer").get("/console/templates/digest/look"))


def test_without_a_theme_there_is_nothing_to_set(as_role, workspace):
    assert "Nothing to set" in said(as_role("viewer").get(LOOK))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_who_may_not_save_sees_the_text_and_no_button(as_role, role, write):
    write("templates/plain/template.toml", TABLE)
    browser = as_role(role)
    for path in (FILE, LOOK):
        page = browser.get(path).content.decode()
        assert ">Save<" not in page
        assert " readonly" in page or " disabled" in page
