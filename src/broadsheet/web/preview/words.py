"""Numbers and sizes as the page says them."""

from collections.abc import Mapping

from broadsheet.editions import Plan


def counted(number: int, noun: str) -> str:
    """``1 reader``, ``2,000 readers``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def kilobytes(size: int) -> str:
    """``38 kB``; a kB is 1000 bytes, as the checks take it."""
    return f"{size / 1000:.1f} kB" if size < 10_000 else f"{size / 1000:,.0f} kB"


def who_gets_it(planned: Plan) -> str:
    """``261 readers, in 7 different mails``."""
    if not planned.readers:
        return "Nobody yet"
    mails = len(planned.variants)
    return f"{counted(planned.readers, 'reader')}, {'all the same mail' if mails == 1 else f'in {mails:,} mails'}"


def left_out(excluded: Mapping[str, int]) -> str:
    """``Left out: 12 unsubscribed, 3 suppressed``; empty for nobody."""
    said = ", ".join(f"{count:,} {reason}" for reason, count in excluded.items() if count)
    return f"Left out: {said}" if said else ""


def shared_with(readers: int) -> str:
    """How many readers have these very articles."""
    return "Nobody else gets just these." if readers == 1 else f"{readers:,} readers get just these."
