"""Settings in the console: what is in force and where it comes from, nothing secret, and trying things out."""

import re
import socket
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.utils import timezone
from tests.doctor.test_doctor import ADAPTERS, DOMAIN, names
from tests.sending.servers import MailServer

from broadsheet.models import Audit, HookCall, HookRefusals, Outgoing, Role
from broadsheet.sending.inbox import MailFolder
from broadsheet.web.console.settings import adapters, doctor, values, views
from broadsheet.web.console.settings.waiting import within
from broadsheet.workspace import Workspace

__all__ = ["names"]

SECRET = "s3cret-of-ours"
SETTINGS = """
[adapters.default]
kind = "smtp"
host = "127.0.0.1"
port = 1
security = "none"
user = "news"
connect_timeout = 2
patience = 1
[adapters.api]
kind = "http"
url = "https://someone:hunter2@api.stillwater.example/send?token=hunter2"
headers = {Authorization = "Bearer hunter2"}
body = '{"key": "hunter2"}'
[adapters.gun]
kind = "mailgun"
[adapters.box]
kind = "folder"
path = ".broadsheet/inbox"
[pace.default]
per_second = 20
per_day = 50000
[webhooks.crm]
url = "https://crm.stillwater.example/hooks/hunter2?key=hunter2"
events = ["edition.sent"]
[bounces.mailboxes.main]
kind = "imap"
host = "imap.stillwater.example"
user = "bounces"
"""
SECRETS = {
    "BROADSHEET_ADAPTERS_DEFAULT_PASSWORD": SECRET,
    "BROADSHEET_ADAPTERS_GUN_API_KEY": SECRET,
    "BROADSHEET_WEBHOOKS_CRM_SECRET": SECRET,
    "BROADSHEET_BOUNCES_MAILBOXES_MAIN_PASSWORD": SECRET,
    "BROADSHEET_METRICS_TOKEN": SECRET,
}
PAGES = ("", "/adapters", "/doctor", "/doctor/now", "/webhooks", "/all", "/running", "/audit")


@pytest.fixture(autouse=True)
def _nothing_is_kept(db):
    cache.clear()


