"""Ledger and events to numbers: where an edition stands, what came of it, and how it compares."""

from broadsheet.reports.comparing import (
    ArticleRow,
    EditionRow,
    GrowthDay,
    Result,
    articles_ranked,
    compared,
    editions_with,
    growth,
    results,
    side_by_side,
)
from broadsheet.reports.health import Health, health_of
from broadsheet.reports.numbers import Numbers, due_now, numbers
from broadsheet.reports.report import Rate, Report, report
from broadsheet.reports.summary import summarise, summary_of
from broadsheet.reports.taking import RATES, as_csv

__all__ = [
    "RATES",
    "ArticleRow",
    "EditionRow",
    "GrowthDay",
    "Health",
    "Numbers",
    "Rate",
    "Report",
    "Result",
    "Uses",
    "articles_ranked",
    "as_csv",
    "compared",
    "due_now",
    "editions_with",
    "growth",
    "health_of",
    "numbers",
    "report",
    "results",
    "side_by_side",
    "summarise",
    "summary_of",
]
