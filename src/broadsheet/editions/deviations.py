"""Single times of a schedule that a person skips or moves: a row each, which everybody who makes editions obeys."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from broadsheet.editions.states import move, one_at_a_time, refuse_begun, reschedule
from broadsheet.errors import WrongState
from broadsheet.models import Campaign, Deviation, Edition, EditionState
from broadsheet.timing import Change, firings, names, not_before, runs
from broadsheet.workspace import CampaignFile, Schedule, Workspace

#: A time that is nearer is no time to move an edition to: whoever makes it may have looked already.
SOONEST = timedelta(minutes=1)
#: Whoever sends an edition by hand twice within this has pressed the button twice.
_TWICE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)


def changes_of(slug: str, since: datetime) -> dict[datetime, Change]:
    """What people skipped or moved of a campaign's times after ``since``, for :func:`broadsheet.timing.runs`."""
    return changes(since, slug).get(slug, {})


def changes(since: datetime, slug: str | None = None) -> dict[str, dict[datetime, Change]]:
    """As :func:`changes_of`, of all campaigns, by slug."""
    rows = Deviation.objects.filter(Q(scheduled_for__gt=since) | Q(moved_to__gt=since)).select_related("campaign")
    found: dict[str, dict[datetime, Change]] = {}
    for row in rows.filter(campaign__slug=slug) if slug else rows:
        found.setdefault(row.campaign.slug, {})[row.scheduled_for] = Change(row.moved_to, row.said)
    return found


def moved_from(slug: str, at: datetime) -> datetime | None:
    """The schedule's time that somebody moved to ``at``. Raises WrongState if nothing comes out at ``at`` any more."""
    rows = list(Deviation.objects.filter(Q(scheduled_for=at) | Q(moved_to=at), campaign__slug=slug))
    here = next((row for row in rows if row.moved_to == at), None)
    if here is None and rows:
        when = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        raise WrongState(
            f"{slug}'s edition of {when} was {rows[0].said}. Undo that on the console's calendar, or name "
            "another time with --at."
        )
    return here.scheduled_for if here else None


def edition_of(slug: str, time: datetime) -> Edition | None:
    """The edition that came of that time of the campaign's schedule, wherever it was moved to."""
    found = Edition.objects.select_related("campaign").filter(campaign__slug=slug)
    return found.filter(moved_from=time).first() or found.filter(scheduled_for=time, moved_from=None).first()


def edition_times(since: datetime) -> set[tuple[str, datetime]]:
    """Campaign and time, in UTC, of each edition that there is for a time after ``since``, moved ones under both."""
    rows = Edition.objects.filter(Q(scheduled_for__gt=since) | Q(moved_from__gt=since))
    found = rows.values_list("campaign__slug", "scheduled_for", "moved_from")
    return {(slug, time) for slug, *times in found for time in times if time}


def leave_out(workspace: Workspace, file: CampaignFile, time: datetime, *, who: str, why: str = "") -> Deviation:
    """Skip one time of the campaign's schedule, with the edition that was made for it already.

    Raises WrongState if it has begun or passed, or is none of the schedule's.
    """
    with transaction.atomic():
        one_at_a_time()
        row, edition = _standing(workspace, file, time)
        if edition is not None:
            refuse_begun(edition, "skipped")
        row.moved_to, row.who, row.why, row.at = None, who[:200], why[:200], timezone.now()
        row.save()
        if edition is not None:
            move(edition, EditionState.SKIPPED, who=who, why=row.said)
    return row


def put_off(workspace: Workspace, file: CampaignFile, time: datetime, to: datetime, *, who: str) -> Deviation:
    """Move one time of the campaign's schedule to another moment, with the edition that was made for it already.

    Raises WrongState if it has begun or passed, is skipped, or can't be then.
    """
    with transaction.atomic():
        one_at_a_time()
        row, edition = _standing(workspace, file, time)
        if row.pk and row.moved_to is None:
            raise WrongState(
                f"{file.name}, {_shown(workspace, file, time)}, is skipped. Undo that first, then move it."
            )
        if edition is not None:
            refuse_begun(edition, "moved")
        _refuse_taken(workspace, file, time, to, edition)
        row.moved_to, row.who, row.why, row.at = to, who[:200], "", timezone.now()
        row.save()
        if edition is not None:
            reschedule(edition, to, who=who, local=local_times(workspace, file, to))
    return row


def reinstate(workspace: Workspace, file: CampaignFile, time: datetime, *, who: str) -> str:
    """Let it be as the schedule says; what had been done. An edition that was moved comes back with it.

    A skipped edition must be frozen anew before: :func:`broadsheet.pipeline.reinstate` does both. Raises WrongState if
    that time has passed, or there is nothing to undo.
    """
    with transaction.atomic():
        one_at_a_time()
        row = Deviation.objects.filter(campaign__slug=file.slug, scheduled_for=time).first()
        edition = edition_of(file.slug, time)
        moved = edition is not None and edition.moved_from is not None
        if row is None and not moved:
            raise WrongState(f"{file.name}, {_shown(workspace, file, time)}, is neither skipped nor moved.")
        refuse_past(workspace, file, time)
        if _edition_at(file.slug, time, but=edition) or Deviation.objects.filter(
            campaign__slug=file.slug, moved_to=time
        ):
            shown = _shown(workspace, file, time)
            raise WrongState(f"Another edition of {file.name} was moved to {shown}. Undo that first.")
        if moved and edition is not None:
            reschedule(edition, time, who=who, local=local_times(workspace, file, time))
        if row is not None:
            row.delete()
    return "moved" if row is None or row.moved_to else "skipped"


