"""Files of people that staff upload: kept in the state folder, looked at, tried and imported.

Each step is a process of its own. In a thread of the server it would hold up every page, and the sending beside it, for
as long as it lasts; a process of its own goes on when the server is started anew, and its memory goes with it.
"""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet
from django.utils import timezone

from broadsheet.audience.columns import clean, recognised
from broadsheet.audience.importing import ImportChoices, Progress, import_people
from broadsheet.audience.lines import BadRow
from broadsheet.audience.tables import open_table
from broadsheet.errors import BroadsheetError
from broadsheet.models import AT_WORK, Audit, Upload, UploadState
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

#: Bytes of one upload; a million people are a quarter of that. More is for ``broadsheet subscribers import``.
MOST = 512 << 20
#: Lines whose cells are shown beside the columns' names, how many columns, and how much of a cell.
SHOWN_LINES, SHOWN_COLUMNS, SHOWN_CELL = 3, 200, 60
#: A process says twice a second that it is alive; one that has been silent for so long is not.
BEAT, SILENT = timedelta(milliseconds=500), timedelta(minutes=2)
#: A file that nobody imports goes after a week; what is known of an import, and its rejected lines, after a month.
KEPT, KEPT_REPORT = timedelta(days=7), timedelta(days=30)
ENDED_EARLY = "The process that was at it ended before its time, as when a server is switched off."


def folder(workspace: Workspace) -> Path:
    """Where uploaded files are; made if it isn't there, for its owner only."""
    found = workspace.state / "imports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def file_of(workspace: Workspace, upload: Upload) -> Path:
    """The uploaded file, under its own name: consent is kept as coming from it."""
    return folder(workspace) / str(upload.pk) / "file" / upload.name


def rejected_file(workspace: Workspace, upload: Upload) -> Path:
    """The rejected lines of the last try or import."""
    return folder(workspace) / str(upload.pk) / "rejected.csv"


def keep(workspace: Workspace, written: Path, name: str, who: str) -> Upload:
    """A new upload, of a file that was written into :func:`folder`; its first lines are being read."""
    forget(workspace, timezone.now())
    upload = Upload.objects.create(name=_safe(name), size=written.stat().st_size, who=who, state=UploadState.READY)
    target = file_of(workspace, upload)
    target.parent.mkdir(mode=0o700, parents=True)
    written.replace(target)
    begin(workspace, upload, UploadState.LOOKING)
    return upload


