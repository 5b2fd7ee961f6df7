"""How long the console's pages about people take, asked as a browser would ask for them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import median_seconds

#: Each page, and what it is called in the figures.
PAGES: dict[str, str] = {
    "newest readers": "readers",
    "readers by address": "readers?q=r1",
    "readers by name": "readers?q=Lovelace5",
    "readers by both names": "readers?q=Ada12+Lovelace3",
    "readers at a domain": "readers?q=@post",
    "readers of an interest": "readers?q=%23tag+7",
    "readers on a list": "readers?list=letters&state=unsubscribed",
    "readers suppressed": "readers?state=suppressed",
    "readers by language": "readers?language=fr",
    "readers by a whole interest": "readers?interest=tag+9",
    "readers in a segment": "readers?segment=engaged",
    "readers in a segment, by name": "readers?segment=never&q=Ada",
    "readers in a segment that few are in": "readers?segment=plain&language=fr&interest=tag+1",
    "one reader": "readers/500",
    "imports": "imports",
    "segments": "segments",
    "segment, to be changed": "segments/engaged/edit",
    "articles": "articles",
}


def measure() -> dict[str, float]:
    """Milliseconds for each page, the median of five; and what the live count of a segment takes."""
    from django.conf import settings
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import Client

    from broadsheet import staff
    from broadsheet.models import Role

    call_command("createcachetable", verbosity=0)
    settings.ALLOWED_HOSTS.append("testserver")
    browser = Client()
    browser.force_login(
        staff.add("admin@bench.test", Role.ADMIN, by="benchmark").user, settings.AUTHENTICATION_BACKENDS[0]
    )

    def asked(path: str) -> Callable[[], object]:
        def ask() -> None:
            answer = browser.get(f"/console/{path}")
            assert answer.status_code == 200, (path, answer.status_code)

        return ask

    found = {f"page, {name}": 1000 * median_seconds(asked(path)) for name, path in PAGES.items()}
    upload = _looked_at()
    found["page, one import"] = 1000 * median_seconds(asked(f"imports/{upload.pk}"))

    def counted() -> None:
        cache.clear()
        answer = browser.post("/console/segments/preview", _form())
        assert b'class="big"' in answer.content

    found["live count of five rules"] = 1000 * median_seconds(counted, times=3)
    return found


def _form() -> dict[str, Any]:
    """What the form of five rules posts: on a list, got, opened and clicked something, and not on another list."""
    rows: tuple[tuple[str, str, str, str, str], ...] = (
        ("all", "list", "in", "news", ""),
        ("all", "got", "campaign", "weekly", "30d"),
        ("all", "opened", "campaign", "weekly", ""),
        ("all", "clicked", "mail", "", "60d"),
        ("none", "list", "in", "letters", ""),
    )
    data: dict[str, Any] = {"title": "Engaged", "rows": len(rows)}
    for at, (group, field, op, value, within) in enumerate(rows):
        data |= {f"r{at}-group": group, f"r{at}-field": field, f"r{at}-was": field, f"r{at}-op": op}
        data |= {f"r{at}-value": value, f"r{at}-within": within}
    return data


def _looked_at() -> Any:
    """The file of all these people, uploaded and looked at."""
    from django.conf import settings

    from broadsheet.audience import uploads
    from broadsheet.models import Upload

    file = Path(os.environ["BROADSHEET_WORKSPACE"]) / "people.csv"
    upload = Upload.objects.create(name=file.name, size=file.stat().st_size, who="benchmark", state="looking")
    target = uploads.file_of(settings.WORKSPACE, upload)
    target.parent.mkdir(parents=True)
    target.hardlink_to(file)
    uploads.carry_out(settings.WORKSPACE, upload.pk)
    return upload
