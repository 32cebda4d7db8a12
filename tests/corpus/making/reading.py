"""Read the text of a file by other programs than the one that has made it.

Each reader gives pairs of a place and a text: `({"page": 3}, "the words of page three")`."""

import csv
import html
import html.parser
import io
import json
import re
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from .common import WORK, node, run


def even(text):
    """The text with single spaces, without marks of direction and soft hyphens, ligatures taken apart."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", text)
    return re.sub(r"\s+", " ", text).strip()


def decoded(path):
    """The text of a file whose encoding stands in a mark, in its head, or has to be tried."""
    raw = path.read_bytes()
    if raw.startswith(b"\xff\xfe"):
        return raw.decode("utf-16")
    found = re.search(rb'charset="?([\w-]+)', raw[:1000]) if path.suffix == ".html" else None
    for name in ([found[1].decode()] if found else []) + ["utf-8-sig", "shift_jis", "cp1252"]:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    raise SystemExit(f"{path}: unknown encoding")


class Page(html.parser.HTMLParser):
    """What a browser would show of a page, roughly."""
    silent = {"script", "style", "title", "head"}
    inline = {"a", "b", "i", "em", "strong", "span", "code", "sup", "u", "font", "data", "time", "small", "mark", "text"}

    def __init__(self):
        super().__init__()
        self.text, self.depth = [], 0

    def handle_starttag(self, tag, attributes):
        self.depth += tag in self.silent
        if tag not in self.inline:
            self.text.append("\n")

    def handle_endtag(self, tag):
        if tag in self.silent:
            self.depth = max(0, self.depth - 1)
        if tag == "head":
            self.depth = 0
        if tag not in self.inline:
            self.text.append("\n")

    def handle_data(self, data):
        if not self.depth:
            self.text.append(data)


def page_text(text):
    page = Page()
    page.feed(text)
    return "".join(page.text)


def lines(path):
    return [({"line": number}, line) for number, line in enumerate(decoded(path).splitlines(), 1)]


def strings(value):
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def read_json(path):
    return [({}, text) for text in strings(json.loads(decoded(path)))]


def read_sheets(path):
    """With Gnumeric if SheetJS has made the file, otherwise with SheetJS. (Gnumeric leaves out empty rows at the top.)"""
    if "sheetjs" not in path.name:
        units = json.loads(node("read.js", "sheet", path))
        # In ods files, SheetJS leaves the `&amp;` in the names of sheets as it stands in the XML.
        return [({**place, "sheet": html.unescape(place["sheet"])}, text) for place, text in units]
    folder = Path(tempfile.mkdtemp(dir=WORK))
    run("ssconvert", "-S", "--export-type=Gnumeric_stf:stf_csv", path, folder / "%s.csv")
    units = []
    for sheet in folder.iterdir():
        for number, row in enumerate(csv.reader(io.StringIO(sheet.read_text())), 1):
            units += [({"sheet": sheet.stem, "row": number}, cell) for cell in row if cell]
    return units


def name(element):
    return element.tag.rsplit("}", 1)[-1]


def paragraph(element):
    """The text of one paragraph of Word, PowerPoint or OpenDocument, without its footnotes."""
    text = element.text or "" if name(element) in {"t", "span", "a", "p", "h"} else ""
    for child in element:
        kind = name(child)
        if kind in {"tab", "br", "s", "line-break"}:
            text += " "
        elif kind not in {"note", "delText", "instrText", "annotation", "pict", "AlternateContent", "frame"}:
            text += paragraph(child)
        if name(element) in {"span", "a", "p", "h"}:
            text += child.tail or ""
    return text


def paragraphs(element, place, inside=("note",)):
    """All paragraphs below an element; those of footnotes are marked."""
    units = []
    for child in element:
        if name(child) == "tracked-changes":
            continue
        where = {**place, "part": "footnote"} if name(child) in inside else place
        if name(child) in {"p", "h"}:
            units.append((where, paragraph(child)))
        units += paragraphs(child, where)
    return units


def read_docx(path):
    units = []
    with zipfile.ZipFile(path) as archive:
        for file in archive.namelist():
            found = re.fullmatch(r"word/(document|header|footer|footnotes|endnotes|comments)\d*\.xml", file)
            if found:
                part = {"footnotes": "footnote", "endnotes": "endnote", "comments": "comment"}.get(found[1], found[1])
                place = {} if part == "document" else {"part": part}
                units += paragraphs(ElementTree.fromstring(archive.read(file)), place)
    return units


def read_odt(path):
    with zipfile.ZipFile(path) as archive:
        return (paragraphs(ElementTree.fromstring(archive.read("content.xml")), {})
                + paragraphs(ElementTree.fromstring(archive.read("styles.xml")), {"part": "header"}))


def relations(archive, file):
    """What a part of an Office file refers to, by the id of the relation."""
    folder, base = file.rsplit("/", 1)
    path = f"{folder}/_rels/{base}.rels"
    if path not in archive.namelist():
        return {}
    return {relation.get("Id"): (relation.get("Type").rsplit("/", 1)[-1], relation.get("Target"))
            for relation in ElementTree.fromstring(archive.read(path))}


def read_pptx(path):
    units = []
    with zipfile.ZipFile(path) as archive:
        show = "ppt/presentation.xml"
        slides = relations(archive, show)
        order = [element for element in ElementTree.fromstring(archive.read(show)).iter() if name(element) == "sldId"]
        for number, element in enumerate(order, 1):
            key = next(value for attribute, value in element.attrib.items() if attribute.endswith("relationships}id"))
            slide = "ppt/" + slides[key][1].removeprefix("/ppt/")
            units += paragraphs(ElementTree.fromstring(archive.read(slide)), {"slide": number})
            for kind, where in relations(archive, slide).values():
                if kind == "notesSlide":
                    notes = "ppt/notesSlides/" + where.rsplit("/", 1)[-1]
                    units += paragraphs(ElementTree.fromstring(archive.read(notes)), {"slide": number, "part": "notes"})
    return units


def read_epub(path):
    with zipfile.ZipFile(path) as archive:
        return [({}, page_text(archive.read(file).decode())) for file in archive.namelist()
                if file.endswith((".xhtml", ".html"))]


def read_pdf(path):
    count = int(re.search(r"Pages:\s+(\d+)", run("pdfinfo", path).decode())[1])
    units = []
    for page in range(1, count + 1):
        text = run("pdftotext", "-f", page, "-l", page, path, "-").decode()
        # A word that is split at the end of a line is one word to a reader.
        units.append(({"page": page}, re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)))
        units.append(({"page": page}, run("pdftotext", "-raw", "-f", page, "-l", page, path, "-").decode()))
    return units


def read(path):
    kind = path.parent.name
    if kind in {"txt", "markdown", "code", "csv", "tsv"}:
        return lines(path)
    if kind in {"xlsx", "xls", "ods"}:
        return read_sheets(path)
    if kind == "html":
        return [({}, page_text(decoded(path)))]
    if kind == "eml":
        return [tuple(unit) for unit in json.loads(node("read.js", "mail", path))]
    return {"json": read_json, "docx": read_docx, "odt": read_odt, "pptx": read_pptx, "epub": read_epub, "pdf": read_pdf}[kind](path)


def size(path):
    """Width and height of a picture as a viewer shows it."""
    width, height, turn = (json.loads(run("exiftool", "-j", "-n", "-ImageWidth", "-ImageHeight", "-Orientation", path))[0].get(key, 1)
                           for key in ("ImageWidth", "ImageHeight", "Orientation"))
    return {"width": height, "height": width} if turn >= 5 else {"width": width, "height": height}