@pytest.fixture
def set_up(workspace, write, settings, monkeypatch):
    """The workspace with adapters, a webhook and secrets in the environment."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BROADSHEET_SITE_NAME", "From outside")
    write("broadsheet.toml", (workspace.root / "broadsheet.toml").read_text() + SETTINGS)
    settings.WORKSPACE = Workspace(workspace.root)
    return settings.WORKSPACE


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# What is shown


@pytest.mark.parametrize("role", list(Role))
def test_no_page_shows_a_secret_to_anybody(as_role, set_up, role, monkeypatch):
    monkeypatch.setenv("BROADSHEET_BROKER", f"amqp://someone:{SECRET}@broker.example//")
    monkeypatch.setenv("BROADSHEET_DATABASE", f"postgresql://someone:{SECRET}@db.example/x")
    monkeypatch.setenv("BROADSHEET_SECRET_KEY", SECRET)
    Outgoing.objects.create(endpoint="crm", kind="edition.sent", message_id="m", payload={}, created_at=timezone.now())
    browser = as_role(role)
    for page in PAGES:
        text = browser.get(f"/console/settings{page}").content.decode()
        assert SECRET not in text, page
        assert "hunter2" not in text, page


def test_a_secret_is_said_to_be_set_or_missing(as_role, set_up):
    page = said(as_role("viewer").get("/console/settings/adapters"))
    assert "Password Set BROADSHEET_ADAPTERS_DEFAULT_PASSWORD" in page
    assert "API key Set" in page
    assert "Webhook secret Missing" in page
    assert "DKIM" not in page, "it does not sign"


def test_each_value_says_which_line_variable_or_default_it_comes_from(set_up):
    found = {each.name: (each.shown, each.origin) for each in values.values(set_up)}
    text = (set_up.root / "broadsheet.toml").read_text().split("\n")
    line = text.index('user = "news"') + 1
    assert found["adapters.default.user"] == ("news", f"broadsheet.toml, line {line}")
    assert found["site.name"] == ("From outside", "BROADSHEET_SITE_NAME")
    assert found["site.language"] == ("en", "default")
    assert found["sources.1.path"][0] == "articles"
    assert found["sources.1.path"][1].startswith("broadsheet.toml, line ")
    assert found["adapters.default.password"] == ("set", "BROADSHEET_ADAPTERS_DEFAULT_PASSWORD")
    assert found["bounces.every"] == ("5m", "default")
    assert found["adapters.api.url"][0] == "https://api.stillwater.example/…"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a:b@x.example:8443/p?q=1#f", "https://x.example:8443/p?…"),
        ("amqp://u:p@[::1]:5672//", "amqp://[::1]:5672//"),
        ("https://[broken", "an address that can't be read"),
        ("https://x.example:port/", "an address that can't be read"),
        ("Stillwater", "Stillwater"),
    ],
)
def test_logins_and_queries_are_left_out_of_addresses(address, shown):
    assert values.without_secrets(address) == shown


def test_a_file_that_changed_or_broke_since_the_start_is_told(as_role, set_up, write):
    browser = as_role("viewer")
    assert "since this server started" not in said(browser.get("/console/settings"))
    write("broadsheet.toml", (set_up.root / "broadsheet.toml").read_text() + "\n# a comment\n")
    assert "since this server started" not in said(browser.get("/console/settings"))
    write("broadsheet.toml", (set_up.root / "broadsheet.toml").read_text().replace("per_second = 20", "per_second = 2"))
    assert "was changed since this server started" in said(browser.get("/console/settings"))
    write("broadsheet.toml", "[site\n")
    page = browser.get("/console/settings/all")
    assert page.status_code == 200
    assert "can&#x27;t be read as it is now" in page.content.decode()
    assert "line 1: not valid TOML" in said(page)


def test_senders_of_lists_say_whether_they_are_their_own(as_role, workspace, write, settings):
    write(
        "subscribers/lists.yaml",
        "lists:\n  newsletter: {title: Weekly, sender: {email: w@news.stillwater.example}, reply_to: r@x.example}\n"
        "  letters: {title: Letters}\n",
    )
    settings.WORKSPACE = Workspace(workspace.root)
    page = said(as_role("viewer").get("/console/settings"))
    assert "w@news.stillwater.example r@x.example" in page
    assert page.count("as above") == 2


def test_what_runs_is_told_with_versions(as_role, set_up):
    page = said(as_role("viewer").get("/console/settings/running"))
    for words in (r"Broadsheet \d+\.\d+", r"CPython 3\.\d+", r"Django 5\.2", r"(SQLite|PostgreSQL) \d+", "none left"):
        assert re.search(words, page), words
    assert "broadsheet run or scheduler" in page


def test_without_adapters_the_local_inbox_is_what_counts(as_role, workspace):
    page = said(as_role("viewer").get("/console/settings/adapters"))
    assert "the local inbox" in page
    assert "nothing leaves this machine" in page


# Trying


@pytest.fixture
def caught(set_up, settings, write):
    """A mail server on loopback that the default adapter hands to."""
    server = MailServer()
    server.start()
    text = (set_up.root / "broadsheet.toml").read_text()
    text = text.replace("port = 1\n", f"port = {server.port}\n").replace('user = "news"\n', "")
    write("broadsheet.toml", text)
    settings.WORKSPACE = Workspace(set_up.root)
    yield server
    server.stop()


def test_a_login_is_tried_and_nothing_is_sent(as_role, caught):
    answer = as_role("publisher").post("/console/settings/adapters/default/login", headers={"HX-Request": "true"})
    assert "The login works: it opens" in said(answer)
    assert caught.tries == {}
    row = Audit.objects.get()
    assert (row.who, row.what, row.target) == ("publisher@stillwater.test", "adapter-login", "adapter default")
    assert row.after.startswith("The login works: it opens")


def test_a_mail_server_gets_one_mail_for_whoever_asks(as_role, caught):
    answer = as_role("publisher").post("/console/settings/adapters/default/mail", headers={"HX-Request": "true"})
    assert "A mail to publisher@stillwater.test was taken" in said(answer)
    assert caught.taken == {"publisher@stillwater.test": 1}
    assert b"SPF, DKIM and" in caught.mails["publisher@stillwater.test"][0]
    caught.replies["publisher@stillwater.test"] = "550 5.7.1 go away"
    answer = as_role("publisher").post("/console/settings/adapters/default/mail", headers={"HX-Request": "true"})
    assert "The mail was not taken: 550 5.7.1 go away" in said(answer)


def test_a_login_that_fails_says_why(as_role, set_up):
    browser = as_role("publisher")
    page = browser.post("/console/settings/adapters/default/login", follow=True)
    assert "can&#x27;t be reached (connection refused)" in page.content.decode()
    part = browser.post("/console/settings/adapters/gun/mail", headers={"HX-Request": "true"})
    assert 'class="note error"' in part.content.decode()
    assert SECRET not in part.content.decode()
    mail, login = Audit.objects.all()
    assert (login.what, login.target) == ("adapter-login", "adapter default")
    assert "can't be reached (connection refused)" in login.after
    assert (mail.what, mail.target) == ("adapter-mail", "adapter gun")
    assert SECRET not in mail.after


def test_a_test_mail_goes_to_whoever_asks_and_to_nobody_else(as_role, set_up):
    folder = MailFolder(set_up.root / ".broadsheet" / "inbox")
    as_role("editor").post("/console/settings/adapters/box/mail", {"to": "somebody.else@reader.example"})
    [mail] = folder.list()
    assert mail.to == ("editor@stillwater.test",)
    assert mail.subject == "[TEST] From outside can send through box"
    row = Audit.objects.get()
    assert (row.what, row.target, row.after) == ("adapter-mail", "adapter box", TAKEN)


TAKEN = "A mail to editor@stillwater.test was taken. See whether it arrives."


def test_an_adapter_that_is_not_there_is_none(as_role, set_up):
    browser = as_role("admin")
    for what in ("login", "mail"):
        assert browser.post(f"/console/settings/adapters/nobody/{what}").status_code == 404


def test_a_server_that_says_nothing_is_not_waited_for(set_up, write, settings, monkeypatch):
    monkeypatch.setattr(adapters, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = (set_up.root / "broadsheet.toml").read_text()
        write("broadsheet.toml", text.replace("port = 1\n", f"port = {silent.getsockname()[1]}\n"))
        start = time.monotonic()
        with pytest.raises(TimeoutError, match=r"There was no answer within 0\.5 seconds\."):
            adapters.login(Workspace(set_up.root), "default")
        assert time.monotonic() - start < 2


def test_what_work_gives_and_raises_comes_back():
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


# The doctor


class AtOnce(threading.Thread):
    """A thread that is none: a test's rows are seen by its own only."""

    def start(self):
        self.run()


