"""Calls of webhooks as each provider makes them, signed as each signs them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

PASSWORD = "hooks:correct-horse"
_RSA = rsa.generate_private_key(65537, 2048)
_EC = ec.generate_private_key(ec.SECP256R1())
URL = "https://news.stillwater.example/hooks/default"


def _pem(key) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "".join(key.public_key().public_bytes(*form).decode().splitlines()[1:-1])


SECRETS = {
    **dict.fromkeys(("amazon-ses", "postmark", "brevo", "sparkpost", "mailjet"), PASSWORD),
    "mailgun": "mailgun-signing-key",
    "mailersend": "mailersend-secret",
    "mandrill": "mandrill-key",
    "sendgrid": _pem(_EC),
    "postal": _pem(_RSA),
    "resend": "whsec_" + base64.b64encode(b"resend-secret-of-24-bytes").decode(),
}
KINDS = tuple(SECRETS)


@dataclass(frozen=True)
class Call:
    """What is posted."""

    body: bytes
    content_type: str
    headers: dict[str, str]


@dataclass(frozen=True)
class About:
    """The copy that an event is about, and when it happened."""

    email: str
    delivery: int
    tag: str
    at: datetime
    number: int = 1

    @property
    def seconds(self) -> int:
        return int(self.at.timestamp())

    @property
    def iso(self) -> str:
        return self.at.isoformat().replace("+00:00", "Z")


def call(kind: str, what: str, about: About) -> Call:
    """The signed call; ``what`` is delivered, dead, full, complained, unsubscribed or clicked."""
    return signed(kind, EVENTS[kind](what, about))


def signed(kind: str, event: object) -> Call:
    if kind == "mandrill":
        posted = {"mandrill_events": json.dumps([event])}
        text = URL + "mandrill_events" + posted["mandrill_events"]
        signature = base64.b64encode(hmac.new(SECRETS[kind].encode(), text.encode(), hashlib.sha1).digest())
        headers = {"X-Mandrill-Signature": signature.decode()}
        return Call(urlencode(posted).encode(), "application/x-www-form-urlencoded", headers)
    event = by_sns(event) if kind == "amazon-ses" else event
    body = json.dumps(event).encode()
    return Call(body, "application/json", _HEADERS.get(kind, _basic)(body))


#: where Amazon's certificate would be; the tests' own takes its place
SNS_PLACE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-tests.pem"


def sns_certificate(key=_RSA, days=(-1, 1)) -> x509.Certificate:
    """A certificate as Amazon's, good from and until so many days from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begins, ends = (datetime.now(UTC) + timedelta(days=each) for each in days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begins, ends)
    return builder.sign(key, hashes.SHA256())


def by_sns(message: dict, version: str = "1", place: str = SNS_PLACE, key=_RSA) -> dict:
    """The message with the signature that Amazon SNS puts into it."""
    names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
    names += ["Subject"] if "Subject" in message else []
    names += ["SubscribeURL", "Token"] if message["Type"] != "Notification" else []
    text = "".join(f"{name}\n{message[name]}\n" for name in sorted(names)).encode()
    kind = {"1": hashes.SHA1(), "2": hashes.SHA256()}[version]
    signature = base64.b64encode(key.sign(text, padding.PKCS1v15(), kind)).decode()
    return {**message, "SignatureVersion": version, "Signature": signature, "SigningCertURL": place}


def _basic(body: bytes) -> dict[str, str]:
    headers = {"Authorization": "Basic " + base64.b64encode(PASSWORD.encode()).decode()}
    event = json.loads(body)
    if isinstance(event, dict) and "TopicArn" in event:
        headers |= {"X-Amz-Sns-Message-Type": event["Type"], "X-Amz-Sns-Message-Id": event["MessageId"]}
    return headers


def _svix(body: bytes) -> dict[str, str]:
    from svix.webhooks import Webhook

    now = datetime.now().astimezone()
    number = "msg_" + hashlib.sha1(body).hexdigest()[:20]
    signature = Webhook(SECRETS["resend"]).sign(number, now, body.decode())
    return {"svix-id": number, "svix-timestamp": str(int(now.timestamp())), "svix-signature": signature}


_HEADERS = {
    "mailgun": lambda body: {},
    "mailersend": lambda body: {
        "Signature": hmac.new(SECRETS["mailersend"].encode(), body, hashlib.sha256).hexdigest()
    },
    "sendgrid": lambda body: {
        "X-Twilio-Email-Event-Webhook-Timestamp": "1700000000",
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(
            _EC.sign(b"1700000000" + body, ec.ECDSA(hashes.SHA256()))
        ).decode(),
    },
    "postal": lambda body: {
        "X-Postal-Signature": base64.b64encode(_RSA.sign(body, padding.PKCS1v15(), hashes.SHA1())).decode()
    },
    "resend": _svix,
}

