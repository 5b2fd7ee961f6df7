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
    SmtpAdapter,
)
from broadsheet.conf.bounces import MAILBOX_KINDS, AnyMailbox, BounceMailbox, Bounces, ImapMailbox, Pop3Mailbox
from broadsheet.conf.forms import STRICT, Mailbox, Span, SpanOrNone, TimeZoneName, WebAddress, span_text
from broadsheet.conf.providers import PROVIDER_KINDS, AmazonSesAdapter, HttpAdapter, ProviderAdapter
from broadsheet.conf.sources import AnySource, FeedSource, FolderSource, Source, TaggingRule, Tags
from broadsheet.errors import BroadsheetError

__all__ = [
    "ADAPTER_KINDS",
    "ENVIRONMENT",
    "MAILBOX_KINDS",
    "PROVIDER_KINDS",
    "SETTINGS",
    "SOURCE_KINDS",
    "STRICT",
    "AdapterSettings",
    "AmazonSesAdapter",
    "AnyMailbox",
    "AnySource",
    "BounceMailbox",
    "Bounces",
    "Config",
    "FeedSource",
    "FolderAdapter",
    "FolderSource",
    "HttpAdapter",
    "ImapMailbox",
    "Mailbox",
    "MemoryAdapter",
    "Pop3Mailbox",
    "ProviderAdapter",
    "Public",
    "Sender",
    "Setting",
    "Site",
    "SmtpAdapter",
    "Source",
    "Span",
    "SpanOrNone",
    "TaggingRule",
    "Tags",
    "TimeZoneName",
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
class Config:
    """All of ``broadsheet.toml``."""

    site: Site = Field(default_factory=Site)
    sender: Sender = Field(default_factory=Sender)
    public: Public = Field(default_factory=Public)
    schedule: Scheduling = Field(default_factory=Scheduling)
    sources: tuple[AnySource, ...] = Field(default_factory=lambda: (FolderSource(path="articles"),))
    tag_rules: tuple[TaggingRule, ...] = Field(default=(), description="Tags for articles that have none.")
    tags: Tags = Field(default_factory=Tags)
    adapters: dict[str, AdapterSettings] = Field(default_factory=dict)
    bounces: Bounces = Field(default_factory=Bounces)
    theme: dict[str, str | int] = Field(
        default_factory=dict, description="Colours and fonts laid over every template's own."
    )

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.site.time_zone)

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
    *(row for row in _rows("bounces", Bounces) if row.name != "bounces.mailboxes"),
    *(
        Setting(f"bounces.mailboxes.NAME.{row.name.partition('.')[2]} ({kind})", row.default, row.help, row.secret)
        for kind, declared in MAILBOX_KINDS.items()
        for row in _rows("mailboxes", declared)
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
        "`postgresql://user:password@host/name`; SQLite in the state folder if unset.",
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
    "bounces": Bounces,
}
#: Tables of tables, by the path to them: each of their tables has a name and a kind.
_NAMED: dict[tuple[str, ...], dict[str, type]] = {
    ("adapters",): ADAPTER_KINDS,
    ("bounces", "mailboxes"): MAILBOX_KINDS,
}
#: Settings that are lists of names, parted by commas in the environment.
_LISTS = ("allowed_hosts", "addresses")


def overlaid(raw: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``raw`` (the parsed file) with what the environment sets laid over it; ``raw`` stays as it is.

    Sections take ``BROADSHEET_SITE_NAME``; adapters ``BROADSHEET_ADAPTERS_<NAME>_<KEY>``, mailboxes
    ``BROADSHEET_BOUNCES_MAILBOXES_<NAME>_<KEY>``.
    """
    merged: dict[str, Any] = {key: dict(v) if isinstance(v, dict) else v for key, v in raw.items()}
    for section, declared in _SECTIONS.items():
        for declared_field in fields(declared):
            value = from_environment(f"BROADSHEET_{section}_{declared_field.name}".upper(), environ)
            if value is not None and isinstance(merged.setdefault(section, {}), dict):
                merged[section][declared_field.name] = (
                    tuple(each.strip() for each in value.split(",")) if declared_field.name in _LISTS else value
                )
    for path in _NAMED:
        _overlay_named(merged, path, environ)
    return merged


def _overlay_named(merged: dict[str, Any], path: tuple[str, ...], environ: Mapping[str, str] | None) -> None:
    holder: Any = merged.get(path[0]) if len(path) > 1 else merged
    tables = holder.get(path[-1]) if isinstance(holder, dict) else None
    if not isinstance(tables, dict):
        return
    tables = holder[path[-1]] = dict(tables)
    for name, table, kind in _of_a_kind(tables, path):
        for declared_field in fields(kind):
            key = "_".join(("BROADSHEET", *path, name, declared_field.name)).upper().replace("-", "_")
            value = from_environment(key, environ)
            if value is not None:
                tables[name] = {**tables.get(name, table), declared_field.name: value}


def _of_a_kind(tables: Mapping[str, Any], path: tuple[str, ...]) -> list[tuple[str, dict[str, Any], Any]]:
    """The tables that say of which kind they are: name, table, declaration."""
    kinds = _NAMED[path]
    found = [(name, each) for name, each in tables.items() if isinstance(each, dict)]
    return [(name, each, kinds[str(each.get("kind"))]) for name, each in found if str(each.get("kind")) in kinds]


def secrets_in(raw: Mapping[str, Any]) -> list[str]:
    """The names of secret settings that the file itself holds, where none belongs."""
    found = []
    for path in _NAMED:
        holder: Any = raw.get(path[0]) if len(path) > 1 else raw
        tables = holder.get(path[-1]) if isinstance(holder, dict) else None
        for name, table, kind in _of_a_kind(tables if isinstance(tables, dict) else {}, path):
            secret = {row.name.partition(".")[2] for row in _rows("", kind) if row.secret}
            found += [".".join((*path, name, key)) for key in sorted(secret) if key in table]
    return found
