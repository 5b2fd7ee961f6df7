"""Who may receive: lists, segments, consent, import."""

from broadsheet.audience.consent import LESS_OFTEN, PAUSED, Target, excluded_by_reason, mailable, may_receive, why_not
from broadsheet.audience.importing import ImportReport, import_people
from broadsheet.audience.interests import interest_set, set_interests
from broadsheet.audience.readers import Reader, known_attributes, readers
from broadsheet.audience.segments import list_titles, segment_label, segment_query, segment_sentence
from broadsheet.audience.wishes import FREQUENCIES, frequency_name, set_wishes

__all__ = [
    "FREQUENCIES",
    "LESS_OFTEN",
    "PAUSED",
    "ImportReport",
    "Reader",
    "Target",
    "excluded_by_reason",
    "frequency_name",
    "import_people",
    "interest_set",
    "known_attributes",
    "list_titles",
    "mailable",
    "may_receive",
    "readers",
    "segment_label",
    "segment_query",
    "segment_sentence",
    "set_interests",
    "set_wishes",
    "why_not",
]