def _safe(name: str) -> str:
    """The file's name, fit to be one here: its last part, printable, of a length that any file system takes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    last = "".join(each for each in last if each.isprintable()).strip(". ")
    stem, dot, ending = last.rpartition(".")
    while len(last.encode("utf-8", "replace")) > 150:
        stem = stem[: len(stem) * 3 // 4]
        last = f"{stem}{dot}{ending[:10]}"
    return last.encode("utf-8", "replace").decode() or "people.csv"


#: From which states a step may begin.
_BEGINS: dict[UploadState, tuple[UploadState, ...]] = {
    UploadState.LOOKING: (UploadState.READY,),
    UploadState.TRYING: (UploadState.READY, UploadState.TRIED, UploadState.STOPPED),
    UploadState.TAKING: (UploadState.TRIED, UploadState.STOPPED),
}


def begin(workspace: Workspace, upload: Upload, step: UploadState, choices: dict[str, Any] | None = None) -> bool:
    """Start a step in a process of its own; False if somebody was first, or the file is not ready for it."""
    now = timezone.now()
    given = {"choices": choices} if choices is not None else {}
    mine = Upload.objects.filter(pk=upload.pk, state__in=_BEGINS[step]).update(
        state=step, reason="", done=0, total=0, began_at=now, beat_at=now, ended_at=None, stopping=False, **given
    )
    if mine:
        launch(workspace, upload.pk, now)
    return bool(mine)


def launch(workspace: Workspace, pk: int, began: datetime) -> None:
    """The process that carries out what was begun; a thread waits for it, so that a sudden end is known at once."""
    command = ["broadsheet", "--workspace", str(workspace.root), "subscribers", "carry-out", str(pk)]
    try:
        process = subprocess.Popen(  # noqa: S603  our own command in our own interpreter
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except OSError as error:  # the machine has no room for another process: it never began
        log.error("The process of import %s can't be started: %s", pk, error.strerror)  # noqa: TRY400
        _lost(Q(pk=pk, began_at=began))
        return

    def wait() -> None:
        _, said = process.communicate()
        try:
            if _lost(Q(pk=pk, began_at=began)):  # and not what somebody began after its end
                words = said.decode("utf-8", "replace").strip()[-2_000:]
                log.error("The process of import %s ended with %s: %s", pk, process.returncode, words)
        except DatabaseError:
            return  # whoever looks at it finds out by its silence
        finally:
            connections.close_all()

    Thread(target=wait, name=f"upload {pk}", daemon=True).start()


def look_after(upload: Upload) -> Upload:
    """The upload as it stands; one whose process has long been silent is stopped."""
    if upload.state in AT_WORK and _lost(Q(pk=upload.pk, beat_at__lt=timezone.now() - SILENT)):
        upload.refresh_from_db()
    return upload


#: Where each step leads that did not come to its end, and what is said of it.
_FELL_BACK: dict[UploadState, tuple[UploadState, str]] = {
    UploadState.LOOKING: (UploadState.FAILED, "Upload the file again."),
    UploadState.TRYING: (UploadState.READY, "Nothing was written; try it again."),
    UploadState.TAKING: (UploadState.STOPPED, "Whole batches are in; import it again, and the rest follows."),
}


def _lost(which: Q) -> int:
    """Those among ``which`` that a process should be at: none is."""
    now = timezone.now()
    return sum(
        Upload.objects.filter(which, state=step).update(
            state=state, reason=f"{ENDED_EARLY} {then}", ended_at=now, stopping=False
        )
        for step, (state, then) in _FELL_BACK.items()
    )


def stop(upload: Upload) -> bool:
    """Ask its process to stop after the batch in hand; whether there is one."""
    return bool(Upload.objects.filter(pk=upload.pk, state__in=AT_WORK).update(stopping=True))


def drop(workspace: Workspace, upload: Upload) -> bool:
    """Forget the upload, its file and its rejected lines; False while a process is at it."""
    gone, _ = Upload.objects.filter(pk=upload.pk).exclude(state__in=AT_WORK).delete()
    if gone:
        shutil.rmtree(folder(workspace) / str(upload.pk), ignore_errors=True)
    return bool(gone)


def forget(workspace: Workspace, now: datetime) -> None:
    """Files that nobody imported within a week go, and what is known of imports a month ago."""
    _lost(Q(beat_at__lt=now - KEPT))
    for upload in Upload.objects.exclude(state__in=AT_WORK).filter(created_at__lt=now - KEPT):
        if upload.created_at < now - KEPT_REPORT:
            drop(workspace, upload)
        else:
            _let_go(workspace, upload)


def _let_go(workspace: Workspace, upload: Upload) -> None:
    """The file goes, and what the page showed of it."""
    shutil.rmtree(file_of(workspace, upload).parent, ignore_errors=True)
    Upload.objects.filter(pk=upload.pk).update(glance={})


# In the process of its own


def carry_out(workspace: Workspace, pk: int) -> None:
    """Do what was begun; whatever comes of it is in the row."""
    upload = Upload.objects.get(pk=pk)
    step = _STEPS.get(UploadState(upload.state))
    if step is None:
        return
    with _noted(workspace, upload):
        step(workspace, upload)


@contextmanager
def _noted(workspace: Workspace, upload: Upload) -> Iterator[None]:
    """What ends a step early is written into the row, in words for the page."""
    (state, then), reason = _FELL_BACK[UploadState(upload.state)], ""
    try:
        yield
    except KeyboardInterrupt:
        reason = "It was stopped before anything was written."
    except BroadsheetError as error:
        reason = str(error).replace(f"{file_of(workspace, upload).parent}{os.sep}", "")
    except OSError as error:
        reason = f"{upload.name} can't be read any more ({error.strerror or error}); upload it again."
    except DatabaseError as error:
        reason = f"The database could not take it ({str(error).strip().partition(chr(10))[0][:200]}). {then}"
    if reason:
        _mine(upload).update(state=state, reason=reason[:500], ended_at=timezone.now())


def _mine(upload: Upload) -> QuerySet[Upload]:
    """The row, while it is this process that is at it: one that was silent for too long was given up by then."""
    return Upload.objects.filter(pk=upload.pk, began_at=upload.began_at)


def _look(workspace: Workspace, upload: Upload) -> None:
    table = open_table(file_of(workspace, upload), upload.name)
    with table.closing:
        names = [clean(name) for name in table.header]
        rows = [row for _, row in islice(table.rows, SHOWN_LINES) if not isinstance(row, BadRow)]
    columns = [
        {
            "name": name[:200],
            "recognised": found,
            "cells": [row[at].strip()[:SHOWN_CELL] for row in rows if at < len(row)],
        }
        for at, (name, found) in enumerate(zip(names, recognised(names), strict=True))
    ]
    glance = {"said": table.said, "columns": columns[:SHOWN_COLUMNS], "count": len(columns)}
    _mine(upload).update(state=UploadState.READY, reason="", glance=glance, ended_at=timezone.now())


def _take(workspace: Workspace, upload: Upload) -> None:
    dry_run = upload.state == UploadState.TRYING
    given = dict(upload.choices)
    choices = ImportChoices(**given, dry_run=dry_run, rejected_file=rejected_file(workspace, upload))
    choices.rejected_file.unlink(missing_ok=True)  # type: ignore[union-attr]
    report = import_people(workspace, file_of(workspace, upload), choices.list_name, choices, _beating(upload))
    ended = UploadState.TRIED if dry_run else UploadState.DONE
    data = report.as_data(dry_run=dry_run)
    data |= {"rejected": data["rejected"][:20], "rejected_file": None}
    reason = ""
    if report.stopped:
        ended, reason = _FELL_BACK[UploadState(upload.state)]
        reason = f"Somebody stopped it. {reason}"
    _mine(upload).update(state=ended, reason=reason, report=data, ended_at=timezone.now())
    if not dry_run:
        said = f"{report.added} added, {report.updated} updated, {report.rejected_lines} rejected"
        said += ", stopped" if report.stopped else ""
        Audit.objects.create(who=upload.who[:200], what="import", target=f"import {upload.pk}", after=said)
        if not report.stopped:
            _let_go(workspace, upload)


def _beating(upload: Upload) -> Progress:
    """Says how far it is, now and then, and hears whether it is to stop."""
    row, last = _mine(upload), [timezone.now() - BEAT]

    def beat(done: int, total: int) -> None:
        now = timezone.now()
        if now - last[0] < BEAT:
            return
        last[0] = now
        if not row.update(done=done, total=total, beat_at=now) or row.filter(stopping=True).exists():
            raise KeyboardInterrupt

    return beat


_STEPS: dict[UploadState, Callable[[Workspace, Upload], None]] = {
    UploadState.LOOKING: _look,
    UploadState.TRYING: _take,
    UploadState.TAKING: _take,
}
