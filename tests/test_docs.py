"""The docs lead everywhere, and nowhere else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Where the paths of CONTRIBUTING's table begin.
BASES = (ROOT, ROOT / "src" / "broadsheet")


def led_to(page):
    """The files that a page's links lead to, with the part of each behind the #."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            name, _, heading = target.partition("#")
            yield (page.parent / name).resolve() if name else page, heading


def anchors(page):
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page):
    for target, heading in led_to(page):
        assert target.exists(), target
        assert not heading or heading in anchors(target), f"{target}#{heading}"


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [target for target, _ in led_to(page)]
    assert [page.name for page in PAGES if page not in reached] == []


def test_every_path_that_contributing_names_is_there():
    rows = [line for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    named = {
        word
        for row in rows
        for word in re.findall(r"`([\w./-]+)`", row)
        if "/" in word or word.endswith((".py", ".md"))
    }
    assert len(named) > 80
    assert sorted(word for word in named if not any((base / word).exists() for base in BASES)) == []


def test_the_changelog_says_each_thing_once():
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    begun = [" ".join(line.split()[:4]) for line in lines if line.startswith("- ")]
    assert sorted({each for each in begun if begun.count(each) > 1}) == []
