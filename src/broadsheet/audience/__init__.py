"""Who may receive: lists, segments, consent, people in and out."""

from broadsheet.audience.addresses import known_address
from broadsheet.audience.consent import LESS_OFTEN, PAUSED, Target, excluded_by_reason, mailable, may_receive, why_not
from broadsheet.audience.counting import newest_person, segment_size
from broadsheet.audience.evidence import Evidence, agreed, reader_from, undone
from broadsheet.audience.exporting import chosen, csv_lines, json_lines, records, written
from broadsheet.audience.finding import SUPPRESSED, Page, Wanted, find
from broadsheet.audience.history import everything, held_on
from broadsheet.audience.importing import ImportChoices, ImportReport, RejectedLine, import_people
from broadsheet.audience.interests import interest_set, normal_tags, set_interests
from broadsheet.audience.members import segment_members
from broadsheet.audience.networks import kept_network
from broadsheet.audience.readers import Reader, known_attributes, readers
from broadsheet.audience.segments import list_titles, segment_label, segment_query, segment_sentence, segment_titles
from broadsheet.audience.sizes import Counted, count_segment, count_soon, estimate_reach, kept_sizes
from broadsheet.audience.suppression import erase, erase_address, is_suppressed, note, suppress, unsuppress
from broadsheet.audience.wishes import FREQUENCIES, frequency_name, set_wishes

__all__ = [
    "FREQUENCIES",
    "LESS_OFTEN",
    "PAUSED",
    "SUPPRESSED",
    "Counted",
    "Evidence",
    "ImportChoices",
    "ImportReport",
    "Page",
    "Reader",
    "RejectedLine",
    "Target",
    "Wanted",
    "agreed",
    "chosen",
    "count_segment",
    "count_soon",
    "csv_lines",
    "erase",
    "erase_address",
    "estimate_reach",
    "everything",
    "excluded_by_reason",
    "find",
    "frequency_name",
    "held_on",
    "import_people",
    "interest_set",
    "is_suppressed",
    "json_lines",
    "kept_network",
    "kept_sizes",
    "known_address",
    "known_attributes",
    "list_titles",
    "mailable",
    "may_receive",
    "newest_person",
    "normal_tags",
    "note",
    "reader_from",
    "readers",
    "records",
    "segment_label",
    "segment_members",
    "segment_query",
    "segment_sentence",
    "segment_size",
    "segment_titles",
    "set_interests",
    "set_wishes",
    "suppress",
    "undone",
    "unsuppress",
    "why_not",
    "written",
]
