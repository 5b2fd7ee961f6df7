"""Every exception Broadsheet raises.

::

    BroadsheetError
    ├── WorkspaceNotFound(FileNotFoundError)   no broadsheet.toml here or above
    ├── InvalidFile(ValueError)                a workspace file holds mistakes; all of them are in .problems
    ├── FileChanged(RuntimeError)              a workspace file is not any more as it was read; both texts are there
    ├── UnknownName(LookupError)               a campaign, list, segment, template or adapter that isn't there
    ├── RejectedArticle(ValueError)            one article file can't be read; the others go on
    ├── TooSlow(TimeoutError)                  reading something took too long, and was ended
    ├── TemplateProblem(ValueError)            a template can't be compiled; names template and line
    │   └── NotDeferrable(TypeError)           a reader's value is used where only a known value can be
    ├── UnstampableReader(ValueError)          one reader's data can't go into a message
    ├── PlanOutdated(RuntimeError)             another edition was frozen since a plan was made; plan again
    ├── WrongState(RuntimeError)               an edition or delivery can't make this move
    ├── MailboxFailed(OSError)                 a mailbox of reports can't be read; the others are
    ├── Refused(PermissionError)               a webhook's call that did not come from the provider
    └── AdapterFailed(OSError)                 the adapter as a whole can't send; .permanent says whether to retry

Each says what happened, to which thing, and what to do next.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BroadsheetError(Exception):
    """A failure whose text is one clear sentence for a person; the command prints it and exits."""


class WorkspaceNotFound(BroadsheetError, FileNotFoundError):
    """No folder with a ``broadsheet.toml`` was found."""


@dataclass(frozen=True)
class Problem:
    """One mistake in one file."""

    path: str
    where: str
    """The key (``articles.newest``) or the line (``line 4``); empty when the whole file is meant."""
    reason: str
    line: int = 0
    """The line it stands on, where that is known beside the key."""

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return ": ".join(part for part in (self.path, line, self.where, self.reason) if part)


class InvalidFile(BroadsheetError, ValueError):
    """A file of the workspace holds mistakes; ``problems`` has every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FileChanged(BroadsheetError, RuntimeError):
    """A file that somebody changed since it was read, so that nothing was written; ``mine`` was to be."""

    def __init__(self, path: str, *, theirs: str | None, mine: str) -> None:
        self.path, self.theirs, self.mine = path, theirs, mine
        what = "was changed" if theirs is not None else "was taken away"
        super().__init__(f"{path} {what} since it was read, so nothing was written. Compare the two and choose.")


class UnknownName(BroadsheetError, LookupError):
    """A name that nothing in the workspace bears."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        listed = f"There is: {', '.join(sorted(known))}." if known else "There are none yet."
        super().__init__(f"There is no {kind} named “{name}”. {listed}")


class RejectedArticle(BroadsheetError, ValueError):
    """An article file that can't be taken; ``problem`` says where and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))

    def __reduce__(self) -> tuple[type["RejectedArticle"], tuple[Problem]]:
        return type(self), (self.problem,)


class TooSlow(BroadsheetError, TimeoutError):
    """Something a stranger wrote that takes too long to read."""


class TemplateProblem(BroadsheetError, ValueError):
    """A template that can't be compiled."""

    def __init__(self, reason: str, template: str = "", line: int | None = None) -> None:
        self.reason = reason
        self.template = template
        self.line = line
        place = template + (f", line {line}" if line else "")
        super().__init__(f"{place}: {reason}" if place else reason)


class NotDeferrable(TemplateProblem, TypeError):
    """A reader's value stands where the template needs a known one (a loop, a dictionary key)."""


class UnstampableReader(BroadsheetError, ValueError):
    """A reader whose data can't be put into the message (a line break in a header, for example)."""


class PlanOutdated(BroadsheetError, RuntimeError):
    """A plan that no longer fits, because another edition was frozen since."""


class WrongState(BroadsheetError, RuntimeError):
    """A move that the thing's present state does not allow."""


class MailboxFailed(BroadsheetError, OSError):
    """A mailbox that reports arrive in can't be read."""


class Refused(BroadsheetError, PermissionError):
    """A webhook's call without a good signature or password, or one that nobody can read."""


class AdapterFailed(BroadsheetError, OSError):
    """The adapter can't send at all: no connection, a refused login, a bad key."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        self.reason = reason
        self.permanent = permanent
        super().__init__(reason)
