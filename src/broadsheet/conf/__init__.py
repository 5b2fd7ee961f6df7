"""The settings table: every setting of ``broadsheet.toml``, declared once with its default and its help.

The declarations below are the whole of it: they check the file, fill in defaults, read the environment
(`BROADSHEET_SITE_NAME`, or `BROADSHEET_SITE_NAME_FILE` for a file that holds the value) and, as
:data:`SETTINGS`, feed the documentation. Secrets are :class:`pydantic.SecretStr`, masked wherever they are
printed, and come from the environment only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from datetime import timedelta
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
    SmtpServer,
)
from broadsheet.conf.approval import Approval
from broadsheet.conf.bounces import MAILBOX_KINDS, AnyMailbox, BounceMailbox, Bounces, ImapMailbox, Pop3Mailbox
from broadsheet.conf.console import Console, Oidc
from broadsheet.conf.environment import (
    from_environment,
    lay_over_named,
    lay_over_section,
    named_tables,
    section_of,
)
from broadsheet.conf.forms import STRICT, Mailbox, MailDomain, Span, SpanOrNone, TimeZoneName, WebAddress, span_text
from broadsheet.conf.privacy import Privacy
from broadsheet.conf.providers import PROVIDER_KINDS, AmazonSesAdapter, HttpAdapter, ProviderAdapter
from broadsheet.conf.public import Public
from broadsheet.conf.sending import Pace, Sending, WarmUp
from broadsheet.conf.sources import AnySource, FeedSource, FolderSource, Source, TaggingRule, Tags
from broadsheet.conf.webhooks import Webhook

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
    "Approval",
    "BounceMailbox",
    "Bounces",
    "Config",
    "Console",
    "FeedSource",
    "FolderAdapter",
    "FolderSource",
    "HttpAdapter",
    "ImapMailbox",
    "Inbox",
    "Logging",
    "MailDomain",
    "Mailbox",
    "MemoryAdapter",
    "Oidc",
    "Pace",
    "Pop3Mailbox",
    "Privacy",
    "ProviderAdapter",
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
    "Webhook",
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
class Scheduling:
    """``[schedule]``: what the scheduler does beside bringing out editions."""

    sync_minutes: int = Field(
        default=15, ge=0, le=1440, description="Minutes between two reads of the sources; 0: only before an edition."
    )
    clean_up: Literal["daily", "never"] = Field(
        default="daily", description="`daily`: files that a crash left half-written go after a day; `never`."
    )


@dataclass(frozen=True, config=STRICT)
class Inbox:
    """``[inbox]``: how much the local inbox keeps; the oldest mails go first."""

    mails: int = Field(default=1000, ge=1, description="How many mails the local inbox keeps at the most.")
    megabytes: int = Field(default=200, ge=1, description="How many megabytes of mail it keeps at the most.")


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
    approval: Approval = Field(default_factory=Approval)
    privacy: Privacy = Field(default_factory=Privacy)
    inbox: Inbox = Field(default_factory=Inbox)
    logging: Logging = Field(default_factory=Logging)
    sending: Sending = Field(default_factory=Sending)
    pace: dict[str, Pace] = Field(default_factory=dict)
    sources: tuple[AnySource, ...] = Field(default_factory=lambda: (FolderSource(path="articles"),))
    tag_rules: tuple[TaggingRule, ...] = Field(default=(), description="Tags for articles that have none.")
    tags: Tags = Field(default_factory=Tags)
    adapters: dict[str, AdapterSettings] = Field(default_factory=dict)
    webhooks: dict[str, Webhook] = Field(default_factory=dict)
    bounces: Bounces = Field(default_factory=Bounces)
    console: Console = Field(default_factory=Console)
    theme: dict[str, str | int] = Field(
        default_factory=dict, description="Colours and fonts laid over every template's own."
    )

    def __post_init__(self) -> None:
        if (name := self.public.adapter) != "default" and name not in self.adapters:
            known = ", ".join(sorted({"default", *self.adapters}))
            raise ValueError(f"public.adapter: there is no adapter “{name}”; there is: {known}")

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.site.time_zone)

    def return_path_of(self, sender: str) -> str:
        """Where reports about undelivered copies go; ``{word}`` in it stands for each copy's own."""
        domain = self.sender.bounce_domain
        return f"b+{{word}}@{domain}" if domain else sender

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
    *_rows("approval", Approval),
    *_rows("privacy", Privacy),
    *_rows("inbox", Inbox),
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
    *(
        Setting(f"webhooks.NAME.{row.name.partition('.')[2]}", row.default, row.help, row.secret)
        for row in _rows("webhooks", Webhook)
    ),
    *(row for row in _rows("bounces", Bounces) if row.name != "bounces.mailboxes"),
    *(
        Setting(f"bounces.mailboxes.NAME.{row.name.partition('.')[2]} ({kind})", row.default, row.help, row.secret)
        for kind, declared in MAILBOX_KINDS.items()
        for row in _rows("mailboxes", declared)
    ),
    *_rows("console.oidc", Oidc),
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


#: The sections that the environment may set key by key.
_SECTIONS: dict[str, type] = {
    "site": Site,
    "sender": Sender,
    "public": Public,
    "schedule": Scheduling,
    "approval": Approval,
    "privacy": Privacy,
    "inbox": Inbox,
    "logging": Logging,
    "sending": Sending,
    "bounces": Bounces,
    "console.oidc": Oidc,
}
#: Tables of tables, by the path to them: each of their tables has a name and a kind (webhooks are all of one).
_NAMED: dict[tuple[str, ...], dict[str, type]] = {
    ("adapters",): ADAPTER_KINDS,
    ("bounces", "mailboxes"): MAILBOX_KINDS,
    ("webhooks",): {"": Webhook},
}


def overlaid(raw: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``raw`` (the parsed file) with what the environment sets laid over it; ``raw`` stays as it is.

    Sections take ``BROADSHEET_SITE_NAME``, ``BROADSHEET_CONSOLE_OIDC_ISSUER``;
    adapters ``BROADSHEET_ADAPTERS_<NAME>_<KEY>``, mailboxes
    ``BROADSHEET_BOUNCES_MAILBOXES_<NAME>_<KEY>``; an adapter's servers, counted from 1,
    ``BROADSHEET_ADAPTERS_<NAME>_SERVERS_<N>_PASSWORD``.
    """
    merged: dict[str, Any] = {key: dict(v) if isinstance(v, dict) else v for key, v in raw.items()}
    for section, declared in _SECTIONS.items():
        lay_over_section(merged, section, declared, environ)
    for path, kinds in _NAMED.items():
        lay_over_named(merged, path, kinds, environ)
    return merged


def secrets_in(raw: Mapping[str, Any]) -> list[str]:
    """The names of secret settings that the file itself holds, where none belongs."""
    in_sections = [
        f"{section}.{key}"
        for section, declared in _SECTIONS.items()
        for key in sorted(row.name.rpartition(".")[2] for row in _rows(section, declared) if row.secret)
        if key in section_of(raw, section)
    ]
    return in_sections + [
        ".".join((*table.path, key))
        for path, kinds in _NAMED.items()
        for table in named_tables(raw, path, kinds)
        for key in sorted(row.name.partition(".")[2] for row in _rows("", table.kind) if row.secret)
        if key in table.content
    ]
