"""What processes that stay say on standard error: lines for people, or JSON for machines; no addresses unless asked.

A record's ``extra`` carries ``edition``, ``delivery`` and other ids; they are keys of the JSON.
"""

import logging
import re
import sys
from collections.abc import Callable
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from broadsheet.conf import Logging

#: What looks like an address of mail, wherever it stands; a worker's name (``celery@host``) does not.
_ADDRESS = re.compile(r"[^\s@\"'<>()\[\]{},;:\\/=“”‹›]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]*")
#: What is said of a refused request, by Django's name for it, beside its own words.
_REFUSED = {"DisallowedHost": "%s That is neither the host of public.url nor one of public.allowed_hosts."}
#: Of what a refused request said, so much.
_LONGEST = 120
_HIDDEN = "‹address›"
#: Loggers that say more than an operator wants to know.
_QUIET = {
    "apscheduler": logging.ERROR,
    "mail.log": logging.ERROR,  # aiosmtpd
    "waitress": logging.ERROR,
    "django": logging.ERROR,
    "amqp": logging.WARNING,
    "kombu": logging.WARNING,
    "celery": logging.INFO,
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    "psycopg.pool": logging.ERROR,
}


_asked = {"addresses": False}


def with_addresses() -> bool:
    """Whether readers' addresses may stand in the log."""
    return _asked["addresses"]


def discreet(said: str) -> str:
    """The words without the addresses in them, unless these are asked for."""
    return said if with_addresses() else _ADDRESS.sub(_HIDDEN, said)


class _Text(logging.Formatter):
    """Lines for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback if there is one."""
        return discreet(super().format(record))


class _Json(JsonFormatter):
    """One JSON object a line, times in UTC."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            timestamp="time",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The record's keys and values, before they are JSON."""
        return {key: discreet(value) if isinstance(value, str) else value for key, value in log_data.items()}


def _one_line(record: logging.LogRecord) -> bool:
    """Makes a warning of one line of what anybody can send and Django refused (another host's name, too many fields).

    Django logs those as errors, each with its traceback and its request.
    """
    if record.name.startswith("django.security.") and record.exc_info:
        kind = record.name.rpartition(".")[2]
        said = record.getMessage().partition(" You may need")[0][:_LONGEST]
        record.msg, record.args = "A request was refused with 400: %s", (_REFUSED.get(kind, "%s") % said,)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        record.__dict__.pop("request", None)
    return record.levelno >= logging.getLogger().level


_FORMS: dict[str, Callable[[], logging.Formatter]] = {"text": _Text, "json": _Json}


def configure(settings: Logging) -> None:
    """From now on records go to standard error as the settings say."""
    _asked["addresses"] = settings.addresses
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FORMS[settings.format]())
    handler.addFilter(_one_line)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
