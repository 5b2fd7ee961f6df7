"""Takes a picture of every screen of the console, on a phone and a desktop, light and dark.

``make screenshots`` runs it; it needs Chromium. The screens are those of the sample year (``broadsheet demo --serve``),
found in the console's table of addresses, so that a new one comes in by itself. All go to ``.broadsheet/screenshots``;
the few of :data:`SHOWN` become the pictures in ``docs/pictures``. ``ONLY=edition make screenshots`` takes those whose
name begins so.
"""

import csv
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
YEAR = ROOT / ".broadsheet" / "year"
OUT = ROOT / ".broadsheet" / "screenshots"
PICTURES = ROOT / "docs" / "pictures"

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, sync_playwright
from side_by_side import side_by_side

WIDTHS, SCHEMES = (1440, 390), ("light", "dark")
#: Pictures of the docs, each of some shots beside one another: screen, width, scheme.
SHOWN = {
    "console-today": (("today", 1440, "light"),),
    "console-compose": (("campaign-compose", 1440, "light"),),
    "console-calendar": (("calendar", 1440, "light"),),
    "console-edition": (("edition-sent", 1440, "light"),),
    "console-review": (("edition-draft", 1440, "light"),),
    "console-import": (("import-tried", 1440, "light"),),
    "console-templates": (("templates", 1440, "dark"),),
    "console-reports": (("reports", 1440, "dark"),),
    "console-phone": (("today", 390, "light"), ("edition-sent", 390, "dark"), ("reader", 390, "light")),
}
#: Pages that stand outside of the table of addresses.
BESIDE = {"account": "account/second/", "password": "account/password/"}
MOST = 150_000


@dataclass(frozen=True)
class Screen:
    """One page to take."""

    name: str
    path: str


def screens() -> list[Screen]:
    """Every page that can be read, with an example of what it is about; those without one are said aloud."""
    from django.urls import reverse

    from broadsheet.web.console.urls import ROUTES

    found = []
    for route in ROUTES:
        if route.reads is None:
            continue
        names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
        for suffix, example in examples(route.path.partition("/")[0]).items() if names else (("", None),):
            if example is None and names:
                print(f"no example for {route.path}", file=sys.stderr)  # noqa: T201
                continue
            about = {name: "template.html" if name == "file" else example for name in names}
            path = reverse(f"console-{route.name}", kwargs=about)
            found.append(Screen(f"{route.name}{suffix}", path))
    found += [Screen(name, f"/console/{path}") for name, path in BESIDE.items()]
    return found


def examples(kind: str) -> dict[str, object]:
    """Things of that kind in the sample year, by what is added to the screen's name."""
    from broadsheet.models import Article, Edition, Event, Subscriber, Upload
    from broadsheet.workspace import Workspace

    workspace = Workspace(YEAR)
    if kind == "editions":
        states = ("sent", "paused", "draft", "skipped", "cancelled")
        newest = {each: Edition.objects.filter(state=each).exclude(tracking="none").first() for each in states}
        return {f"-{state}": edition.pk for state, edition in newest.items() if edition}
    if kind == "imports":
        return {f"-{upload.state}": upload.pk for upload in Upload.objects.order_by("pk")}
    if kind == "readers":
        engaged = Event.objects.filter(kind="clicked").order_by("-pk").values_list("subscriber_id", flat=True)
        return {"": engaged.first() or Subscriber.objects.values_list("pk", flat=True).last()}
    named = {
        "campaigns": workspace.campaign_names(),
        "segments": list(workspace.segments),
        "templates": workspace.template_names(),
        **dict.fromkeys(
            ("article", "article-text"), Article.objects.filter(draft=False).values_list("slug", flat=True)[3:4]
        ),
    }
    return {"": next(iter(named.get(kind, ())), None)}


#: Somebody else's export: what is recognised in it, what is not, and lines that can't be taken.
HEADER = ("E-mail Address", "First Name", "Last Name", "Status", "Opt-in Time", "Tags", "Favourite tea")
FIRST, LAST = ("Ada", "Bo", "Cleo", "Dan", "Eve", "Finn"), ("Aster", "Birch", "Clover", "Daisy", "Elder", "Fern")
BAD = (("no address", "Gus", "Gorse", "subscribed"), ("hal@@tea.example", "Hal", "Heath", "subscribed"))


