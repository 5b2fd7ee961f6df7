"""What the columns of a file of people are for: by their names in the tools' exports, or as mapped by hand."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

from broadsheet.audience.carried import CARRIED
from broadsheet.audience.statuses import (
    FLAGS,
    STATUS_COLUMNS,
    WEAK_STATUS_COLUMNS,
    WORDS,
    Reading,
    Standing,
    reading_of,
    status_word,
    worded,
)
from broadsheet.errors import BroadsheetError

#: What a column can be, and how files name it, without case and signs; the first that is there is taken.
COLUMNS: dict[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "mail", "subscriber", "subscriberemail", "useremail", "contactemail",
              "primaryemail", "emailaddress1", "address"),
    "first_name": ("firstname", "givenname", "forename", "fname", "vorname"),
    "last_name": ("lastname", "surname", "familyname", "lname", "nachname"),
    "name": ("name", "fullname", "displayname", "subscribername"),
    "language": ("language", "lang", "locale", "preferredlanguage"),
    "time_zone": ("timezone", "tz", "zone"),
    "interests": ("interests", "tags", "topics", "labels", "tag"),
    "lists": ("lists", "list"),
    "created": ("created", "createdat", "creationdate", "createdate", "datecreated", "optintime", "addedtime",
                "dateadded", "subscribedat", "subscribedate", "subscribeddate", "datesubscribed", "subscriptiondate",
                "optindate", "joined", "joinedat", "signupdate", "startdate", "profilecreatedon"),
    "consent_at": ("consentat", "confirmtime", "confirmedat", "confirmdate", "emailmarketingconsenttimestamp",
                   "consenttimestamp"),
    "consent_network": ("consentnetwork", "confirmip", "optinip", "ipaddress", "ip", "signupip", "subscribedip"),
    "consent_how": ("consenthow",),
    "consent_wording": ("consentwording", "consenttext"),
}  # fmt: skip
#: Those that are read of each person, beside the address and the lists.
PERSON = ("first_name", "last_name", "name", "language", "time_zone", "interests", "created", "consent_at",
          "consent_network", "consent_how", "consent_wording")  # fmt: skip
#: Columns that hold several attributes as JSON.
JSON_COLUMNS = ("attributes", "metadata", "customfields")
#: What only the tool it came from can use.
IGNORED = frozenset((
    "leid", "euid", "gmtoff", "dstoff", "memberrating", "lastchanged", "id", "uuid", "contactid", "recordid",
    "klaviyoid", "stripecustomerid", "stripeconnectedcustomerid", "updatedat", "modifiedtime", "rejectedline",
    "rejectedreason", "rejectedtext", "secondaryid", "absoluteurl",
))  # fmt: skip
#: How an export of Broadsheet's own begins; only there are cells taken back from their spreadsheet-proof form.
OWN_HEADER = (
    "email", "first_name", "last_name", "language", "time_zone", "interests", "lists", "status", "created",
    "consent_at", "consent_how", "consent_network", "consent_wording",
)  # fmt: skip
#: How a file of rejected lines begins.
REJECTED = ("rejected_line", "rejected_reason", "rejected_text")
#: The column of all attributes that a JSON Lines export is given; no attribute has such a name.
ALL_ATTRIBUTES = "{attributes}"
#: Columns of Substack's page of subscribers: where one of them is, ``type`` says what people pay.
OF_SUBSTACK = frozenset((
    "startdate", "expirationdate", "firstpaiddate", "paidupgradedate", "canceldate", "stripeplan",
    "receivingemailsfor",
))  # fmt: skip
IGNORE = ""
#: What a column can be mapped to by hand that says yes or no, or when, of one status; no attribute is called so.
FLAGS_BY_HAND = {name: read for name, read in FLAGS.items() if read is not worded}
FLAGS_BY_HAND |= {f"{name}_at": FLAGS[f"{name}at"] for name in ("unsubscribed", "bounced", "complained", "deleted")}


def plain(name: str) -> str:
    """A column's name without case and signs."""
    return "".join(character for character in name.lower() if character.isalnum())


