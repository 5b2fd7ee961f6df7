"""What the doctor finds, asked against a DNS server, providers' APIs and pages of the tests' own."""

import base64
import json
import os
import socketserver
import subprocess
import sys
import threading
from datetime import timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.utils import timezone
from tests.sending.api import KINDS, SECRETS, Api

from broadsheet.conf import PROVIDER_KINDS
from broadsheet.doctor import Names, Record, examine, records
from broadsheet.doctor.domain import examine_domain
from broadsheet.errors import AdapterFailed
from broadsheet.models import EditionMove, HookCall, HookRefusals, SourceState
from broadsheet.sending.adapters.providers import made_api
from broadsheet.workspace import Workspace

DOMAIN = "news.stillwater.example"


def _record(bits):
    key = (
        rsa.generate_private_key(65537, bits).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(key).decode()


KEY = _record(2048)
GOOD = {
    (DOMAIN, "TXT"): ["v=spf1 include:spf.provider.example ~all", "something else"],
    (f"s1._domainkey.{DOMAIN}", "TXT"): [KEY],
    ("_dmarc.stillwater.example", "TXT"): ["v=DMARC1; p=quarantine"],
    (DOMAIN, "MX"): ["10 mx.stillwater.example."],
    ("mx.stillwater.example", "A"): ["192.0.2.7"],
}


class _Question(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        question = dns.message.from_wire(data)
        [asked] = question.question
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        records = self.server.records
        if (name, kind) in records:
            texts = records[name, kind]
            if kind == "TXT":
                texts = [" ".join(json.dumps(text[i : i + 200]) for i in range(0, len(text), 200)) for text in texts]
            answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, texts))
        elif not any(each == name for each, _ in records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        socket.sendto(answer.to_wire(), self.client_address)


@pytest.fixture
def names():
    """A DNS server on loopback with good records, which a test may change, and what asks it."""
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Question) as server:
        server.records = dict(GOOD)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        asking = Names(f"127.0.0.1:{server.server_address[1]}", asks_for_made_up=True)
        yield asking, server.records
        server.shutdown()


def looked_up(workspace, names, *selectors):
    return {check.check: (check.ok, check.detail) for check in examine_domain(workspace.config, names, selectors)}


def test_a_domain_that_is_set_up_is_well(workspace, names):
    found = looked_up(workspace, names[0], "s1")
    assert {name: ok for name, (ok, _) in found.items()} == {"spf": True, "dkim": True, "dmarc": True, "mx": True}
    assert "2048 bits" in found["dkim"][1]


