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
from broadsheet.reports.numbers import Numbers, due_now, next_leaving, numbers, waiting
from broadsheet.reports.report import Rate, Report, clicks_by_address, report
from broadsheet.reports.summary import fold_reading, is_at_hand, summarise, summary_of
from broadsheet.reports.taking import RATES, as_csv, as_plain

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
    "articles_ranked",
    "as_csv",
    "as_plain",
    "clicks_by_address",
    "compared",
    "due_now",
    "editions_with",
    "fold_reading",
    "growth",
    "health_of",
    "is_at_hand",
    "next_leaving",
    "numbers",
    "report",
    "results",
    "side_by_side",
    "summarise",
    "summary_of",
    "waiting",
]
