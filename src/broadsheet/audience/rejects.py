"""The lines that an import did not take, as a table that can be mended and imported again."""

import csv
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from broadsheet.audience.columns import REJECTED, Layout, rejected_columns
from broadsheet.audience.spreadsheets import armed, disarmed
from broadsheet.audience.tables import MOST_COLUMNS
from broadsheet.errors import BroadsheetError

#: Of a cell so much is kept; the longest that a CSV file can have is no longer.
MOST_KEPT = 131_072


class Rejects:
    """Rejected lines, one after the other; in memory as long as they are few."""

    def __init__(self, where: Layout) -> None:
        self.count = 0
        self.armed, self.start = where.armed, rejected_columns(where.names)
        self.lock = threading.Lock()  # one thread reads ahead, another hears of those who were erased
        self.file = tempfile.SpooledTemporaryFile(1 << 20, "w+", encoding="utf-8", newline="")  # noqa: SIM115
        self.writer = csv.writer(self.file)
        self.writer.writerow([*REJECTED, *(disarmed(name) for name in where.names[self.start :])])

    def add(self, line: int, reason: str, row: Sequence[str], text: str = "") -> None:
        """A line of these cells, or, if it has none that are sure, of that text."""
        cells = [armed(cell) for cell in row] if self.armed else list(row)
        if not text and self.start == len(REJECTED) and len(cells) >= self.start:
            text = cells[self.start - 1]  # rejected before, and not mended since
        kept = [str(line), reason, text, *cells[self.start : MOST_COLUMNS]]
        with self.lock:
            self.count += 1
            self.writer.writerow([disarmed(cell[:MOST_KEPT]) for cell in kept])

    def keep(self, target: Path) -> Path:
        """Put them into the file, readable for its owner only: it holds what people wrote."""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as kept:
                self.file.seek(0)
                shutil.copyfileobj(self.file, kept, 1 << 20)
        except OSError as error:
            raise BroadsheetError(
                f"The rest is done, but {target} can't be written ({error.strerror}); name another with --rejected."
            ) from error
        return target

    def close(self) -> None:
        """Let go of them."""
        self.file.close()
