"""Files of people in every packing, dialect and encoding, and files that only look like some."""

import io
import tracemalloc
import zipfile
from collections import deque
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from broadsheet.audience import lines, own_lines, tables, workbooks
from broadsheet.audience.lines import BadRow
from broadsheet.audience.tables import open_table
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


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
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
    return workbook({"xl/worksheets/sheet1.xml": SHEET.format("".join(cells))})


def workbook(parts):
    """A workbook of these parts, and of plain others."""
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type='
        f'"{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="People" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type='
        f'"{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{OFFICE}/styles" '
        f'Target="styles.xml"/><Relationship Id="rId3" Type="{OFFICE}/chartsheet" Target="charts/one.xml"/>'
        f'<Relationship Id="rId4" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" '
        'applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"/>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (files | parts).items():
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
    monkeypatch.setattr(lines, "LONGEST_LINE", 1_000)
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


STYLES = f"""<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="[$-409]d\\-mmm;@"/>
<numFmt numFmtId="165" formatCode="0&quot; days&quot;"/><numFmt numFmtId="166" formatCode="[h]:mm"/></numFmts>
<cellXfs>{"".join(f'<xf numFmtId="{each}"/>' for each in (0, 22, 164, 165, 166))}</cellXfs></styleSheet>"""


CELLS = """
<c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="str"><f>A1</f><v>a_x000A_b</v></c>
<c t="inlineStr"><is><r><t>two </t></r><r><t>runs</t></r></is></c><c t="e"><v>#N/A</v></c><c t="d"><v>2024-01-17</v></c>
<c><v>4.9123456789E10</v></c><c><v>0.10000000000000001</v></c><c s="1"><v>45308.5</v></c><c s="1"><v>0.5</v></c>
<c s="1"><v>59</v></c><c s="2"><v>45308</v></c><c s="3"><v>45308</v></c><c s="4"><v>1.25</v></c><c s="1"><v>1e300</v></c>
<c r="R1"><v>7</v></c><c r="S1"/>
"""
LOOK = [
    "one", "rich text", "a\nb", "two runs", "", "2024-01-17", "49123456789", "0.1", "2024-01-17T12:00:00", "12:00:00",
    "1900-02-28", "2024-01-17", "45308", "1 day, 6:00:00", "1e+300", "", "", "7",
]  # fmt: skip


def test_every_kind_of_cell_reads_as_it_looks(table):
    kept = {
        "xl/sharedStrings.xml": f"""<x:sst xmlns:x="{MAIN}"><x:si><x:t>one</x:t><x:rPh sb="0" eb="1"><x:t>wan</x:t></x:rPh></x:si>
<x:si><x:r><x:t>rich </x:t></x:r><x:r><x:t>text</x:t></x:r></x:si></x:sst>""",
        "xl/styles.xml": STYLES,
        "xl/worksheets/sheet1.xml": SHEET.format(f'<row r="4">{CELLS}</row><row/><row><c t="b"><v>1</v></c></row>')
        .replace("</worksheet>", '<hyperlinks><hyperlink ref="A1"/></hyperlinks></worksheet>'),
    }  # fmt: skip
    assert table(workbook(kept), "people.xlsx") == (
        "XLSX, sheet “People”",
        LOOK,
        [(6, ["true"])],
    )


@given(st.lists(st.floats(-10, 80_000) | st.integers(0, 2_000_000).map(float), min_size=1), st.sampled_from("0123"))
def test_numbers_and_dates_read_as_another_reader_has_them(numbers, style):
    sheet = SHEET.format("".join(f'<row><c s="{style}"><v>{number!r}</v></c></row>' for number in numbers))
    content = io.BytesIO(workbook({"xl/styles.xml": STYLES, "xl/worksheets/sheet1.xml": sheet}))
    theirs = CalamineWorkbook.from_filelike(content).get_sheet_by_index(0).to_python()
    ours = [row[0] for _, row in workbooks.open_sheet(zipfile.ZipFile(content), 100).rows]
    assert ours == [as_text(row[0]) for row in theirs]


def as_text(value):
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)


def test_dates_from_a_macintosh_begin_in_1904(table):
    book = f'''<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="1"/><sheets>
<sheet name="Chart" r:id="rId3"/><sheet name="People" r:id="rId1"/></sheets></workbook>'''
    sheet = SHEET.format('<row><c t="str"><v>joined</v></c></row><row><c s="1"><v>43846</v></c></row>')
    said, _, rows = table(workbook({"xl/workbook.xml": book, "xl/worksheets/sheet1.xml": sheet}), "people.xlsx")
    assert (said, rows) == ("XLSX, sheet “People” (the first of 2)", [(2, ["2024-01-17"])])


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'aa'>]><worksheet><sheetData/></worksheet>", "it declares a document type"),
        ("<worksheet><sheetData><row><c><v>" + "1" * 2_000_000, "something in it is longer than 1 MB"),
        ('<worksheet><sheetData><row><c r="XFDA1"><v>1</v></c></row>', "it has a column XFDA"),
        ('<worksheet><sheetData><row><c t="s"><v>9</v></c></row>', "a cell names text 9, which there is not"),
        ("<worksheet><sheetData><row><c><v>x</v></c></row>", "could not convert"),
        ("<worksheet><sheetData>", "no element found"),
    ],
)
def test_a_spreadsheet_that_is_damaged_or_hostile_is_refused_in_a_sentence(table, monkeypatch, sheet, reason):
    monkeypatch.setattr(workbooks, "LONGEST_PART", 1 << 20)
    with pytest.raises(
        BroadsheetError, match=f"people.xlsx is a spreadsheet that can't be read \\(.*{reason}.*save it as"
    ):
        table(workbook({"xl/worksheets/sheet1.xml": sheet}), "people.xlsx")


def test_a_spreadsheet_that_breaks_off_says_where(table):
    sheet = SHEET.format('<row><c t="str"><v>email</v></c></row><row><c t="str"><v>a@b.example</v></c></row><row></c>')
    with pytest.raises(BroadsheetError, match="is damaged after line 1 "):
        table(
            workbook({"xl/worksheets/sheet1.xml": sheet.replace("</row>", "</row>" + " " * 70_000, 1)}), "people.xlsx"
        )


def test_a_spreadsheet_of_many_people_takes_no_more_memory_than_one_of_few(tmp_path):
    texts = (f"<si><t>r{number}@mail.example and what else is said of them</t></si>" for number in range(100_000))
    rows = (f'<row><c t="s"><v>{number}</v></c><c><v>{number}</v></c></row>' for number in range(100_000))
    path = tmp_path / "people.xlsx"
    path.write_bytes(workbook({
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{"".join(texts)}</sst>',
        "xl/worksheets/sheet1.xml": SHEET.format("".join(rows)),
    }))  # fmt: skip
    tracemalloc.start()
    found = open_table(path, "people.xlsx")
    with found.closing:
        last = deque(found.rows, 1)[0]
        assert found.done() == found.size
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last == (100_000, ["r99999@mail.example and what else is said of them", "99999"])
    assert most < 8 << 20  # the texts alone are 11 MB as objects


def test_of_an_export_in_json_lines_one_line_is_in_memory_at_a_time():
    line = '{"email": "ada@reader.example", "suppressed": "", "subscriptions": []}\n'
    text = lines.Lines(io.TextIOWrapper(io.BytesIO(line.encode() * 5_000), "utf-8"))
    kept = [len(text.taken) for _ in own_lines.rows_of(text)]
    assert len(kept) == 5_000
    assert max(kept) <= 1
