"""Who works in the sample year: somebody in each role, and what they changed."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import make_password

from broadsheet import staff
from broadsheet.models import Audit, EditionMove, EditionState, Role

ADDRESS: Final = "{role}@stillwater.example"
PUBLISHER: Final = ADDRESS.format(role=Role.PUBLISHER.value)
ADMIN: Final = ADDRESS.format(role=Role.ADMIN.value)
_WORDS: Final = ("amber", "beach", "clover", "dune", "fern", "gorse", "harbour", "island", "juniper", "kelp", "meadow")


def password() -> str:
    """A new one that can be typed."""
    return "-".join(secrets.choice(_WORDS) for _ in range(3)) + f"-{secrets.randbelow(9_000) + 1_000}"


def hire(chosen: str, at: datetime) -> None:
    """One member in each role, all with that password; beside them one with a second factor, and one just invited."""
    hashed = make_password(chosen)  # once: it is made to take a third of a second
    for number, role in enumerate(Role):
        user = staff.add(ADDRESS.format(role=role.value), role, by=ADMIN).user
        user.password = hashed
        user.date_joined, user.last_login = at - timedelta(days=310), at - timedelta(hours=3 + 40 * (3 - number))
        user.save()
    reviewer = staff.add("ilse.brackwater@stillwater.example", Role.PUBLISHER, by=ADMIN).user
    reviewer.date_joined, reviewer.last_login = at - timedelta(days=200), at - timedelta(days=6)
    reviewer.save()
    TOTP.activate(reviewer, generate_totp_secret())
    invited = staff.add("jonas.uferweide@stillwater.example", Role.EDITOR, by=ADMIN).user
    invited.date_joined = at - timedelta(days=1, hours=2)
    invited.save()


def audits(at: datetime) -> None:
    """What the team did is in the audit, as if it had been done in the console."""
    rows = [
        (at - timedelta(days=300 - 20 * number), ADMIN, "team", ADDRESS.format(role=role.value), "", role.value)
        for number, role in enumerate(Role)
    ]
    words = {EditionState.APPROVED: "approve", EditionState.PAUSED: "pause", EditionState.CANCELLED: "cancel"}
    rows += [
        (
            move.at,
            move.who,
            f"edition-{words[EditionState(move.after)]}",
            f"edition {move.edition_id}",
            move.before,
            move.after,
        )
        for move in EditionMove.objects.filter(who=PUBLISHER, after__in=words)
    ]
    for when, who, what, target, before, after in sorted(rows):
        row = Audit.objects.create(who=who, what=what, target=target, before=before, after=after)
        Audit.objects.filter(pk=row.pk).update(at=when)
