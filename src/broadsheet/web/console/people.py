"""People by hand: adding one, putting one on a list, tagging one or several; and people out, as a file."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language_info

from broadsheet import audience, notices
from broadsheet.errors import BroadsheetError
from broadsheet.models import ConsentHow, Subscriber, Subscription, SubscriptionState
from broadsheet.notices import Entered, Wish
from broadsheet.web.console.access import audit, who
from broadsheet.workspace import current

#: How many people one form tags: what a page of the listing shows.
MOST = 200
#: Characters that are gathered before they are sent: a line of its own for each person would be a packet each.
PIECE = 1 << 16
ASK, AGREED = "ask", "agreed"
_SAID = {
    Entered.NOW: "is on {list} now.",
    Entered.BEFORE: "was on {list} already; nothing was changed.",
    Entered.LEFT: "has left {list}. Only they can come back, by the subscribe page.",
    Entered.KEPT_OUT: "is suppressed or was erased, so nothing was added.",
}


class Agreement(forms.Form):
    """A list, and how somebody came to agree to it."""

    list = forms.ChoiceField(label="List")
    how = forms.ChoiceField(
        label="Their consent",
        choices=((ASK, "Ask them by mail first"), (AGREED, "They have agreed already")),
        initial=ASK,
    )
    detail = forms.CharField(
        label="How they agreed",
        max_length=200,
        required=False,
        help_text="Kept as evidence, with your name and the time: “on paper at the spring fair”.",
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["list"].choices = list(audience.list_titles(current(settings.WORKSPACE)).items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Consent that is said to be there needs its evidence, and nobody is asked about a list that isn't public."""
        found = super().clean() or {}
        lists = current(settings.WORKSPACE).lists.lists
        if found.get("how") == AGREED and not found.get("detail"):
            self.add_error("detail", "Say how they agreed; without that it is no consent.")
        if found.get("how") == ASK and (name := found.get("list")) and not lists[name].public:
            self.add_error("how", "This list is private, so nobody is asked by mail: say how they agreed.")
        return found


class NewPerson(Agreement):
    """One person, by hand."""

    email = forms.EmailField(label="Address", max_length=254)
    first_name = forms.CharField(label="First name", max_length=200, required=False)
    last_name = forms.CharField(label="Last name", max_length=200, required=False)
    interests = forms.CharField(label="Interests", max_length=500, required=False, help_text="Parted by commas.")
    language = forms.ChoiceField(label="Language", required=False)
    field_order = ("email", "first_name", "last_name", "interests", "language", "list", "how", "detail")

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        known = [(code, get_language_info(code)["name"]) for code, _ in settings.LANGUAGES]
        self.fields["language"].choices = [("", "Not known"), *known]  # type: ignore[attr-defined]


