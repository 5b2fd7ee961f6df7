"""The settings table: every setting of ``broadsheet.toml``, declared once with its default and its help.

The declarations below are the whole of it: they check the file, fill in defaults, read the environment
(`BROADSHEET_SITE_NAME`, or `BROADSHEET_SITE_NAME_FILE` for a file that holds the value) and, as
:data:`SETTINGS`, feed the documentation. Secrets are :class:`pydantic.SecretStr`, masked wherever they are
printed, and come from the environment only.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr
from pydantic.dataclasses import dataclass

from broadsheet.conf.adapters import (
    ADAPTER_KINDS,
    AdapterSettings,
    FolderAdapter,
    MemoryAdapter,
    PostmarkAdapter,
    SmtpAdapter,
    SmtpServer,
)
from broadsheet.conf.forms import STRICT, Mailbox, MailDomain, Span, SpanOrNone, TimeZoneName, WebAddress, span_text
from broadsheet.conf.sending import Pace, Sending, WarmUp
from broadsheet.conf.sources import AnySource, FeedSource, FolderSource, Source, TaggingRule, Tags
from broadsheet.errors import BroadsheetError

__all__ = [
    "ADAPTER_KINDS",
    "ENVIRONMENT",
    "SETTINGS",
    "SOURCE_KINDS",
    "STRICT",
    "AdapterSettings",
    "AnySource",
    "Config",
    "FeedSource",
    "FolderAdapter",
    "FolderSource",
    "Logging",
    "MailDomain",
    "Mailbox",
    "MemoryAdapter",
    "Pace",
    "PostmarkAdapter",
    "Public",
    "Sender",
    "Sending",
    "Setting",
    "Site",
    "SmtpAdapter",
    "SmtpServer",
    "Source",
    "Span",
    "SpanOrNone",
    "TaggingRule",
    "Tags",
    "TimeZoneName",
    "WarmUp",
    "WebAddress",
    "from_environment",
    "overlaid",
    "secrets_in",
    "span_text",
]


@dataclass(frozen=True, config=STRICT)
class Site:
    """``[site]``: the publication and its website."""

    name: str = Field(default="My newsletter", description="What readers know the publication as.")
    url: WebAddress = Field(
        default="http://localhost:8000",
        description="The website's address; relative links and images are resolved against it.",
    )
    language: str = Field(default="en", description="Language of articles and mails that name none (BCP 47).")
    time_zone: TimeZoneName = Field(default="UTC", description="Zone of dates that name none.")
    postal_address: str = Field(default="", description="Postal address in every mail's footer, as the law asks.")


@dataclass(frozen=True, config=STRICT)
class Sender:
    """``[sender]``: who the mail is from."""

    name: str = Field(default="My newsletter", description="Name shown in the inbox.")
    email: Mailbox = Field(default="news@localhost.test", description="The one From address.")
    reply_to: Mailbox | None = Field(default=None, description="Where answers go, if not to the sender.")
    bounce_domain: MailDomain | None = Field(
        default=None, description="Domain for return paths: each copy has its own, `b+WORD@DOMAIN`; else the sender's."
    )


@dataclass(frozen=True, config=STRICT)
class Public:
    """``[public]``: the pages that subscribers meet, as `broadsheet serve` serves them."""

    url: WebAddress = Field(
        default="http://127.0.0.1:8000",
        description="Where readers reach `broadsheet serve`: unsubscribe, view in browser.",
    )
    images: Literal["public", "source"] = Field(
        default="public",
        description="`public`: pictures are served under `/i/`; `source`: PNG, JPEG and GIF keep their own address.",
    )
    mail_domain: str | None = Field(default=None, description="Domain of Message-ID and List-Id, if not the sender's.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Further host names the pages answer to, beside the one in `public.url` and loopback."
    )


@dataclass(frozen=True, config=STRICT)
class Scheduling:
    """``[schedule]``: what the scheduler does beside bringing out editions."""

    sync_minutes: int = Field(
        default=15, ge=0, le=1440, description="Minutes between two reads of the sources; 0: only before an edition."
    )
    clean_up: Literal["daily", "never"] = Field(
        default="daily", description="`daily`: files that a crash left half-written go after a day; `never`."
    )


@dataclass(frozen=True, config=STRICT)
class Logging:
    """``[logging]``: what `run`, `scheduler`, `serve` and workers write to standard error."""

    format: Literal["text", "json"] = Field(
        default="text", description="`text`: lines for people; `json`: one object a line, for machines."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is written; `debug` has a line for every copy that was sent."
    )
    addresses: bool = Field(
        default=False, description="Whether readers' addresses may stand in it; else each is ‹address›."
    )


@dataclass(frozen=True, config=STRICT)
class Config:
    """All of ``broadsheet.toml``."""

    site: Site = Field(default_factory=Site)
    sender: Sender = Field(default_factory=Sender)
    public: Public = Field(default_factory=Public)
    schedule: Scheduling = Field(default_factory=Scheduling)
    logging: Logging = Field(default_factory=Logging)
    sending: Sending = Field(default_factory=Sending)
    pace: dict[str, Pace] = Field(default_factory=dict)
    sources: tuple[AnySource, ...] = Field(default_factory=lambda: (FolderSource(path="articles"),))
    tag_rules: tuple[TaggingRule, ...] = Field(default=(), description="Tags for articles that have none.")
    tags: Tags = Field(default_factory=Tags)
    adapters: dict[str, AdapterSettings] = Field(default_factory=dict)
    theme: dict[str, str | int] = Field(
        default_factory=dict, description="Colours and fonts laid over every template's own."
    )

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.site.time_zone)

    @property
    def return_path(self) -> str:
        """Where reports about undelivered copies go; ``{word}`` in it stands for each copy's own."""
        domain = self.sender.bounce_domain
        return f"b+{{word}}@{domain}" if domain else self.sender.email

    @property
    def mail_domain(self) -> str:
        """The domain of Message-ID and List-Id."""
        return self.public.mail_domain or self.sender.email.rpartition("@")[2]


