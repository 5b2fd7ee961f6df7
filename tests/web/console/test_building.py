"""Building segments in the console: rules as rows, read aloud and counted, kept in their file with all that stands round them."""

import pytest
import yaml
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audience import population

from broadsheet import audience
from broadsheet.models import Audit, Subscriber
from broadsheet.web.console.rows import GROUPS, YAML, Row, entry_of, fields, posted, row_of, rows_of, rule_of
from broadsheet.workspace import Workspace

SEGMENTS = "subscribers/segments.yaml"
FILE = """\
# Who is who.
segments:
  sleepers:   # they like it quiet
    title: Good sleepers
    all:
      - interests: {any: [sleep]}     # one of many
      - list: newsletter
    any:
      - segment: [movers, {any: [{language: fr}]}]
  movers:
    all: [{interests: {any: [movement]}}]
"""


@pytest.fixture
def file(workspace, write):
    return write(SEGMENTS, FILE)


def form(browser, path):
    """What the page's form would post as it stands."""
    page = browser.get(path)
    assert page.status_code == 200
    draft = page.context["draft"]
    data = {"title": draft.title, "digest": draft.digest, "rows": len(draft.rows), "do": "save"}
    for at, row in enumerate(draft.rows):
        field = page.context["fields"][row.field]
        data |= {f"r{at}-group": row.group, f"r{at}-field": row.field, f"r{at}-was": row.field, f"r{at}-op": row.op}
        data |= {
            f"r{at}-value": list(row.values) if field.control == "choice" else row.text,
            f"r{at}-within": row.within,
        }
    return data


def test_a_segment_is_built_said_counted_and_saved(as_role, file, cast):
    editor = as_role("editor")
    page = editor.get("/console/segments/new")
    digest = page.context["draft"].digest
    rows = {
        "title": "Sleepers who read German", "digest": digest, "rows": "2",
        "r0-group": "all", "r0-field": "list", "r0-was": "list", "r0-op": "in", "r0-value": ["newsletter"],
        "r1-group": "none", "r1-field": "language", "r1-was": "language", "r1-op": "in", "r1-value": "en, fr",
    }  # fmt: skip
    said = editor.post("/console/segments/preview", rows).content.decode()
    assert "People on Stillwater Weekly, but not reading en or fr." in said
    expected = audience.segment_query(_segment(all=[{"list": "newsletter"}], none=[{"language": ["en", "fr"]}]))
    assert f'<span class="big">{Subscriber.objects.filter(expected).count()}</span>' in said.replace("\n", "")
    assert "just now" in said
    before = file.read_text()
    answer = editor.post("/console/segments/new", {**rows, "do": "save"})
    assert answer.url == "/console/segments"
    text = file.read_text()
    assert text.startswith(before.rstrip("\n")), "what stood there stands there still"
    assert yaml.safe_load(text)["segments"]["sleepers-who-read-german"] == {
        "title": "Sleepers who read German", "all": [{"list": "newsletter"}], "none": [{"language": ["en", "fr"]}],
    }  # fmt: skip
    assert "Sleepers who read German" in editor.get("/console/segments").content.decode()
    audited = Audit.objects.get()
    assert (audited.who, audited.what, audited.target) == (
        "editor@stillwater.test", "segment", "segment sleepers-who-read-german",
    )  # fmt: skip
    again = editor.post("/console/segments/new", {**rows, "do": "save", "digest": "x"}).content.decode()
    assert "already" in again


def _segment(**rules):
    from pydantic import TypeAdapter

    from broadsheet.workspace import Segment

    return TypeAdapter(Segment).validate_python(rules)


def test_opening_and_saving_changes_no_byte(as_role, file):
    editor = as_role("editor")
    for name in ("sleepers", "movers"):
        data = form(editor, f"/console/segments/{name}/edit")
        data["title"] = data["title"] or "Movers"
        answer = editor.post(f"/console/segments/{name}/edit", data)
        assert answer.status_code == 302, answer.context["wrong"]
        if name == "sleepers":
            assert file.read_text() == FILE
    assert file.read_text().replace("    title: Movers\n", "") == FILE


