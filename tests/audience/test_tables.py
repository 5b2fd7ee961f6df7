"""Files of people in every packing, dialect and encoding, and files that only look like some."""

import io
import zipfile
from datetime import date, datetime

import pytest

from broadsheet.audience import tables
from broadsheet.audience.tables import BadRow, open_table
from broadsheet.errors import BroadsheetError


@pytest.fixture
def table(tmp_path):
    """What was found in a file of that content: the sentence, the first line, the rows with their numbers."""

    def opened(content, name="people.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = open_table(path, name)
        with found.closing:
            return (
                found.said,
                found.header,
                [(line, row.reason if isinstance(row, BadRow) else row) for line, row in found.rows],
            )

    return opened


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(
                name.replace("__MACOSX__", "§").replace("__", "/").replace("_", ".").replace("§", "__MACOSX/"), content
            )
    return out.getvalue()


SHEET = """<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}
</sheetData></worksheet>"""


def xlsx(rows):
    """A spreadsheet as small as one can be."""
    cells = []
    for number, row in enumerate(rows, 1):
        cells.append(f'<row r="{number}">')
        for column, value in zip("ABCDEFGH", row, strict=False):
            if isinstance(value, str):
                cells.append(f'<c r="{column}{number}" t="inlineStr"><is><t>{value}</t></is></c>')
            elif isinstance(value, bool):
                cells.append(f'<c r="{column}{number}" t="b"><v>{int(value)}</v></c>')
            elif isinstance(value, date):
                serial = (value - date(1899, 12, 30)).days
                cells.append(f'<c r="{column}{number}" s="1"><v>{serial}</v></c>')
            else:
                cells.append(f'<c r="{column}{number}"><v>{value}</v></c>')
        cells.append("</row>")
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType='
        '"application/xml"/><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type='
        f'"{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="People" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type='
        f'"{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{office}/styles" '
        'Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" '
        'applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": SHEET.format("".join(cells)),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("email,name\na@b.example,Ä\n", "CSV parted by commas, UTF-8"),
        ("email;name\na@b.example;Ä\n".encode("cp1252"), "CSV parted by semicolons, Windows-1252 (Latin-1)"),
        ("email\tname\na@b.example\tÄ\n".encode("utf-16"), "CSV parted by tabs, UTF-16"),
        ("email\tname\na@b.example\tÄ\n".encode("utf-16-le"), "CSV parted by tabs, UTF-16"),
        ("email\tname\na@b.example\tÄ\n".encode("utf-16-be"), "CSV parted by tabs, UTF-16"),
        ("email|name\na@b.example|Ä\n".encode("utf-8-sig"), "CSV parted by bars, UTF-8 with a mark"),
        ('sep=;\nemail;name\na@b.example;"Ä"\n', "CSV parted by semicolons, UTF-8"),
        ('"sep=|"\r\nemail|name\r\na@b.example|Ä\r\n', "CSV parted by bars, UTF-8"),
        ('"e,mail";name\na@b.example;Ä\n', "CSV parted by semicolons, UTF-8"),
    ],
)
def test_the_dialect_is_found_and_said(table, content, said):
    found, header, rows = table(content)
    assert found == said
    assert header[-1] == "name"
    assert [row for _, row in rows] == [["a@b.example", "Ä"]]


def test_lines_are_numbered_as_an_editor_does(table):
    _, _, rows = table('sep=;\nemail;name\na@b.example;"A\nda"\nb@b.example;B\n')
    assert [line for line, _ in rows] == [4, 5]


def test_a_zip_of_one_table_is_read_and_what_mac_os_adds_is_not(table):
    content = zipped(people_csv="email\na@b.example\n", __MACOSX__people_csv="\0\0", readme_md="hello")
    said, header, rows = table(content, "people.zip")
    assert said == "ZIP of people.csv: CSV parted by commas, UTF-8"
    assert (header, rows) == (["email"], [(2, ["a@b.example"])])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped(a_csv="email\n", b_csv="email\n"), "is a ZIP file with 2 tables in it (a.csv, b.csv), not one"),
        (zipped(a_md="email\n"), "is a ZIP file with 0 tables in it (none)"),
        (zipped(a_csv="email\na@b.example\n" * 9)[:-30], "is a damaged ZIP file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old one", "is an old Excel file (.xls); save it as .xlsx or CSV"),
        (zipped(xl__workbook_xml="<nonsense"), "is a spreadsheet that can't be read"),
        (",".join(f"c{number}" for number in range(3_000)), "has 3,000 columns"),
        ("sep=;\n", "is empty"),
    ],
)
def test_what_is_no_table_of_people_is_said_in_a_sentence(table, content, sentence):
    with pytest.raises(BroadsheetError) as caught:
        table(content, "people.zip")
    assert sentence in str(caught.value)


def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused_unread(table, monkeypatch):
    monkeypatch.setattr(tables, "PACKED_FLOOR", 1 << 20)
    bomb = zipped(people_csv="email\n" + "a@b.example\n" * 1_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(BroadsheetError, match="unpacks to 12,000,006 bytes, far more than a list of people"):
        table(bomb, "people.zip")


def test_an_archive_that_lies_about_its_size_is_stopped(table):
    content = bytearray(zipped(people_csv="email\n" + "a@b.example\n" * 500))
    announced = (6006).to_bytes(4, "little")
    while (at := content.find(announced)) >= 0:
        content[at : at + 4] = (60).to_bytes(4, "little")
    with pytest.raises(BroadsheetError, match="damaged"):
        table(bytes(content), "people.zip")


def test_a_locked_archive_is_said_to_be_one(table):
    content = bytearray(zipped(people_csv="email\n"))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BroadsheetError, match="locked with a password"):
        table(bytes(content), "people.zip")


def test_a_line_without_end_is_left_out_and_the_others_are_read(table, monkeypatch):
    monkeypatch.setattr(tables, "LONGEST_LINE", 1_000)
    _, _, rows = table(f"email,note\na@b.example,x\nb@b.example,{'y' * 5_000}\nc@b.example,z\n")
    assert rows == [
        (2, ["a@b.example", "x"]),
        (3, "is longer than 1,000 characters"),
        (4, ["c@b.example", "z"]),
    ]


def test_a_spreadsheet_is_read_as_it_looks(table):
    content = xlsx([
        ["email", "age", "joined", "vip", "score"],
        ["a@b.example", 41, date(2024, 1, 17), True, 2.5],
        ["b@b.example", 7, date(1999, 12, 31), False, 3.0],
    ])  # fmt: skip
    said, header, rows = table(content, "people.xlsx")
    assert said == "XLSX, sheet “People”"
    assert header == ["email", "age", "joined", "vip", "score"]
    assert rows == [
        (2, ["a@b.example", "41", "2024-01-17", "true", "2.5"]),
        (3, ["b@b.example", "7", "1999-12-31", "false", "3"]),
    ]


def test_a_spreadsheet_too_large_for_memory_is_refused(table, monkeypatch):
    monkeypatch.setattr(tables, "LARGEST_SHEET", 100)
    with pytest.raises(BroadsheetError, match="a spreadsheet is unpacked in memory; save it as CSV"):
        table(xlsx([["email"]]), "people.xlsx")


def test_times_in_a_spreadsheet_keep_their_time_of_day():
    assert tables._cell(datetime(2024, 1, 17, 9, 30)) == "2024-01-17T09:30:00"
    assert tables._cell(12345678.0) == "12345678"