def forget(slug: str, time: datetime) -> bool:
    """Take away what was said of a time that the campaign's schedule does not name any more; whether there was any."""
    return bool(Deviation.objects.filter(campaign__slug=slug, scheduled_for=time).delete()[0])


def pull_forward(workspace: Workspace, file: CampaignFile, time: datetime | None, to: datetime, *, who: str) -> None:
    """Note that the edition of ``time`` comes out at ``to``, which is now; None: one that no schedule names.

    Called in the transaction that makes it. Raises WrongState if somebody else was first, however near.
    """
    one_at_a_time()
    if time is None:
        if Edition.objects.filter(campaign__slug=file.slug, scheduled_for__gt=to - _TWICE).exists():
            raise WrongState(f"An edition of {file.name} was made a moment ago. Look at it before you send another.")
        return
    row, edition = _standing(workspace, file, time)
    if edition is not None:
        raise WrongState(f"Edition {edition.pk} of {file.name} was made for that time meanwhile. Look at it first.")
    if row.pk and row.moved_to is None:
        raise WrongState(f"{file.name}, {_shown(workspace, file, time)}, is skipped. Undo that first, then send it.")
    row.moved_to, row.who, row.why, row.at = to, who[:200], "", timezone.now()
    row.save()


def local_times(workspace: Workspace, file: CampaignFile, at: datetime) -> Callable[[str], datetime | None] | None:
    """When copies for a reader's zone may leave if the edition's time is ``at``; None without a schedule."""
    schedule = file.schedule
    if schedule is None:
        return None
    zone = schedule.zone(workspace.config.zone)
    return lambda name: not_before(schedule, zone, at, name)


def _standing(workspace: Workspace, file: CampaignFile, time: datetime) -> tuple[Deviation, Edition | None]:
    """The time's row, made if there is none yet, and its edition. Raises WrongState unless it is still to come."""
    schedule = _schedule(file)
    campaign, _ = Campaign.objects.get_or_create(slug=file.slug)
    row = Deviation.objects.filter(campaign=campaign, scheduled_for=time).first()
    row = row or Deviation(campaign=campaign, scheduled_for=time)
    edition = edition_of(file.slug, time)
    if not names(schedule, schedule.zone(workspace.config.zone), time):
        raise WrongState(f"{_shown(workspace, file, time)} is no time of {file.name} any more; load the page again.")
    if edition is None:
        refuse_past(workspace, file, row.moved_to or time)
    return row, edition


def refuse_past(workspace: Workspace, file: CampaignFile, time: datetime) -> None:
    """Raise WrongState if that time has passed."""
    if time <= timezone.now():
        raise WrongState(f"The time of {file.name}, {_shown(workspace, file, time)}, has passed.")


def _refuse_taken(
    workspace: Workspace, file: CampaignFile, time: datetime, to: datetime, edition: Edition | None
) -> None:
    """Raise WrongState if the edition of ``time`` can't come out at ``to``."""
    schedule, shown = _schedule(file), _shown(workspace, file, to)
    zone = schedule.zone(workspace.config.zone)
    if to < timezone.now() + SOONEST:
        raise WrongState(f"{shown} is past, or too near. Choose a later time, or send it now.")
    if to == time:
        raise WrongState(f"{shown} is its own time. Undo what was done to it instead.")
    others = changes_of(file.slug, min(time, to) - _INSTANT)
    others.pop(time, None)
    coming = next(firings(schedule, zone, to - _INSTANT, others), None)
    if (coming and coming.astimezone(UTC) == to) or _edition_at(file.slug, to, but=edition):
        raise WrongState(f"{file.name} comes out at {shown} already. Choose another time.")
    # A schedule of that one moment says whether the campaign's days off leave it out.
    alone = Schedule(at=(to,), skip=schedule.skip, not_on=schedule.not_on)
    run = next(runs(alone, zone, to - _INSTANT), None)
    if run is None or run.left_out:
        raise WrongState(f"{file.name} does not come out on {to.astimezone(zone):%A, %-d %B}: its file says so.")


def _edition_at(slug: str, at: datetime, *, but: Edition | None) -> bool:
    """Whether the campaign has another edition of that very time."""
    found = Edition.objects.filter(campaign__slug=slug, scheduled_for=at)
    return (found.exclude(pk=but.pk) if but else found).exists()


def _schedule(file: CampaignFile) -> Schedule:
    if file.schedule is None:
        raise WrongState(f"{file.name} has no schedule, so there is nothing to skip or move.")
    return file.schedule


def _shown(workspace: Workspace, file: CampaignFile, time: datetime) -> str:
    zone = file.schedule.zone(workspace.config.zone) if file.schedule else workspace.config.zone
    return f"{time.astimezone(zone):%a %-d %b %Y, %H:%M} ({zone})"
