"""Campaign files, lists and segments: what is read, and every mistake with its file, its key and what is allowed."""

import pytest
from tests.conftest import LISTS, SETTINGS, WEEKLY

from broadsheet.errors import InvalidFile, UnknownName


@pytest.fixture
def mistakes(workspace, write):
    """The mistakes found in a campaign file of this text, by key."""

    def found(text, path="campaigns/weekly.md"):
        write(path, text)
        with pytest.raises(InvalidFile) as caught:
            workspace.campaign("weekly")
        assert {problem.path for problem in caught.value.problems} == {path}
        return {problem.where: problem.reason for problem in caught.value.problems}

    return found


GOOD = "---\nname: Weekly\nlist: newsletter\ntemplate: plain\nsubject: Hello\n{more}---\nHello.\n"


def test_a_whole_campaign_is_read(workspace):
    campaign = workspace.campaign("weekly")
    assert campaign.slug == "weekly"
    assert campaign.segment == ("sleepers", "movers")
    assert campaign.articles.tags.none == ("sponsored",)
    assert campaign.articles.match_interests
    assert campaign.schedule.cron == "0 9 * * tue"
    assert campaign.intro.startswith("Hello {{ subscriber.first_name")


def test_one_word_does_where_several_are_allowed(workspace, write):
    write("campaigns/weekly.md", GOOD.format(more="segment: movers\narticles: {tags: {any: Chronic   PAIN}}\n"))
    campaign = workspace.campaign("weekly")
    assert campaign.segment == ("movers",)
    assert campaign.articles.tags.any == ("chronic pain",)


def test_every_mistake_is_reported_at_once_with_what_is_allowed(mistakes):
    found = mistakes(
        """---
subjekt: Hello
subject: ""
list: newsleter
segment: [sleepers, swimmers]
template: magazine
adapter: pigeon
articles:
  newest: many
  minimum: -1
  repeat: sometimes
  match_interests: perhaps
  tags: {any: 3, nnone: [x]}
schedule: {cron: "every tuesday", time_zone: Mars/Olympus, deliver: by pigeon}
approval: maybe
slug: another
---
"""
    )
    assert found["subjekt"].startswith("is not a key here; did you mean `subject`?")
    assert "template" in found["subjekt"]
    assert found["name"] == "is missing"
    assert "at least 1" in found["subject"]
    assert found["list"] == "there is no list “newsleter”; there is: letters, newsletter"
    assert found["segment"] == "there is no segment “swimmers”; there is: movers, nearby, sleepers"
    assert found["template"] == "there is no template “magazine”; there is: plain"
    assert found["adapter"] == "there is no adapter “pigeon”; there is: default"
    assert found["articles.newest"] == "must be a whole number"
    assert "greater than or equal to 0" in found["articles.minimum"]
    assert all(word in found["articles.repeat"] for word in ("sometimes", "never", "per-campaign", "allow"))
    assert found["articles.match_interests"] == "must be true or false"
    assert found["articles.tags.any"] == "must be a list"
    assert "did you mean `none`?" in found["articles.tags.nnone"]
    assert "five fields" in found["schedule.cron"]
    assert "Europe/Berlin" in found["schedule.time_zone"]
    assert all(word in found["schedule.deliver"] for word in ("together", "reader-local"))
    assert "required" in found["approval"]
    assert "leave it out" in found["slug"]
    assert len(found) == 18


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("list: letters\n", {"line 6": "`list` stands here again, after line 3"}),
        ("articles:\n  newest: 3\n  minimum: 1\n  newest: 5\n", {"line 9": "`newest` stands here again, after line 7"}),
        ("articles: {newest: 3, newest: 5}\n", {"line 6": "`newest` stands here again, after line 6"}),
        ("exclude: [{list: a, list: b}]\n", {"line 6": "`list` stands here again, after line 6"}),
        ('"name": Again\nsubject: Again\n', {"line 6": "`name`", "line 7": "`subject`"}),
    ],
)
def test_a_key_that_stands_twice_is_a_mistake_with_its_line(mistakes, more, found):
    said = mistakes(GOOD.format(more=more))
    assert list(said) == list(found)
    for line, words in found.items():
        assert words in said[line]