def test_what_no_row_can_show_is_shown_as_yaml_and_kept(as_role, file):
    editor = as_role("editor")
    page = editor.get("/console/segments/sleepers/edit")
    rows = page.context["draft"].rows
    assert [row.field for row in rows] == ["interests", "list", YAML]
    assert yaml.safe_load(rows[2].text) == {"segment": ["movers", {"any": [{"language": "fr"}]}]}
    data = form(editor, "/console/segments/sleepers/edit")
    editor.post("/console/segments/sleepers/edit", {**data, "r0-value": "sleep, mind"})
    entry = yaml.safe_load(file.read_text())["segments"]["sleepers"]
    assert entry["all"][0] == {"interests": {"any": ["sleep", "mind"]}}
    assert entry["any"] == [{"segment": ["movers", {"any": [{"language": "fr"}]}]}]
    assert "# they like it quiet" in file.read_text()
    bad = editor.post("/console/segments/sleepers/edit", {**data, "r2-value": "segment: ["})
    assert "not valid YAML" in bad.context["wrong"]


def test_rows_come_and_go_without_scripts(as_role, file):
    editor = as_role("editor")
    data = form(editor, "/console/segments/movers/edit")
    page = editor.post("/console/segments/movers/edit", {**data, "do": "add"})
    assert [row.field for row in page.context["draft"].rows] == ["interests", "list"]
    page = editor.post("/console/segments/movers/edit", {**data, "do": "drop-0"})
    assert page.context["draft"].rows == []
    page = editor.post("/console/segments/movers/edit", {**data, "do": "", "r0-field": "zone"})
    assert page.context["draft"].rows == [Row("all", "zone", "in")]
    looked = editor.post("/console/segments/movers/edit", {**data, "do": "look"})
    assert looked.context["said"]["count"].size == 0
    assert file.read_text() == FILE


def test_a_file_that_changed_on_disk_is_left_alone_and_both_texts_are_shown(as_role, file):
    editor = as_role("editor")
    data = {**form(editor, "/console/segments/movers/edit"), "title": "Mine"}
    theirs = FILE.replace("Good sleepers", "Their sleepers")
    file.write_text(theirs)
    page = editor.post("/console/segments/movers/edit", data)
    shown = page.content.decode()
    assert file.read_text() == theirs
    assert "Their sleepers" in page.context["conflict"].theirs
    assert "title: Mine" in page.context["conflict"].mine
    assert "was changed since it was read" in shown
    assert not Audit.objects.exists()
    editor.post("/console/segments/movers/edit", {**data, "digest": page.context["draft"].digest})
    assert "Their sleepers" in file.read_text()
    assert yaml.safe_load(file.read_text())["segments"]["movers"]["title"] == "Mine"


def test_a_rule_that_is_wrong_is_said_where_it_stands(as_role, file):
    editor = as_role("editor")
    data = form(editor, "/console/segments/movers/edit")
    data |= {"title": "M", "r0-field": "joined", "r0-was": "joined", "r0-op": "after", "r0-value": "next week"}
    page = editor.post("/console/segments/movers/edit", data)
    assert page.context["wrong"].startswith("Must, rule 1: must be a day such as 2026-01-31")
    assert SEGMENTS not in page.context["wrong"]
    assert "next week" in page.content.decode(), "what somebody wrote is not lost"
    assert (
        editor.post("/console/segments/movers/edit", {**data, "title": ""})
        .context["wrong"]
        .startswith("Give it a name")
    )
    assert "everybody" in editor.post("/console/segments/movers/edit", {**data, "rows": "0"}).context["wrong"]
    assert file.read_text() == FILE


def test_a_segment_goes_only_when_nothing_names_it(as_role, workspace):
    editor = as_role("editor")
    page = editor.get("/console/segments/sleepers/edit")
    assert page.context["users"] == ["campaigns/weekly.md"]
    digest = page.context["draft"].digest
    answer = editor.post("/console/segments/sleepers/drop", {"digest": digest}, follow=True)
    assert "still named by campaigns/weekly.md" in answer.content.decode()
    answer = editor.post("/console/segments/nearby/drop", {"digest": digest}, follow=True)
    assert "taken out" in answer.content.decode()
    assert set(Workspace(workspace.root).segments) == {"sleepers", "movers"}
    assert editor.post("/console/segments/nearby/drop", {"digest": digest}).status_code == 404


def test_a_segment_that_another_names_stays(as_role, file, write):
    write("campaigns/weekly.md", "---\nname: x\nlist: newsletter\n---\n")
    editor = as_role("editor")
    page = editor.get("/console/segments/movers/edit")
    assert page.context["users"] == ["the segment sleepers"]
    editor.post("/console/segments/movers/drop", {"digest": page.context["draft"].digest})
    assert file.read_text() == FILE


