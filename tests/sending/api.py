"""Providers' APIs on loopback: they record what they are asked, and answer as they are told, each in its own form."""

import base64
import json
import threading
import time
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from broadsheet.conf import PROVIDER_KINDS
from broadsheet.sending.adapters.providers import ApiAdapter, made_api

#: what a test tells the server to do instead of an answer
CUT, SLOW = "cut", "slow"


class Api(ThreadingHTTPServer):
    """Records calls; ``play`` maps an address to what happens to a call that names it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.kind = ""
        #: (path, headers, body) of every call
        self.calls: list[tuple[str, dict[str, str], object]] = []
        #: address to (status, JSON or text) or CUT or SLOW, or a list of them, one for each call in turn
        self.play: dict[str, object] = {}
        self.headers: dict[str, str] = {}
        self.pause = 0.0
        self.most = self.now = 0
        #: idempotency key to the body it came with first; what is new is in ``delivered``
        self.keys: dict[str, object] = {}
        self.delivered: list[dict] = []
        #: seconds between taking a call's mails and answering
        self.slow_answer = 0.0

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """A client that did not wait for its answer is what some tests are about."""

    def adapter(self, kind: str, **settings):
        """An adapter of that kind for this server."""
        self.kind = kind
        given = {"kind": kind, "api_url": self.url, "timeout": 5.0, **SECRETS[kind], **settings}
        return ApiAdapter(made_api(PROVIDER_KINDS[kind](**given), "default"))

    def items(self) -> list[dict]:
        """Every mail of every call, in one form for all providers."""
        return [mail for call in self.calls for mail in mails_of(self.kind, call)]

    def take(self, call) -> tuple[int, object]:
        """Delivers what the call holds, once for each key, and answers as the provider does."""
        _, headers, body = call
        own = body.get("headers") if isinstance(body, dict) else None
        key = headers.get("Idempotency-Key") or (own.get("idempotencyKey") if isinstance(own, dict) else None)
        known = self.keys.setdefault(key, body) if key else body
        if known != body:
            return 409, {"name": "invalid_idempotent_request", "message": "The key came with another payload."}
        if known is body:
            self.delivered += mails_of(self.kind, call) if self.kind or key else []
            time.sleep(self.slow_answer)
        return ACCEPTED[self.kind](call)

    def told(self, text: str) -> object:
        for address, told in self.play.items():
            if address in text:
                return (told.pop(0) if told else None) if isinstance(told, list) else told
        return None


_READ = {"application/x-www-form-urlencoded": parse_qs, "message/rfc822": str}


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        length = int(self.headers["Content-Length"] or 0)
        content = self.rfile.read(length)
        if len(content) < length:  # who called was killed before it had said all: no API keeps a key for that
            self.close_connection = True
            return
        raw = content.decode()
        body = _READ.get(self.headers.get("Content-Type", ""), json.loads)(raw or "null")
        server.now += 1
        server.most = max(server.most, server.now)
        call = (self.path, dict(self.headers), body)
        server.calls.append(call)
        told = server.told(json.dumps([mail["to"] for mail in mails_of(server.kind, call)]) if server.kind else raw)
        time.sleep(0.5 if told == SLOW else server.pause)
        server.now -= 1
        if told == CUT:
            self.close_connection = True
            return
        self._answer(*(told if isinstance(told, tuple) else server.take(call)))

    do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815

    def _answer(self, status: int, answer: object) -> None:
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


SECRETS = {
    "amazon-ses": {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "s3cret"},
    "postmark": {"server_token": "s3cret"},
    "mailgun": {"api_key": "s3cret"},
    "sendgrid": {"api_key": "s3cret"},
    "resend": {"api_key": "s3cret"},
    "brevo": {"api_key": "s3cret"},
    "sparkpost": {"api_key": "s3cret"},
    "mailjet": {"api_key": "public", "secret_key": "s3cret"},
    "mailersend": {"api_token": "s3cret"},
    "mandrill": {"api_key": "s3cret"},
    "postal": {"api_key": "s3cret"},
}
KINDS = tuple(SECRETS)


def _postmark(call):
    one = {"ErrorCode": 0, "Message": "OK", "MessageID": "0a129aee"}
    return 200, [one for _ in call[2]] if isinstance(call[2], list) else one


#: what each answers when it takes a mail, as its documentation shows it
ACCEPTED = {
    "amazon-ses": lambda call: (200, {"MessageId": "0100018"}),
    "postmark": _postmark,
    "mailgun": lambda call: (200, {"id": "<20260303@m.example>", "message": "Queued. Thank you."}),
    "sendgrid": lambda call: (202, ""),
    "resend": lambda call: (
        200,
        {"data": [{"id": f"id-{n}"} for n in range(len(call[2]))]} if isinstance(call[2], list) else {"id": "id-0"},
    ),
    "brevo": lambda call: (201, {"messageId": "<2026@smtp-relay.example>"}),
    "sparkpost": lambda call: (
        200,
        {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "11668787484950529"}},
    ),
    "mailjet": lambda call: (
        200,
        {"Messages": [{"Status": "success", "To": [{"MessageID": 1}]} for _ in (call[2] or {}).get("Messages", ())]},
    ),
    "mailersend": lambda call: (202, ""),
    "mandrill": lambda call: (200, [{"email": "a@b.example", "status": "sent", "_id": "1", "reject_reason": None}]),
    "postal": lambda call: (200, {"status": "success", "data": {"messages": {"a@b.example": {"id": 1}}}}),
    "": lambda call: (200, {"ok": True}),
}

#: the fields that each provider's documentation has for one mail
FIELDS = {
    "amazon-ses": {"Content", "Destination", "ConfigurationSetName"},
    "postmark": {
        "From",
        "To",
        "Subject",
        "TextBody",
        "HtmlBody",
        "ReplyTo",
        "Headers",
        "Tag",
        "Metadata",
        "MessageStream",
        "TrackOpens",
        "TrackLinks",
    },
    "mailgun": {"from", "to", "subject", "text", "html", "o:tag", "o:tracking-clicks", "o:tracking-opens"},
    "sendgrid": {
        "personalizations",
        "from",
        "reply_to_list",
        "subject",
        "content",
        "headers",
        "categories",
        "custom_args",
        "tracking_settings",
    },
    "resend": {"from", "to", "subject", "text", "html", "headers", "reply_to"},
    "brevo": {"sender", "to", "subject", "textContent", "htmlContent", "headers", "tags", "replyTo"},
    "sparkpost": {"content", "recipients", "campaign_id", "metadata", "options"},
    "mailjet": {
        "From",
        "To",
        "Subject",
        "TextPart",
        "HTMLPart",
        "Headers",
        "CustomCampaign",
        "EventPayload",
        "ReplyTo",
        "TrackOpens",
        "TrackClicks",
    },
    "mailersend": {
        "from",
        "to",
        "subject",
        "text",
        "html",
        "reply_to",
        "tags",
        "precedence_bulk",
        "settings",
        "list_unsubscribe",
        "headers",
    },
    "mandrill": {
        "from_email",
        "from_name",
        "to",
        "subject",
        "text",
        "html",
        "headers",
        "tags",
        "metadata",
        "track_opens",
        "track_clicks",
    },
    "postal": {"from", "to", "subject", "plain_body", "html_body", "headers", "tag", "reply_to"},
}


def mails_of(kind: str, call) -> list[dict]:
    """The mails of a call: to, sender, subject, text, html, headers, tag, delivery, reply_to, and the raw fields."""
    _, _headers, body = call
    if not body or (kind == "mandrill" and "message" not in body):
        return []
    found = body if isinstance(body, list) else body["Messages"] if kind == "mailjet" else [body]
    return [{**_MAIL[kind](each), "fields": each} for each in found]


def _mail(to, sender, subject, text, html, headers, tag="", delivery="", reply_to=""):
    return {
        "to": to,
        "sender": sender,
        "subject": subject,
        "text": text,
        "html": html,
        "reply_to": reply_to,
        "headers": {name.lower(): value for name, value in headers.items()},
        "tag": tag,
        "delivery": delivery,
    }


def _ses(call):
    parsed = message_from_bytes(base64.b64decode(call["Content"]["Raw"]["Data"]), policy=policy.default)
    return _mail(
        ", ".join(call["Destination"]["ToAddresses"]),
        str(parsed["from"]),
        str(parsed["subject"]),
        parsed.get_body(("plain",)).get_content(),
        parsed.get_body(("html",)).get_content(),
        {name: str(value) for name, value in parsed.items()},
        str(parsed["x-tag"]),
        json.loads(parsed["x-metadata"])["delivery"],
        str(parsed["reply-to"]),
    )


_MAIL = {
    "amazon-ses": _ses,
    "postmark": lambda b: _mail(
        b["To"],
        b["From"],
        b["Subject"],
        b["TextBody"],
        b["HtmlBody"],
        {each["Name"]: each["Value"] for each in b["Headers"]},
        b["Tag"],
        b["Metadata"]["delivery"],
        b["ReplyTo"],
    ),
    "mailgun": lambda b: _mail(
        b["to"][0],
        b["from"][0],
        b["subject"][0],
        b["text"][0],
        b["html"][0],
        {name[2:]: value[0] for name, value in b.items() if name.startswith("h:")},
        b["o:tag"][0],
        b["v:delivery"][0],
        b["h:Reply-To"][0],
    ),
    "sendgrid": lambda b: _mail(
        ", ".join(each["email"] for each in b["personalizations"][0]["to"]),
        b["from"]["email"],
        b["subject"],
        b["content"][0]["value"],
        b["content"][1]["value"],
        b["headers"],
        b["categories"][0],
        b["custom_args"]["delivery"],
        b["reply_to_list"][0]["email"],
    ),
    "resend": lambda b: _mail(
        ", ".join(b["to"]),
        b["from"],
        b["subject"],
        b["text"],
        b["html"],
        b["headers"],
        json.loads(b["headers"]["X-Tags"])[0],
        json.loads(b["headers"]["X-Metadata"])["delivery"],
        b["reply_to"][0],
    ),
    "brevo": lambda b: _mail(
        ", ".join(each["email"] for each in b["to"]),
        b["sender"]["email"],
        b["subject"],
        b["textContent"],
        b["htmlContent"],
        b["headers"],
        b["tags"][0],
        json.loads(b["headers"]["X-Mailin-custom"])["delivery"],
        b["replyTo"]["email"],
    ),
    "sparkpost": lambda b: _mail(
        ", ".join(each["address"]["email"] for each in b["recipients"]),
        b["content"]["from"],
        b["content"]["subject"],
        b["content"]["text"],
        b["content"]["html"],
        b["content"]["headers"],
        b["campaign_id"],
        b["metadata"]["delivery"],
        b["content"]["reply_to"],
    ),
    "mailjet": lambda b: _mail(
        ", ".join(each["Email"] for each in b["To"]),
        b["From"]["Email"],
        b["Subject"],
        b["TextPart"],
        b["HTMLPart"],
        b["Headers"],
        b["CustomCampaign"],
        json.loads(b["EventPayload"])["delivery"],
        b["ReplyTo"]["Email"],
    ),
    "mailersend": lambda b: _mail(
        ", ".join(each["email"] for each in b["to"]),
        b["from"]["email"],
        b["subject"],
        b["text"],
        b["html"],
        {each["name"]: each["value"] for each in b.get("headers", ())},
        b["tags"][0],
        "",
        b["reply_to"]["email"],
    ),
    "mandrill": lambda b: _mail(
        ", ".join(each["email"] for each in b["message"]["to"]),
        b["message"]["from_email"],
        b["message"]["subject"],
        b["message"]["text"],
        b["message"]["html"],
        b["message"]["headers"],
        b["message"]["tags"][0],
        b["message"]["metadata"]["delivery"],
        b["message"]["headers"]["Reply-To"],
    ),
    "postal": lambda b: _mail(
        ", ".join(b["to"]),
        b["from"],
        b["subject"],
        b["plain_body"],
        b["html_body"],
        b["headers"],
        b["tag"],
        "",
        b["reply_to"],
    ),
    "": lambda b: _mail(b["to"], b["from"], b["subject"], b["text"], b["html"], b["headers"]),
}