@contextmanager
def imports() -> Iterator[None]:
    """Files in each state an import can be in, as long as the block runs: looked at, tried, being taken, taken."""
    from django.utils import timezone

    from broadsheet.audience import uploads
    from broadsheet.models import Upload, UploadState
    from broadsheet.workspace import Workspace

    workspace, who, now = Workspace(YEAR), "publisher@stillwater.example", timezone.now()
    text = io.StringIO()
    csv.writer(text).writerows((HEADER, *_people(), *BAD))
    made: list[Upload] = []

    def kept(name: str) -> Upload:
        written = uploads.folder(workspace) / name
        written.write_text(text.getvalue(), encoding="utf-8")
        made.append(uploads.keep(workspace, written, name, who))
        return _rested(made[-1])

    def beside(like: Upload, **fields: Any) -> Upload:
        given = {"size": like.size, "who": who, "choices": like.choices, "report": like.report, "glance": like.glance}
        made.append(Upload.objects.create(**given | fields))
        return made[-1]

    try:
        choices = {"list_name": next(iter(workspace.lists.lists)), "mapped": {"Favourite tea": ""}}
        tried = kept("tea-room-guests.csv")
        uploads.begin(workspace, tried, UploadState.TRYING, choices)
        _rested(tried)
        kept("open-day-visitors.csv")
        taking = {"state": "taking", "done": 11_400, "total": 18_240, "began_at": now - timedelta(seconds=40)}
        beside(tried, name="newsletter-2019-to-2025.csv", size=1_900_000, beat_at=now + timedelta(hours=6), **taking)
        done = beside(tried, name="course-2025.csv", state="done", report=tried.report | {"dry_run": False})
        uploads.rejected_file(workspace, done).parent.mkdir()
        uploads.rejected_file(workspace, done).write_bytes(uploads.rejected_file(workspace, tried).read_bytes())
        yield
    finally:
        Upload.objects.filter(pk__in=[each.pk for each in made]).update(state="stopped")
        for each in made:
            uploads.drop(workspace, each)


def _people() -> Iterator[tuple[str, ...]]:
    for number, (first, last) in enumerate((first, last) for last in LAST for first in FIRST):
        email = f"{first}.{last}@tea.example".lower()
        status = "unsubscribed" if number % 9 == 4 else "subscribed"
        yield email, first, last, status, "2026-03-02 10:15", "sleep, movement" if number % 2 else "mind", "mint"


def _rested(upload: Any) -> Any:
    """The upload, once its process has ended."""
    end = time.monotonic() + 600
    upload.refresh_from_db()
    while upload.state in ("looking", "trying") and time.monotonic() < end:
        time.sleep(0.2)
        upload.refresh_from_db()
    return upload


@contextmanager
def served() -> Iterator[tuple[str, str]]:
    """The sample year as ``broadsheet demo --serve`` serves it: its address and the password."""
    command = [sys.executable, "-m", "broadsheet", "--workspace", str(ROOT), "demo", "--serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603  our own
    said = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if "password" in line:
                break
        found = re.search(r"(http://\S+?)/console/.*?password (\S+)", said, re.DOTALL)
        if found is None:
            sys.exit(f"The sample year can't be served:\n{said}")
        yield found[1], found[2]
    finally:
        process.terminate()
        process.wait()


def signed_in(browser: Browser, address: str, password: str) -> BrowserContext:
    """A browser in which an admin is signed in, after pictures of the page where one signs in."""
    context = browser.new_context()
    context.set_default_timeout(300_000)  # a machine with much else to do takes its time
    context.route("http://127.0.0.1:8000/i/*", partial(picture, address=address))
    page = context.new_page()
    page.goto(f"{address}/console/account/login/")
    taken(page, "sign-in")
    page.fill("[name=login]", "admin@stillwater.example")
    page.fill("[name=password]", password)
    page.click("form button")
    page.wait_for_url("**/console/")
    page.close()
    return context


def picture(route: Route, address: str) -> None:
    """A mail's picture, from where the sample year is served this time."""
    route.fulfill(response=route.fetch(url=route.request.url.replace("http://127.0.0.1:8000", address)))


def taken(page: Page, name: str) -> None:
    """The whole page at both widths in both schemes; one that is wider than its window is said aloud."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_load_state("networkidle")
        wide, high = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        if wide > width:
            print(f"{name} is {wide} pixels wide at {width}", file=sys.stderr)  # noqa: T201
        page.set_viewport_size({"width": width, "height": high})  # frames out of sight are not painted
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(200)
            page.screenshot(path=OUT / f"{name}-{width}-{scheme}.png")


def take_all(playwright: Playwright, only: str) -> None:
    """Every screen."""
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    )
    with served() as (address, password):
        context = signed_in(browser, address, password)
        for screen in screens():
            if not screen.name.startswith(only):
                continue
            answer = context.request.get(f"{address}{screen.path}")
            if not answer.ok or "html" not in answer.headers["content-type"] or "<main" not in answer.text():
                continue  # a part of a page, a mail, a file
            page = context.new_page()
            page.goto(f"{address}{screen.path}")
            taken(page, screen.name)
            page.close()
    browser.close()


def show() -> None:
    """The selection for the docs, each picture small."""
    for name, shots in SHOWN.items():
        images = [Image.open(OUT / f"{screen}-{width}-{scheme}.png").convert("RGB") for screen, width, scheme in shots]
        sheet, quality = side_by_side(images, 1800), 85
        while True:
            sheet.save(PICTURES / f"{name}.jpg", quality=quality, optimize=True, progressive=True)
            if (PICTURES / f"{name}.jpg").stat().st_size < MOST:
                break
            quality -= 5


def main() -> None:
    """Take them all, and choose."""
    only = os.environ.get("ONLY", "")
    OUT.mkdir(parents=True, exist_ok=True)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    os.environ.pop("BROADSHEET_STATE", None)
    from broadsheet.cli.year.serving import made

    made(YEAR)
    with sync_playwright() as playwright, imports():
        take_all(playwright, only)
    if not only:
        show()


if __name__ == "__main__":
    main()
