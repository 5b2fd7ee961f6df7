"""A workspace, its readers, the pages as they are served, and a real browser."""

import re
import shutil
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import waitress
from django.core.wsgi import get_wsgi_application
from django.db import connections
from playwright.sync_api import expect, sync_playwright
from tests.installed import CHROMIUM

from broadsheet import notices, pipeline
from broadsheet.audience import interest_set
from broadsheet.models import Article, Campaign, Delivery, Edition, Subscriber, Subscription, Tag, Variant
from broadsheet.sending.inbox import MailFolder
from broadsheet.workspace import Workspace

TEMPLATES = Path(__file__).parents[2] / "templates"
#: How long a page may take, in milliseconds, before it counts as one that does not come: on a busy machine, long.
PATIENCE = 90_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def workspace(tmp_path, settings, monkeypatch):
    """A small workspace of its own."""
    monkeypatch.delenv("BROADSHEET_STATE", raising=False)
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "broadsheet.toml").write_text(
        '[site]\nname = "Stillwater"\nurl = "https://stillwater.example"\ntime_zone = "Europe/Berlin"\n'
        'postal_address = "Stillwater Clinic, 12 Harbour Lane, 24103 Kiel, Germany"\n'
    )
    (tmp_path / "subscribers" / "lists.yaml").write_text(
        "lists:\n"
        "  newsletter: {title: Stillwater Weekly, description: New articles every Tuesday., welcome: notice}\n"
        "  letters: {title: A Letter from the Clinic}\n"
        "  at-once: {title: The Short One, opt_in: single}\n"
        "  friends: {title: Friends of the Clinic, public: false}\n"
    )
    for name in ("shared", "notice"):
        shutil.copytree(TEMPLATES / name, tmp_path / "templates" / name)
    settings.WORKSPACE = Workspace(tmp_path)
    return settings.WORKSPACE


@pytest.fixture
def ada(db, workspace):
    """Ada, her two lists, and an edition of the newsletter that she got."""
    now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    reader = Subscriber.objects.create(
        email="ada@reader.example",
        email_key="ada@reader.example",
        first_name="Ada",
        last_name="Lovelace",
        interests=interest_set(["sleep"]),
        created_at=now,
    )
    for list_name in ("newsletter", "letters"):
        Subscription.objects.create(subscriber=reader, list_name=list_name, state="subscribed", consent_at=now)
    edition = Edition.objects.create(
        campaign=Campaign.objects.create(slug="weekly-digest"),
        scheduled_for=now,
        list_name="newsletter",
        adapter="default",
        mail_from="hello@news.stillwater.example",
        mail_domain="news.stillwater.example",
        public_url="http://127.0.0.1:8000",
        content_hash="0" * 64,
    )
    variant = Variant.objects.create(edition=edition, key="v", message=b"")
    Delivery.objects.create(edition=edition, subscriber=reader, variant=variant, state="sent", at=now)
    article = Article.objects.create(slug="a", title="A", url="https://stillwater.example/a", language="en")
    article.tags.set(Tag.objects.create(name=name) for name in ("chronic pain", "movement", "sleep"))
    return SimpleNamespace(
        reader=reader,
        edition=edition,
        path=lambda purpose: f"/{purpose}/{pipeline.signer().make(purpose, edition.pk, reader.pk)}",
        state=lambda list_name: Subscription.objects.get(subscriber=reader, list_name=list_name).state,
    )


@pytest.fixture
def folder(workspace):
    """The workspace's local inbox."""
    return MailFolder(workspace.state / "inbox")


@pytest.fixture
def written(workspace, folder, db):
    """Carries out what the pages left to be done; the mails that were written since last time, oldest first."""
    seen = set()

    def written():
        notices.carry_out(workspace)
        names = sorted({path.name for path in folder.path.glob("*.eml")} - seen)
        seen.update(names)
        mails = [message_from_bytes((folder.path / name).read_bytes(), policy=policy.default) for name in names]
        return sorted(mails, key=lambda mail: mail["Message-ID"])

    return written


@pytest.fixture
def link_in():
    """The path behind the button of a notice."""

    def link(mail, purpose):
        text = mail.get_body(("plain",)).get_content()
        (path,) = set(re.findall(rf"http://127\.0\.0\.1:8000(/{purpose}/\S+)", text))
        return path

    return link


MAIL_HTML = """<!doctype html>
<html lang="en"><head><meta name="color-scheme" content="light dark"><style>
body { margin: 0; background: #ffffff; color: #111111; font-family: Georgia, serif }
#card { padding: 24px }
@media (prefers-color-scheme: dark) { body { background: #101010 !important; color: #eeeeee !important } }
@media (max-width: 500px) { #card { padding: 8px } }
</style></head>
<body><div id="card"><h1>Tide lines</h1><p>Grüße from the harbour. <a id="out" href="/inbox/">Read on</a></p>
<script>document.title = "run"; document.getElementById("card").id = "owned"</script>
<img id="picture" src="cid:pic@x" alt="A harbour" width="120" height="60" onerror="this.id='owned'"></div></body></html>
"""


@pytest.fixture
def put(folder):
    """Put a mail into the inbox; its name."""

    def put(subject="Tide lines", to="ada@reader.example", text="Grüße from the harbour.", html=MAIL_HTML):
        message = EmailMessage()
        message["From"] = "Stillwater <hello@news.stillwater.example>"
        message["To"] = to
        message["Subject"] = subject
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
            picture = b"\x89PNG\r\n\x1a\n" + b"not really"
            message.get_payload()[1].add_related(picture, "image", "png", cid="<pic@x>", filename="harbour.png")
            message.add_attachment("<b>x</b>", subtype="html", filename='no"te\u2026.html')
        return folder.add("bounce@news.stillwater.example", [to], message.as_bytes(policy=SMTPUTF8))

    return put


@contextmanager
def served(application):
    """Serve a WSGI application with waitress, as the commands do; its address."""
    sockets: dict[int, Any] = {}
    server = waitress.create_server(application, map=sockets, host="127.0.0.1", port=0, threads=1)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    def stop():
        for each in list(sockets.values()):
            each.close()

    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(stop)  # in its own thread, which may be looking at them
        thread.join(60)
        server.task_dispatcher.shutdown(timeout=60)  # what is asked still uses the test's database


@pytest.fixture
def inbox_site(workspace):
    """The inbox as `broadsheet inbox` serves it; its address."""
    from broadsheet.web.inbox.wsgi import application  # needs Django to be set up

    with served(application) as address:
        yield address


@pytest.fixture
def public_site(db, workspace):
    """The public pages as `broadsheet serve` serves them, in the test's own transaction; their address."""
    application = get_wsgi_application()

    def in_our_transaction(environ, start_response):
        connections["default"] = connection
        return application(environ, start_response)

    connection = connections["default"]
    connection.inc_thread_sharing()
    try:
        with served(in_our_transaction) as address:
            yield address
    finally:
        connection.dec_thread_sharing()


@pytest.fixture(scope="module")
def browser():
    """Chromium. Playwright runs an event loop in this thread as long as it is open, so a module at a time."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # tests query while that loop runs; they await nothing
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield chromium
        chromium.close()


def complaints(page):
    """What the browser complains about on this page from now on."""
    found = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def has_come(page):
    """Wait until the page is loaded, with its scripts, and every part that it asks for by itself is in."""
    page.wait_for_load_state()  # htmx has asked for them by then
    expect(page.locator(".htmx-request")).to_have_count(0)


@pytest.fixture
def open_page(browser):
    """Open an address in a fresh browser profile; no page may ask for anything from elsewhere."""
    contexts = []

    def open_page(address, width=1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