@plain_dataclass(frozen=True)
class Setting:
    """One row of the settings table."""

    name: str
    default: object
    help: str
    secret: bool = False
    env: str = field(default="")


def _rows(section: str, declared: Any) -> Iterator[Setting]:
    for name, info in declared.__pydantic_fields__.items():
        full = f"{section}.{name}"
        yield Setting(
            name=full,
            default=None if info.is_required() else _shown(info.get_default(call_default_factory=True)),
            help=info.description or "",
            secret=SecretStr in (info.annotation, *get_args(info.annotation)),
            env="BROADSHEET_" + full.upper().replace(".", "_"),
        )


def _shown(default: object) -> object:
    return span_text(default) if isinstance(default, timedelta) else default


SOURCE_KINDS: dict[str, type] = {"folder": FolderSource, "feed": FeedSource}

#: Every setting, in the order of the file. Adapter settings are named ``adapters.<name>.…``.
SETTINGS: tuple[Setting, ...] = (
    *_rows("site", Site),
    *_rows("sender", Sender),
    *_rows("public", Public),
    *_rows("schedule", Scheduling),
    *_rows("logging", Logging),
    *_rows("sending", Sending),
    *(
        Setting(f"pace.NAME.{row.name.partition('.')[2]}", row.default, row.help)
        for row in (*_rows("pace", Pace), *_rows("pace.warm_up", WarmUp))
    ),
    *(
        Setting(f"{row.name} ({kind})", row.default, row.help)
        for kind, declared in SOURCE_KINDS.items()
        for row in _rows("sources", declared)
    ),
    *_rows("tag_rules", TaggingRule),
    *_rows("tags", Tags),
    *(
        Setting(f"adapters.NAME.{row.name.partition('.')[2]} ({kind})", row.default, row.help, row.secret)
        for kind, declared in ADAPTER_KINDS.items()
        for row in _rows("adapters", declared)
    ),
    *(
        Setting(f"adapters.NAME.servers.{row.name.partition('.')[2]} (smtp)", row.default, row.help, row.secret)
        for row in _rows("servers", SmtpServer)
    ),
    Setting("theme.KEY", None, "A colour or font laid over every template's own, such as `theme.primary`."),
)