@pytest.fixture
def look(as_role, set_up, names, monkeypatch, settings, write):
    """Has the doctor look, as a publisher, asking the tests' own DNS server; what the page says when it is done."""
    write("broadsheet.toml", ADAPTERS.replace('kind = "smtp"\nhost = "192.0.2.9"', 'kind = "folder"'))
    settings.WORKSPACE = Workspace(set_up.root)
    settings.WORKSPACE.state.mkdir(exist_ok=True)
    monkeypatch.setattr(doctor, "resolver", lambda: names[0])
    monkeypatch.setattr(doctor, "Thread", AtOnce)
    monkeypatch.setattr(doctor, "connections", SimpleNamespace(close_all=lambda: None))
    browser = as_role("publisher")

    def looked(**given):
        browser.post("/console/settings/doctor", given)
        return browser.get("/console/settings/doctor")

    return looked


def test_the_doctor_is_asked_and_what_it_found_is_there_for_everybody(look, names, as_role):
    names[1].pop((DOMAIN, "TXT"))
    page = said(look())
    assert "to be changed" in page
    assert f"{DOMAIN} has no SPF record" in page
    assert "v=spf1 include:mailgun.org a:pages.stillwater.example include:spf.brevo.com ~all" in page
    assert "for publisher@stillwater.test" in page
    viewer = as_role("viewer")
    assert f"{DOMAIN} has no SPF record" in said(viewer.get("/console/settings/doctor"))
    assert viewer.post("/console/settings/doctor").status_code == 403
    names[1][DOMAIN, "TXT"] = ["v=spf1 include:mailgun.org ~all"]
    assert f"{DOMAIN} has no SPF record" not in said(look())
    row = Audit.objects.last()
    assert (row.who, row.what, row.target) == ("publisher@stillwater.test", "doctor", "doctor")
    assert re.fullmatch(r"\d+ checks: to be changed: .*\bspf\b.*", row.after)
    assert Audit.objects.count() == 2