def rejected_columns(names: Sequence[str]) -> int:
    """How many columns stand first that a file of rejected lines has of its own; those made before had no text."""
    return next((count for count in (3, 2) if tuple(names[:count]) == REJECTED[:count]), 0)


def attribute_name(name: str) -> str:
    """The attribute that a column of that name becomes: letters, digits and underscores."""
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")[:100]


@dataclass(frozen=True)
class Layout:
    """Where in a row everything stands, by position."""

    names: tuple[str, ...]
    """Their names, as the file has them."""
    fields: dict[str, int]
    """The columns of :data:`COLUMNS` that are there."""
    statuses: tuple[tuple[int, str, Reading], ...]
    """Each column that says something of consent: where, its name, how it is read."""
    attributes: tuple[tuple[int, str], ...]
    json: tuple[int, ...] = ()
    own: bool = False
    """Whether it is an export of Broadsheet's own."""
    carried: tuple[int, ...] = ()
    """Where such an export has :data:`~broadsheet.audience.carried.CARRIED`; nowhere in those made before it had."""
    armed: bool = False
    """Whether cells are taken back from their spreadsheet-proof form."""
    said: dict[str, str] = field(default_factory=dict)
    """What each column was taken for, by its name in the file."""

    @cached_property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.names)

    @cached_property
    def lists(self) -> int:
        """Where the lists stand: beyond the last column if nowhere."""
        return self.fields.get("lists", self.width)

    @cached_property
    def pick(self) -> Callable[[list[str]], tuple[str, ...]]:
        """From a row's cells, and an empty one after them, the cells of :data:`PERSON`, empty where there is none."""
        return itemgetter(*(self.fields.get(column, self.width) for column in PERSON))


def layout(header: Sequence[str], mapped: Mapping[str, str]) -> Layout:
    """What each column is for. ``mapped`` is by hand: a column's name to a field, an attribute, or nothing.

    Raises BroadsheetError for two columns that say the same thing equally well (one could hold what the other denies),
    for a mapping of a column that isn't there, and if there is no column of addresses.
    """
    names = [clean(name) for name in header]
    flat = [plain(name) for name in names]
    by_hand = _by_hand(names, mapped)
    begin = rejected_columns(names)
    ours = begin + len(OWN_HEADER)
    own, carries = tuple(names[begin:ours]) == OWN_HEADER, tuple(names[ours : ours + len(CARRIED)]) == CARRIED
    carried = tuple(range(ours, ours + len(CARRIED))) if own and carries else ()
    fields = {to: at for at, to in by_hand.items() if to in COLUMNS}
    unmapped = [at for at in range(len(names)) if at not in by_hand and at not in carried]
    free = [at for at in unmapped if not own or at < ours]  # the others are attributes, whatever their names
    for column, known in COLUMNS.items():
        at = None if column in fields else _best(column, known, flat, free)
        if at is not None:
            fields[column] = at
            free.remove(at)
    statuses = _statuses(names, flat, free, by_hand)
    taken = {at for at, _, _ in statuses} | set(fields.values())
    if "created" not in fields and (since := next((at for at in taken if flat[at] == "subscribed"), None)) is not None:
        fields["created"] = since  # MailerLite writes the day into it
    rest = [at for at in unmapped if at not in taken and at >= begin]
    json = tuple(at for at in rest if (names[at] == ALL_ATTRIBUTES if own else flat[at] in JSON_COLUMNS))
    attributes = [(at, to) for at, to in by_hand.items() if to not in (IGNORE, "status", *COLUMNS, *FLAGS_BY_HAND)]
    aside = [at for at, _, read in statuses if read is worded]
    attributes += [
        (at, name)
        for at in sorted((*rest, *aside))
        if at not in json and (own or not _useless(flat[at])) and (name := attribute_name(names[at]))
    ]
    if "email" not in fields:
        raise BroadsheetError(
            "it has no column of addresses; its first line must name one `email`, or name it with "
            '--map "Their name=email"'
        )
    if twice := _twice(name for _, name in attributes):
        raise BroadsheetError(f"it names `{twice}` twice; rename one of the two, or leave it out with --map")
    said = {names[at]: to for to, at in fields.items()}
    said |= {names[at]: f"attribute {to}" for at, to in attributes}
    said |= {name: f"status and {said[name]}" if at in aside else "status" for at, name, _ in statuses}
    said |= {names[at]: "attributes" for at in json} | {names[at]: names[at] for at in carried}
    said |= {name: said.get(name, "left out") for name in names if name}
    return Layout(
        tuple(names), fields, tuple(statuses), tuple(attributes), json, own, carried, own or bool(begin), said
    )


