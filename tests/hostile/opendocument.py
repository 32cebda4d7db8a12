"""Hostile OpenDocument texts and tables."""

from archive import parts_zip
from packed import pack
from parts import XML, cell, ods, odt
from registry import METADATA, PASSWD, PHRASE, SECRET, chance, hostile


def row(cells, more=""):
    return f"<table:table-row{more}>{cells}</table:table-row>"


def repeated(times):
    return f' table:number-columns-repeated="{times}"'


def rows_repeated(times):
    return f' table:number-rows-repeated="{times}"'


@hostile("columns_repeated.ods", "F9", "any")
def columns_repeated():
    """A cell with text that is repeated 1,000,000,000 times."""
    return parts_zip(ods(row(cell(PHRASE, repeated(1_000_000_000)))))


@hostile("rows_repeated.ods", "F9", "any")
def many_rows_repeated():
    """A row with text that is repeated 1,000,000,000 times."""
    return parts_zip(ods(row(cell(PHRASE), rows_repeated(1_000_000_000))))


@hostile("everything_repeated.ods", "F9", "any")
def everything_repeated():
    """A cell with text that is repeated in all 16,384 columns of all 1,048,576 rows."""
    return parts_zip(ods(row(cell(PHRASE, repeated(16_384)), rows_repeated(1_048_576))))


@hostile("empty_repeated.ods", "F9", "any")
def empty_repeated():
    """Billions of empty cells before the one with a text."""
    empty = f"<table:table-cell{repeated(1_000_000_000)}/>"
    return parts_zip(ods(row(empty, rows_repeated(1_000_000_000)) + row(empty + cell(PHRASE))))


@hostile("empty_repeated_at_end.ods", "none", "ready", text=PHRASE)
def empty_repeated_at_end():
    """Empty cells and rows up to the end of the table, as LibreOffice writes them: innocent."""
    rest = f"<table:table-cell{repeated(16_383)}/>"
    end = row(f"<table:table-cell{repeated(16_384)}/>", rows_repeated(1_048_575))
    return parts_zip(ods(row(cell(PHRASE) + rest) + end))


@hostile("repeated_garbage.ods", "F9", "any")
def repeated_garbage():
    """Numbers of repetitions that are negative, nothing, too large, or none."""
    wrong = ("-1", "0", "", "x", "1e9", "4294967296", "9223372036854775808", "9" * 1000)
    rows = "".join(row(cell("x", repeated(times)), rows_repeated(times)) for times in wrong)
    return parts_zip(ods(row(cell(PHRASE)) + rows))


@hostile("span_everything.ods", "F9", "any")
def span_everything():
    """A cell that spans two billion rows and columns."""
    more = ' table:number-columns-spanned="2147483647" table:number-rows-spanned="2147483647"'
    return parts_zip(ods(row(cell(PHRASE, more))))


@hostile("values.ods", "F9", "any")
def values():
    """Dates, times and numbers that are none."""
    kinds = (("date", "date-value"), ("time", "time-value"), ("float", "value"), ("currency", "value"), ("x", "value"))
    wrong = ("", "1e999", "9999999-99-99", "PT99999999999999H", "-", "NaN")
    cells = "".join(
        f'<table:table-cell office:value-type="{kind}" office:{name}="{value}"/>'
        for kind, name in kinds
        for value in wrong
    )
    return parts_zip(ods(row(cell(PHRASE)) + row(cells)))


@hostile("empty.ods", "F9", "failed")
def empty_table():
    """A table without cells."""
    return parts_zip(ods(""))


@hostile("columns_repeated.odt", "F9", "any")
def text_columns_repeated():
    """A table in a text whose cell is repeated 1,000,000,000 times."""
    return parts_zip(odt(f"<table:table>{row(cell(PHRASE, repeated(1_000_000_000)))}</table:table>"))


@hostile("rows_repeated.odt", "F9", "any")
def text_rows_repeated():
    """A table in a text whose row is repeated 1,000,000,000 times."""
    return parts_zip(odt(f"<table:table>{row(cell(PHRASE), rows_repeated(1_000_000_000))}</table:table>"))


@hostile("blanks_repeated.odt", "F9", "any")
def blanks_repeated():
    """A paragraph that says that it has 4,000,000,000 blanks, a thousand times."""
    blanks = '<text:s text:c="4000000000"/>' * 1000
    return parts_zip(odt(f"<text:p>{PHRASE}{blanks}</text:p>"))


@hostile("list_levels.odt", "F9", "any")
def list_levels():
    """Lists in lists, 50,000 levels deep, and a heading of level two billion."""
    head, tail = odt("#")["content.xml"].encode().split(b"#")
    title = f'<text:h text:outline-level="2147483647">{PHRASE}</text:h>'.encode()
    start, end = b"<text:list><text:list-item>" * 100, b"</text:list-item></text:list>" * 100
    deep = pack(head, title, (start, 500), b"<text:p>deep</text:p>", (end, 500), tail)
    return parts_zip(odt() | {"content.xml": deep})


@hostile("outside.odt", "F10", "ready", text=PHRASE, absent=PASSWD)
def outside():
    """Sections and pictures that are loaded from files and addresses."""
    links = "".join(
        f'<text:section text:name="s"><text:section-source xlink:href="{place}"/></text:section>'
        for place in ("file:///etc/passwd", METADATA, "../../../../etc/passwd", "../content.xml")
    ).replace("xlink:href", 'xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href')
    return parts_zip(odt(links + f"<text:p>{PHRASE}</text:p>"))


@hostile("script.odt", "F3", "ready", text=PHRASE, absent=SECRET)
def script():
    """A text with macros beside it, and an event that runs one."""
    macro = f'{XML}<script:module xmlns:script="http://openoffice.org/2000/script">Shell("{SECRET}")</script:module>'
    return parts_zip(odt() | {"Basic/Standard/Module1.xml": macro, "Scripts/python/x.py": f"import os # {SECRET}"})


@hostile("encrypted.odt", "F9", "failed")
def encrypted():
    """A text that is encrypted with a password, as LibreOffice does it."""
    parts = odt()
    name = 'm:full-path="content.xml" m:media-type="text/xml"'
    data = (
        '<m:encryption-data m:checksum-type="SHA1/1K" m:checksum="AAAA"><m:algorithm m:algorithm-name="Blowfish CFB" '
        'm:initialisation-vector="AAAA"/><m:key-derivation m:key-derivation-name="PBKDF2" '
        'm:iteration-count="4294967295" m:salt="AAAA"/></m:encryption-data>'
    )
    manifest = parts["META-INF/manifest.xml"].replace(f"{name}/>", f'{name} m:size="3000">{data}</m:file-entry>')
    assert "Blowfish" in manifest
    return parts_zip(parts | {"META-INF/manifest.xml": manifest, "content.xml": chance("odt").randbytes(1500)})


@hostile("flat.odt", "F4", "any")
def flat():
    """A text in the flat form, XML without a zip file, under the name of the other form."""
    mimetype = 'office:mimetype="application/vnd.oasis.opendocument.text"'
    text = odt()["content.xml"].replace("office:document-content", "office:document")
    return text.replace("<office:document ", f"<office:document {mimetype} ").encode()


@hostile("empty.odt", "F9", "failed")
def empty():
    """A text without any paragraph."""
    return parts_zip(odt(""))


@hostile("wrong_mimetype.odt", "F4", "any")
def wrong_mimetype():
    """A text whose media type is that of a web page."""
    return parts_zip(odt() | {"mimetype": "text/html"})
