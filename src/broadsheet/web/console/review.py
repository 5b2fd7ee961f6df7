"""Review and approve: what staff look at before an edition goes, and what they say to it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from broadsheet import approvals, drafts, editions, pipeline
from broadsheet.errors import BroadsheetError, WrongState
from broadsheet.models import Comment, Edition, EditionState, Member, Role
from broadsheet.rendering.findings import LEVELS
from broadsheet.timing import span_in_words
from broadsheet.web.console import keeping
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.acting import act, edition_or_404
from broadsheet.web.console.mending import with_pages

#: The states in which somebody may still say no.
WAITS = (EditionState.DRAFT, EditionState.PROOFED, EditionState.APPROVED)
#: The longest remark that is kept.
LONGEST = 4000
MINUTE = timedelta(minutes=1)


def facts(request: HttpRequest, edition: Edition) -> dict[str, Any]:
    """What the page of an edition that waits shows beside what every edition's page does."""
    me = who(request).casefold()
    behind = editions.composers(edition)
    four_eyes = settings.WORKSPACE.config.approval.four_eyes
    adapter = settings.WORKSPACE.config.adapters.get(edition.adapter)
    publishers = [role for role in Role if role.may(Role.PUBLISHER)]
    staff = Member.objects.filter(role__in=publishers, user__is_active=True).order_by("user__email")
    addresses = [address for address in staff.values_list("user__email", flat=True) if address.casefold() != me]
    yes = edition.moves.filter(after=EditionState.APPROVED).last() if edition.state == EditionState.APPROVED else None
    return {
        "colleagues": [each for each in addresses if not (four_eyes and each.casefold() in behind)],
        "own": behind.get(me, "") if four_eyes else "",
        "me": who(request),
        "yes": yes,
        "through": f"{edition.adapter} ({adapter.kind})" if adapter else "the local inbox: it reaches nobody",
        "readers": sum(edition.variants.values_list("readers", flat=True)),
        "left_out": sorted(edition.excluded.items(), key=lambda each: -each[1]),
    }


