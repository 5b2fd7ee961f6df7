"""When campaigns come out: a schedule's times, each reader's own time, and both in words. Pure: no clock, no query."""

from broadsheet.timing.firings import Change, Changes, Run, firings, last_time, names, next_time, placed, runs
from broadsheet.timing.local import not_before, opens, reader_local
from broadsheet.timing.words import in_words, span_in_words

__all__ = [
    "Change",
    "Changes",
    "Run",
    "firings",
    "in_words",
    "last_time",
    "names",
    "next_time",
    "not_before",
    "opens",
    "placed",
    "reader_local",
    "runs",
    "span_in_words",
]