def test_the_same_key_in_two_places_and_a_merged_one_are_none(workspace, write):
    more = "schedule: &both {cron: '0 9 * * tue'}\narticles: {tags: {any: [a], none: [b]}, newest: 1}\n"
    write("campaigns/weekly.md", GOOD.format(more=more))
    assert workspace.campaign("weekly").articles.newest == 1


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("Just words.\n", "line 1", "must begin with front matter"),
        ("", "line 1", "must begin with front matter"),
        ("---\nname: Weekly\nlist: newsletter\n", "line 1", "no closing line of ---"),
        ("---\nname: Weekly\nlist: [a\n---\n", "line 4", "not valid YAML"),
        ("---\nname: Weekly\nsubject: a: b\n---\n", "line 3", "not valid YAML"),
        ("---\n\nname: Weekly\nsubject: a: b\n---\n", "line 4", "not valid YAML"),
        ("---\nname: \0\n---\n", "", "is not a text file"),
    ],
)
def test_a_file_that_can_not_be_taken_apart_says_where(mistakes, text, where, reason):
    found = mistakes(text)
    assert list(found) == [where]
    assert reason in found[where]


@pytest.mark.parametrize(
    "cron", ["0 9 * *", "0 25 * * *", "0 9 * * someday", "@daily", "0 9 31 2 *", "0 9 * * 5-2", ""]
)
def test_a_cron_time_that_never_comes_is_a_mistake(mistakes, cron):
    found = mistakes(GOOD.format(more=f'schedule: {{cron: "{cron}"}}\n'))
    assert list(found) == ["schedule.cron"]


@pytest.mark.parametrize(
    ("more", "key", "words"),
    [
        ("articles: {max_age: 60}", "articles.max_age", "must be a time span such as 60d, 6h or 30m (w d h m)"),
        ("articles: {max_age: 2 months}", "articles.max_age", "must be a time span"),
        ("articles: {settle: soon}", "articles.settle", "must be a time span"),
        ("articles: {sort: random}", "articles.sort", "newest"),
        ("articles: {pinned: [a, b], dropped: [b]}", "articles", "`b` is both pinned and dropped; keep one of the two"),
        ("articles: {newest: 2, minimum: 3}", "articles", "`minimum` is 3, more than the 2 articles there can be"),
        ("articles: {newest: 2, minimum: 3, pinned: [a]}", "articles", "more than the 2 articles"),
        ("articles: {minimum: 4, slots: [{newest: 2}, {}]}", "articles", "more than the 3 articles"),
        ("articles: {slots: [{newst: 2}]}", "articles.slots.0.newst", "did you mean `newest`?"),
        ("articles: {slots: [{newest: 0}]}", "articles.slots.0.newest", "greater than or equal to 1"),
        ("articles: {fill: {up_to: 0}}", "articles.fill.up_to", "greater than or equal to 1"),
        ("articles: {categories: 3}", "articles.categories", "must be a list"),
        ("schedule: {}", "schedule", "needs exactly one of `cron`, `every`, `at`"),
        ('schedule: {cron: "0 9 * * tue", at: [2026-12-01T09:00]}', "schedule", "needs exactly one of"),
        ("schedule: {every: 2w}", "schedule", "`every` and `start` belong together"),
        ("schedule: {every: 1m, start: 2026-01-06T09:00}", "schedule", "`every` is at least 5m"),
        ('schedule: {cron: "0 9 * * tue", window: "20:00-09:00"}', "schedule.window", "two times of one day"),
        ('schedule: {cron: "0 9 * * tue", window: "9-20"}', "schedule.window", "such as 09:00-20:00"),
        ('schedule: {cron: "0 9 * * tue", grace: long}', "schedule.grace", "must be a time span"),
        ('schedule: {cron: "0 9 * * tue", lead: 1 day}', "schedule.lead", "must be a time span"),
        ('schedule: {cron: "0 9 * * tue", skip: [xmas]}', "schedule.skip.0", "date"),
        ('schedule: {cron: "0 9 * * tue", not_on: {weekdays: [funday]}}', "schedule.not_on.weekdays.0", "mon"),
        (
            'schedule: {cron: "0 9 * * tue", not_on: {weekdays: [mon, tue, wed, thu, fri, sat, sun]}}',
            "schedule",
            "`not_on` leaves no day of the week",
        ),
        ("schedule: {at: [tomorrow]}", "schedule.at.0", "date"),
        ("exclude: [swimmers]", "exclude", "there is no segment “swimmers”"),
    ],
)
def test_each_key_says_what_is_wrong_with_its_value(mistakes, more, key, words):
    found = mistakes(GOOD.format(more=more + "\n"))
    assert list(found) == [key]
    assert words in found[key]


