"""What a crash left half-written in the state folder goes. Pictures stay: mails that were sent show them."""

import re
from datetime import datetime, timedelta
from pathlib import Path

#: The folders of the state in which files are written under another name first and then renamed ...
_FOLDERS = (".", "images", "images/index", "inbox", "imports")
#: ... such as `.a.eml.part`, `.secret_key.4711` and what `tempfile` makes of `.picture.png.`
_UNFINISHED = re.compile(r"\..+\.(part|\d+|[a-z0-9_]{8})")
_OLD = timedelta(days=1)


def clean_up(state: Path, now: datetime) -> list[str]:
    """The names of temporary files that were older than a day, and are gone now."""
    removed = []
    for folder in _FOLDERS:
        for path in sorted((state / folder).glob(".*")):
            try:
                if _UNFINISHED.fullmatch(path.name) and path.stat().st_mtime < (now - _OLD).timestamp():
                    path.unlink()
                    removed.append(str(path.relative_to(state)))
            except OSError:
                continue  # somebody else was first
    return removed