def add(request: HttpRequest) -> HttpResponseBase:
    """A form for one person; a POST puts them on a list, or asks them whether they want to be."""
    form = NewPerson(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            key = audience.known_address(given["email"])[1]
        except ValueError as error:
            form.add_error("email", f"{error}.")
        else:
            wish = _wish(request, given["email"], given)
            return _entered(request, key, given, wish)
    return render(request, "console/add_reader.html", {"here": "readers", "form": form})


def join(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Put one who is here on another list, or ask them."""
    reader, form = get_object_or_404(Subscriber, pk=pk), Agreement(request.POST)
    if not form.is_valid():
        for wrong in form.errors.values():
            messages.error(request, " ".join(str(each) for each in wrong))
        return redirect("console-reader", pk=pk)
    return _entered(request, reader.email_key, form.cleaned_data, _wish(request, reader.email, form.cleaned_data))


def _wish(request: HttpRequest, email: str, given: dict[str, Any]) -> Wish:
    detail = given["detail"]
    return Wish(
        email=email,
        lists=[given["list"]],
        wording="",
        network="",
        first_name=given.get("first_name", ""),
        last_name=given.get("last_name", ""),
        interests=_tags(given.get("interests", "")),
        language=given.get("language", ""),
        how=ConsentHow.STAFF,
        source=f"{detail}; entered by {who(request)}" if detail else f"entered by {who(request)}",
    )


def _entered(request: HttpRequest, key: str, given: dict[str, Any], wish: Wish) -> HttpResponseBase:
    workspace, name = current(settings.WORKSPACE), given["list"]
    title = workspace.lists.lists[name].title
    if given["how"] == AGREED:
        came = notices.enter(workspace, wish)[name]
    else:
        came = _not_to_be_asked(key, name) or Entered.NOW
        if came == Entered.NOW:
            notices.join(workspace, wish)
    reader = Subscriber.objects.filter(email_key=key).first()
    if came == Entered.NOW and reader:
        audit(request, "reader-add", f"reader {reader.pk}", "", f"{name}: {given['how']}")
        asked = f"A mail is on its way to {wish.email}. They are on {title} once they confirm."
        said = f"{wish.email} {_SAID[came].format(list=title)}"
        messages.success(request, said if given["how"] == AGREED or _is_on(reader, name) else asked)
    else:
        messages.error(request, f"{wish.email} {_SAID[came].format(list=title)}")
    return redirect("console-reader", pk=reader.pk) if reader else redirect("console-reader-add")


def _not_to_be_asked(key: str, name: str) -> Entered | None:
    if audience.is_suppressed(key):
        return Entered.KEPT_OUT
    row = Subscription.objects.filter(subscriber__email_key=key, list_name=name).first()
    if row is None or row.state == SubscriptionState.PENDING:
        return None
    return Entered.LEFT if row.state == SubscriptionState.UNSUBSCRIBED else Entered.BEFORE


def _is_on(reader: Subscriber, name: str) -> bool:
    return reader.subscriptions.filter(list_name=name, state=SubscriptionState.SUBSCRIBED).exists()


# Interests


def _tags(text: str) -> tuple[str, ...]:
    return audience.normal_tags(text.replace(";", ",").split(","))


def tag(request: HttpRequest) -> HttpResponseBase:
    """Add interests to the people chosen in the listing, or take them away."""
    chosen = {int(pk) for pk in request.POST.getlist("reader")[:MOST] if pk.isdecimal() and len(pk) < 10}
    tags, taking = _tags(request.POST.get("tags", "")), request.POST.get("do") == "take"
    people = list(Subscriber.objects.filter(pk__among=chosen).select_related("interests"))
    if not people or not tags:
        messages.error(request, "Choose people, and write an interest. Nothing was changed.")
    else:
        changed = sum(_retag(request, each, _with(each, tags, taking=taking)) for each in people)
        done = f"{', '.join(tags)} {'taken from' if taking else 'added to'} {changed} of {len(people)} people."
        messages.success(request, done)
    back = request.POST.get("back", "")[:2000]
    answer = redirect("console-readers")
    answer["Location"] += f"?{back}" if back.isprintable() and back else ""
    return answer


def set_tags(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Make these the interests of one person."""
    reader = get_object_or_404(Subscriber.objects.select_related("interests"), pk=pk)
    if _retag(request, reader, _tags(request.POST.get("tags", ""))):
        messages.success(request, "Their interests were changed.")
    return redirect("console-reader", pk=pk)


def _with(reader: Subscriber, tags: Iterable[str], *, taking: bool) -> tuple[str, ...]:
    now = set(reader.interests.tags)
    return tuple(now - set(tags) if taking else now | set(tags))


def _retag(request: HttpRequest, reader: Subscriber, tags: tuple[str, ...]) -> bool:
    before = reader.interests.tags
    try:
        audience.set_interests(reader, tags)
    except ValueError as error:
        messages.error(request, f"{reader.email}: {error}.")
        return False
    after = reader.interests.tags
    if after == before:
        return False
    audience.note(reader.email_key, who(request), f"interests: {', '.join(after) or 'none'}")
    audit(request, "reader-tags", f"reader {reader.pk}", ", ".join(before), ", ".join(after))
    return True


# Out


def export(request: HttpRequest) -> HttpResponseBase:
    """What may be exported; a POST is people as a file, sent as it is read: ever on a list, in a segment, or all."""
    workspace, given = current(settings.WORKSPACE), request.POST
    if request.method != "POST":
        context = {
            "here": "readers",
            "lists": audience.list_titles(workspace),
            "segments": audience.segment_titles(workspace),
        }
        return render(request, "console/export.html", context)
    list_name, segment = given.get("list") or None, given.get("segment") or None
    try:
        if list_name is not None:
            workspace.list_file(list_name)
        people = audience.chosen(list_name, workspace.segment(segment) if segment is not None else None)
    except BroadsheetError as error:
        messages.error(request, str(error))
        return redirect("console-readers-export")
    as_json = given.get("format") == "jsonl"
    lines = (
        audience.json_lines(audience.records(people, list_name))
        if as_json
        else audience.csv_lines(workspace, people, list_name)
    )
    what = "-".join(filter(None, (list_name, segment))) or "everybody"
    audit(request, "readers-export", what, "", "JSON Lines" if as_json else "CSV")
    name = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in what)[:100]
    kind, ending = ("application/x-ndjson", "jsonl") if as_json else ("text/csv", "csv")
    answer = StreamingHttpResponse(_pieces(lines), content_type=f"{kind}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate()}.{ending}"'
    return answer


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """The lines in pieces of some size."""
    piece: list[str] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size > PIECE:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)