def test_what_ends_the_doctors_look_is_in_the_audit(look, monkeypatch):
    def breaks(*_):
        yield doctor.Check("clock", True, "right")
        raise OSError("no route to host")

    monkeypatch.setattr(doctor, "examine", breaks)
    look(selectors="mine")
    row = Audit.objects.get()
    assert (row.target, row.after) == ("doctor, selectors mine", "no route to host (after 1 check: all is well)")
    monkeypatch.setattr(doctor, "PATIENCE", timedelta(0))
    look()
    assert Audit.objects.first().after == "given up after 1 check: all is well"


def test_a_selector_is_looked_up(look, names):
    names[1]["mine._domainkey." + DOMAIN, "TXT"] = ["v=DKIM1; p="]
    assert f"the key at mine._domainkey.{DOMAIN} is withdrawn" in said(look(selectors="mine, other"))
    assert doctor.last().selectors == ("mine", "other")


def test_before_anybody_asked_nothing_is_looked_at(as_role, set_up, monkeypatch):
    monkeypatch.setattr(doctor, "examine", None)
    page = said(as_role("publisher").get("/console/settings/doctor"))
    assert "Nobody has asked yet" in page
    assert doctor.last() is None


def test_a_run_that_is_under_way_is_not_begun_twice_and_one_that_takes_too_long_is_given_up(
    as_role, set_up, monkeypatch
):
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(doctor, "_run", lambda *given: (begun.set(), go_on.wait(60)))
    browser = as_role("publisher")
    browser.post("/console/settings/doctor")
    assert begun.wait(60)
    mark = doctor.last().mark
    page = browser.post("/console/settings/doctor", follow=True)
    assert "It is looking already" in said(page)
    assert doctor.last().mark == mark
    assert 'hx-trigger="every 1s"' in page.content.decode()
    go_on.set()
    monkeypatch.setattr(doctor, "PATIENCE", timedelta(0))
    page = browser.get("/console/settings/doctor")
    assert "It was given up" in said(page)
    assert "every 1s" not in page.content.decode()


# Webhooks


