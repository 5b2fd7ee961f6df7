"""Programs of others that some tests run for real. Where one is missing its tests say so; the check installs all."""

import os
import shutil
from pathlib import Path

import pytest

#: Chromium's headless shell takes a third of the processor time of the whole browser, which shows the same.
CHROMIUM = next(
    (each for each in map(Path, ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")) if each.exists()), None
)


def needs(program: str | Path, package: str) -> None:
    """Skip the test, naming the Debian package, if the program is not installed."""
    if shutil.which(str(program), path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
        pytest.skip(f"{package} is not installed")
