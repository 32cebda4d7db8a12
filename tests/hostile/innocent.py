"""Small files with nothing wrong in them: they must be read, or the test itself is wrong."""

from archive import parts_zip
from compound import book, small_book
from mail import PART, mail, multipart
from packed import zlib_stream
from parts import DOCUMENTS
from pdf import CONTENT, compressed_pdf, flate, one_page, pdf, shown
from pictures import png, small_jpeg, small_png, webp
from registry import PHRASE, add

LINE = f"{PHRASE}\n"


def compressed():
    objects = one_page()
    del objects[CONTENT]
    return compressed_pdf([list(objects.items())], {CONTENT: flate(shown(PHRASE))})


# What is small, valid and has the phrase in it, by the end of its name.
SMALL = {kind: lambda make=make: parts_zip(make()) for kind, (make, _) in DOCUMENTS.items()} | {
    "pdf": lambda: pdf(one_page()),
    "xls": lambda: book().content(),
    "eml": lambda: mail(multipart([PART])),
    "txt": lambda: LINE.encode(),
    "md": lambda: f"# Title\n\n{LINE}".encode(),
    "csv": lambda: f"name,value\n{PHRASE},1\n".encode(),
    "tsv": lambda: f"name\tvalue\n{PHRASE}\t1\n".encode(),
    "json": lambda: f'{{"name": "{PHRASE}"}}\n'.encode(),
    "html": lambda: f"<!DOCTYPE html><title>Page</title><p>{PHRASE}</p>\n".encode(),
    "xml": lambda: f'<?xml version="1.0"?><x>{PHRASE}</x>\n'.encode(),
    "py": lambda: f'print("{PHRASE}")\n'.encode(),
}

# Pictures, which have no text.
PICTURES = {
    "png": small_png,
    "jpg": small_jpeg,
    "webp": lambda: webp(16, 16),
}

for kind, content in SMALL.items():
    add(f"innocent.{kind}", "none", "ready", "A small valid file with a phrase in it.", content, text=PHRASE)
for kind, content in PICTURES.items():
    add(f"innocent.{kind}", "none", "ready", "A small valid picture.", content)

add("innocent_compressed.pdf", "none", "ready", "A PDF with packed objects and contents.", compressed, text=PHRASE)
add("innocent_small.xls", "none", "ready", "A workbook in a small stream.", lambda: small_book().content(), text=PHRASE)
add("innocent_utf16.txt", "none", "ready", "UTF-16 that says so.", lambda: LINE.encode("utf-16"), text=PHRASE)
add(
    "innocent_large.png",
    "none",
    "ready",
    "A valid picture of 2,000 by 2,000 points.",
    lambda: png(2000, 2000, zlib_stream(((b"\0" + bytes(range(250)) * 8) * 200, 10))),
)