DEAD, FULL = "550 5.1.1 The email account does not exist", "552 5.2.2 The mailbox is full"


def _ses(what, about):
    kinds = {"delivered": "Delivery", "dead": "Bounce", "full": "Bounce", "complained": "Complaint", "clicked": "Click"}
    words = {"dead": ("Permanent", "General", DEAD), "full": ("Transient", "MailboxFull", FULL)}.get(what, ("", "", ""))
    event = {
        "eventType": kinds.get(what, "Subscription"),
        "mail": {
            "messageId": "0100",
            "destination": [about.email],
            "headers": [
                {"name": "X-Metadata", "value": json.dumps({"delivery": str(about.delivery)})},
                {"name": "X-Tag", "value": about.tag},
            ],
        },
        "delivery": {"recipients": [about.email], "smtpResponse": "250 OK"},
        "bounce": {
            "bounceType": words[0],
            "bounceSubType": words[1],
            "bouncedRecipients": [{"emailAddress": about.email, "diagnosticCode": words[2]}],
        },
        "complaint": {"complainedRecipients": [{"emailAddress": about.email}], "complaintFeedbackType": "abuse"},
        "click": {"link": "https://stillwater.example/a"},
    }
    return {
        "Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:ses", "MessageId": f"m-{about.number}",
        "Timestamp": about.iso, "Message": json.dumps(event),
    }  # fmt: skip


def _postmark(what, about):
    kinds = {"delivered": "Delivery", "dead": "Bounce", "full": "Bounce", "complained": "SpamComplaint",
             "unsubscribed": "SubscriptionChange", "clicked": "Click"}  # fmt: skip
    return {
        "RecordType": kinds[what], "Type": {"dead": "HardBounce", "full": "SoftBounce"}.get(what, "SpamComplaint"),
        "MessageID": "1", "Recipient": about.email, "Tag": about.tag, "Metadata": {"delivery": str(about.delivery)},
        "DeliveredAt": about.iso, "Details": {"dead": DEAD, "full": FULL}.get(what, ""), "SuppressSending": True,
        "SuppressionReason": "ManualSuppression", "ID": about.number,
    }  # fmt: skip


def _mailgun(what, about):
    kinds = {"dead": "failed", "full": "failed"}
    stamp, token = str(about.seconds), f"token-{about.number}-{what}"
    key = SECRETS["mailgun"].encode()
    return {
        "signature": {
            "timestamp": stamp, "token": token,
            "signature": hmac.new(key, (stamp + token).encode(), hashlib.sha256).hexdigest(),
        },
        "event-data": {
            "event": kinds.get(what, what), "recipient": about.email, "timestamp": about.at.timestamp(),
            "severity": "permanent", "tags": [about.tag], "user-variables": {"delivery": str(about.delivery)},
            "message": {"headers": {"message-id": "1@m.example"}},
            "delivery-status": {"message": {"dead": DEAD, "full": FULL}.get(what, "OK"), "description": ""},
        },
    }  # fmt: skip


def _sendgrid(what, about):
    kinds = {"delivered": "delivered", "dead": "bounce", "full": "bounce", "complained": "spamreport",
             "unsubscribed": "unsubscribe", "clicked": "click"}  # fmt: skip
    return [{
        "event": kinds[what], "email": about.email, "timestamp": about.seconds, "category": [about.tag],
        "delivery": str(about.delivery), "reason": {"dead": DEAD, "full": FULL}.get(what, ""), "type": "bounce",
        "sg_event_id": f"e{about.number}",
    }]  # fmt: skip


def _resend(what, about):
    kinds = {
        "delivered": "delivered",
        "dead": "bounced",
        "full": "bounced",
        "complained": "complained",
        "clicked": "clicked",
    }
    bounce = {"dead": ("Permanent", "General"), "full": ("Transient", "MailboxFull")}.get(what, ("", ""))
    data = {
        "email_id": "1", "to": [about.email],
        "headers": [
            {"name": "X-Metadata", "value": json.dumps({"delivery": str(about.delivery)})},
            {"name": "X-Tags", "value": json.dumps([about.tag])},
        ],
    }  # fmt: skip
    if what in ("dead", "full"):
        data["bounce"] = {"message": "sent a bounce message", "type": bounce[0], "subType": bounce[1]}
    return {"type": f"email.{kinds.get(what, 'sent')}", "created_at": about.iso, "data": data}


