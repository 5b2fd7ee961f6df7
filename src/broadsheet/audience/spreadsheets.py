"""Cells that a spreadsheet would run as formulas, disarmed so that they can be armed again.

A cell that begins with one of these signs is given an apostrophe before it, and so is one that begins with an
apostrophe; taking one apostrophe away then gives back exactly what there was.
"""

#: What spreadsheets take for the beginning of a formula (OWASP, "CSV injection"); full-width forms are folded by some.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
APOSTROPHE = "'"
_BEGINNINGS = (*DANGEROUS, APOSTROPHE)


def disarmed(cell: str) -> str:
    """The cell as it may stand in a spreadsheet."""
    return APOSTROPHE + cell if cell.startswith(_BEGINNINGS) else cell


def armed(cell: str) -> str:
    """What :func:`disarmed` was given."""
    return cell[1:] if cell.startswith(APOSTROPHE) and cell[1:].startswith(_BEGINNINGS) else cell
