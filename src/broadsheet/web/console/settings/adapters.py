"""Adapters: what is set, a login without sending, and a mail to oneself."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from typing import Any, Final

from django.utils import timezone

from broadsheet import sending
from broadsheet.conf import Pace, SmtpAdapter
from broadsheet.errors import BroadsheetError, UnknownName
from broadsheet.sending.outcome import Result
from broadsheet.stamping import Mail
from broadsheet.web.console.settings.values import Value, shown, site_only, sources, values, without_secrets
from broadsheet.web.console.settings.waiting import within
from broadsheet.workspace import Workspace

#: Seconds that a login, and a mail, are waited for.
PATIENCE: Final = 20.0
DEFAULT: Final = "default"


@dataclass(frozen=True)
class AdapterRow:
    """One adapter as the page shows it."""

    name: str
    kind: str
    where: str
    pace: str
    used_by: str
    origin: str
    secrets: tuple[tuple[str, Value], ...]
    """Those that it needs or has, each with what it is called."""
    is_inbox: bool
    """Whether it is the local inbox, because nothing else is set."""


def adapter_rows(workspace: Workspace) -> list[AdapterRow]:
    """Every adapter; the local inbox where there is no default one."""
    config = workspace.config
    known = {**({} if DEFAULT in config.adapters else {DEFAULT: None}), **config.adapters}
    found, every = sources(workspace), [each for each in values(workspace) if each.is_secret]
    return [
        AdapterRow(
            name,
            kind=getattr(settings, "kind", "the local inbox"),
            where=_where(workspace, settings),
            pace=pace_in_words(config.pace.get(name)),
            used_by=_used_by(workspace, name),
            origin=found.origin(("adapters", name)) if settings else "default",
            secrets=tuple(_secrets(settings, f"adapters.{name}.", every)),
            is_inbox=settings is None,
        )
        for name, settings in known.items()
    ]


#: Secrets that are missing only where another setting asks for them.
_ASKED_FOR_BY: Final = {"password": "user", "dkim_key": "dkim_domain"}
_NAMES: Final = {"dkim_key": "DKIM key", "api_key": "API key", "api_token": "API token"}


def _secrets(settings: Any, prefix: str, every: list[Value]) -> Iterator[tuple[str, Value]]:
    for each in every:
        if not each.name.startswith(prefix):
            continue
        name = each.name.removeprefix(prefix)
        asked = name not in _ASKED_FOR_BY or getattr(settings, _ASKED_FOR_BY[name])
        instead = name == "dkim_key" and settings.dkim_key_file
        if each.shown == "set" or (asked and not instead):
            yield _NAMES.get(name, name.replace("_", " ").replace(".", " ").capitalize()), each


_SECURITY: Final = {"none": "not encrypted", "starttls": "STARTTLS", "tls": "TLS"}


def _where(workspace: Workspace, settings: Any) -> str:
    if settings is None:
        return f"{workspace.state.name}/inbox: nothing leaves this machine"
    if isinstance(settings, SmtpAdapter):
        servers = [f"{each.host}:{each.port or settings.port}" for each in settings.servers]
        return ", ".join(servers or [f"{settings.host}:{settings.port}"]) + f", {_SECURITY[settings.security]}"
    for name, words in (("api_url", without_secrets), ("url", site_only), ("path", str), ("region", str)):
        if value := getattr(settings, name, None):
            return words(value)
    return "in memory: for trying things out"


def pace_in_words(pace: Pace | None) -> str:
    """How fast it may send."""
    if pace is None:
        return "as fast as it goes"
    caps = (("per_second", "a second"), ("per_hour", "an hour"), ("per_day", "a day"))
    said = [f"{getattr(pace, key):,g} {words}" for key, words in caps if getattr(pace, key)]
    said += [f"{rate:g} a second to {domain}" for domain, rate in list(pace.domains.items())[:5]]
    said += [f"warming up since {shown('', pace.warm_up.start)}"] if pace.warm_up else []
    return ", ".join(said) or "as fast as it goes"


def _used_by(workspace: Workspace, name: str) -> str:
    users = [each.title for each in workspace.lists.lists.values() if (each.adapter or DEFAULT) == name]
    users += ["confirmations and notices"] if workspace.config.public.adapter == name else []
    return ", ".join(users) or "campaigns that name it"


def login(workspace: Workspace, name: str) -> str:
    """What the adapter says to a login. Raises BroadsheetError."""
    _known(workspace, name)
    return within(PATIENCE, lambda: sending.login(workspace, name))


def mail_to(workspace: Workspace, name: str, to: str) -> str:
    """What the adapter answered to a test mail to that address. Raises BroadsheetError if it was not taken."""
    _known(workspace, name)
    return within(PATIENCE, lambda: _handed_over(workspace, name, _mail(workspace, name, to)))


def _known(workspace: Workspace, name: str) -> None:
    names = [DEFAULT, *workspace.config.adapters]
    if name not in names:
        raise UnknownName("adapter", name, names)


def _handed_over(workspace: Workspace, name: str, mail: Mail) -> str:
    adapter = sending.make_adapter(workspace, name)
    try:
        adapter.open()
        [outcome] = sending.hand_over(adapter, [mail])
    finally:
        adapter.close()
    if outcome.result != Result.SENT:
        raise BroadsheetError(f"The mail was not taken: {outcome.reply or outcome.result}.")
    return outcome.reply


def _mail(workspace: Workspace, name: str, to: str) -> Mail:
    config = workspace.config
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((config.sender.name, config.sender.email))
    message["To"] = to
    message["Subject"] = f"[TEST] {config.site.name} can send through {name}"
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = make_msgid(domain=config.mail_domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"This came through the adapter “{name}”, from {config.sender.email}, because you asked for it on the "
        "settings page.\n\nLook at its headers: a receiver that checks says there whether SPF, DKIM and DMARC pass.\n"
    )
    return Mail(0, config.sender.email, to, str(message["Message-ID"]), (message.as_bytes(),))