#: Settings that are read before the workspace is: from the environment only.
ENVIRONMENT: tuple[Setting, ...] = (
    Setting("BROADSHEET_WORKSPACE", None, "The workspace's folder, if not the nearest one upwards."),
    Setting("BROADSHEET_STATE", ".broadsheet", "Folder of the database, caches and the local inbox."),
    Setting(
        "BROADSHEET_DATABASE",
        None,
        "`postgresql://user:password@host/name?sslmode=require`; SQLite in the state folder if unset.",
    ),
    Setting("BROADSHEET_DATABASE_POOL", 10, "How many connections to PostgreSQL one process may hold."),
    Setting(
        "BROADSHEET_BROKER",
        None,
        "`amqp://user:password@host//` or `redis://host:6379/0`: workers on other machines send; "
        "the scheduler itself if unset.",
    ),
    Setting(
        "BROADSHEET_METRICS_TOKEN",
        None,
        "Who may read `/metrics` from another machine: `Authorization: Bearer TOKEN`; nobody if unset.",
        secret=True,
    ),
    Setting("BROADSHEET_SECRET_KEY", None, "Signs links; made and kept in the state folder if unset.", secret=True),
)


def from_environment(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The value of ``name``, or the content of the file that ``name_FILE`` points at, or None.

    Raises BroadsheetError when that file can't be read.
    """
    environ = os.environ if environ is None else environ
    if value := environ.get(name):
        return value
    if path := environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise BroadsheetError(f"{name}_FILE names {path}, which can't be read ({reason}).") from error
    return None


#: The sections that the environment may set key by key.
_SECTIONS: dict[str, type] = {
    "site": Site,
    "sender": Sender,
    "public": Public,
    "schedule": Scheduling,
    "logging": Logging,
    "sending": Sending,
}


def overlaid(raw: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``raw`` (the parsed file) with what the environment sets laid over it; ``raw`` stays as it is.

    Sections take ``BROADSHEET_SITE_NAME``; adapters ``BROADSHEET_ADAPTERS_<NAME>_<KEY>``; an adapter's servers, counted
    from 1, ``BROADSHEET_ADAPTERS_<NAME>_SERVERS_<N>_PASSWORD``.
    """
    merged: dict[str, Any] = {key: dict(v) if isinstance(v, dict) else v for key, v in raw.items()}
    for section, declared in _SECTIONS.items():
        for declared_field in fields(declared):
            value = from_environment(f"BROADSHEET_{section}_{declared_field.name}".upper(), environ)
            if value is not None and isinstance(merged.setdefault(section, {}), dict):
                merged[section][declared_field.name] = (
                    tuple(host.strip() for host in value.split(","))
                    if declared_field.name == "allowed_hosts"
                    else value
                )
    adapters: Any = merged.get("adapters")
    for name, adapter in list(adapters.items()) if isinstance(adapters, dict) else ():
        kind = ADAPTER_KINDS.get(str(adapter.get("kind"))) if isinstance(adapter, dict) else None
        for declared_field in fields(kind) if kind else ():
            key = f"BROADSHEET_ADAPTERS_{name}_{declared_field.name}".upper().replace("-", "_")
            value = from_environment(key, environ)
            if value is not None:
                adapters[name] = {**adapters[name], declared_field.name: value}
        for number in range(1, len(_servers(adapter)) + 1):
            key = f"BROADSHEET_ADAPTERS_{name}_SERVERS_{number}_PASSWORD".upper().replace("-", "_")
            if (value := from_environment(key, environ)) is not None:
                servers = [
                    {**each, "password": value} if at == number else each
                    for at, each in enumerate(_servers(adapters[name]), 1)
                ]
                adapters[name] = {**adapters[name], "servers": servers}
    return merged


def _servers(adapter: Any) -> list[Any]:
    """An adapter's servers, as far as they are written as such."""
    servers = adapter.get("servers") if isinstance(adapter, dict) else None
    return [each for each in servers if isinstance(each, dict)] if isinstance(servers, list) else []


def secrets_in(raw: Mapping[str, Any]) -> list[str]:
    """The names of secret settings that the file itself holds, where none belongs."""
    found = []
    adapters = raw.get("adapters")
    for name, adapter in adapters.items() if isinstance(adapters, dict) else ():
        declared = ADAPTER_KINDS.get(str(adapter.get("kind"))) if isinstance(adapter, dict) else None
        secret = {row.name.partition(".")[2] for row in _rows("adapters", declared) if row.secret} if declared else ()
        found += [f"adapters.{name}.{key}" for key in sorted(secret) if key in adapter]
        found += [
            f"adapters.{name}.servers.{number}.password"
            for number, server in enumerate(_servers(adapter), 1)
            if "password" in server
        ]
    return found