@pytest.mark.parametrize(
    "more",
    [
        "articles: {minimum: 3, slots: [{newest: 2}], pinned: [a]}",
        "articles: {newest: 2, minimum: 3, fill: {up_to: 3}}",
        "articles: {max_age: 60d, settle: 30m}",
        "schedule: {every: 2w, start: 2026-01-06T09:00}",
        "schedule: {at: [2026-12-01T09:00, 2026-12-08T09:00]}",
        'schedule: {cron: "0 9 * * 1-5", window: "09:00-20:00", skip: [2026-12-25], not_on: {weekdays: [sun]}}',
    ],
)
def test_what_makes_sense_is_taken(workspace, write, more):
    write("campaigns/weekly.md", GOOD.format(more=more + "\n"))
    assert workspace.campaign("weekly").name == "Weekly"


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "3"), ("subject", "[a]"), ("list", "[newsletter]"), ("articles", "5"), ("schedule", "0 9 * * tue")],
)
def test_a_value_of_the_wrong_type_is_a_mistake_of_its_key(mistakes, key, value):
    text = GOOD.format(more="").replace(f"{key}: ", "was: ") if f"\n{key}: " in GOOD else GOOD.format(more="")
    found = mistakes(text.replace("was: Weekly\n", "").replace("---\n", f"---\n{key}: {value}\n", 1))
    assert "must be" in found[key]


def test_a_key_that_is_no_text_is_a_mistake_and_not_a_crash(mistakes):
    assert mistakes(GOOD.format(more="2026: x\n"))


def test_a_campaign_that_is_not_there_names_those_that_are(workspace):
    with pytest.raises(UnknownName, match=r"no campaign named “monthly”\. There is: letter, weekly"):
        workspace.campaign("monthly")


@pytest.mark.parametrize("slug", ["../campaigns/weekly", "/etc/passwd", ""])
def test_a_campaigns_name_can_not_leave_its_folder(workspace, slug):
    with pytest.raises(UnknownName):
        workspace.campaign(slug)


def test_a_folder_named_like_a_campaign_is_a_mistake_and_not_a_crash(workspace):
    (workspace.root / "campaigns" / "folder.md").mkdir()
    with pytest.raises(InvalidFile, match=r"campaigns/folder.md: can't be read"):
        workspace.campaign("folder")


