"""Links in a plain text: a number where each stands, and the addresses at the end, counted for each reader.

While a text is made, a mark stands for each link. :meth:`Notes.numbered` then numbers them. A link inside a condition
on a reader's value counts for those who see it: its number is an expression, its address stands inside a condition.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from broadsheet.articles.identity import TRACKING
from broadsheet.errors import NotDeferrable
from broadsheet.rendering.recorder import Expr, Recorder

#: A link's place among the conditions round it, outermost first: number of the condition, its test, which side.
Path = tuple[tuple[int, Expr, bool], ...]
When = Expr | bool
"""Whether something is so: known now, or only for the reader."""


@dataclass(frozen=True, eq=False)
class _Cited:
    """One link of a text."""

    path: Path
    address: str
    seen: bool | None
    """Whether its address was there before: for every reader who sees this one, for none, or (None) for some."""
    before: tuple["_Cited", ...]
    """The earlier links with its address that somebody who sees this one may see too."""

    def visible(self) -> When:
        """Whether the reader sees it."""
        return _all(test if side else ["not", test] for _, test, side in self.path)

    @cached_property
    def noted(self) -> When:
        """Whether it brings its address into the list: the reader sees it, and none before it with the same."""
        if self.seen:
            return False
        return _all([self.visible(), *(_not(each.visible()) for each in self.before)])


@dataclass
class Notes:
    """The links of one text."""

    recorder: Recorder
    _mark: str = field(default_factory=lambda: "zn" + secrets.token_hex(5))
    _addresses: list[str] = field(default_factory=list)
    _headings: list[str] = field(default_factory=list)

    def cite(self, address: object) -> str:
        """A mark for a link to that address, which gets its number later."""
        self._addresses.append(without_tracking(str(address), self.recorder.mark))
        return f"{self._mark}c{len(self._addresses) - 1}z"

    def listed(self, heading: object = "") -> str:
        """A mark for the list of addresses, under that heading if any link is listed."""
        self._headings.append(str(heading))
        return f"{self._mark}l{len(self._headings) - 1}z"

    def numbered(self, text: str) -> str:
        """``text`` with numbers for the links; the addresses at its place for them, or else at its end.

        Raises NotDeferrable where a mark went into an expression on a reader's value, which can't be numbered.
        """
        if not self._addresses:
            return re.sub(rf"{self._mark}l\d+z", "", text, flags=re.IGNORECASE)
        for token in self.recorder.tokens:
            if self._mark in repr(token.expr).lower():
                raise NotDeferrable(
                    "changes a text that holds links and a reader's value; print it as it is", *token.place
                )
        if not re.search(rf"{self._mark}l\d+z", text, re.IGNORECASE):
            text = f"{text.rstrip()}\n\n{self.listed()}\n"
        cited = self._cited(text)
        numbers = [self._number(cited, index) for index in range(len(cited))]
        places = iter(numbers)
        text = re.sub(rf"{self._mark}c\d+z", lambda _: f"[{next(places)}]", text, flags=re.IGNORECASE)
        return re.sub(rf"{self._mark}l(\d+)z", lambda m: self._list(cited, int(m[1])), text, flags=re.IGNORECASE)

    def _cited(self, text: str) -> list[_Cited]:
        """The links in the order of the text."""
        cited: list[_Cited] = []
        path: list[tuple[int, Expr, bool]] = []
        for found in re.finditer(rf"{self.recorder.pattern.pattern}|{self._mark}c(\d+)z", text, re.IGNORECASE):
            kind, number = found[1], found[2]
            if kind == "i":
                path.append((int(number), self.recorder.read(number).expr or [], True))
            elif kind == "e" and path:
                path[-1] = (*path[-1][:2], False)
            elif kind == "f" and path:
                path.pop()
            elif found[3]:
                cited.append(self._place(tuple(path), self._addresses[int(found[3])], cited))
        return cited

    def _place(self, path: Path, address: str, earlier: Sequence[_Cited]) -> _Cited:
        key = self._key(address)
        before = [each for each in earlier if self._key(each.address) == key and not _apart(each.path, path)]
        always = any(path[: len(each.path)] == each.path for each in before)
        return _Cited(path, address, True if always else None if before else False, tuple(before))

    def _key(self, address: str) -> str:
        """The address for comparing: what a reader's own link is known by is its expression."""
        return self.recorder.pattern.sub(lambda m: f"{m[1]}{self.recorder.read(m[2]).expr}", address)

    def _number(self, cited: list[_Cited], index: int) -> str:
        """The number that the link shows: that of the first with its address, of those the reader sees."""
        link = cited[index]
        number = None if link.seen else self._count(cited[: index + 1], known=link)
        for first in reversed(link.before):
            if number is not None and first.path != link.path[: len(first.path)]:
                own = self._count(cited[: cited.index(first) + 1], known=first)
                number = ["if", _expr(first.visible()), own, number]
            else:
                number = self._count(cited[: cited.index(first) + 1], known=first)
        return self._written(number or ["const", 0])

    def _count(self, cited: Sequence[_Cited], known: _Cited) -> Expr:
        """How many of the links bring an address into the list; ``known`` does."""
        whens = [True if each is known else each.noted for each in cited]
        total: Expr = ["const", sum(when is True for when in whens)]
        for when in whens:
            if not isinstance(when, bool):
                total = ["binary", "+", total, ["if", when, ["const", 1], ["const", 0]]]
        return total

    def _written(self, number: Expr) -> str:
        return str(number[1]) if number[0] == "const" else self.recorder.write("v", number)

    def _list(self, cited: list[_Cited], heading: int) -> str:
        lines = []
        for index, link in enumerate(cited):
            number = self._written(self._count(cited[: index + 1], known=link))
            lines.append(self._if(link.noted, f"[{number}] {link.address}\n"))
        title = self._headings[heading]
        return (self._if(_any(each.noted for each in cited), f"{title}\n") if title else "") + "".join(lines)

    def _if(self, when: When, text: str) -> str:
        if isinstance(when, bool):
            return text if when else ""
        return f"{self.recorder.write('i', when)}{text}{self.recorder.write('f')}"


def without_tracking(address: str, kept: str) -> str:
    """The address without parameters that only count clicks; what holds ``kept`` stays as it is."""
    head, hash_, fragment = address.partition("#")
    path, _, query = head.partition("?")
    parts = [part for part in query.split("&") if kept in part or not TRACKING.match(part.partition("=")[0])]
    return path + ("?" + "&".join(parts) if any(parts) else "") + hash_ + fragment


def _apart(one: Path, other: Path) -> bool:
    """Whether nobody sees both: they are on two sides of one condition."""
    sides = {number: side for number, _, side in one}
    return any(sides.get(number, side) != side for number, _, side in other)


def _expr(when: When) -> Expr:
    return ["const", when] if isinstance(when, bool) else when


def _not(when: When) -> When:
    return not when if isinstance(when, bool) else ["not", when]


def _all(whens: Iterable[When]) -> When:
    found: When = True
    for when in whens:
        if when is False or found is False:
            return False
        found = when if found is True else found if when is True else ["and", found, when]
    return found


def _any(whens: Iterable[When]) -> When:
    return _not(_all(_not(when) for when in whens))