def findings(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that says what is wrong with what is frozen: what must be mended, and advice."""
    edition = edition_or_404(pk)
    try:
        found = drafts.findings_of_edition(settings.WORKSPACE, edition)
    except BroadsheetError as error:
        return render(request, "console/parts/found.html", {"trouble": str(error)})
    placed = with_pages(found, edition.campaign.slug)
    levels: dict[str, Any] = {level: [each for each in placed if each["level"] == level] for level in LEVELS}
    return render(request, "console/parts/found.html", {"found": found, **levels})


def takes(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that says how long sending takes."""
    edition = edition_or_404(pk)
    readers = sum(edition.variants.values_list("readers", flat=True))
    needed = approvals.sending_takes(settings.WORKSPACE, edition, readers)
    words = span_in_words(needed) if needed >= MINUTE else "less than a minute" if needed else ""
    return render(request, "console/parts/takes.html", {"takes": words})


def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that says what changed since somebody last said yes."""
    edition = edition_or_404(pk)
    since = approvals.since_last_yes(edition)
    context = {"edition": edition, "since": since, "diff": since and since.changes}
    return render(request, "console/parts/since.html", context)


def anew(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The part that says what freezing it anew would change; a POST freezes it anew."""
    if request.method == "POST":
        return _freeze_anew(request, pk)
    edition, name = edition_or_404(pk), f"anew-{pk}"
    context: dict[str, Any] = {"edition": edition, "may_edit": Role(request.member.role).may(Role.EDITOR)}  # type: ignore[attr-defined]
    if keeping.are_few():
        return render(request, "console/parts/anew.html", context | _looked(edition))
    if "begun" not in request.GET:
        keeping.forget(name)
        keeping.begin(name, lambda: keeping.keep(name, _looked(edition)))
    if keeping.is_busy(name):
        return render(request, "console/parts/anew.html", context | {"is_busy": True})
    found = keeping.kept(name)
    return render(request, "console/parts/anew.html", context | (found.value if found else _looked(edition)))


def _looked(edition: Edition) -> dict[str, Any]:
    """What would be different, for its part; or why it can't be."""
    try:
        editions.refuse_begun(edition, "frozen anew")
        return {"diff": approvals.anew(settings.WORKSPACE, edition)}
    except BroadsheetError as error:
        return {"trouble": str(error)}


def _freeze_anew(request: HttpRequest, pk: int) -> HttpResponseBase:
    def does(edition: Edition) -> str:
        if edition.state == EditionState.APPROVED:
            raise WrongState("It is approved as it stands. Take the approval back first, then freeze it anew.")
        changed = pipeline.refreeze(settings.WORKSPACE, edition, who=who(request))
        return "nothing had changed" if changed.nothing else "frozen anew from the files as they are now"

    return act(request, pk, "anew", does)


def approve(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Approve what the page showed, and nothing newer; if that sends it at once, the number of readers is typed."""

    def does(edition: Edition) -> None:
        if edition.scheduled_for <= timezone.now():
            approvals.refuse_miscounted(edition, request.POST.get("typed", ""))
        shown = request.POST.get("hash")
        pipeline.approve(settings.WORKSPACE, edition, who=who(request), content_hash=shown)

    return act(request, pk, "approve", does)


def send_now(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Approve what the page showed, and let it leave at once."""
    shown, typed = request.POST.get("hash", ""), request.POST.get("typed", "")

    def does(edition: Edition) -> str:
        now, me = timezone.now(), who(request)
        approvals.send_now(settings.WORKSPACE, edition, now, who=me, content_hash=shown, typed=typed)
        return f"{typed.strip()} readers typed"

    return act(request, pk, "send-now", does)


def take_back(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take a yes back before anything has left."""
    return act(request, pk, "take-back", lambda edition: approvals.take_back(edition, who=who(request)))


def send_back(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Say no, with the reason; those whom it concerns are mailed."""

    def does(edition: Edition) -> str:
        approvals.send_back(edition, who=who(request), why=request.POST.get("why", "")[:LONGEST])
        said = edition.comments.last()
        assert said is not None
        _tell(request, said)
        return said.text

    return act(request, pk, "send-back", does)


def comment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Keep a remark, and mail it to those whom it concerns."""
    edition = edition_or_404(pk)
    text = request.POST.get("text", "").strip()[:LONGEST]
    if not text:
        messages.error(request, "There was nothing in your comment.")
        return redirect("console-edition", pk=pk)
    said = Comment.objects.create(edition=edition, who=who(request)[:200], text=text)
    audit(request, "edition-comment", f"edition {pk}", "", text)
    _tell(request, said)
    return redirect("console-edition", pk=pk)


def _tell(request: HttpRequest, said: Comment) -> None:
    """Mail what was said to those whom it concerns; it is kept, whatever becomes of the mail."""
    try:
        to = approvals.tell_comment(settings.WORKSPACE, said)
    except BroadsheetError as error:
        messages.error(request, f"It is kept here, and could not be mailed. {error}")
    else:
        if said.kind == "said":
            messages.success(request, f"Kept, and mailed to {', '.join(to)}." if to else "Kept.")


def ask(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask colleagues, by mail, whether it may go."""

    def does(edition: Edition) -> str:
        chosen = request.POST.getlist("to")
        to = [address for address in facts(request, edition)["colleagues"] if address in chosen]
        if not to:
            raise BroadsheetError("Choose whom to ask.")
        note = request.POST.get("note", "").strip()[:LONGEST]
        approvals.ask(settings.WORKSPACE, edition, to, who=who(request), note=note)
        Comment.objects.create(edition=edition, kind="asked", who=who(request)[:200], text=note, asked=", ".join(to))
        return f"asked {', '.join(to)}"

    return act(request, pk, "ask", does)


def proof(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send a test copy to several people."""
    variant = request.POST.get("variant", "")

    def does(edition: Edition) -> str:
        chosen = int(variant) if variant.isdecimal() else None
        to = approvals.send_proofs(settings.WORKSPACE, edition, request.POST.get("to", ""), chosen)
        return f"proof sent to {', '.join(to)}"

    return act(request, pk, "proof", does)
