"""What a reader may change: who they are, what they like to read, how often, in which language; and their data."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from broadsheet import events, notices
from broadsheet.audience import FREQUENCIES, frequency_name, set_interests, set_wishes, tracking_consent
from broadsheet.drafts import NO_EDITION
from broadsheet.models import Edition, Subscriber, Subscription, SubscriptionState
from broadsheet.notices.links import DOWNLOAD, ERASE, OWN_PREFERENCES, PREFERENCES, address, minute
from broadsheet.pipeline import signer
from broadsheet.web.public.allowance import may_ask_for_data
from broadsheet.web.public.interests import known_tags
from broadsheet.web.public.pages import form_of, kept_out, one_line, page, page_methods, speak_to, title_of

_NOTICES = {DOWNLOAD: "download", ERASE: "erase"}
LONGEST_PAUSE = timedelta(days=366)


@csrf_exempt
@page_methods
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The reader's lists and wishes; a POST saves or leaves, and shows the page again with what was done."""
    edition_id, subscriber_id = _meant(token)
    if edition_id == NO_EDITION:
        return page(request, "test_copy")
    subscriber = Subscriber.objects.select_related("interests").filter(pk=subscriber_id).first()
    if subscriber is None:
        raise Http404
    speak_to(subscriber)
    said, wrong = _act(form_of(request), subscriber, edition_id) if request.method == "POST" else ("", "")
    speak_to(subscriber)  # who has just chosen another language is answered in it
    return page(
        request,
        "preferences",
        subscriber=subscriber,
        subscriptions=[_shown(row) for row in _lists_of(subscriber)],
        frequencies=_frequencies(),
        today=timezone.now().astimezone(_zone(subscriber)).date().isoformat(),
        interests=[(tag, tag in subscriber.interests.tags) for tag in known_tags(subscriber.interests.tags)],
        languages=_languages(subscriber.language),
        zones=_zones(subscriber.time_zone),
        asks_to_count=_asks_to_count(subscriber),
        counting_wording=counting_wording(),
        **kept_out(subscriber),
        said=said,
        wrong=wrong,
    )


def _meant(token: str) -> tuple[int | None, int]:
    """The edition whose mail the link came with, if it was one, and the subscriber. Raises Http404."""
    if found := signer().read(PREFERENCES, token):
        return found
    if found := signer().read(OWN_PREFERENCES, token):
        return None, found[1]
    raise Http404


def _act(form: QueryDict, subscriber: Subscriber, edition_id: int | None) -> tuple[str, str]:
    """Do what the form asks for; what to say of it, or what is wrong with it."""
    if list_name := one_line(form.get("leave", "")):
        return _leave(subscriber, list_name, edition_id), ""
    if list_name := one_line(form.get("wishes", "")):
        return _save_wishes(form, subscriber, list_name)
    if (purpose := form.get("data", "")) in _NOTICES:
        return _ask_for_data(subscriber, purpose)
    if "counting" in form:
        return _save_counting(form, subscriber), ""
    if "about" in form:
        return _save_about(form, subscriber)
    return "", ""


def _leave(subscriber: Subscriber, list_name: str, edition_id: int | None) -> str:
    if edition_id and not Edition.objects.filter(pk=edition_id, list_name=list_name).exists():
        edition_id = None
    events.unsubscribed(subscriber.pk, list_name, how="preferences", edition_id=edition_id)
    return _("You have left %(list)s.") % {"list": title_of(list_name)}


def _save_wishes(form: QueryDict, subscriber: Subscriber, list_name: str) -> tuple[str, str]:
    now = timezone.now()
    try:
        until = _midnight(form.get("paused_until", ""), _zone(subscriber))
    except ValueError:
        return "", _("That is not a date; write one like 2027-01-31, or leave it empty.")
    if until and until > now + LONGEST_PAUSE:
        return "", _("A pause can't be longer than a year. You can leave the list instead, and come back.")
    frequency = FREQUENCIES.get(form.get("frequency", ""))
    if not set_wishes(subscriber.pk, list_name, frequency, until if until and until > now else None):
        return "", ""
    return _("Saved. This is how %(list)s will come to you.") % {"list": title_of(list_name)}, ""


