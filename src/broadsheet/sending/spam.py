"""What SpamAssassin thinks of a mail, where its client ``spamc`` is installed."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

TIMEOUT: Final = 40.0
#: Errors are errors, up to 2 MB, 30 seconds; a daemon that is not there is not tried three times, a second apart.
_HURRIED: Final = ("-x", "-t", "30", "-s", "2000000", "--connect-retries=1")
_SCORE: Final = re.compile(rb"\s*(-?\d+(?:\.\d+)?)/\d")
_RULE: Final = re.compile(rb"^\s*-?\d+(?:\.\d+)?\s+([A-Z][A-Z0-9_]+)", re.MULTILINE)


@dataclass(frozen=True)
class SpamScore:
    """Points, and the names of the rules that gave them."""

    points: float
    rules: tuple[str, ...] = ()


def spam_score(content: bytes, port: int | None = None) -> SpamScore | None:
    """The score of this mail; None if there is no ``spamc``, or its daemon does not answer.

    ``port`` is the daemon's on this machine, if not the one that ``spamc`` is set up for.
    """
    command = shutil.which("spamc")
    if command is None:
        return None
    where = ["-d", "127.0.0.1", "-p", str(port)] if port else []
    try:
        answered = subprocess.run(  # noqa: S603  spamc, and nothing of the mail among its arguments
            [command, *_HURRIED, "-R", *where],
            input=content,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    score = _SCORE.match(answered.stdout)
    if score is None or answered.returncode not in (0, 1):
        return None
    return SpamScore(float(score[1]), tuple(rule.decode() for rule in _RULE.findall(answered.stdout)))