@pytest.mark.parametrize(
    ("name", "kind", "records", "check", "words"),
    [
        (DOMAIN, "TXT", [], "spf", "publish a TXT record"),
        (DOMAIN, "TXT", ["v=spf1 a ~all", "v=spf1 mx ~all"], "spf", "merge them"),
        (DOMAIN, "TXT", ["v=spf1 a +all"], "spf", "lets anybody send"),
        (DOMAIN, "TXT", ["v=spf1 a"], "spf", "add ~all"),
        (DOMAIN, "TXT", ["v=spf1 " + "include:x.example " * 11 + "~all"], "spf", "11 lookups"),
        (f"s1._domainkey.{DOMAIN}", "TXT", [], "dkim", "publish the record"),
        (f"s1._domainkey.{DOMAIN}", "TXT", ["v=DKIM1; p="], "dkim", "withdrawn"),
        (f"s1._domainkey.{DOMAIN}", "TXT", ["v=DKIM1; p=AAAA"], "dkim", "can't be read"),
        (f"s1._domainkey.{DOMAIN}", "TXT", ["v=DKIM1; p=*broken*"], "dkim", "can't be read"),
        ("_dmarc.stillwater.example", "TXT", [], "dmarc", "v=DMARC1; p=none"),
        ("_dmarc.stillwater.example", "TXT", ["v=DMARC1; rua=mailto:a@b.example"], "dmarc", "no policy"),
        ("_dmarc.stillwater.example", "TXT", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "dmarc", "leave one"),
        (DOMAIN, "MX", [], "mx", "publish one"),
        (DOMAIN, "MX", ["0 ."], "mx", "takes no mail"),
        (DOMAIN, "MX", ["10 nowhere.example."], "mx", "has no address"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_change(workspace, names, name, kind, records, check, words):
    asking, served = names
    served[name, kind] = records
    if not records:
        del served[name, kind]
    ok, detail = looked_up(workspace, asking, "s1")[check]
    assert not ok
    assert words in detail


def test_a_short_key_is_told_and_other_kinds_of_key_are_fine(workspace, names):
    asking, served = names
    served[f"s1._domainkey.{DOMAIN}", "TXT"] = [_record(1024)]
    assert "2048 would be better" in looked_up(workspace, asking, "s1")["dkim"][1]
    served[f"s1._domainkey.{DOMAIN}", "TXT"] = ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
    assert looked_up(workspace, asking, "s1")["dkim"] == (True, f"s1._domainkey.{DOMAIN} holds a key (ed25519)")


@pytest.mark.parametrize(
    ("adapter", "ok", "words"),
    [
        ('kind = "sendgrid"', True, "s1._domainkey"),
        ('kind = "resend"', False, "resend under _domainkey"),
        ('kind = "postmark"', True, "run again with --selector"),
        ('kind = "smtp"\nprovider = "mailgun"', True, "s1._domainkey"),
    ],
)
def test_a_providers_own_selectors_are_known(workspace, write, names, adapter, ok, words):
    write("broadsheet.toml", f'[sender]\nemail = "hello@{DOMAIN}"\n[adapters.default]\n{adapter}\n')
    found = looked_up(Workspace(workspace.root), names[0])["dkim"]
    assert found[0] is ok
    assert words in found[1]


def test_a_mail_servers_address_has_a_name_that_leads_back(workspace, write, names):
    asking, served = names
    write(
        "broadsheet.toml",
        f'[sender]\nemail = "hello@{DOMAIN}"\n[adapters.own]\nkind = "smtp"\nhost = "mx.stillwater.example"\n',
    )
    own = Workspace(workspace.root)
    assert "has no name" in looked_up(own, asking)["ptr of own"][1]
    served["7.2.0.192.in-addr.arpa", "PTR"] = ["elsewhere.example."]
    assert "does not lead back" in looked_up(own, asking)["ptr of own"][1]
    served["7.2.0.192.in-addr.arpa", "PTR"] = ["mx.stillwater.example."]
    assert looked_up(own, asking)["ptr of own"][0]


def test_a_resolver_that_does_not_answer_is_one_clear_sentence_for_each(workspace, monkeypatch):
    monkeypatch.setattr("broadsheet.doctor.names._SECONDS", 0.2)
    found = looked_up(workspace, Names("127.0.0.1:1", asks_for_made_up=True), "s1")
    assert not any(ok for ok, _ in found.values())
    assert all("can't be looked up" in detail and "--resolver" in detail for _, detail in found.values())


ADAPTERS = """
[sender]
email = "hello@news.stillwater.example"
reply_to = "editors@stillwater.example"
bounce_domain = "back.stillwater.example"
[public]
url = "https://pages.stillwater.example"
[bounces]
listen = "127.0.0.1:2424"
[adapters.default]
kind = "mailgun"
[adapters.relay]
kind = "smtp"
host = "127.0.0.1"
dkim_domain = "news.stillwater.example"
dkim_selector = "own"
dkim_key_file = "key.pem"
[adapters.other]
kind = "smtp"
host = "192.0.2.9"
[adapters.third]
kind = "smtp"
provider = "brevo"
"""
OURS = "include:mailgun.org a:pages.stillwater.example ip4:192.0.2.9 include:spf.brevo.com"


@pytest.mark.parametrize(
    ("there", "value"),
    [
        ([], f"v=spf1 {OURS} ~all"),
        (["v=spf1 a ip4:192.0.2.9 ?all"], "v=spf1 a ip4:192.0.2.9 include:mailgun.org a:pages.stillwater.example include:spf.brevo.com ~all"),
        (["v=spf1 a -all", "v=spf1 mx a ~all"], f"v=spf1 a mx {OURS} -all"),
    ],
)  # fmt: skip
def test_the_spf_record_to_paste_holds_what_is_there_and_what_the_adapters_need(workspace, write, names, there, value):
    write("broadsheet.toml", ADAPTERS)
    asking, served = names
    served.pop((DOMAIN, "TXT"))
    served |= {(DOMAIN, "TXT"): there} if there else {}
    found = {check.check: check for check in examine_domain(Workspace(workspace.root).config, asking, ())}
    assert found["spf"].record == Record(DOMAIN, "TXT", value)


def test_records_to_paste_for_dkim_dmarc_and_the_return_paths(workspace, write, names):
    key = rsa.generate_private_key(65537, 2048)
    write("key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write("broadsheet.toml", ADAPTERS)
    own, (asking, served) = Workspace(workspace.root), names
    served["_dmarc.stillwater.example", "TXT"] = ["v=DMARC1; rua=mailto:a@b.example"]

    def looked():
        return {check.check: check for check in examine_domain(own.config, asking, (), records.dkim(own))}

    found = looked()
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    wanted = Record(f"own._domainkey.{DOMAIN}", "TXT", f"v=DKIM1; k=rsa; p={public}")
    assert found["dkim"].record == wanted
    assert found["dmarc"].record == Record(
        "_dmarc.stillwater.example", "TXT", "v=DMARC1; p=none; rua=mailto:a@b.example"
    )
    assert found["mx of back.stillwater.example"].record == Record(
        "back.stillwater.example", "MX", "10 pages.stillwater.example."
    )
    assert found["spf of back.stillwater.example"].record.value == f"v=spf1 {OURS} ~all"
    assert found["mx"].record is None, "it is well"
    del served["_dmarc.stillwater.example", "TXT"]
    served[wanted.name, "TXT"] = [wanted.value]
    found = looked()
    assert found["dmarc"].record == Record(
        f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=none; rua=mailto:editors@stillwater.example"
    )
    assert (found["dkim"].ok, found["dkim"].record) == (True, None), "what was pasted is found"


def test_made_up_domains_are_not_asked_for(workspace):
    [check] = examine_domain(workspace.config, Names("127.0.0.1:1"), ())
    assert (check.check, check.ok) == ("sender", False)
    assert "set `sender.email`" in check.detail


#: what each answers to a key that works, and what is told of it
WORKS = {
    "postmark": ((200, {"Name": "Letters"}), "/server", "server Letters"),
    "mailgun": ((400, {"message": "from parameter is missing"}), "/m.example/messages", "the key works"),
    "sendgrid": ((200, {"scopes": ["mail.send"]}), "/scopes", "the key works"),
    "resend": ((401, {"name": "restricted_api_key", "message": "only send"}), "/domains", "the key works"),
    "brevo": ((200, {"plan": [{"type": "free", "credits": 300}]}), "/account", "credits 300"),
    "sparkpost": ((403, {"errors": [{"message": "Forbidden."}]}), "/account", "the key works"),
    "mailjet": ((200, {"Data": [{"Username": "x@y.example"}]}), "/v3/REST/user", "account x@y.example"),
    "mailersend": ((200, {"quota": 1000, "remaining": 999}), "/api-quota", "left 999"),
    "mandrill": ((200, {"hourly_quota": 250, "reputation": 60, "backlog": 0}), "/users/info.json", "an hour 250"),
    "postal": ((200, {"status": "error", "data": {"code": "MessageNotFound"}}), "/messages/message", "the key works"),
    "amazon-ses": (
        (200, {"SendingEnabled": True, "SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": 50000.0}}),
        "/v2/email/account",
        "a second 14.0",
    ),
}
REFUSED = {
    "mandrill": (500, {"status": "error", "name": "Invalid_Key", "message": "Invalid API key"}),
    "postal": (200, {"status": "error", "data": {"code": "InvalidServerAPIKey", "message": "no"}}),
    "amazon-ses": (403, {"__type": "UnrecognizedClientException", "message": "The security token is invalid"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_provider_is_asked_whether_the_key_works_and_sends_nothing(kind):
    settings = PROVIDER_KINDS[kind]
    with Api() as server:
        adapter = made_api(settings(**{"kind": kind, "api_url": server.url, **SECRETS[kind]}), "default")
        answer, path, words = WORKS[kind]
        server.play = {"": answer}
        adapter.open()
        assert words in adapter.login("news@m.example")
        assert server.calls[0][0].endswith(path)
        assert "s3cret" in json.dumps([server.calls[0][1], server.calls[0][2]]) or "Authorization" in server.calls[0][1]
        server.play = {"": REFUSED.get(kind, (401, {"message": "Bad key"}))}
        with pytest.raises(AdapterFailed, match="check its key") as caught:
            adapter.login("news@m.example")
        assert caught.value.permanent
        adapter.close()


@pytest.mark.django_db
def test_what_fails_inside_is_found(workspace, settings, freeze, monkeypatch, write, names):
    write(
        "broadsheet.toml",
        '[public]\nurl = "http://127.0.0.1:1"\n[adapters.default]\nkind = "postmark"\n[adapters.box]\nkind = "folder"\n',
    )
    write("campaigns/broken.md", "---\nnmae: x\n---\n")
    monkeypatch.setenv("BROADSHEET_ADAPTERS_DEFAULT_WEBHOOK_SECRET", "a:b")
    settings.WORKSPACE = own = Workspace(workspace.root)
    own.state.mkdir(exist_ok=True)
    SourceState.objects.create(place="https://feed.example/x", name="Feed", reason="answers 404")
    HookCall.objects.create(adapter="default", body=b"{}", received_at=timezone.now() - timedelta(hours=1))
    HookRefusals.objects.create(adapter="default", times=3, last_at=timezone.now())
    found = {check.check: check for check in examine(own, Names())}
    wrong = {name for name, check in found.items() if not check.ok}
    assert wrong == {
        "workspace",
        "adapter default",
        "source Feed",
        "webhook default",
        "sender",
        "public address",
        "one click",
    }
    assert "did you mean `name`" in found["workspace"].detail
    assert "BROADSHEET_ADAPTERS_DEFAULT_SERVER_TOKEN" in found["adapter default"].detail
    assert "3 refused" in found["webhook default"].detail
    assert "1 calls wait" in found["webhook default"].detail
    assert found["adapter box"].ok


@pytest.mark.django_db
def test_a_clock_set_back_is_told(workspace, freeze):
    freeze("weekly")
    EditionMove.objects.update(at=timezone.now() + timedelta(hours=2))
    workspace.state.mkdir(exist_ok=True)
    found = {check.check: check for check in examine(workspace, Names())}
    assert not found["clock"].ok


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [((200, "fine"), True, "without a redirect"), ((302, ""), False, "is redirected (302)"), ((404, ""), False, "not known"), ((500, ""), False, "it must be 200")],
)  # fmt: skip
def test_a_click_to_leave_is_tried_on_nobody(workspace, write, answer, ok, words):
    with Api() as server:
        write("broadsheet.toml", f'[public]\nurl = "{server.url}"\n')
        own = Workspace(workspace.root)
        own.state.mkdir(exist_ok=True)
        server.play = {"One-Click": answer}
        found = {check.check: check for check in examine(own, Names())}
        assert found["one click"].ok is ok
        assert words in found["one click"].detail
        assert server.calls[-1][2] == {"List-Unsubscribe": ["One-Click"]}


def test_the_command_says_json_and_its_exit_code(workspace):
    environment = {**os.environ, "BROADSHEET_WORKSPACE": str(workspace.root)}
    command = [sys.executable, "-m", "broadsheet", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {"database", "disk", "clock", "workspace", "adapter default"} <= {
        each["check"] for each in found if each["ok"]
    }
    assert all(set(each) == {"check", "ok", "detail", "record"} for each in found)