def recognised(header: Sequence[str]) -> list[str]:
    """What each column is taken for by its name alone, in the words of ``Layout.said``; also where two say the same."""
    try:
        said = layout(header, {}).said
    except BroadsheetError:
        said = {}
    return [said.get(name, _alone(name)) for name in map(clean, header)]


def _alone(name: str) -> str:
    flat = plain(name)
    if found := next((to for to, known in COLUMNS.items() if flat in known), ""):
        return found
    if flat in STATUS_COLUMNS or reading_of(flat) is not None:
        return "status"
    return f"attribute {attribute_name(name)}" if attribute_name(name) and not _useless(flat) else "left out"


def clean(name: str) -> str:
    """A column's name as it is shown and mapped."""
    return name.strip().lstrip("\ufeff")


def _useless(name: str) -> bool:
    """Whether a column is nothing to keep; a second network address would be kept unshortened."""
    return name in IGNORED or name in COLUMNS["consent_network"]


def _by_hand(names: Sequence[str], mapped: Mapping[str, str]) -> dict[int, str]:
    found = {}
    for name, to in mapped.items():
        at = next((at for at, each in enumerate(names) if each.lower() == name.strip().lower()), None)
        if at is None:
            raise BroadsheetError(f"there is no column “{name}” to map; there is: {', '.join(names)}")
        target = to.strip()
        if target.lower() in FLAGS_BY_HAND:
            target = target.lower()
        elif WORDS.get(target.lower(), Standing.SUBSCRIBED) > Standing.DOUBTFUL:
            raise BroadsheetError(
                f"“{name}” is mapped to `{target}`, which is what a person can be, not what a column holds; map it to "
                f"`status` if its words say so, to `unsubscribed` or `bounced` if it says yes or no"
            )
        found[at] = target if target in (IGNORE, "status", *COLUMNS, *FLAGS_BY_HAND) else attribute_name(target)
    if twice := _twice(to for to in found.values() if to in COLUMNS):
        raise BroadsheetError(f"two columns are mapped to `{twice}`; map one")
    return found


def _best(column: str, known: Sequence[str], flat: Sequence[str], free: Sequence[int]) -> int | None:
    for name in known:
        there = [at for at in free if flat[at] == name]
        if len(there) > 1:
            raise BroadsheetError(f"it names `{column}` twice; rename one of the two, or leave it out with --map")
        if there:
            return there[0]
    return None


def _statuses(
    names: Sequence[str], flat: Sequence[str], free: Sequence[int], by_hand: Mapping[int, str]
) -> list[tuple[int, str, Reading]]:
    words = [at for at, to in by_hand.items() if to == "status"] + [at for at in free if flat[at] in STATUS_COLUMNS]
    paying = not words and not OF_SUBSTACK.isdisjoint(flat)
    if not words and not paying:
        words = [at for weak in WEAK_STATUS_COLUMNS for at in free if flat[at] == weak][:1]
    if twice := _twice(flat[at] for at in words):
        raise BroadsheetError(f"it names `{twice}` twice; rename one of the two, or leave it out with --map")
    found: list[tuple[int, str, Reading]] = [(at, names[at], status_word) for at in words]
    found += [(at, names[at], FLAGS_BY_HAND[to]) for at, to in by_hand.items() if to in FLAGS_BY_HAND]
    flags = (
        (at, names[at], worded if paying and flat[at] == "type" else reading_of(flat[at]))
        for at in free
        if at not in words
    )
    return found + [(at, name, read) for at, name, read in flags if read is not None]


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
