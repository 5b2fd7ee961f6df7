"""The findings about the mail that is shown."""

from broadsheet.audience import known_attributes
from broadsheet.rendering import findings
from broadsheet.rendering.findings import Finding
from broadsheet.web.preview.desk import Desk, Draft
from broadsheet.web.preview.shown import Shown


def findings_of(desk: Desk, draft: Draft, slugs: tuple[str, ...], mail: Shown) -> list[Finding]:
    """What is wrong with this reader's copy, worst first; `broadsheet check` looks at all of an edition's mails."""
    printed = desk.printed(draft, slugs)
    house = findings.House.of(desk.workspace, known_attributes())
    return findings.in_order(
        [
            *findings.of_plan(draft.planned),
            *findings.of_articles(printed.sheet.articles, draft.campaign.slug, draft.campaign.intro),
            *findings.of_message(printed.message, printed.sheet, house.attributes),
            *findings.of_copy(findings.Copy.of(mail.content), house),
        ]
    )
