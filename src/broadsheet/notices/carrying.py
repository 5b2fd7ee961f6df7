"""Errands carried out: requests to join become rows and notices, notices become mails."""

import logging

from django.contrib.auth.models import User
from django.db import transaction

from broadsheet import sending
from broadsheet.errors import BroadsheetError
from broadsheet.models import Errand, ErrandKind
from broadsheet.notices.errands import claim, give_up, try_again
from broadsheet.notices.joining import Wish, join
from broadsheet.notices.letters import INVITATION, invitation, letter
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

BATCH = 50


def carry_out(workspace: Workspace) -> int:
    """Do everything that is due; how many mails were taken. What can't be done now is tried again later."""
    taken = 0
    while claimed := claim(BATCH):
        for errand in claimed:
            if errand.kind == ErrandKind.JOIN:
                _join(workspace, errand)
        taken += _deliver(workspace, [errand for errand in claimed if errand.kind == ErrandKind.NOTICE])
    return taken


def _join(workspace: Workspace, errand: Errand) -> None:
    try:
        with transaction.atomic():
            join(workspace, Wish(**errand.detail))
            errand.delete()
    except ValueError as error:  # what no database can keep: given up, or the requests behind it would wait for ever
        log.warning("A request to join can't be kept: %s", error)
        give_up(errand, str(error))


def _deliver(workspace: Workspace, errands: list[Errand]) -> int:
    """Hand the notices to the adapter; how many it took."""
    by_id = {errand.pk: errand for errand in errands}
    mails = [mail for errand in errands if (mail := _written(workspace, errand))]
    outcomes = {outcome.delivery_id: outcome for outcome in _handed_over(workspace, mails)} if mails else {}
    for pk, outcome in outcomes.items():
        if outcome.result == Result.SENT:
            by_id[pk].delete()
        elif outcome.result == Result.FAILED:
            give_up(by_id[pk], outcome.reply)
            log.warning("A notice (%s) was refused for good: %s", by_id[pk].detail["notice"], outcome.reply)
        else:
            try_again(by_id[pk], outcome.reply or outcome.result)
    return sum(outcome.result == Result.SENT for outcome in outcomes.values())


def _written(workspace: Workspace, errand: Errand) -> Mail | None:
    """The errand's mail; None, and another attempt later, if it can't be written as the workspace is now."""
    try:
        if errand.detail["notice"] == INVITATION:
            return _invitation(workspace, errand)
        if errand.subscriber is not None:
            return letter(workspace, errand.subscriber, errand.detail, errand.pk)
    except BroadsheetError as error:
        log.error("A notice (%s) can't be written: %s", errand.detail["notice"], error)  # noqa: TRY400  said in full
        try_again(errand, str(error))
        return None
    give_up(errand, "it names nobody")
    return None


def _invitation(workspace: Workspace, errand: Errand) -> Mail | None:
    user = User.objects.filter(pk=errand.detail["user"], is_active=True).first()
    if user is None or user.has_usable_password():  # it was withdrawn, or somebody came in meanwhile
        errand.delete()
        return None
    return invitation(workspace, user, errand.detail, errand.pk)


def _handed_over(workspace: Workspace, mails: list[Mail]) -> list[Outcome]:
    """One outcome for each mail. An adapter that can't send at all defers what it did not answer for."""
    tray = Handful(mails)
    reason = "the adapter gave no answer"
    try:
        adapter = sending.make_adapter(workspace, workspace.config.public.adapter)
        try:
            adapter.open()
            adapter.deliver(tray)
        finally:
            adapter.close()
    except BroadsheetError as error:
        reason = str(error)
        log.error("Notices can't be sent: %s", reason)  # noqa: TRY400  said in full
    answered = {outcome.delivery_id for outcome in tray.outcomes}
    return tray.outcomes + [
        Outcome(mail.delivery_id, Result.DEFERRED, reason) for mail in mails if mail.delivery_id not in answered
    ]