# Lists and segments


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("subscribers/lists.yaml", "", "subscribers/lists.yaml: lists: is missing"),
        ("subscribers/lists.yaml", "- a\n", "subscribers/lists.yaml: must be a table"),
        (
            "subscribers/lists.yaml",
            "lists:\n  a: {titel: A}\n",
            "lists.a.titel: is not a key here; did you mean `title`",
        ),
        ("subscribers/lists.yaml", "lists:\n  a: {title: A, opt_in: triple}\n", "lists.a.opt_in: is 'triple'; allowed"),
        ("subscribers/lists.yaml", "lists: {a\n", "line 2: not valid YAML"),
        ("subscribers/segments.yaml", "segments:\n  a: {all: [{list: x, language: de}]}\n", "needs exactly one of"),
        (
            "subscribers/segments.yaml",
            "segments:\n  a: {all: [{attribute: {name: x}}]}\n",
            "exactly one of `=`, `!=`, `in`",
        ),
        ("subscribers/segments.yaml", "segments:\n  a: {all: [{list: }]}\n", "a.all.0: `list` says nothing"),
        ("subscribers/segments.yaml", "segments:\n  a: {all: [{language: []}]}\n", "`language` says nothing"),
        ("subscribers/segments.yaml", "segments:\n  a: {none: [{interests: {}}]}\n", "needs `any`, `all` or `none`"),
        ("subscribers/segments.yaml", "segments:\n  a: {all: [{zone: Europe/Berlim}]}\n", "there is no time zone"),
        ("subscribers/segments.yaml", f"segments:\n  a: {{all: [{{got: {{edition: {1 << 63}}}}}]}}\n", "edition: "),
        ("subscribers/segments.yaml", "segments:\n  a: {every: []}\n", "segments.a.every: is not a key here"),
        (
            "subscribers/segments.yaml",
            "segments:\n  norway: {all: [{attribute: {name: country, in: [DE, NO]}}]}\n",
            "write such a word in quotes",
        ),
    ],
)
def test_a_mistake_in_the_people_files_names_file_and_key(workspace, write, path, text, expected):
    write(path, text)
    with pytest.raises(InvalidFile) as caught:
        workspace.lists, workspace.segments  # noqa: B018
    assert expected in str(caught.value)


def test_a_workspace_without_segments_has_none(workspace):
    (workspace.root / "subscribers/segments.yaml").unlink()
    assert workspace.segments == {}


def test_a_workspace_without_lists_says_which_file_is_missing(workspace):
    (workspace.root / "subscribers/lists.yaml").unlink()
    with pytest.raises(InvalidFile, match=r"subscribers/lists.yaml: can't be read \(No such file"):
        workspace.campaign("weekly")


def test_sources_that_are_not_there_are_named_with_their_place(mistakes, write):
    write(
        "broadsheet.toml",
        '[[sources]]\npath = "articles"\n[[sources]]\nurl = "https://blog.example/feed"\nname = "Blog"\n',
    )
    rules = "articles:\n  sources: [blog, articles]\n  fill: {sources: Blogs}\n  slots: [{newest: 1}, {sources: [Blog, press]}]\n"
    assert mistakes(GOOD.format(more=rules)) == {
        "articles.sources": "there is no source “blog”; there is: Blog, articles",
        "articles.fill.sources": "there is no source “Blogs”; there is: Blog, articles",
        "articles.slots.1.sources": "there is no source “press”; there is: Blog, articles",
    }


def test_a_campaign_goes_through_its_own_adapter_or_else_its_lists(workspace, write):
    write("broadsheet.toml", SETTINGS + '[adapters.slow]\nkind = "memory"\n[adapters.fast]\nkind = "memory"\n')
    write("subscribers/lists.yaml", LISTS.replace("{title: Stillwater Weekly}", "{title: Weekly, adapter: slow}"))
    assert workspace.campaign("weekly").adapter == "slow"
    assert workspace.campaign("letter").adapter == "default"
    write("campaigns/weekly.md", WEEKLY.replace("template: plain", "template: plain\nadapter: fast"))
    assert workspace.campaign("weekly").adapter == "fast"


def test_an_adapter_of_a_list_that_is_not_there_is_named(workspace, write):
    write("subscribers/lists.yaml", LISTS.replace("{title: Stillwater Weekly}", "{title: Weekly, adapter: pigeon}"))
    with pytest.raises(InvalidFile, match="there is no adapter “pigeon”"):
        workspace.campaign("weekly")
