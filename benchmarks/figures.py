"""What a benchmark gives, and how it is shown."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number and what it should be; ``target`` is an upper bound, a lower one for ``least``, or None."""

    name: str
    value: float
    unit: str
    target: float | None = None
    least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.least else self.value <= self.target


def median_seconds(work: Callable[[], object], times: int = 5) -> float:
    """The median time of ``work``, after one run that doesn't count."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