def _midnight(written: str, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(date.fromisoformat(written.strip()), time(), zone) if written.strip() else None


def _ask_for_data(subscriber: Subscriber, purpose: str) -> tuple[str, str]:
    """Mail the link: whoever has this page's link may have got it with a mail that was passed on."""
    if not may_ask_for_data(subscriber):
        return "", _("We have written to you about this already. Look into your mailbox, or try again in an hour.")
    url = address(settings.WORKSPACE, purpose, subscriber.pk, minute(timezone.now()))
    notices.post(_NOTICES[purpose], subscriber, url=url)
    return _("We have written to your address. The link in that mail goes on from here."), ""


def _save_about(form: QueryDict, subscriber: Subscriber) -> tuple[str, str]:
    subscriber.first_name = one_line(form.get("first_name", ""))
    subscriber.last_name = one_line(form.get("last_name", ""))
    if form.get("language", "") in dict(_languages(subscriber.language)):
        subscriber.language = form.get("language", "")
    if (zone := form.get("time_zone", "")) == "" or zone in available_timezones():
        subscriber.time_zone = zone
    subscriber.save(update_fields=["first_name", "last_name", "language", "time_zone"])
    set_interests(subscriber, set(form.getlist("interest")) & set(known_tags(subscriber.interests.tags)))
    speak_to(subscriber)
    return _("Saved. Your next mail will follow it."), ""


def counting_wording() -> str:
    """What a reader agrees to who presses the button; kept with their consent."""
    return _(
        "%(site)s may record which of its mails I open and which links in them I follow, together with my address. "
        "I can take this back here at any time; what was recorded is deleted then."
    ) % {"site": settings.WORKSPACE.config.site.name}


def _asks_to_count(subscriber: Subscriber) -> bool:
    return subscriber.tracking_consent_at is not None or settings.WORKSPACE.counts_readers()


def _save_counting(form: QueryDict, subscriber: Subscriber) -> str:
    if form.get("counting") == "yes" and _asks_to_count(subscriber):
        tracking_consent.agree(subscriber, counting_wording(), timezone.now())
        return _("Saved. Thank you.")
    if form.get("counting") == "no":
        tracking_consent.withdraw(subscriber)
        return _("Saved. What was recorded of your reading is deleted, and no more will be.")
    return ""


def _lists_of(subscriber: Subscriber) -> list[Subscription]:
    return list(subscriber.subscriptions.filter(state=SubscriptionState.SUBSCRIBED).order_by("list_name"))


def _shown(row: Subscription) -> dict[str, object]:
    declared = settings.WORKSPACE.lists.lists.get(row.list_name)
    paused = row.paused_until if row.paused_until and row.paused_until > timezone.now() else None
    zone = _zone(row.subscriber)
    return {
        "name": row.list_name,
        "title": title_of(row.list_name),
        "description": declared.description if declared else "",
        "frequency": frequency_name(row.frequency),
        "paused_until": paused.astimezone(zone).date() if paused else None,
    }


def _frequencies() -> list[tuple[str, str]]:
    return [("every", _("every edition")), ("weekly", _("at most weekly")), ("monthly", _("at most every four weeks"))]


def _zone(subscriber: Subscriber) -> ZoneInfo:
    zone: ZoneInfo = settings.WORKSPACE.config.zone
    return ZoneInfo(subscriber.time_zone) if subscriber.time_zone in available_timezones() else zone


def _languages(current: str) -> list[tuple[str, str]]:
    """The languages to choose from; the reader's own stays among them, written here or not."""
    known = list(settings.LANGUAGES)
    return known if current in ("", *dict(known)) else [*known, (current, current)]


def _zones(current: str) -> list[tuple[str, list[str]]]:
    """The time zones to choose from, by region."""
    regions: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        region, slash, _city = name.partition("/")
        if slash and region not in ("Etc", "SystemV", "US"):
            regions.setdefault(region, []).append(name)
    if current and not any(current in names for names in regions.values()):
        regions = {current.partition("/")[0]: [current], **regions}
    return list(regions.items())
