"""Where a finding is mended."""

import pytest
from django.urls import NoReverseMatch, reverse

from broadsheet.web.console.mending import page_of


def address(name, words):
    """The address of a page; empty while the console has none of that name."""
    try:
        return reverse(name, kwargs=words)
    except NoReverseMatch:
        return ""


@pytest.mark.parametrize(
    ("where", "name", "words"),
    [
        ("list newsletter", "console-reports", {}),
        ("article night-harbour", "console-articles", {}),
        ("campaigns/weekly.md: subject", "console-campaign-compose", {"slug": "weekly"}),
        ("subject", "console-campaign-compose", {"slug": "weekly"}),
        (
            "templates/digest/template.html, line 3",
            "console-template-file",
            {"name": "digest", "file": "template.html"},
        ),
    ],
)
def test_a_place_leads_to_its_page(where, name, words):
    assert page_of(where, "weekly") == address(name, words)


@pytest.mark.parametrize("where", ["HTML: picture https://a.example/x.png", "subscriber: nobody", "", "listless"])
def test_a_place_that_has_no_page_leads_nowhere(where):
    assert page_of(where, "weekly") == ""
