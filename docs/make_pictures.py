"""Draws the pictures in ``docs/pictures``: the five templates, on a phone and a desktop, light and dark.

``make pictures`` runs it; it needs Chromium. Mails are compiled from the sample workspace, stamped for a made-up
reader, and photographed as a mail client would show them.
"""

import os
import sys
import tempfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATE = tempfile.TemporaryDirectory()
os.environ |= {
    "BROADSHEET_WORKSPACE": str(ROOT),
    "BROADSHEET_STATE": STATE.name,
    "DJANGO_SETTINGS_MODULE": "broadsheet.settings",
}

import django

django.setup()

from dataclasses import replace

from django.core.management import call_command
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from side_by_side import side_by_side

from broadsheet import pipeline
from broadsheet.articles import load_content
from broadsheet.audience import Reader
from broadsheet.rendering import compile_message, sheet_for
from broadsheet.stamping import Imprint, Stamp
from broadsheet.workspace import Workspace

AT = datetime.fromisoformat("2026-11-24T09:00:00+01:00")
OUT = ROOT / "docs" / "pictures"
ARTICLES = {
    "digest": (
        "sleep-and-pain-a-two-way-street",
        "back-to-the-allotment",
        "eleven-lengths",
        "how-to-read-a-headline-about-pain",
    ),
    "magazine": (
        "pacing-is-not-giving-up",
        "gentle-movement-on-stiff-mornings",
        "eleven-lengths",
        "the-plan-on-the-fridge",
        "breakfast-without-rules",
    ),
    "letter": ("the-night-i-stopped-counting", "eleven-lengths"),
    "announcement": ("pacing-is-not-giving-up",),
    "notice": (),
}
NOTICE = {
    "heading": "One more step",
    "action": {"url": "https://news.stillwater.example/c/example", "label": "Yes, send me Stillwater Weekly"},
    "small_print": "You did not ask for this? Then do nothing: without your click we will not write again.",
}
NOTICE_INTRO = "Somebody, you we hope, asked for Stillwater Weekly at this address. Please say that it was you."


def html_of(workspace: Workspace, template: str) -> str:
    """The template's mail for a made-up reader, its pictures read from the cache."""
    slug = "monthly-letter" if template == "letter" else "weekly-digest"
    campaign = workspace.campaign(slug)
    if template == "notice":
        campaign = replace(campaign, subject="Please confirm", intro=NOTICE_INTRO)
    content = load_content(workspace, ARTICLES[template])
    sheet = sheet_for(workspace, replace(campaign, template=template), AT, [content[s] for s in ARTICLES[template]])
    if template == "notice":
        sheet = replace(sheet, extra=NOTICE)
    imprint = Imprint(1, workspace.config.public.url, workspace.config.mail_domain, "a@b.example", pipeline.signer())
    reader = Reader(1, "ada@reader.example", "Ada Quill", {"first_name": "Ada", "email": "ada@reader.example"})
    mail = Stamp(compile_message(sheet), imprint)(reader, delivery_id=1, now=AT)
    images = (workspace.state / "images").resolve().as_uri()
    return pipeline.bodies(mail)[1].replace(f"{workspace.config.public.url}/i/", f"{images}/")


def photographed(browser: Browser, html: str, width: int, scheme: str) -> Image.Image:
    """The whole mail at that width."""
    page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)  # type: ignore[arg-type]
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(html)
        file.flush()
        page.goto(Path(file.name).as_uri())
        shot = page.screenshot(full_page=True)
    page.close()
    return Image.open(BytesIO(shot)).convert("RGB")


def main() -> None:
    """Draw them all."""
    workspace = Workspace(ROOT)
    call_command("migrate", verbosity=0, interactive=False)
    pipeline.collect(workspace)
    OUT.mkdir(exist_ok=True)
    mails = {template: html_of(workspace, template) for template in ARTICLES}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for template, html in mails.items():
            shots = [photographed(browser, html, width, scheme) for width in (640, 375) for scheme in ("light", "dark")]
            side_by_side(shots, 4800).save(OUT / f"{template}.jpg", quality=82, optimize=True)
            if template == "digest":
                side_by_side([shots[0], shots[3]], 1500).save(OUT / "mail.jpg", quality=85, optimize=True)
            print(f"docs/pictures/{template}.jpg", file=sys.stderr)  # noqa: T201
        browser.close()
    STATE.cleanup()


if __name__ == "__main__":
    main()