def test_a_file_with_mistakes_can_not_be_built_on(as_role, write):
    write(SEGMENTS, "segments: {a: {all: [{nothing: 1}]}}")
    answer = as_role("editor").get("/console/segments/a/edit", follow=True)
    assert "nothing" in answer.content.decode()
    assert answer.redirect_chain[0][0] == "/console/segments"


def test_names_may_hold_what_they_like(as_role, write):
    write(SEGMENTS, 'segments: {"a/b c?": {all: [{list: newsletter}]}}')
    editor = as_role("editor")
    assert editor.get("/console/segments").status_code == 200
    assert editor.get("/console/segments/a%2Fb%20c%3F/edit").context["draft"].name == "a/b c?"


def test_counting_that_takes_too_long_is_estimated(cast):
    segment = _segment(all=[{"list": "newsletter"}])
    found = audience.count_soon(segment)
    assert (found.size, found.exact) == (5, True)
    assert audience.count_soon(segment).at == found.at, "kept for a while"
    some = _segment(all=[{"list": ["newsletter", "letters"]}])
    from broadsheet.audience import sizes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizes, "_at_most", _TooLong)
        estimated = audience.count_soon(some)
    assert (estimated.size, estimated.exact) == (Subscriber.objects.filter(audience.segment_query(some)).count(), False)


class _TooLong:
    def __init__(self, seconds):
        pass

    def __enter__(self):
        from django.db import OperationalError

        raise OperationalError("interrupted")

    def __exit__(self, *_):
        return False


def test_a_query_is_given_up_after_its_time(cast):
    from django.db import OperationalError, connection

    from broadsheet.audience.sizes import _at_most

    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(OperationalError), _at_most(0.1), connection.cursor() as cursor:
        cursor.execute(forever)
    assert Subscriber.objects.count() == 8, "and the connection goes on"


@pytest.fixture
def known(workspace, write):
    write("subscribers/lists.yaml", population.LISTS)
    lists = Workspace(workspace.root).lists
    return fields(lists.attributes, {"newsletter": "N", "letters": "L"}, {"germans": "Germans"})


def test_every_kind_of_rule_is_a_row_and_comes_back_as_it_was(known):
    as_yaml = []
    for group in GROUPS:
        for rule in population.RULES:
            row = row_of(group, rule, known)
            written = entry_of("t", [row], known, {})[group][0]
            again = row_of(group, written, known)
            assert again == row
            assert rule_of(row, known) == written
            if row.field == YAML:
                as_yaml.append(rule)
    shown = [rule for rule in population.RULES if rule not in as_yaml]
    assert len(shown) > 25
    unseen = [next(iter(rule)) for rule in as_yaml]
    assert {"list", "language", "zone", "domain", "got", "opened", "clicked", "never_engaged"}.isdisjoint(unseen)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entries=st.dictionaries(
        st.sampled_from(["title", "rows", "name", "digest", "do"]) | st.builds(
            "r{}-{}".format, st.integers(0, 3), st.sampled_from(["group", "field", "op", "value", "within", "was"])
        ),
        st.text(max_size=30) | st.sampled_from([
            "list", "interests", "joined", "got", "yaml", "never_engaged", "segment", "attribute:country", "all", "none",
            "any", "in", "between", "edition", "campaign", "mail", "1", "2", "3", "30d", "2026-13-45", "save", "add",
            "drop-1", "look", "a: [", "{}", "list: newsletter", "sleepers",
        ]),
    )
)  # fmt: skip
def test_whatever_is_posted_gets_a_page_and_never_breaks_the_file(as_editor, file, entries):
    for path in ("new", "preview", "sleepers/edit"):
        assert as_editor.post(f"/console/segments/{path}", entries).status_code in (200, 302)
    assert "sleepers" in Workspace(file.parent.parent).segments


@pytest.fixture
def as_editor(as_role, file):
    return as_role("editor")


def test_rows_are_bounded(known):
    data = QueryDict(mutable=True)
    data["rows"] = "999"
    for at in range(999):
        data[f"r{at}-field"] = "list"
    assert len(posted(data, known)) == 50
    assert rows_of({}, known) == []
