"""What a spam score means."""

from typing import Final

from broadsheet.rendering.findings.codes import Finding, found

HIGH: Final = 5.0
RAISED: Final = 3.0


def of_score(points: float, rules: tuple[str, ...] = ()) -> list[Finding]:
    """The finding about SpamAssassin's points for a mail; none under 3."""
    if points < RAISED:
        return []
    named = f" ({', '.join(rules)})" if rules else ""
    code = "spam-score-high" if points >= HIGH else "spam-score-raised"
    return [found(code, f"SpamAssassin gives {points:.1f} points{named}.", "mail")]
