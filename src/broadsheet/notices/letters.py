"""What each notice says, in its reader's language, and its mail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from broadsheet.audience.readers import Reader, reader_of
from broadsheet.errors import BroadsheetError
from broadsheet.models import Subscriber, Subscription
from broadsheet.notices.links import own_addresses, welcome_url
from broadsheet.pipeline import signer
from broadsheet.rendering import compile_message
from broadsheet.rendering.sheet import Sheet, site_values
from broadsheet.stamping import Imprint, Mail, Stamp
from broadsheet.workspace import Workspace

TEMPLATE: Final = "notice"


@dataclass(frozen=True)
class Words:
    """What one notice says; ``{list}`` and ``{site}`` stand for their names."""

    subject: str
    heading: str
    intro: str
    label: str
    small_print: str = ""


def _confirm() -> Words:
    return Words(
        subject=_("Please confirm: {list}"),
        heading=_("One more step"),
        intro=_("Somebody, you we hope, asked for “{list}” at this address. Please say that it was you."),
        label=_("Yes, send me {list}"),
        small_print=_(
            "The link is good for 7 days. You did not ask for this? Then do nothing: nobody will be signed up."
        ),
    )


def _already() -> Words:
    return Words(
        subject=_("You are on {list} already"),
        heading=_("You are on {list} already"),
        intro=_("Somebody, you we hope, asked for “{list}” at this address again. It comes to you as before."),
        label=_("See your preferences"),
        small_print=_("You did not ask for this? Then do nothing: nothing was changed."),
    )


def _welcome() -> Words:
    return Words(
        subject=_("Welcome to {list}"),
        heading=_("Welcome to {list}"),
        intro=_(
            "Thank you, it is done: the next mail of “{list}” will come to this address. "
            "You can say what you like to read, get fewer mails, or leave, whenever you want."
        ),
        label=_("Choose your preferences"),
    )


def _download() -> Words:
    return Words(
        subject=_("Your data at {site}"),
        heading=_("Your data"),
        intro=_("Somebody, you we hope, asked for a copy of all that {site} keeps about you."),
        label=_("Get my data"),
        small_print=_("The link is good for one day. You did not ask for this? Then do nothing."),
    )


def _erase() -> Words:
    return Words(
        subject=_("Erase your data at {site}?"),
        heading=_("Shall we erase your data?"),
        intro=_(
            "Somebody, you we hope, asked {site} to erase all that it keeps about you. "
            "You would leave every list, and it can't be undone."
        ),
        label=_("Go on to erase my data"),
        small_print=_("The link is good for one day. You did not ask for this? Then do nothing: nothing is erased."),
    )


def _invitation() -> Words:
    return Words(
        subject=_("You are invited to the team of {site}"),
        heading=_("You are invited"),
        intro=_("An admin of {site} made an account for you at this address, to plan and send its newsletters with."),
        label=_("Choose a password"),
        small_print=_("The link works once, for 3 days. You did not expect this? Then do nothing."),
    )


#: What is written to people who work here; they are no subscribers.
INVITATION: Final = "invitation"
#: Every notice by its name.
NOTICES: Final[Mapping[str, Callable[[], Words]]] = {
    "confirm": _confirm,
    "already": _already,
    "welcome": _welcome,
    "download": _download,
    "erase": _erase,
    INVITATION: _invitation,
}


def letter(workspace: Workspace, subscriber: Subscriber, detail: Mapping[str, Any], number: int) -> Mail:
    """The mail of a notice. ``detail`` names it, its list and its link; ``number`` makes its Message-ID.

    Raises BroadsheetError if the notice template is missing or can't be compiled.
    """
    # each notice has a Message-ID of its own, kept when tried again
    reader = replace(reader_of(subscriber), id=number)
    return _stamped(workspace, reader, language_of(workspace, subscriber.language), detail, subscriber)


def invitation(workspace: Workspace, user: User, detail: Mapping[str, Any], number: int) -> Mail:
    """The mail that invites somebody to the team; the link in it is made when it is written, and kept nowhere.

    Raises BroadsheetError as :func:`letter` does.
    """
    reader = Reader(number, user.email, "", {"email": user.email})
    return _stamped(
        workspace, reader, language_of(workspace, ""), {**detail, "url": welcome_url(workspace, user)}, None
    )


def _stamped(
    workspace: Workspace, reader: Reader, language: str, detail: Mapping[str, Any], subscriber: Subscriber | None
) -> Mail:
    if (template := detail.get("template", TEMPLATE)) not in workspace.template_names():
        raise BroadsheetError(
            f"There is no template “{template}” in {workspace.templates}; a {detail['notice']} needs it."
        )
    with translation.override(language):
        words = NOTICES[detail["notice"]]()
    addresses = _addresses(workspace, subscriber, detail) if subscriber else {}
    message = compile_message(_sheet(workspace, words, detail, (language, *addresses)))
    config, sender = workspace.config, workspace.sender_of(detail.get("list", ""))
    imprint = Imprint(0, config.public.url, config.mail_domain, sender.email, signer(), addresses)
    return Stamp(message, imprint)(reader, delivery_id=reader.id, now=timezone.now())


def sample_sheets(workspace: Workspace, template: str) -> list[Sheet]:
    """What notices of that template are compiled from, to nobody in particular: one with a reader's own links, and one
    without.
    """
    name = next(iter(workspace.lists.lists), "newsletter")
    detail = {"template": template, "list": name, "url": f"{workspace.config.public.url}/c/sample"}
    language = workspace.config.site.language
    return [
        _sheet(workspace, _welcome(), detail, (language, "unsubscribe_url", "preferences_url")),
        _sheet(workspace, _confirm(), detail, (language,)),
    ]


def language_of(workspace: Workspace, wished: str) -> str:
    """The language that a notice is written in: the one that is wished for, else the site's, else English."""
    written = dict(settings.LANGUAGES)
    for wish in (wished, workspace.config.site.language):
        tag = wish.lower().replace("_", "-").partition("-")[0]
        if tag in written:
            return tag
    return settings.LANGUAGE_CODE


