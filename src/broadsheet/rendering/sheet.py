"""Everything one variant's mail is compiled from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broadsheet.articles import Content, direction
from broadsheet.workspace import CampaignFile, Workspace

#: The addresses in a mail that are each reader's own.
OWN_ADDRESSES = ("unsubscribe_url", "preferences_url", "view_url")


@dataclass(frozen=True)
class Sheet:
    """Everything one variant's mail is compiled from."""

    templates: Path
    template: str
    theme: Mapping[str, object]
    campaign: Mapping[str, Any]
    """``name``, ``slug``, and the campaign's texts: ``subject``, ``preheader``, ``intro``."""
    site: Mapping[str, Any]
    sender: Mapping[str, str]
    list: Mapping[str, str]
    edition: Mapping[str, Any]
    articles: tuple[Content, ...]
    headers: tuple[tuple[str, str], ...] = ()
    """Fixed headers beside From, such as List-Id."""
    counted: bool = False
    """Whether clicks and opens may be counted, so that their places are marked."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further values for the template (a confirmation's ``action``)."""
    addresses: tuple[str, ...] = OWN_ADDRESSES
    """Those of :data:`OWN_ADDRESSES` that the mail has; one to unsubscribe brings its headers (RFC 8058) along."""


def sheet_for(workspace: Workspace, campaign: CampaignFile, at: datetime, articles: Sequence[Content]) -> Sheet:
    """The sheet of one variant of the campaign's edition at that moment."""
    config, declared = workspace.config, workspace.lists.lists[campaign.list]
    sender = workspace.sender_of(campaign.list)
    zone = config.zone if campaign.schedule is None else campaign.schedule.zone(config.zone)
    key = f"{campaign.slug}-{at.astimezone(UTC):%Y%m%dT%H%M}"
    headers = [
        ("List-Id", f'"{_plain(declared.title)}" <{campaign.list}.{config.mail_domain}>'),  # RFC 2919
        ("Feedback-ID", f"{key}:{campaign.slug}:{campaign.list}:broadsheet"),
        ("Precedence", "bulk"),
    ]
    if sender.reply_to:
        headers.insert(0, ("Reply-To", sender.reply_to))
    return Sheet(
        templates=workspace.templates,
        template=campaign.template,
        theme=workspace.theme(campaign.template),
        campaign={
            "name": campaign.name,
            "slug": campaign.slug,
            "subject": campaign.subject,
            "preheader": campaign.preheader,
            "intro": campaign.intro,
        },
        site=site_values(workspace, config.site.language),
        sender={"name": sender.name, "email": sender.email},
        list={"name": campaign.list, "title": declared.title},
        edition={"date": at.astimezone(zone)},
        articles=tuple(articles),
        headers=tuple(headers),
        counted=campaign.tracking != "none",
    )


def site_values(workspace: Workspace, language: str) -> dict[str, Any]:
    """What templates know as ``site``, for a mail in that language."""
    site = workspace.config.site
    return {
        "name": site.name,
        "url": site.url,
        "language": language,
        "dir": direction(language),
        "postal_address": site.postal_address,
    }


def _plain(text: str) -> str:
    """ASCII text that may stand in a quoted string."""
    return text.encode("ascii", "ignore").decode().replace('"', "").replace("\\", "").strip()
