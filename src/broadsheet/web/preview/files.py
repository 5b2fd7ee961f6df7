"""What the preview watches: the workspace's files, and how many people and mails the database knows."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db.models import Max

from broadsheet.conf import FolderSource
from broadsheet.errors import InvalidFile
from broadsheet.models import Delivery, Subscriber, Subscription
from broadsheet.workspace import Workspace
from broadsheet.workspace.root import MARKER

WATCHED = ("campaigns", "templates", "subscribers")


def watched(workspace: Workspace) -> tuple[Path, ...]:
    """The folders to watch: the workspace's own, and its sources as far as they are known."""
    try:
        sources = [source.path for source in workspace.config.sources if isinstance(source, FolderSource)]
        sources += [source.images for source in workspace.config.sources if source.images]
    except InvalidFile:
        sources = ["articles"]
    return tuple(dict.fromkeys((workspace.root / name).resolve() for name in (*WATCHED, *sources)))


def version(workspace: Workspace, folders: Iterable[Path]) -> str:
    """A short text that changes whenever a file below ``folders`` or the settings' file does, or people arrive.

    Times and sizes are looked at, no file is read: 1,000 files take about 5 ms.
    """
    seen = hashlib.blake2b(str(workspace.root).encode(), digest_size=8)
    for entry in (_entry(workspace.root / MARKER), *(each for folder in folders for each in _entries(folder))):
        seen.update(entry.encode("utf-8", "surrogateescape"))
    for model in (Subscriber, Subscription, Delivery):
        seen.update(f"{model.objects.aggregate(last=Max('pk'))['last']}\n".encode())
    return seen.hexdigest()


def _entries(folder: Path) -> Iterator[str]:
    """Every file below ``folder`` in order; hidden ones, such as an editor's, are left out."""
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "node_modules")
        for name in sorted(files):
            if not name.startswith("."):
                yield _entry(Path(parent, name))


def _entry(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:  # gone meanwhile, or a link that leads nowhere
        return f"{path} -\n"
    return f"{path} {status.st_mtime_ns} {status.st_size}\n"
