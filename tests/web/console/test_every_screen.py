"""Every page of the console is among those that are looked at in Chromium: at both widths, light and dark, by axe."""

import re

from django.urls import resolve
from tests.web.console import (
    test_audience_browser,
    test_calendar_browser,
    test_compose_browser,
    test_console_browser,
    test_templates_browser,
)

from broadsheet.web.console.urls import ROUTES

#: What is no page: mails in frames, parts that a page loads by itself, files to take away.
PARTS = {
    *("now", "calendar-readers", "edition-live", "edition-mail", "edition-findings", "edition-takes"),
    *("edition-changes", "edition-anew", "edition-csv", "edition-json", "edition-chart", "article-text"),
    *("import-live", "import-rejected", "campaign-beside", "campaign-mail", "campaign-readers", "campaign-reach"),
    *("template-mail", "template-contrast", "settings-doctor-now"),
}


def test_every_page_is_among_the_screens_that_are_looked_at():
    modules = (
        test_audience_browser,
        test_calendar_browser,
        test_compose_browser,
        test_console_browser,
        test_templates_browser,
    )
    paths = [path.partition("?")[0] for module in modules for path in module.SCREENS if "account/" not in path]
    looked_at = {resolve("/console/" + re.sub(r"\{\w+\}", "1", path)).url_name for path in paths}
    pages = {f"console-{route.name}" for route in ROUTES if route.reads is not None and route.name not in PARTS}
    assert pages - looked_at == set()
    assert {route.name for route in ROUTES} >= PARTS
