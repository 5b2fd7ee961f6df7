"""What an export says of a person's consent, read so that the safer meaning wins."""

from collections.abc import Callable
from enum import IntEnum

from broadsheet.models import SubscriptionState, SuppressionReason


class Standing(IntEnum):
    """What a file says of one person; of several the gravest counts."""

    #: wants the mail
    SUBSCRIBED = 0
    #: has not confirmed, or the file doesn't say
    PENDING = 1
    #: the file uses a word that may mean anything; not mailed, and nobody already here is taken off for it
    DOUBTFUL = 2
    #: has left
    LEFT = 3
    #: must not be mailed, on any list
    SUPPRESSED = 4
    #: mail to the address kept coming back
    BOUNCING = 5
    #: the address does not exist
    DEAD = 6
    #: reported mail as spam
    COMPLAINED = 7

    @property
    def state(self) -> SubscriptionState:
        """The state of a subscription that is made for it."""
        return _STATES.get(self, SubscriptionState.UNSUBSCRIBED)

    @property
    def suppression(self) -> SuppressionReason | None:
        """Why the address must not be mailed at all; None if it may be."""
        return _SUPPRESSIONS.get(self)


_STATES = {Standing.SUBSCRIBED: SubscriptionState.SUBSCRIBED, Standing.PENDING: SubscriptionState.PENDING}
_SUPPRESSIONS = {
    Standing.SUPPRESSED: SuppressionReason.BY_HAND,
    Standing.BOUNCING: SuppressionReason.BOUNCING,
    Standing.DEAD: SuppressionReason.DEAD,
    Standing.COMPLAINED: SuppressionReason.COMPLAINED,
}

#: What exports write into a column of statuses, by what it means. A word that isn't here never makes anyone mailable.
WORDS: dict[str, Standing] = {
    word: standing
    for standing, words in {
        # "regular" to "churning" are Buttondown's words for people who get its mail, the last is HubSpot's
        Standing.SUBSCRIBED: "subscribed, active, confirmed, regular, premium, gifted, trialed, churning, "
        "marketing contact",
        Standing.PENDING: "pending, unconfirmed, unactivated, unverified, unpaid, paused, validating, "
        "not confirmed, awaiting confirmation, opt-in pending, double opt-in pending",
        # inactive: unconfirmed at one tool, gone at another; enabled: listmonk's word for a person on no list as well
        Standing.DOUBTFUL: "inactive, cold, enabled, never subscribed, never_subscribed, non-subscribed, "
        "nonsubscribed, transactional, non-marketing contact, unknown",
        Standing.LEFT: "unsubscribed, unsubscribe, unsub, cancelled, canceled, opted out, opted-out, opted_out, "
        "optout, opt-out, removed, deleted, archived, churned, left",
        Standing.SUPPRESSED: "suppressed, by-hand, blocklisted, blacklisted, blocked, banned, disabled, spammy",
        Standing.BOUNCING: "bouncing",
        Standing.DEAD: "dead, cleaned, bounced, bounce, hard bounce, hard bounced, hard_bounced, undeliverable, "
        "invalid, malformed",
        Standing.COMPLAINED: "complained, complaint, spam, spam complaint, reported spam, "
        "reported as spam, junk, abuse",
    }.items()
    for word in (each.strip() for each in words.split(","))
}

_YES = frozenset(("true", "t", "yes", "y", "1", "on", "x", "ja", "oui", "sí", "si"))
_NO = frozenset(("false", "f", "no", "n", "0", "off", "-", "nein", "non"))
_REFUSALS = _NO | {"denied", "declined", "revoked", "withdrawn", "none", "never"}
YES_OR_NO = _YES | _NO
Reading = Callable[[str], Standing]
"""From a stripped cell to what it says."""


def _flag(yes: Standing, no: Standing, empty: Standing = Standing.SUBSCRIBED) -> Reading:
    """A yes-or-no column; what is neither counts as the graver of the two."""

    def read(cell: str) -> Standing:
        if not cell:
            return empty
        word = cell.lower()
        return yes if word in _YES else no if word in _NO else max(yes, no)

    return read


def _filled(standing: Standing) -> Reading:
    """A column that is empty unless it happened: a time, a reason."""
    nothing = frozenset(("", "[]", "{}", "null", "none", "nan", "n/a")) | _NO
    return lambda cell: Standing.SUBSCRIBED if cell.lower() in nothing else standing


def _subscribed(cell: str) -> Standing:
    """MailerLite writes a date here, others yes or no."""
    if cell[:1].isdigit() and len(cell) > 7:
        return Standing.SUBSCRIBED
    return _flag(Standing.SUBSCRIBED, Standing.LEFT, Standing.PENDING)(cell)


def worded(cell: str) -> Standing:
    """A column that may be about something else, what somebody pays as like as not; only a no that is known counts."""
    word = cell.lower()
    return WORDS.get(word, Standing.DOUBTFUL if word in _REFUSALS else Standing.SUBSCRIBED)


