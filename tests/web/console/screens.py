"""What holds for every screen: it fits, follows the colour scheme, and can be used by everybody."""

from axe_playwright_python.base import AXE_FILE_PATH

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GROUNDS = {"light": "rgb(245, 243, 238)", "dark": "rgb(17, 25, 24)"}


def assert_it_suits_everybody(page):
    """At both widths and in both schemes; axe-core finds nothing."""
    page.evaluate(AXE_FILE_PATH.read_text())
    for scheme, rules in (("light", RULES), ("dark", {"type": "rule", "values": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = page.evaluate(
                "rules => axe.run({exclude: ['iframe']}, {runOnly: rules, resultTypes: ['violations']})", rules
            )
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
