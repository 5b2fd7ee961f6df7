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
from typing import Annotated, Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, Mailbox, Span, SpanOrNone, TimeZoneName, WebAddress, span_text
from broadsheet.conf.public import Public
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
    "Mailbox",
    "MemoryAdapter",
    "PostmarkAdapter",
    "Privacy",
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
class Privacy:
    """``[privacy]``: what is kept of people beside what they say."""

    truncate_networks: bool = Field(
        default=True,
        description="Whether network addresses lose their last part (IPv4: 8 bits, IPv6: 80) before they are kept.",
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
class FolderAdapter:
    """``kind = "folder"``: writes each mail as an `.eml` file; nothing leaves the machine."""

    kind: Literal["folder"] = Field(default="folder", description="Mail becomes `.eml` files in a folder.")
    path: str = Field(default=".broadsheet/inbox", description="The folder, relative to the workspace.")


@dataclass(frozen=True, config=STRICT)
class MemoryAdapter:
    """``kind = "memory"``: keeps mail in memory; for trying things out in Python."""

    kind: Literal["memory"] = Field(description="Mail is kept in memory and forgotten.")


@dataclass(frozen=True, config=STRICT)
class SmtpAdapter:
    """``kind = "smtp"``: any mail server."""

    kind: Literal["smtp"] = Field(description="Mail goes to an SMTP server.")
    host: str = Field(default="127.0.0.1", description="The server's name.")
    port: int = Field(default=587, ge=1, le=65535, description="The server's port.")
    security: Literal["none", "starttls", "tls"] = Field(
        default="starttls",
        description="`none` (loopback only), `starttls` (587) or `tls` (465); certificates are checked.",
    )
    user: str | None = Field(default=None, description="Login name, if the server wants one.")
    password: SecretStr | None = Field(default=None, description="Its password; from the environment only.")
    connections: int = Field(default=4, ge=1, le=100, description="How many connections are kept open at once.")
    timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for a reply.")


@dataclass(frozen=True, config=STRICT)
class PostmarkAdapter:
    """``kind = "postmark"``: Postmark's HTTP API, through django-anymail."""

    kind: Literal["postmark"] = Field(description="Mail goes to Postmark's HTTP API.")
    server_token: SecretStr | None = Field(default=None, description="The server's token; from the environment only.")
    message_stream: str = Field(default="broadcast", description="The message stream; `broadcast` is for newsletters.")
    api_url: str = Field(default="https://api.postmarkapp.com/", description="The API's address.")
    timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for an answer.")


AdapterSettings = Annotated[FolderAdapter | MemoryAdapter | SmtpAdapter | PostmarkAdapter, Field(discriminator="kind")]


@dataclass(frozen=True, config=STRICT)
class Config:
    """All of ``broadsheet.toml``."""

    site: Site = Field(default_factory=Site)
    sender: Sender = Field(default_factory=Sender)
    public: Public = Field(default_factory=Public)
    schedule: Scheduling = Field(default_factory=Scheduling)
    privacy: Privacy = Field(default_factory=Privacy)
    sources: tuple[AnySource, ...] = Field(default_factory=lambda: (FolderSource(path="articles"),))
    tag_rules: tuple[TaggingRule, ...] = Field(default=(), description="Tags for articles that have none.")
    tags: Tags = Field(default_factory=Tags)
    adapters: dict[str, AdapterSettings] = Field(default_factory=dict)
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

ADAPTER_KINDS: dict[str, type] = {
    "folder": FolderAdapter,
    "memory": MemoryAdapter,
    "smtp": SmtpAdapter,
    "postmark": PostmarkAdapter,
}

#: Every setting, in the order of the file. Adapter settings are named ``adapters.<name>.…``.
SETTINGS: tuple[Setting, ...] = (
    *_rows("site", Site),
    *_rows("sender", Sender),
    *_rows("public", Public),
    *_rows("schedule", Scheduling),
    *_rows("privacy", Privacy),
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
    "privacy": Privacy,
}


def overlaid(raw: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``raw`` (the parsed file) with what the environment sets laid over it; ``raw`` stays as it is.

    Sections take ``BROADSHEET_SITE_NAME``; adapters ``BROADSHEET_ADAPTERS_<NAME>_<KEY>``.
    """
    merged: dict[str, Any] = {key: dict(v) if isinstance(v, dict) else v for key, v in raw.items()}
    for section, declared in _SECTIONS.items():
        for declared_field in fields(declared):
            value = from_environment(f"BROADSHEET_{section}_{declared_field.name}".upper(), environ)
            if value is not None and isinstance(merged.setdefault(section, {}), dict):
                several = get_origin(declared_field.type) is tuple
                merged[section][declared_field.name] = (
                    tuple(each.strip() for each in value.split(",")) if several else value
                )
    adapters: Any = merged.get("adapters")
    for name, adapter in list(adapters.items()) if isinstance(adapters, dict) else ():
        kind = ADAPTER_KINDS.get(str(adapter.get("kind"))) if isinstance(adapter, dict) else None
        for declared_field in fields(kind) if kind else ():
            key = f"BROADSHEET_ADAPTERS_{name}_{declared_field.name}".upper().replace("-", "_")
            value = from_environment(key, environ)
            if value is not None:
                adapters[name] = {**adapters[name], declared_field.name: value}
    return merged


def secrets_in(raw: Mapping[str, Any]) -> list[str]:
    """The names of secret settings that the file itself holds, where none belongs."""
    found = []
    adapters = raw.get("adapters")
    for name, adapter in adapters.items() if isinstance(adapters, dict) else ():
        declared = ADAPTER_KINDS.get(str(adapter.get("kind"))) if isinstance(adapter, dict) else None
        secret = {row.name.partition(".")[2] for row in _rows("adapters", declared) if row.secret} if declared else ()
        found += [f"adapters.{name}.{key}" for key in sorted(secret) if key in adapter]
    return found
