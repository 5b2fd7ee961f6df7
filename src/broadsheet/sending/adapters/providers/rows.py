"""The providers, one row each. What a code means is taken from each provider's own documentation of its API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from broadsheet import conf
from broadsheet.sending.adapters.providers.table import (
    ANY,
    Answers,
    Batch,
    Hook,
    Key,
    Login,
    Provider,
    Verdict,
)

STOP, QUOTA, WAIT, DEFER = Verdict.STOP, Verdict.QUOTA, Verdict.WAIT, Verdict.DEFER
FAIL, UNKNOWN = Verdict.FAIL, Verdict.UNKNOWN

_SES: Final = Provider(
    title="Amazon SES",
    backend="anymail.backends.amazon_ses",
    options={"configuration_set_name": "configuration_set"},
    answers=Answers(
        taken={"MessageId": ANY},
        code=("Error.Code",),
        words=("Error.Message", "message"),
        verdicts={
            **dict.fromkeys(("AccountSuspendedException", "SendingPausedException", "NotFoundException"), STOP),
            **dict.fromkeys(("MailFromDomainNotVerifiedException", "AccessDeniedException"), STOP),
            **dict.fromkeys(("UnrecognizedClientException", "InvalidClientTokenId", "SignatureDoesNotMatch"), STOP),
            **dict.fromkeys(("ExpiredTokenException", "InvalidSignatureException", "OptInRequired"), STOP),
            **dict.fromkeys(("TooManyRequestsException", "ThrottlingException", "Throttling"), WAIT),
            "LimitExceededException": QUOTA,
            **dict.fromkeys(("MessageRejected", "BadRequestException"), FAIL),
        },
        phrases=(
            (r"is not verified", STOP),
            (r"daily (message|sending) quota", QUOTA),
            (r"maximum sending rate", WAIT),
        ),
    ),
    login=Login(
        path="get_account",
        says=(
            ("a second", "SendQuota.MaxSendRate"),
            ("a day", "SendQuota.Max24HourSend"),
            ("sent today", "SendQuota.SentLast24Hours"),
            ("out of the sandbox", "ProductionAccessEnabled"),
        ),
    ),
    hook=Hook("anymail.webhooks.amazon_ses.AmazonSESTrackingWebhookView", signed_by_sns=True),
    tracking=False,
)

_POSTMARK: Final = Provider(
    title="Postmark",
    backend="anymail.backends.postmark",
    options={"server_token": "server_token", "api_url": "api_url"},
    answers=Answers(
        taken={"MessageID": ANY},
        code=("ErrorCode",),
        words=("Message",),
        fine=frozenset({"0"}),
        verdicts={
            **dict.fromkeys(("10", "400", "401", "405", "412", "413"), STOP),
            "100": DEFER,
            "429": WAIT,
        },
        phrases=((r"message ?stream .*(not found|does not exist)", STOP), (r"'From' address", STOP)),
    ),
    login=Login("server", says=(("server", "Name"),)),
    hook=Hook("anymail.webhooks.postmark.PostmarkTrackingWebhookView"),
    batch=Batch("email/batch", 500),
    adds={"X-PM-KeepID": "true"},
    extra={"MessageStream": "message_stream"},
)

_MAILGUN: Final = Provider(
    title="Mailgun",
    backend="anymail.backends.mailgun",
    options={"api_key": "api_key", "api_url": "api_url", "sender_domain": "sender_domain"},
    answers=Answers(
        taken={"id": ANY},
        words=("message",),
        phrases=(
            (r"not allowed to send|(account|domain).*(disabled|suspended|not verified|unverified)", STOP),
            (r"(daily|hourly|monthly).*(limit|quota)|limit.*exceeded", QUOTA),
        ),
    ),
    # an empty mail: refused with 400, but only after the key was looked at; a sending key may do nothing else
    login=Login("{domain}/messages", "POST", {}, works=frozenset({"400"})),
    hook=Hook("anymail.webhooks.mailgun.MailgunTrackingWebhookView", "webhook_signing_key"),
)

_SENDGRID: Final = Provider(
    title="SendGrid",
    backend="anymail.backends.sendgrid",
    options={"api_key": "api_key", "api_url": "api_url"},
    answers=Answers(words=("errors.0.message",), phrases=((r"maximum credits exceeded", STOP),)),
    login=Login("scopes"),
    hook=Hook("anymail.webhooks.sendgrid.SendGridTrackingWebhookView", "tracking_webhook_verification_key"),
)

_RESEND: Final = Provider(
    title="Resend",
    backend="anymail.backends.resend",
    options={"api_key": "api_key", "api_url": "api_url"},
    answers=Answers(
        taken={"id": ANY},
        code=("name",),
        words=("message",),
        verdicts={
            **dict.fromkeys(("missing_api_key", "invalid_api_key", "restricted_api_key"), STOP),
            **dict.fromkeys(("invalid_from_address", "invalid_access", "not_found"), STOP),
            **dict.fromkeys(("daily_quota_exceeded", "monthly_quota_exceeded"), QUOTA),
            "rate_limit_exceeded": WAIT,
            "concurrent_idempotent_requests": DEFER,
            "invalid_idempotent_request": UNKNOWN,  # something was sent with this key; it looked different
        },
    ),
    login=Login("domains", works=frozenset({"restricted_api_key"}), says=(("domain", "data.0.name"),)),
    hook=Hook("anymail.webhooks.resend.ResendTrackingWebhookView", "signing_secret"),
    batch=Batch("emails/batch", 100, answers="data"),
    key=Key("Idempotency-Key", in_body=False, lasts=timedelta(hours=24)),
    tracking=False,
)

_BREVO: Final = Provider(
    title="Brevo",
    backend="anymail.backends.brevo",
    options={"api_key": "api_key", "api_url": "api_url"},
    answers=Answers(
        taken={"messageId": ANY},
        code=("code",),
        words=("message",),
        verdicts={
            **dict.fromkeys(("unauthorized", "permission_denied", "not_enough_credits"), STOP),
            **dict.fromkeys(("account_under_validation", "reseller_permission_denied"), STOP),
            "too_many_requests": WAIT,
        },
        phrases=((r"sender .*(not valid|inactive|invalid)", STOP), (r"not yet activated|suspended", STOP)),
    ),
    login=Login("account", says=(("plan", "plan.0.type"), ("credits", "plan.0.credits"))),
    hook=Hook("anymail.webhooks.brevo.BrevoTrackingWebhookView"),
    key=Key("idempotencyKey", in_body=True, lasts=timedelta(minutes=15)),
    tracking=False,
)

_SPARKPOST: Final = Provider(
    title="SparkPost",
    backend="anymail.backends.sparkpost",
    options={"api_key": "api_key", "api_url": "api_url", "subaccount": "subaccount"},
    answers=Answers(
        taken={"results.id": ANY, "results.total_rejected_recipients": frozenset({"0"})},
        code=("errors.0.code",),
        words=("errors.0.description", "errors.0.message"),
        verdicts={"7001": STOP, "2102": QUOTA, "2103": QUOTA},
        phrases=((r"(exceed|over).*(daily|monthly|sending) (limit|quota)", QUOTA), (r"suspended", STOP)),
    ),
    login=Login("account", works=frozenset({"403"}), says=(("company", "results.company_name"),)),
    hook=Hook("anymail.webhooks.sparkpost.SparkPostTrackingWebhookView"),
)

_MAILJET: Final = Provider(
    title="Mailjet",
    backend="anymail.backends.mailjet",
    options={"api_key": "api_key", "secret_key": "secret_key", "api_url": "api_url"},
    answers=Answers(
        taken={"Status": frozenset({"success"})},
        code=("Errors.0.ErrorCode", "ErrorCode"),
        words=("Errors.0.ErrorMessage", "ErrorMessage"),
        verdicts={"send-0008": STOP, "mj-0015": STOP},
    ),
    login=Login("../v3/REST/user", works=frozenset({"403"}), says=(("account", "Data.0.Username"),)),
    hook=Hook("anymail.webhooks.mailjet.MailjetTrackingWebhookView"),
    batch=Batch("send", 50, into="Messages", answers="Messages", status="Errors.0.StatusCode"),
)

_MAILERSEND: Final = Provider(
    title="MailerSend",
    backend="anymail.backends.mailersend",
    options={"api_token": "api_token", "api_url": "api_url"},
    answers=Answers(
        code=("warnings.0.recipients.0.reasons.0", "warnings.0.recipients.0.reason.0", "warnings.0.type"),
        words=("message", "warnings.0.warning"),
        phrases=((r"#MS42207|must be verified", STOP), (r"#MS42901|quota", QUOTA), (r"#MS42903", WAIT)),
    ),
    login=Login("api-quota", works=frozenset({"403"}), says=(("calls a day", "quota"), ("left", "remaining"))),
    hook=Hook("anymail.webhooks.mailersend.MailerSendTrackingWebhookView", "signing_secret"),
    metadata=False,
)

_MANDRILL: Final = Provider(
    title="Mandrill",
    backend="anymail.backends.mandrill",
    options={"api_key": "api_key", "api_url": "api_url"},
    answers=Answers(
        taken={"0.status": frozenset({"sent", "queued", "scheduled"})},
        code=("0.reject_reason", "name"),
        words=("message", "0.status"),
        verdicts={
            **dict.fromkeys(("Invalid_Key", "PaymentRequired", "Unknown_Subaccount", "PoorReputation"), STOP),
            **dict.fromkeys(("invalid-sender", "unsigned", "test-mode-limit"), STOP),
            **dict.fromkeys(("GeneralError", "ServiceUnavailable"), DEFER),
            **dict.fromkeys(
                ("ValidationError", "hard-bounce", "soft-bounce", "spam", "unsub", "custom", "invalid", "rule"), FAIL
            ),
        },
    ),
    login=Login(
        "users/info.json",
        "POST",
        {"key": "{api_key}"},
        says=(("an hour", "hourly_quota"), ("reputation", "reputation"), ("backlog", "backlog")),
    ),
    hook=Hook("anymail.webhooks.mandrill.MandrillCombinedWebhookView", "webhook_key"),
)

_POSTAL: Final = Provider(
    title="Postal",
    backend="anymail.backends.postal",
    options={"api_key": "api_key", "api_url": "api_url"},
    answers=Answers(
        taken={"status": frozenset({"success"})},
        code=("data.code",),
        words=("data.message",),
        verdicts={
            **dict.fromkeys(("InvalidServerAPIKey", "AccessDenied", "ServerSuspended"), STOP),
            **dict.fromkeys(("UnauthenticatedFromAddress", "FromAddressMissing"), STOP),
        },
    ),
    # a mail that is not there: refused, but only after the key was looked at
    login=Login("api/v1/messages/message", "POST", {"id": "0"}, works=frozenset({"MessageNotFound"})),
    hook=Hook("anymail.webhooks.postal.PostalTrackingWebhookView", "webhook_key"),
    metadata=False,
    tracking=False,
)

PROVIDERS: Final[Mapping[type, Provider]] = {
    conf.PROVIDER_KINDS[kind]: row
    for kind, row in (
        ("amazon-ses", _SES),
        ("postmark", _POSTMARK),
        ("mailgun", _MAILGUN),
        ("sendgrid", _SENDGRID),
        ("resend", _RESEND),
        ("brevo", _BREVO),
        ("sparkpost", _SPARKPOST),
        ("mailjet", _MAILJET),
        ("mailersend", _MAILERSEND),
        ("mandrill", _MANDRILL),
        ("postal", _POSTAL),
    )
}