def _addresses(workspace: Workspace, subscriber: Subscriber, detail: Mapping[str, Any]) -> dict[str, str]:
    """The reader's own addresses: none in a mail to somebody who is on no list yet."""
    if detail["notice"] not in ("welcome", "already"):
        return {}
    row = Subscription.objects.filter(subscriber=subscriber, list_name=detail["list"]).first()
    return own_addresses(workspace, row) if row else {}


def _sheet(workspace: Workspace, words: Words, detail: Mapping[str, Any], shape: tuple[str, ...]) -> Sheet:
    config, sender = workspace.config, workspace.sender_of(detail.get("list", ""))
    language, *addresses = shape
    template = detail.get("template", TEMPLATE)
    declared = workspace.lists.lists.get(detail.get("list", ""))
    title = declared.title if declared else detail.get("list", "")
    names = {"list": title, "site": config.site.name}
    as_variables = {"list": "{{ list.title }}", "site": "{{ site.name }}"}  # whatever signs a name holds
    headers = [("Auto-Submitted", "auto-generated")]  # RFC 3834: no vacation notice comes back
    if sender.reply_to:
        headers.insert(0, ("Reply-To", sender.reply_to))
    return Sheet(
        templates=workspace.templates,
        template=template,
        theme=workspace.theme(template),
        campaign={
            "name": words.heading.format(**names),
            "slug": "notices",
            "subject": words.subject.format(**as_variables),
            "preheader": words.intro.format(**as_variables),
            "intro": words.intro.format(**as_variables),
        },
        site=site_values(workspace, language),
        sender={"name": sender.name, "email": sender.email},
        list={"name": detail.get("list", ""), "title": title},
        edition={"date": timezone.now().astimezone(config.zone)},
        articles=(),
        headers=tuple(headers),
        extra={
            "heading": words.heading.format(**names),
            "action": {"url": detail["url"], "label": words.label.format(**names)},
            "small_print": words.small_print.format(**names),
        },
        addresses=tuple(addresses),
    )
