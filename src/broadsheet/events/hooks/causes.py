"""Why a copy bounced, as each provider says it. A false "dead" costs a reader: in doubt, it is not dead."""

from collections.abc import Mapping
from typing import Any, Final

from anymail.signals import AnymailTrackingEvent

from broadsheet.events.bounces import classified
from broadsheet.models import BounceClass
from broadsheet.sending.adapters.providers.answers import found

DEAD, FULL = BounceClass.DEAD, BounceClass.FULL
TEMPORARY, POLICY = BounceClass.TEMPORARY, BounceClass.POLICY

#: Where a provider says what kind of bounce it is, the surest first, and what its words mean. What is not here is
#: not certain, and neither is what the receiving server's own words speak against.
CAUSES: Final[Mapping[str, tuple[tuple[str, Mapping[str, BounceClass]], ...]]] = {
    "Amazon SES": (
        ("bounce.bounceSubType", {"MailboxFull": FULL, "MessageTooLarge": POLICY, "ContentRejected": POLICY,
                                  "AttachmentRejected": POLICY, "NoEmail": DEAD, "Suppressed": BounceClass.UNKNOWN,
                                  "OnAccountSuppressionList": BounceClass.UNKNOWN}),
        ("bounce.bounceType", {"Permanent": DEAD, "Transient": TEMPORARY}),
    ),
    "Postmark": (("Type", {"HardBounce": DEAD, "SoftBounce": TEMPORARY, "Blocked": POLICY, "DMARCPolicy": POLICY,
                           "VirusNotification": POLICY, "ManuallyDeactivated": POLICY}),),
    "Mailgun": (
        ("event-data.delivery-status.bounce-type", {"hard": DEAD, "soft": TEMPORARY}),
        ("event-data.reason", {"espblock": POLICY}),
    ),
    "SendGrid": (("type", {"blocked": POLICY}), ("bounce_classification", {
        "Invalid Address": DEAD, "Mailbox Unavailable": TEMPORARY, "Reputation": POLICY, "Content": POLICY,
        "Frequency or Volume Too High": TEMPORARY, "Technical Failure": TEMPORARY})),
    "Resend": (
        ("data.bounce.subType", {"MailboxFull": FULL, "MessageTooLarge": POLICY, "ContentRejected": POLICY,
                                 "Suppressed": BounceClass.UNKNOWN, "OnAccountSuppressionList": BounceClass.UNKNOWN}),
        ("data.bounce.type", {"Permanent": DEAD, "Transient": TEMPORARY}),
    ),
    "Brevo": (("event", {"hard_bounce": DEAD, "invalid_email": DEAD, "soft_bounce": TEMPORARY, "blocked": POLICY}),),
    "SparkPost": (("msys.message_event.bounce_class", {
        "10": DEAD, "20": TEMPORARY, "21": TEMPORARY, "22": FULL, "23": POLICY, "24": TEMPORARY, "25": POLICY,
        "50": POLICY, "51": POLICY, "52": POLICY, "53": POLICY, "54": POLICY, "70": TEMPORARY}),),
    "Mailjet": (("error", {
        "user unknown": DEAD, "quota exceeded": FULL, "greylisted": TEMPORARY, "blacklisted": POLICY,
        "sender blocked": POLICY, "content blocked": POLICY, "policy issue": POLICY, "spam reporter": POLICY,
        "relay/access denied": POLICY, "preblocked": BounceClass.UNKNOWN}),),
    "MailerSend": (("type", {"activity.hard_bounced": DEAD, "activity.soft_bounced": TEMPORARY}),),
    "Mandrill": (("msg.bounce_description", {
        "bad_mailbox": DEAD, "invalid_domain": DEAD, "mailbox_full": FULL, "dns_error": TEMPORARY,
        "ip_frequency": TEMPORARY, "spam": POLICY, "other_hard_bounce": BounceClass.UNKNOWN}),),
    "Postal": (),
}  # fmt: skip
#: Where the receiving server's status stands, if apart from its words.
_STATUSES: Final = ("event-data.delivery-status.enhanced-code", "status", "bounce.bouncedRecipients.0.status")
#: What the receiving server's words may make of a provider's word.
_MORE_EXACT: Final = {DEAD: (FULL, TEMPORARY, POLICY), TEMPORARY: (FULL, POLICY)}


def cause_of(provider: str, event: AnymailTrackingEvent) -> BounceClass:
    """Why it bounced."""
    said, named = _in_words(event), _named(provider, event.esp_event)
    if named is None:
        return BounceClass.UNKNOWN if said is DEAD and not _permanent(event) else said
    return said if said in _MORE_EXACT.get(named, ()) else named


def _named(provider: str, raw: Any) -> BounceClass | None:
    for path, meanings in CAUSES[provider]:
        value = str(found(raw, path))
        if value in meanings:
            return meanings[value]
    return None


def _in_words(event: AnymailTrackingEvent) -> BounceClass:
    status = next((str(each) for path in _STATUSES if (each := found(event.esp_event, path))), "")
    return classified(status, f"{event.mta_response or ''} {event.description or ''}"[:2000])


def _permanent(event: AnymailTrackingEvent) -> bool:
    """Whether the provider tried and has given up, so that the words are about the address."""
    return str(event.event_type) in ("bounced", "failed")
