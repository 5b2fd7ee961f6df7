"""Which words of a text changed. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

Fate = Literal["same", "gone", "new"]

#: Passages of a text that are shown; a mail that was written anew is not compared to its end.
PASSAGES: Final = 40
#: Words of one passage that are compared; a longer one is shown as gone and new.
WORDS: Final = 600
_WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Words:
    """Words that stand together and met with the same."""

    fate: Fate
    text: str


Passage = tuple[Words, ...]
"""Lines that changed, in order."""


def reworded(then: str, now: str) -> tuple[Passage, ...]:
    """The passages in which the texts differ, at most :data:`PASSAGES`, each with its words kept, gone and new."""
    before, after = _lines(then), _lines(now)
    passages: list[Passage] = []
    for fate, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if fate != "equal":
            passages.append(_passage("\n".join(before[start:end]), "\n".join(after[first:last])))
        if len(passages) == PASSAGES:
            break
    return tuple(passages)


def _lines(text: str) -> list[str]:
    """The lines that say something; a text that is wrapped elsewhere has not changed."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n"))
    return [line for each in paragraphs if (line := " ".join(each.split()))]


def _passage(then: str, now: str) -> Passage:
    before, after = _WORD.findall(then), _WORD.findall(now)
    if max(len(before), len(after)) > WORDS:
        return _kept([Words("gone", then), Words("new", now)])
    found: list[Words] = []
    for fate, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if fate == "equal":
            found.append(Words("same", "".join(before[start:end])))
        else:
            found += [Words("gone", "".join(before[start:end])), Words("new", "".join(after[first:last]))]
    return _kept(_calmed(found))


def _calmed(words: Sequence[Words]) -> Iterator[Words]:
    """The words with blanks between two changes drawn into them, so that phrases change and not each word."""
    gone = new = ""
    for each in words:
        if each.fate == "gone":
            gone += each.text
        elif each.fate == "new":
            new += each.text
        elif each.text.isspace() and (gone or new):
            gone, new = gone + each.text, new + each.text
        else:
            yield from _ended(gone, new)
            yield each
            gone = new = ""
    yield from _ended(gone, new)


def _ended(gone: str, new: str) -> Iterator[Words]:
    """Both sides of a change; a blank that ends both is kept."""
    tail = " " if gone.endswith(" ") and new.endswith(" ") else ""
    yield from (Words("gone", gone.removesuffix(tail)), Words("new", new.removesuffix(tail)), Words("same", tail))


def _kept(words: Sequence[Words] | Iterator[Words]) -> Passage:
    return tuple(each for each in words if each.text.strip() or (each.text and each.fate == "same"))
