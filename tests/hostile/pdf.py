"""Writes PDF files by hand: objects by their number, then the table of where they are."""

from packed import zlib_stream
from registry import PHRASE

CATALOG, PAGES, PAGE, CONTENT, FONT = 1, 2, 3, 4, 5
HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def shown(text):
    """The content of a page that shows a text."""
    return b"BT /F1 12 Tf 72 720 Td (" + text.encode() + b") Tj ET\n"


def stream(data, entries=b"", length=None):
    """A stream of data as it is; its length may lie."""
    length = str(len(data)).encode() if length is None else length
    return b"<< /Length " + length + b" " + entries + b" >>\nstream\n" + data + b"\nendstream"


def flate(*pieces, entries=b""):
    """A compressed stream."""
    return stream(zlib_stream(*pieces), b"/Filter /FlateDecode " + entries)


def one_page(content=None, catalog=b"", pages=b"", page=b"", font=b"", resources=b""):
    """The objects of a file of one page, with more in some dictionaries; `page` may replace what a page has."""
    usual = {
        b"/Parent": b"2 0 R",
        b"/MediaBox": b"[0 0 612 792]",
        b"/Contents": b"4 0 R",
        b"/Resources": b"<< /Font << /F1 5 0 R >> " + resources + b" >>",
    }
    kept = b" ".join(key + b" " + value for key, value in usual.items() if key not in page)
    font = font or b"/Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding"
    return {
        CATALOG: b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        PAGES: b"<< /Type /Pages " + (pages or b"/Kids [3 0 R] /Count 1") + b" >>",
        PAGE: b"<< /Type /Page " + kept + b" " + page + b" >>",
        CONTENT: stream(shown(PHRASE)) if content is None else content,
        FONT: b"<< /Type /Font " + font + b" >>",
    }


def body(objects, start=HEADER):
    """The header and the objects, and where each of them is."""
    out, places, offset = [start], {}, len(start)
    for number, content in objects.items():
        piece = b"%d 0 obj\n" % number + content + b"\nendobj\n"
        places[number] = offset
        out.append(piece)
        offset += len(piece)
    return b"".join(out), places


def table(places):
    """A table of places, in one part for each run of numbers."""
    out = [b"xref\n0 1\n0000000000 65535 f \n"]
    out += [b"%d 1\n%010d 00000 n \n" % (number, place) for number, place in sorted(places.items())]
    return b"".join(out)


def trailer(size, more=b"", root=CATALOG):
    return b"trailer\n<< /Size %d /Root %d 0 R " % (size, root) + more + b" >>\n"


def end(place):
    return b"startxref\n%d\n%%%%EOF\n" % place


def pdf(objects, more=b"", root=CATALOG, start=HEADER):
    """A whole file; `more` is what its trailer has besides."""
    written, places = body(objects, start)
    size = max(places, default=0) + 1
    return written + table(places) + trailer(size, more, root) + end(len(written))


def compressed_pdf(objects, kept, more=b"", widths=(1, 4, 2), entries=b"", members=None):
    """A file whose objects are in object streams, but for `kept`: numbers of streams and their contents.

    `objects` are lists of pairs of number and content, one for each object stream; `members` are lies about what is
    where.
    """
    members = members or {}
    last = max([number for group in objects for number, _ in group] + list(kept) + list(members))
    numbers = range(last + 1, last + 1 + len(objects))
    found = {}
    for holder, group in zip(numbers, objects):
        kept = kept | {holder: object_stream(group)}
        found |= {number: (2, holder, index) for index, (number, _) in enumerate(group)}
    written, places = body(kept)
    found |= {number: (1, place, 0) for number, place in places.items()} | {0: (0, 0, 65535)} | members
    me = last + 1 + len(objects)
    found[me] = (1, len(written), 0)
    rows = b"".join(
        b"".join(value.to_bytes(width, "big") for value, width in zip(found.get(number, (0, 0, 0)), widths))
        for number in range(me + 1)
    )
    said = b"/Type /XRef /Size %d /Root 1 0 R /W [%d %d %d] " % (me + 1, *widths)
    return (
        written + b"%d 0 obj\n" % me + flate(rows, entries=entries or said + more) + b"\nendobj\n" + end(len(written))
    )


def object_stream(group, entries=b""):
    """A stream of objects."""
    index, content, offset = [], [], 0
    for number, one in group:
        index.append(b"%d %d" % (number, offset))
        content.append(one + b" ")
        offset += len(one) + 1
    head = b" ".join(index) + b"\n"
    said = b"/Type /ObjStm /N %d /First %d " % (len(group), len(head)) + entries
    return flate(head + b"".join(content), entries=said)
