"""``make catalogues``: the messages of pages and notices, gathered into the catalogues, which are then compiled.

What is translated is ``gettext`` in Python and ``{% translate %}`` in templates. Uses Babel; no gettext of the system.
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "broadsheet"
LANGUAGES = ("de", "es", "fr")
#: What ``templatize`` makes of a translated text, among the ``X`` that stand for the rest.
CALL = re.compile(r"""gettext\(u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)""")
#: Header fields that say nothing, or another time each time.
UNWANTED = tuple(
    f'"{name}'.encode()
    for name in (
        *("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator"),
        *("Language-Team", "Report-Msgid-Bugs-To", "Project-Id-Version"),
    )
)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def messages() -> Iterator[tuple[str, int, str]]:
    """Every message with its file and line."""
    for path in sorted((*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html"))):
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            source = "\n".join(CALL.findall(templatize(source)))
        elif "gettext" not in source:
            continue
        for line, found, _comments, _context in extract("python", BytesIO(source.encode()), KEYWORDS, (), {}):
            yield path.relative_to(PACKAGE).as_posix(), line, found if isinstance(found, str) else found[0]


def gathered() -> Catalog:
    """A catalogue of all messages, untranslated."""
    catalog = Catalog(project="Broadsheet", charset="utf-8")
    for path, _line, message in messages():
        catalog.add(message, locations=[(path, 0)])
    return catalog


def folder(language: str) -> Path:
    """Where the language's catalogue is."""
    return PACKAGE / "locale" / language / "LC_MESSAGES"


def written(catalog: Catalog) -> bytes:
    """The catalogue as a ``.po`` file, which changes only when a message does."""
    catalog.header_comment = "# Broadsheet's pages and notices. `make catalogues` brings this file up to date."
    out = BytesIO()
    write_po(out, catalog, sort_output=True, omit_header=False, ignore_obsolete=True, include_lineno=False, width=110)
    lines = out.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(UNWANTED))


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as Django reads it."""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # the same bytes each time
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def read(language: str) -> Catalog:
    """The language's catalogue as it is."""
    path = folder(language) / "django.po"
    if not path.is_file():
        return Catalog(locale=language, project="Broadsheet", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def main() -> int:
    """Bring every catalogue up to date; 1 if one lacks translations."""
    template, lacking = gathered(), 0
    for language in LANGUAGES:
        catalog = read(language)
        catalog.update(template, no_fuzzy_matching=True)
        folder(language).mkdir(parents=True, exist_ok=True)
        (folder(language) / "django.po").write_bytes(written(catalog))
        (folder(language) / "django.mo").write_bytes(compiled(catalog))
        missing = [message.id for message in catalog if message.id and not message.string]
        lacking += len(missing)
        print(f"{language}: {len(catalog)} messages, {len(missing)} to translate", file=sys.stderr)  # noqa: T201
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
