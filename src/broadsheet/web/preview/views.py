"""The preview: the campaigns, one reader's mail, and the addresses that page asks."""

import mimetypes
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from broadsheet import drafts
from broadsheet.audience import segment_label
from broadsheet.errors import UnknownName
from broadsheet.rendering.findings.heading import CLIPPED, LARGE
from broadsheet.web.inbox.frame import Dark
from broadsheet.web.preview import people, words
from broadsheet.web.preview.checks import findings_of
from broadsheet.web.preview.choices import Choices, Images, View, Width
from broadsheet.web.preview.desk import Desk, Draft, desk
from broadsheet.web.preview.frame import frame_html, frame_policy
from broadsheet.web.preview.shown import Shown, neighbours, shown, titles, whose
from broadsheet.web.preview.trouble import MISTAKES, of_problem, troubles

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.(png|jpe?g|gif)")
SHOWN_SOURCE = 500_000
LEVELS = {"block": "Must be mended", "warn": "Should be mended", "advice": "Advice"}


@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    """Every campaign: when it comes out next, to whom, and whether its files are in order."""
    now = desk()
    context: dict[str, Any] = {"desk": now}
    try:
        zone, lists = now.workspace.config.zone, now.workspace.lists.lists
        context |= {"zone": zone, "site": now.workspace.config.site}
        context["rejected"] = [of_problem(each, now.workspace.root) for each in now.sync().rejected]
        context["campaigns"] = [_listed(now, slug) for slug in now.workspace.campaign_names()]
        context["lists"] = lists
    except MISTAKES as error:
        context["troubles"] = troubles(error, now.workspace.root)
    return _page(request, "campaigns", context)


def _listed(now: Desk, slug: str) -> dict[str, Any]:
    """One campaign of the list, or what is wrong with it."""
    try:
        draft = now.draft(slug)
        reader = whose(now, draft)
        subject = shown(now, draft, reader.reader, reader.slugs).subject if reader.reader else ""
    except MISTAKES as error:
        return {"slug": slug, "troubles": troubles(error, now.workspace.root)}
    return {"slug": slug, "subject": subject, **_facts(now, draft)}


def _facts(now: Desk, draft: Draft) -> dict[str, Any]:
    campaign, workspace = draft.campaign, now.workspace
    zone = campaign.schedule.zone(workspace.config.zone) if campaign.schedule else workspace.config.zone
    adapter = workspace.config.adapters.get(campaign.adapter)
    return {
        "campaign": campaign,
        "planned": draft.planned,
        "at": draft.at,
        "who": words.who_gets_it(draft.planned),
        "left_out": words.left_out(draft.planned.excluded),
        "zone": zone,
        "list_title": workspace.lists.lists[campaign.list].title,
        "segments": [segment_label(workspace, each) for each in campaign.segment],
        "adapter": f"{campaign.adapter} ({adapter.kind})" if adapter else "the local inbox",
        "is_local": adapter is None,
    }


@require_safe
def mail(request: HttpRequest, slug: str) -> HttpResponse:
    """One reader's mail, in whichever way the address asks for."""
    now, choices = desk(), Choices.of(request)
    search = request.GET.get("q", "").strip()
    context: dict[str, Any] = {"desk": now, "slug": slug, "choices": choices, "search": search}
    status = 200
    try:
        draft = now.draft(slug, choices.moment(now.workspace.config.zone))
        context |= {"campaign": draft.campaign}
        if search:
            hits = people.search(draft, search)
            if len(hits) == 1:
                return redirect(reverse("draft", args=[slug]) + choices.query(reader=hits[0].email))
            context["hits"] = [(hit, choices.query(reader=hit.email)) for hit in hits]
        context |= _facts(now, draft) | _shown(now, draft, choices)
    except MISTAKES as error:
        context["troubles"] = troubles(error, now.workspace.root)
        if isinstance(error, UnknownName) and slug not in now.workspace.campaign_names():
            status = 404
    context |= {"proof_to": _remembered(request, "proof_to"), "said": _remembered(request, "said")}
    response = _page(request, "mail", context, status)
    response.delete_cookie("said", samesite="Strict")
    return response


