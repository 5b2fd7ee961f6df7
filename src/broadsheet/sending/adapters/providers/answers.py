"""A provider's answer to what it means for each mail of the call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from broadsheet.sending.adapters.providers.table import BY_STATUS, Answers, Batch, Verdict

#: Where providers say how long to wait, the standard's own first.
_WAIT_HEADERS: Final = ("retry-after", "ratelimit-reset", "x-sib-ratelimit-reset")
#: Seconds to wait when an answer that asks for it does not say how long.
_WAIT: Final = 5.0
_LONGEST_WAIT: Final = 86_400.0


@dataclass(frozen=True)
class Answer:
    """What came back for one call."""

    status: int
    body: Any
    """Its JSON; None if it has none that can be read."""
    text: str = ""
    wait: float = _WAIT
    """The seconds to wait, if the status says so."""


@dataclass(frozen=True)
class Reading:
    """What an answer means for one mail, and its words."""

    verdict: Verdict
    reply: str


def readings(answers: Answers, batch: Batch | None, answer: Answer, mails: int) -> list[Reading]:
    """What the answer means, for each of the call's mails in their order."""
    items = found(answer.body, batch.answers) if batch else None
    if batch is None or not isinstance(items, list):
        return [_reading(answers, answer)] * mails
    if len(items) != mails:
        return [Reading(Verdict.UNKNOWN, f"{answer.status} with answers for {len(items)} of {mails} mails")] * mails
    return [_reading(answers, _item(batch, item)) for item in items]


def _item(batch: Batch, item: Any) -> Answer:
    own = str(found(item, batch.status)) if batch.status else ""
    return Answer(int(own) if own.isdigit() else 200, item)


def _reading(answers: Answers, answer: Answer) -> Reading:
    code = next((str(each) for path in answers.code if (each := found(answer.body, path)) not in (None, "")), "")
    code = "" if code in answers.fine else code
    words = next((each for path in answers.words if isinstance(each := found(answer.body, path), str) and each), "")
    reply = " ".join(f"{answer.status} {words or answer.text or code}".split())[:300]
    success = 200 <= answer.status < 300
    if success and not code:
        return _taken(answers, answer, reply)
    verdict = answers.of_words(words or answer.text) or answers.verdicts.get(code) or BY_STATUS.get(answer.status)
    if verdict is None:
        verdict = Verdict.DEFER if answer.status >= 500 else Verdict.FAIL
    return Reading(verdict, reply)


def _taken(answers: Answers, answer: Answer, reply: str) -> Reading:
    """Whether a success is one: everything that must be there is there."""
    for path, allowed in answers.taken.items():
        value = found(answer.body, path)
        if value is None:
            return Reading(Verdict.UNKNOWN, f"{answer.status} with an answer that can't be read")
        if allowed and str(value) not in allowed:
            return Reading(answers.of_words(reply) or Verdict.FAIL, reply)
    return Reading(Verdict.TAKEN, "")


def found(body: Any, path: str) -> Any:
    """What stands at ``errors.0.code`` of parsed JSON, or None; the whole for an empty path."""
    for part in path.split(".") if path else ():
        if isinstance(body, Mapping):
            body = body.get(part)
        elif isinstance(body, Sequence) and not isinstance(body, str) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        else:
            return None
    return body


def wait_of(headers: Mapping[str, str]) -> float:
    """The seconds that an answer's headers ask to wait (RFC 9110 section 10.2.3: seconds, or a date)."""
    given = next((headers[name] for name in _WAIT_HEADERS if name in headers), "").strip()
    try:
        seconds = float(given)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return _WAIT
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else _WAIT  # noqa: PLR0124  not a number