def _brevo(what, about):
    kinds = {"delivered": "delivered", "dead": "hard_bounce", "full": "soft_bounce", "complained": "spam",
             "unsubscribed": "unsubscribe", "clicked": "click"}  # fmt: skip
    return {
        "event": kinds[what], "email": about.email, "ts_epoch": about.seconds * 1000, "tags": [about.tag],
        "X-Mailin-custom": json.dumps({"delivery": str(about.delivery)}), "reason": {"dead": DEAD, "full": FULL}.get(what, ""),
    }  # fmt: skip


def _sparkpost(what, about):
    kinds = {"delivered": "delivery", "dead": "bounce", "full": "bounce", "complained": "spam_complaint",
             "unsubscribed": "list_unsubscribe", "clicked": "click"}  # fmt: skip
    event = {
        "type": kinds[what], "raw_rcpt_to": about.email, "timestamp": str(about.seconds), "campaign_id": about.tag,
        "rcpt_meta": {"delivery": str(about.delivery)}, "event_id": str(about.number),
    }  # fmt: skip
    if what in ("dead", "full"):
        event |= {"bounce_class": "10" if what == "dead" else "22", "raw_reason": DEAD if what == "dead" else FULL}
    return [{"msys": {"message_event": event}}]


def _mailjet(what, about):
    kinds = {
        "delivered": "sent",
        "dead": "bounce",
        "full": "bounce",
        "complained": "spam",
        "unsubscribed": "unsub",
        "clicked": "click",
    }
    event = {
        "event": kinds[what], "email": about.email, "time": about.seconds, "customcampaign": about.tag, "MessageID": 1,
        "Payload": json.dumps({"delivery": str(about.delivery)}),
    }  # fmt: skip
    if what in ("dead", "full"):
        event |= {"hard_bounce": what == "dead", "error": "user unknown" if what == "dead" else "quota exceeded"}
    return [event]


def _mailersend(what, about):
    kinds = {"delivered": "delivered", "dead": "hard_bounced", "full": "soft_bounced", "complained": "spam_complaint",
             "unsubscribed": "unsubscribed", "clicked": "clicked"}  # fmt: skip
    reason = {"dead": DEAD, "full": FULL}.get(what)
    return {
        "type": f"activity.{kinds[what]}",
        "data": {
            "id": str(about.number), "type": kinds[what], "created_at": about.iso,
            "morph": {"object": "recipient_bounce", "reason": reason} if reason else None,
            "email": {"tags": [about.tag], "recipient": {"email": about.email}, "message": {"id": "1"}},
        },
    }  # fmt: skip


def _mandrill(what, about):
    kinds = {"delivered": "delivered", "dead": "hard_bounce", "full": "soft_bounce", "complained": "spam",
             "unsubscribed": "unsub", "clicked": "click"}  # fmt: skip
    return {
        "event": kinds[what], "ts": about.seconds, "_id": "1",
        "msg": {
            "email": about.email, "tags": [about.tag], "metadata": {"delivery": str(about.delivery)},
            "bounce_description": {"dead": "bad_mailbox", "full": "mailbox_full"}.get(what),
            "diag": {"dead": DEAD, "full": FULL}.get(what),
        },
    }  # fmt: skip


def _postal(what, about):
    message = {"id": 1, "to": about.email, "tag": about.tag, "direction": "outgoing"}
    status = {"delivered": ("Sent", "250 OK"), "dead": ("HardFail", DEAD), "full": ("HardFail", FULL)}
    if what in status:
        payload = {"status": status[what][0], "output": status[what][1], "details": "", "message": message}
    else:
        payload = {"url": "https://stillwater.example/a", "message": message}
    return {"event": "MessageSent", "timestamp": about.at.timestamp(), "uuid": str(about.number), "payload": payload}


EVENTS = {
    "amazon-ses": _ses,
    "postmark": _postmark,
    "mailgun": _mailgun,
    "sendgrid": _sendgrid,
    "resend": _resend,
    "brevo": _brevo,
    "sparkpost": _sparkpost,
    "mailjet": _mailjet,
    "mailersend": _mailersend,
    "mandrill": _mandrill,
    "postal": _postal,
}
#: what a provider has no event for
HAS_NOT = {
    "delivered": {"mandrill"},
    "complained": {"postal"},
    "unsubscribed": {"amazon-ses", "resend", "postal"},
}