def _shown(now: Desk, draft: Draft, choices: Choices) -> dict[str, Any]:
    """Everything about the mail on show."""
    reader = whose(now, draft, choices.reader)
    before, after = neighbours(draft, reader)
    context: dict[str, Any] = {
        "whose": reader,
        "titles": titles(reader.slugs),
        "shared_with": ""
        if reader.variant is None
        else words.shared_with(draft.planned.variants[reader.variant].readers),
        "before": choices.query(reader=before) if before else "",
        "after": choices.query(reader=after) if after else "",
        "next_edition": choices.query(at=""),
        "is_unknown": bool(choices.reader) and people.named(choices.reader) is None,
        "views": choices.switch(View, "view"),
        "widths": choices.switch(Width, "width"),
        "darks": choices.switch(Dark, "dark"),
        "images": choices.query(images=Images.ON if choices.images == Images.OFF else Images.OFF),
        "kept": choices.pairs(reader="").items(),
    }
    if reader.reader is None:
        return context
    found: Shown = shown(now, draft, reader.reader, reader.slugs)
    return context | {
        "shown": found,
        "source": found.mail.source[:SHOWN_SOURCE],
        "is_cut": len(found.mail.source) > SHOWN_SOURCE,
        "findings": [(LEVELS[each.level], each) for each in findings_of(now, draft, reader.slugs, found)],
        "clipped_at": CLIPPED,
        "large_at": LARGE,
        "html_size": words.kilobytes(found.html_size),
        "whole_size": words.kilobytes(found.mail.summary.size),
        "share": round(100 * found.html_size / CLIPPED),
        "frame": reverse("frame", args=[draft.campaign.slug]) + choices.query(view=View.MAIL, width=Width.DESKTOP),
        "download": reverse("download", args=[draft.campaign.slug]) + choices.query(),
    }


def _asked_mail(request: HttpRequest, slug: str) -> tuple[Desk, Choices, Shown]:
    """The mail that the address asks for. Raises Http404 if there is none, or a mistake keeps it from being made."""
    now, choices = desk(), Choices.of(request)
    try:
        draft = now.draft(slug, choices.moment(now.workspace.config.zone))
        reader = whose(now, draft, choices.reader)
        if reader.reader is None:
            raise Http404
        return now, choices, shown(now, draft, reader.reader, reader.slugs)
    except MISTAKES as error:
        raise Http404 from error


@require_safe
@xframe_options_sameorigin
def frame(request: HttpRequest, slug: str) -> HttpResponse:
    """The mail's HTML for the frame: sandboxed, without scripts."""
    now, choices, found = _asked_mail(request, slug)
    response = HttpResponse(frame_html(found.mail, Dark(choices.dark), now.workspace.config.public.url))
    response.headers["Content-Security-Policy"] = frame_policy(choices.images == Images.ON)
    return response


@require_safe
def download(request: HttpRequest, slug: str) -> HttpResponse:
    """The whole mail as it would be handed over, to open in a mail program."""
    response = HttpResponse(_asked_mail(request, slug)[2].content, content_type="message/rfc822")
    response.headers["Content-Disposition"] = 'attachment; filename="message.eml"'
    return response


@require_safe
def readers(request: HttpRequest, slug: str) -> JsonResponse:
    """``{"hits": [{email, name, interests, gets}]}``: at most 20 people whom ``q`` may mean."""
    now = desk()
    try:
        draft = now.draft(slug, Choices.of(request).moment(now.workspace.config.zone))
    except MISTAKES:
        return JsonResponse({"hits": []})
    hits = people.search(draft, request.GET.get("q", ""))
    return JsonResponse({"hits": [{**vars(hit)} for hit in hits], "most": people.MOST_HITS})


@require_safe
def changes(_request: HttpRequest) -> JsonResponse:
    """``{"version": …}``, another one whenever a page may look different."""
    return JsonResponse({"version": desk().version})


@require_safe
def image(_request: HttpRequest, name: str) -> HttpResponse:
    """A picture of the workspace's image cache."""
    path = settings.WORKSPACE.state / "images" / name
    if not _PLAIN_NAME.fullmatch(name) or not path.is_file():
        raise Http404
    return HttpResponse(path.read_bytes(), content_type=mimetypes.guess_type(name)[0])


@require_POST
def proof(request: HttpRequest, slug: str) -> HttpResponse:
    """Sends a test copy of the mail on show, and goes back to it."""
    now, choices = desk(), Choices.of(request)
    to = request.POST.get("to", "").strip()
    try:
        draft = now.draft(slug, choices.moment(now.workspace.config.zone))
        drafts.proof(now.workspace, draft.campaign, to, choices.reader or None, draft.at)
        said = {"sent": to}
    except MISTAKES as error:
        said = {"failed": str(error)[:1000]}
    response = redirect(reverse("draft", args=[slug]) + choices.query() + "#proof")
    _remember(response, "said", said, 60)
    if "sent" in said:
        _remember(response, "proof_to", to, 365 * 24 * 3600)
    return response


def _remember(response: HttpResponse, name: str, value: object, seconds: int) -> None:
    text = signing.dumps(value, salt="preview")
    response.set_cookie(name, text, max_age=seconds, httponly=True, samesite="Strict")


def _remembered(request: HttpRequest, name: str) -> Any:
    """What was put into that cookie; None if there is none, or it isn't ours."""
    try:
        return signing.loads(request.COOKIES.get(name, ""), salt="preview")
    except signing.BadSignature:
        return None


def _page(request: HttpRequest, page: str, context: Mapping[str, object], status: int = 200) -> HttpResponse:
    response = render(request, f"preview/{page}.html", dict(context), status=status)
    # Under no-referrer a browser posts a form with `Origin: null`, which the CSRF check has to refuse.
    response.headers["Referrer-Policy"] = "same-origin"
    return response
