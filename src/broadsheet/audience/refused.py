"""Whose line it is that can't be taken, and whether it may say that they are not to be mailed."""

from collections.abc import Sequence

from broadsheet.audience.addresses import known_address
from broadsheet.audience.columns import Layout
from broadsheet.audience.persons import Lists, Person, Terms, Unusable, gravest, person_of
from broadsheet.audience.spreadsheets import armed
from broadsheet.audience.statuses import WORDS, Standing, status_word


def made_out(line: int, row: Sequence[str], layout: Layout, terms: Terms) -> Person | None:
    """The person with the gravest that the line says of them, and nothing else of it; doubtful if that can't be told.

    None for a line without an address, and for one that says, or can only say, nothing against mailing them.
    """
    if len(row) == layout.width:
        return _fitting(line, list(row), layout, terms)
    silent = not layout.statuses and "lists" not in layout.fields and terms.everybody == Standing.SUBSCRIBED
    cells = [armed(cell).strip() if layout.armed else cell.strip() for cell in row]
    address = None if silent else _address(cells, layout)
    return _bare(line, address, max(terms.everybody, _said(cells, layout)), layout, terms) if address else None


def _fitting(line: int, row: list[str], layout: Layout, terms: Terms) -> Person | None:
    """Of cells that stand where they belong, as it seems."""
    try:
        person = person_of(line, row, layout, terms)
    except Unusable as error:
        return error.bare
    if gravest(person):
        return person._replace(again=True)
    if any(WORDS.get(cell.strip().lower(), Standing.SUBSCRIBED) > Standing.DOUBTFUL for cell in row):
        return _bare(line, (person.email, person.email_key), Standing.DOUBTFUL, layout, terms)
    return None


def _address(cells: Sequence[str], layout: Layout) -> tuple[str, str] | None:
    """The cell of addresses, if it is one, else the first that is."""
    at = layout.fields["email"]
    for cell in (*cells[at : at + 1], *cells):
        if "@" in cell:
            try:
                return known_address(cell)
            except ValueError:
                continue
    return None


def _said(cells: Sequence[str], layout: Layout) -> Standing:
    """What columns of words say, counted from the first cell and from the last one: what is wrong is between them."""
    shift = len(cells) - layout.width
    places = {place for at, _, read in layout.statuses if read is status_word for place in (at, at + shift)}
    words = [cells[place].lower() for place in places if 0 <= place < len(cells)]
    return max((Standing.DOUBTFUL, *(WORDS.get(word, Standing.DOUBTFUL) for word in words)))


def _bare(line: int, address: tuple[str, str], standing: Standing, layout: Layout, terms: Terms) -> Person:
    one = terms.list_name if "lists" not in layout.fields else None
    lists: Lists = tuple((name, standing) for name in ([one] if one else sorted(terms.lists)))
    return Person(line, *address, "", "", "", "", (), lists, standing, None, None, "", "", "", {}, again=True)