def test_webhooks_show_what_became_of_their_last_posts(as_role, set_up):
    now = timezone.now()
    for number, (taken, later, reason) in enumerate(
        [(now, None, ""), (None, now, "answered 503"), (None, None, "answered 410")]
    ):
        Outgoing.objects.create(
            endpoint="crm",
            kind="edition.sent",
            message_id=f"m{number}",
            payload={"data": {"email": "ada@reader.example"}},
            attempts=2,
            taken_at=taken,
            next_at=later,
            reason=reason,
            created_at=now,
        )  # fmt: skip
    HookRefusals.objects.create(adapter="gun", times=1234, last_at=now - timedelta(hours=3))
    HookCall.objects.create(adapter="gun", body=b"{}", received_at=now, reason="no JSON")
    page = said(as_role("viewer").get("/console/settings/webhooks"))
    assert "1 taken, 1 waiting, 1 given up" in page
    assert "The last post failed: answered 410" in page
    assert "https://crm.stillwater.example/…" in page
    assert "https://news.stillwater.example/hooks/gun" in page
    assert "BROADSHEET_ADAPTERS_GUN_WEBHOOK_SECRET" in page
    assert "1,234 refused" in page
    assert "1 call could not be worked on" in page
    assert "ada@reader.example" not in page


def test_without_webhooks_the_page_says_how_to_have_some(as_role, workspace):
    page = said(as_role("viewer").get("/console/settings/webhooks"))
    assert "None. They are named in broadsheet.toml" in page
    assert "no adapter is one of a provider" in page


# The audit


@pytest.fixture
def audited(db):
    for number in range(120):
        Audit.objects.create(
            who=f"{('pia', 'ann')[number % 2]}@stillwater.test",
            what=("team", "template")[number % 3 == 0],
            target=f"thing-{number}.",
            before="<b>old</b>",
            after="new\n" * (1 + 50 * (number == 119)),
        )


def test_the_audit_is_paged_by_key_each_row_once(as_role, audited):
    browser, seen, way = as_role("admin"), [], "/console/settings/audit"
    while way:
        page = browser.get(way).content.decode()
        seen += re.findall(r"thing-(\d+)\.", page)
        more = re.search(r'href="(\?[^"]*before=\d+)"', page)
        way = f"/console/settings/audit{more[1].replace('&amp;', '&')}" if more else ""
    assert [int(each) for each in seen] == list(range(119, -1, -1))
    assert "<b>old" not in page


def test_the_audit_is_filtered_by_who_and_what(as_role, audited):
    browser = as_role("admin")
    page = browser.get("/console/settings/audit", {"who": "PIA", "what": "template"}).content.decode()
    found = [int(each) for each in re.findall(r"thing-(\d+)\.", page)]
    assert found == [number for number in range(119, -1, -1) if number % 6 == 0]
    assert "Nothing like that" in said(browser.get("/console/settings/audit", {"who": "nobody"}))
    assert "Nothing before that" in said(browser.get("/console/settings/audit", {"before": "0"}))


def test_a_search_looks_through_a_part_at_a_time_and_finds_each_once(as_role, audited, monkeypatch):
    monkeypatch.setattr(views, "STRETCH", 40)
    browser, seen, way, pages = as_role("admin"), [], "/console/settings/audit?who=pia", 0
    while way:
        page = browser.get(way).content.decode()
        pages += 1
        seen += re.findall(r"thing-(\d+)\.", page)
        more = re.search(r'href="(\?[^"]*before=\d+)"', page)
        assert bool(more) == ("Look further" in page)
        way = f"/console/settings/audit{more[1].replace('&amp;', '&')}" if more else ""
    assert [int(each) for each in seen] == list(range(118, -1, -2))
    assert pages >= 3


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "1; DROP TABLE", "²"])
def test_a_strange_key_shows_the_newest(as_role, audited, before):
    page = as_role("admin").get("/console/settings/audit", {"before": before, "who": "\0", "what": "\0"})
    assert page.status_code == 200
    assert "thing-119." in page.content.decode()


def test_only_admins_see_the_audit_and_its_link(as_role, audited):
    for role in (Role.VIEWER, Role.EDITOR, Role.PUBLISHER):
        browser = as_role(role)
        assert browser.get("/console/settings/audit").status_code == 403
        assert "Audit log" not in browser.get("/console/settings").content.decode()
    assert "Audit log" in as_role("admin").get("/console/settings").content.decode()