OK, PENDING, LEFT = Standing.SUBSCRIBED, Standing.PENDING, Standing.LEFT
#: Columns that say it in words. ``state`` and ``type`` mean it only where no better one is there.
STATUS_COLUMNS = (
    "status",
    "subscriptionstatus",
    "subscribertype",
    "subscriberstatus",
    "emailstatus",
    "memberstatus",
    "contactstatus",
    "emailmarketingstatus",
    "emailmarketingconsent",
    "emailconsent",
    "marketingcontactstatus",
    "optinstatus",
    "emailoptinstatus",
    "emailpermission",
    "emailpermissionstatus",
)
WEAK_STATUS_COLUMNS = ("type", "state")
#: Columns that say one thing, by their name without case and signs.
FLAGS: dict[str, Reading] = {
    "emaildisabled": _flag(LEFT, OK),
    "subscribedtoemails": _flag(OK, LEFT, PENDING),
    "subscribed": _subscribed,
    "issubscribed": _subscribed,
    "acceptsmarketing": _flag(OK, LEFT, PENDING),
    "acceptsemailmarketing": _flag(OK, LEFT, PENDING),
    "optin": _flag(OK, PENDING, PENDING),
    "emailoptin": _flag(OK, LEFT, PENDING),
    "doubleoptin": _flag(OK, PENDING, PENDING),
    "confirmed": _flag(OK, PENDING, PENDING),
    **dict.fromkeys(("isactive", "active", "enabled", "isenabled"), _flag(OK, LEFT, PENDING)),
    **dict.fromkeys(("inactive", "isinactive"), _flag(Standing.DOUBTFUL, OK)),
    **dict.fromkeys(
        ("unsubscribed", "isunsubscribed", "unsubscribedfromallemail", "unsubscribedfromallemails", "optedout",
         "emailoptout", "optout", "hsemailoptout", "unsubscribe", "globalunsubscribe", "deleted", "isdeleted",
         "removed", "archived", "isarchived", "disabled", "isdisabled"),
        _flag(LEFT, OK),
    ),
    **dict.fromkeys(
        ("unsubtime", "unsubscribedat", "unsubscribedate", "unsubscribeddate", "dateunsubscribed", "unsubscribedon",
         "unsubscriptiondate", "unsubscribetime", "deletedat", "optouttime", "optoutdate", "unsubreason", "archivedat",
         "archiveddate", "datearchived", "removedat"),
        _filled(LEFT),
    ),
    **dict.fromkeys(
        ("cleantime", "bouncedat", "bouncedate", "bouncereason", "hardbouncereason", "emailhardbouncereason",
         "undeliverabilitydate", "undeliverabilityreason", "hsemailhardbouncereasonenum"),
        _filled(Standing.DEAD),
    ),
    **dict.fromkeys(
        ("bounced", "hardbounced", "hardbounce", "cleaned", "invalidemailaddress", "hsemailbadaddress"),
        _flag(Standing.DEAD, OK),
    ),
    **dict.fromkeys(("complainedat", "spamreportedat", "complaintdate"), _filled(Standing.COMPLAINED)),
    **dict.fromkeys(
        ("complained", "complaint", "spam", "spamcomplaint", "markedasspam"), _flag(Standing.COMPLAINED, OK)
    ),
    **dict.fromkeys(
        ("blocklisted", "blacklisted", "emailblacklisted", "emailblocklisted", "isblacklisted", "suppressed"),
        _flag(Standing.SUPPRESSED, OK),
    ),
    **dict.fromkeys(
        ("emailsuppressions", "suppressions", "suppressionreason", "emailsuppressionreason"),
        _filled(Standing.SUPPRESSED),
    ),
    **dict.fromkeys(
        ("subscription", "emailsubscription", "newslettersubscription", "mailsubscription", "newsletter"), worded
    ),
}  # fmt: skip
#: Columns whose name begins so: HubSpot has one for each kind of mail.
FLAG_BEGINNINGS: dict[str, Reading] = {
    "optedoutofemail": _flag(LEFT, OK),
    "emailsuppressions": _filled(Standing.SUPPRESSED),
}
#: Words of a name that speaks of people who are not to be mailed: a column's, whatever it says exactly, or a file's.
ALARMING = (
    "unsub", "nonsub", "optout", "optedout", "donotemail", "donotmail", "donotcontact", "bounce", "undeliver",
    "cleaned", "complain", "spam", "suppress", "blocklist", "blacklist", "blocked", "quarantin",
    "abgemeldet", "abmeldung",
)  # fmt: skip
#: Words of a column's name that ask for a yes: a no in it is a doubt, unless the column says when or from where.
ASKING = ("optin", "optedin", "consent", "permission", "confirm")
ASIDE = ("ip", "time", "timestamp", "date", "at", "url", "text", "wording")
#: What such a column may be about that is not mail, or says nothing of one person's consent.
HARMLESS = ("sms", "whatsapp", "phone", "push", "marketingemailsbounced")


def is_alarming(plain: str) -> bool:
    """Whether a name without case and signs speaks of people who are not to be mailed."""
    return any(word in plain for word in ALARMING) and not any(word in plain for word in HARMLESS)


def reading_of(plain: str) -> Reading | None:
    """How a column of that name is read, if it says something of consent beside the column of statuses."""
    if plain in FLAGS:
        return FLAGS[plain]
    known = (read for beginning, read in FLAG_BEGINNINGS.items() if plain.startswith(beginning))
    if (read := next(known, None)) is not None or any(word in plain for word in HARMLESS):
        return read
    if is_alarming(plain):
        return _filled(Standing.DOUBTFUL)
    return _refusing if any(word in plain for word in ASKING) and not plain.endswith(ASIDE) else None


def _refusing(cell: str) -> Standing:
    return Standing.DOUBTFUL if worded(cell) > OK else OK


def status_word(cell: str) -> Standing:
    """A cell of a column of statuses; an empty one is a doubt, and so is a word that is not known."""
    return WORDS.get(cell.lower(), Standing.DOUBTFUL) if cell else Standing.PENDING
