"""The draft's mail as one reader would get it: found without a plan for all."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default

from broadsheet import articles, drafts, editions
from broadsheet.audience import Reader, Target, Wanted, find, may_receive
from broadsheet.audience.members import segment_members
from broadsheet.audience.readers import reader_of
from broadsheet.errors import BroadsheetError
from broadsheet.models import Subscriber, Subscription, SubscriptionState
from broadsheet.rendering import compile_message, sheet_for
from broadsheet.selection import pick, pool
from broadsheet.sending.inbox import CaughtMail, Summary
from broadsheet.web.console.compose.audience import kept_count, people_of, target_of
from broadsheet.web.console.compose.draft import Work
from broadsheet.web.console.compose.picks import next_at
from broadsheet.web.preview.people import full_name, named
from broadsheet.web.preview.shown import snippet

#: Of people on the list, so many are tried for one who gets a mail.
TRIED = 20
NOBODY = Reader(
    0,
    "robin@reader.example",
    "Robin Reader",
    {"first_name": "Robin", "last_name": "Reader", "name": "Robin Reader", "email": "robin@reader.example",
     "interests": []},
)  # fmt: skip


@dataclass(frozen=True)
class Whose:
    """Whose copy is shown, and what is in it; or why there is none."""

    name: str
    email: str
    reader: Reader | None
    slugs: tuple[str, ...] = ()
    why_nothing: str = ""
    is_made_up: bool = False


@dataclass(frozen=True)
class Copy:
    """The mail as it would be handed over."""

    mail: CaughtMail
    subject: str
    sender: str
    snippet: str


def whose(work: Work, address: str = "") -> Whose | None:
    """The reader of that address; else one of the audience who gets a mail, else somebody made up.

    None while the draft has mistakes. Raises BroadsheetError.
    """
    if work.campaign is None:
        return None
    row = named(address) if address else None
    if row is not None:
        return _of(work, row)
    return _somebody(work) or _nobody(work)


def _of(work: Work, row: Subscriber) -> Whose:
    campaign = work.campaign
    assert campaign is not None
    name = full_name(row)
    if reason := _why_not(editions.target_of(work.workspace, campaign, next_at(work)), row):
        return Whose(name, row.email, None, why_nothing=reason)
    picks = editions.picks_of(work.workspace, campaign, next_at(work), row)
    return Whose(name, row.email, None if picks.too_few else reader_of(row), picks.slugs, picks.reason)


def _why_not(target: Target, row: Subscriber) -> str:
    """As :func:`broadsheet.audience.why_not`, without a look at everybody else; empty if they are mailed."""
    refused = may_receive([row.pk], target).get(row.pk)
    if refused == "unsubscribed":
        state = Subscription.objects.filter(subscriber=row, list_name=target.list_name).values_list("state", flat=True)
        return _NOT_ON[next(iter(state), "")]
    if refused:
        return refused
    ids = {row.pk}
    if target.segments and not any(segment_members(each, ids) for each in target.segments):
        return "outside the segment"
    return "excluded" if any(segment_members(each, ids) for each in target.exclude) else ""


#: Why a list does not reach somebody, by what they said to it; empty for nothing.
_NOT_ON = {
    "": "they are not on the list",
    SubscriptionState.PENDING: "they have not confirmed yet",
    SubscriptionState.UNSUBSCRIBED: "they have left the list",
}


def _somebody(work: Work) -> Whose | None:
    """Somebody who gets a mail: out of the sample that was counted, else of the newest on the list."""
    target = target_of(work)
    campaign = work.campaign
    if target is None or campaign is None:
        return None
    for row in _candidates(target):
        picks = editions.picks_of(work.workspace, campaign, next_at(work), row)
        if not picks.too_few:
            return Whose(full_name(row), row.email, reader_of(row), picks.slugs)
    return None


def _candidates(target: Target) -> Iterator[Subscriber]:
    kept = kept_count(target)
    if kept is not None:
        people = people_of(kept.sample)
    else:
        newest = find(Wanted(list_name=target.list_name, state=SubscriptionState.SUBSCRIBED), size=TRIED).readers
        people = people_of(tuple(row.pk for row in newest))
    yield from (row for row in people if not _why_not(target, row))


def _nobody(work: Work) -> Whose:
    """Somebody made up, who is interested in everything and has had nothing."""
    campaign = work.campaign
    assert campaign is not None
    known, rules = editions.candidates(work.workspace), campaign.articles
    tags = frozenset(tag for each in known for tag in each.tags)
    picks = pick(rules, pool(rules, known, next_at(work)), tags, frozenset())
    why = "" if picks.slugs else "no article fits its rules yet"
    return Whose(NOBODY.name, NOBODY.email, NOBODY if picks.slugs else None, picks.slugs, why, is_made_up=True)


def copy_for(work: Work, of: Whose) -> Copy:
    """That reader's copy. Raises BroadsheetError: a template's mistake, most of all."""
    campaign, at = work.campaign, next_at(work)
    if campaign is None or of.reader is None:
        raise BroadsheetError("There is no mail to show.")
    content = articles.load_content(work.workspace, of.slugs)
    message = compile_message(sheet_for(work.workspace, campaign, at, [content[slug] for slug in of.slugs]))
    stamped = drafts.specimen(work.workspace, message, of.reader)
    parsed = message_from_bytes(stamped.content, policy=default)
    html, text = parsed.get_body(("html",)), parsed.get_body(("plain",))
    source = html.get_content() if html else ""
    subject = str(parsed["Subject"] or "")
    summary = Summary("", str(parsed["From"]), (of.email,), subject, at, len(stamped.content))
    caught = CaughtMail(summary, source, text.get_content() if text else "", (), "", ())
    sender = work.workspace.sender_of(campaign.list)
    return Copy(caught, subject, sender.name or sender.email, snippet(source))
