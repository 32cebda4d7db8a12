"""The parts of small valid documents: dictionaries of names and contents, made anew for each file that changes some."""

from registry import PHRASE

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
ODF = " ".join(f'xmlns:{name}="{OASIS}:{name}:1.0"' for name in ("office", "text", "table"))


def content_types(**parts):
    """The list of content types; the names of parts have `__` for `/` and lose their `.xml`."""
    base = "application/vnd.openxmlformats-officedocument"
    lines = (
        f'<Override PartName="/{name.replace("__", "/")}.xml" ContentType="{base}.{kind}+xml"/>'
        for name, kind in parts.items()
    )
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return f'{XML}<Types xmlns="{PACKAGE}/content-types">{defaults}{"".join(lines)}</Types>'


def relationships(*targets):
    """A list of relationships: pairs of what it is and where, and of the words that follow these."""
    lines = (
        f'<Relationship Id="rId{number}" Type="{OFFICE}/relationships/{kind}" Target="{target}" {" ".join(more)}/>'
        for number, (kind, target, *more) in enumerate(targets, 1)
    )
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def docx(body=f"<w:p><w:r><w:t>{PHRASE}</w:t></w:r></w:p>", prologue=XML):
    document = f'<w:document xmlns:w="{WORD}" xmlns:r="{OFFICE}/relationships"><w:body>{body}</w:body></w:document>'
    return {
        "[Content_Types].xml": content_types(word__document="wordprocessingml.document.main"),
        "_rels/.rels": relationships(("officeDocument", "word/document.xml")),
        "word/document.xml": prologue + document,
    }


def docx_frame():
    """What stands before and after the text of a docx."""
    return tuple(half.encode() for half in docx("#")["word/document.xml"].split("#"))


def paragraph(text):
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(rows='<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings=None, dimension="A1", after="", prologue=XML):
    strings = (
        f'<sst xmlns="{SHEET}" count="1" uniqueCount="1"><si><t>{PHRASE}</t></si></sst>' if strings is None else strings
    )
    sheet = f'<worksheet xmlns="{SHEET}"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData>{after}</worksheet>'
    return {
        "[Content_Types].xml": content_types(
            xl__workbook="spreadsheetml.sheet.main",
            xl__worksheets__sheet1="spreadsheetml.worksheet",
            xl__sharedStrings="spreadsheetml.sharedStrings",
        ),
        "_rels/.rels": relationships(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": workbook(1),
        "xl/_rels/workbook.xml.rels": relationships(
            ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")
        ),
        "xl/worksheets/sheet1.xml": prologue + sheet,
        "xl/sharedStrings.xml": prologue + strings,
    }


def workbook(count):
    """A workbook of so many sheets, `rId1` and so on."""
    sheets = "".join(
        f'<sheet name="S{number}" sheetId="{number}" r:id="rId{number}"/>' for number in range(1, count + 1)
    )
    return f'{XML}<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}/relationships"><sheets>{sheets}</sheets></workbook>'


def xlsx_frame():
    """What stands before and after the rows of a sheet."""
    return tuple(half.encode() for half in xlsx("#")["xl/worksheets/sheet1.xml"].split("#"))


def pptx(text=PHRASE):
    return {
        "[Content_Types].xml": content_types(
            ppt__presentation="presentationml.presentation.main", ppt__slides__slide1="presentationml.slide"
        ),
        "_rels/.rels": relationships(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": presentation('<p:sldId id="256" r:id="rId1"/>'),
        "ppt/_rels/presentation.xml.rels": relationships(("slide", "slides/slide1.xml")),
        "ppt/slides/slide1.xml": slide(text),
    }


def presentation(slides):
    names = f'xmlns:p="{SLIDE}" xmlns:a="{DRAWING}" xmlns:r="{OFFICE}/relationships"'
    return f"{XML}<p:presentation {names}><p:sldIdLst>{slides}</p:sldIdLst></p:presentation>"


def slide(text):
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    head = (
        '<p:nvSpPr><p:cNvPr id="2" name="Title"/><p:cNvSpPr/><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:spPr/>'
    )
    shape = f"<p:sp>{head}<p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    tree = f"<p:cSld><p:spTree>{group}{shape}</p:spTree></p:cSld>"
    return f'{XML}<p:sld xmlns:p="{SLIDE}" xmlns:a="{DRAWING}" xmlns:r="{OFFICE}/relationships">{tree}</p:sld>'


def opendocument(kind, body, prologue=XML):
    media = f"application/vnd.oasis.opendocument.{kind}"
    files = (
        f'<m:file-entry m:full-path="/" m:media-type="{media}"/>'
        '<m:file-entry m:full-path="content.xml" m:media-type="text/xml"/>'
    )
    return {
        "mimetype": media,
        "META-INF/manifest.xml": f'{XML}<m:manifest xmlns:m="{OASIS}:manifest:1.0">{files}</m:manifest>',
        "content.xml": f'{prologue}<office:document-content {ODF} office:version="1.2"><office:body>{body}'
        "</office:body></office:document-content>",
    }


def odt(body=f"<text:p>{PHRASE}</text:p>", prologue=XML):
    return opendocument("text", f"<office:text>{body}</office:text>", prologue)


def ods(rows="<table:table-row>{cell}</table:table-row>", prologue=XML):
    rows = rows.replace("{cell}", cell(PHRASE))
    table = f'<table:table table:name="S1">{rows}</table:table>'
    return opendocument("spreadsheet", f"<office:spreadsheet>{table}</office:spreadsheet>", prologue)


def cell(text, more=""):
    """A cell of an OpenDocument table."""
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def epub(body=f"<p>{PHRASE}</p>", manifest="", spine='<itemref idref="c1"/>'):
    container = "urn:oasis:names:tc:opendocument:xmlns:container"
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'{XML}<container xmlns="{container}" version="1.0"><rootfiles><rootfile '
        'full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "OEBPS/book.opf": package(manifest, spine),
        "OEBPS/nav.xhtml": page('<nav epub:type="toc"><ol><li><a href="c1.xhtml">One</a></li></ol></nav>'),
        "OEBPS/c1.xhtml": page(body),
    }


def package(manifest, spine):
    metadata = (
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:x:1</dc:identifier>'
        '<dc:title>Book</dc:title><dc:language>en</dc:language><meta property="dcterms:modified">2026-01-01T00:00:00Z'
        "</meta></metadata>"
    )
    items = (
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>'
    )
    return (
        f'{XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">{metadata}'
        f"<manifest>{items}{manifest}</manifest><spine>{spine}</spine></package>"
    )


def page(body):
    """A page of a book."""
    return (
        f'{XML}<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>One'
        f"</title></head><body>{body}</body></html>"
    )


# What each of them is made by, and the part with the text.
DOCUMENTS = {
    "docx": (docx, "word/document.xml"),
    "xlsx": (xlsx, "xl/worksheets/sheet1.xml"),
    "pptx": (pptx, "ppt/slides/slide1.xml"),
    "odt": (odt, "content.xml"),
    "ods": (ods, "content.xml"),
    "epub": (epub, "OEBPS/c1.xhtml"),
}
