"""Hostile zip files: what their headers say is not what is in them. Most are documents of Word inside."""

import bz2
import struct
import zlib
from dataclasses import replace

from archive import (
    DIRECTORY_ENTRY,
    ENCRYPTED,
    SYMLINK,
    Entry,
    both,
    central_header,
    end_record,
    end_record64,
    entries_zip,
    entry,
    headers,
    local_header,
    parts_zip,
)
from packed import MIB, Packed, crc_joined, pack, store
from parts import (
    DOCUMENTS,
    docx,
    docx_frame,
    epub,
    ods,
    odt,
    paragraph,
    pptx,
    relationships,
    workbook,
    xlsx,
    xlsx_frame,
)
from registry import PASSWD, PHRASE, SECRET, add, chance, hostile


def entries_of(parts):
    return [entry(name, content) for name, content in parts.items()]


def with_entries(*more):
    """A valid docx with more entries in it."""
    return entries_zip(entries_of(docx()) + list(more))


def document_with_lies(local=None, central=None):
    """A docx that lies about its text part."""
    entries = entries_of(docx())
    entries[-1].local, entries[-1].central = local or {}, central or {}
    return entries_zip(entries)


# Bombs


def bomb(parts, name, *pieces):
    return parts_zip(parts | {name: pack(*pieces)})


@hostile("zip_bomb.docx", "F9", "failed")
def word_bomb():
    """2 MB that unpack to 2 GiB of paragraphs."""
    head, tail = docx_frame()
    text = paragraph("a" * (4 * MIB)).encode()
    return bomb(docx(), "word/document.xml", head, (text, 512), tail)


@hostile("zip_bomb_one_word.docx", "F9", "failed")
def one_word_bomb():
    """260 KB that unpack to one word of 256 MiB."""
    head, tail = docx_frame()
    return bomb(
        docx(), "word/document.xml", head, b"<w:p><w:r><w:t>", (b"a" * (4 * MIB), 64), b"</w:t></w:r></w:p>", tail
    )


@hostile("zip_bomb_blanks.docx", "F9", "failed")
def blanks_bomb():
    """A text part of 256 MiB of blanks between two tags, so that nothing comes out while it is unpacked."""
    head, tail = docx_frame()
    return bomb(docx(), "word/document.xml", head, (b" " * (4 * MIB), 64), tail)


@hostile("zip_bomb.xlsx", "F9", "failed")
def sheet_bomb():
    """570 KB that unpack to a sheet of 510 MiB."""
    head, tail = xlsx_frame()
    cell = b'<c t="inlineStr"><is><t>' + b"a" * 30_000 + b"</t></is></c>"
    row = b"<row>" + cell * 100 + b"</row>"
    return bomb(xlsx(), "xl/worksheets/sheet1.xml", head, (row * 2, 512 * MIB // (2 * len(row))), tail)


@hostile("zip_bomb_strings.xlsx", "F9", "failed")
def shared_strings_bomb():
    """Shared strings of 256 MiB for a sheet of one cell."""
    head, tail = xlsx(strings="<sst>#</sst>")["xl/sharedStrings.xml"].encode().split(b"#")
    text = b"<si><t>" + b"a" * 30_000 + b"</t></si>"
    return bomb(xlsx(), "xl/sharedStrings.xml", head, (text * 100, 256 * MIB // (100 * len(text))), tail)


@hostile("zip_bomb.pptx", "F9", "failed")
def slide_bomb():
    """A slide of 256 MiB of text."""
    head, tail = pptx("#")["ppt/slides/slide1.xml"].encode().split(b"#")
    return bomb(pptx(), "ppt/slides/slide1.xml", head, (b"a b " * MIB, 64), tail)


@hostile("zip_bomb.odt", "F9", "failed")
def text_document_bomb():
    """An OpenDocument text of 256 MiB of paragraphs."""
    head, tail = odt("#")["content.xml"].encode().split(b"#")
    text = b"<text:p>" + b"a" * (4 * MIB) + b"</text:p>"
    return bomb(odt(), "content.xml", head, (text, 64), tail)


@hostile("zip_bomb.ods", "F9", "failed")
def table_document_bomb():
    """An OpenDocument table of 256 MiB of cells."""
    head, tail = ods("#")["content.xml"].encode().split(b"#")
    row = (
        b"<table:table-row><table:table-cell><text:p>" + b"a" * MIB + b"</text:p></table:table-cell></table:table-row>"
    )
    return bomb(ods(), "content.xml", head, (row * 4, 64), tail)


@hostile("zip_bomb.epub", "F9", "failed")
def book_bomb():
    """A book whose only chapter has 256 MiB."""
    head, tail = epub("#")["OEBPS/c1.xhtml"].encode().split(b"#")
    return bomb(epub(), "OEBPS/c1.xhtml", head, (b"<p>" + b"a" * (4 * MIB) + b"</p>", 64), tail)


@hostile("zip_bomb_relationships.docx", "F9", "any")
def relationships_bomb():
    """A list of relationships of 256 MiB beside a small text."""
    head, tail = relationships(("x", "#")).encode().split(b"#")
    return bomb(docx(), "word/_rels/document.xml.rels", head, (b"a" * (4 * MIB), 64), tail)


@hostile("zip_bomb_beside.docx", "F9", "any")
def unused_bomb():
    """A small text, and beside it a picture of 256 MiB that nobody needs to unpack."""
    return with_entries(Entry("word/media/image1.png", pack((bytes(4 * MIB), 64))))


@hostile("overlap_quoted.docx", "F9", "any")
def quoted_overlap():
    """250 pictures that quote each other's headers and share one content of 16 MiB: 4 GiB in all."""
    chain = [Entry("word/media/000.png", pack((bytes(MIB), 16)))]
    for number in range(1, 250):
        header = local_header(**headers(chain[-1]))
        chain.append(Entry(f"word/media/{number:03}.png", quoted(header, chain[-1].packed)))
    step = len(local_header(**headers(chain[0]))) + len(quote(0))
    first, *inner = reversed(chain)
    places = [(one, step * number) for number, one in enumerate(inner, 1)]
    return more_in_directory([first, *entries_of(docx())], places)


def quote(size):
    """The start of a stored, not last, block of deflated data."""
    return struct.pack("<BHH", 0, size, size ^ 0xFFFF)


def quoted(header, content):
    """What a content becomes when a header stands before it as a quote."""
    crc = crc_joined(zlib.crc32(header), content.crc, content.size)
    data = quote(len(header)) + header + content.data
    return replace(content, crc=crc, size=content.size + len(header), data=data)


@hostile("overlap_full.xlsx", "F9", "failed")
def full_overlap():
    """1,000 sheets that are one and the same entry of 16 MiB: 16 GiB in all."""
    head, tail = xlsx_frame()
    row = b'<row><c t="inlineStr"><is><t>' + b"a" * (MIB // 32) + b"</t></is></c></row>"
    sheet = pack(head, (row * 32, 16), tail)
    names = [f"worksheets/sheet{number}.xml" for number in range(1, 1001)]
    parts = xlsx() | {
        "xl/workbook.xml": workbook(1000),
        "xl/_rels/workbook.xml.rels": relationships(*(("worksheet", name) for name in names)),
    }
    del parts["xl/worksheets/sheet1.xml"]
    first, *same = (Entry(f"xl/{name}", sheet) for name in names)
    return more_in_directory([first, *entries_of(parts)], [(one, 0) for one in same])


def more_in_directory(entries, more):
    """A zip file of entries, and of more that are only in its directory: each with its place in the file."""
    whole = entries_zip(entries)
    offset = struct.unpack_from("<I", whole, len(whole) - 6)[0]
    added = b"".join(central_header(**headers(one), offset=place) for one, place in more)
    directory = whole[offset:-22] + added
    return whole[:offset] + directory + end_record(len(entries) + len(more), len(directory), offset)


# Many entries, and zips in zips


@hostile("many_entries.docx", "F9", "any")
def many_entries():
    """A docx with 100,000 more entries, all of them empty."""
    empty = store(b"")
    return with_entries(*(Entry(f"{number:05x}", empty) for number in range(100_000)))


@hostile("entry_count_lie.docx", "F9", "any")
def entry_count_lie():
    """The end of the directory speaks of 60,000 entries where three are."""
    return entries_zip(entries_of(docx()), count=60_000)


@hostile("long_name.docx", "F9", "any")
def long_name():
    """One entry with a name of 65,000 letters."""
    return with_entries(Entry("a" * 65_000, store(b"")))


def zips_in_zips(levels, width):
    """A zip of so many zips of so many zips, and so on; in the middle a docx that says the secret."""
    inner = parts_zip(docx(paragraph(SECRET)))
    for _ in range(levels):
        content = pack(inner)
        inner = entries_zip([Entry(f"{number}.docx", content) for number in range(width)])
    return inner


@hostile("nested_zips.docx", "F9", "failed")
def nested_zips():
    """Ten zips in one another, ten copies on each level, and no document in the outer one."""
    return zips_in_zips(10, 10)


@hostile("nested_zips_beside.docx", "F9", "ready", text=PHRASE, absent=SECRET)
def nested_zips_beside():
    """A valid docx that embeds zips in zips, ten levels deep."""
    return with_entries(entry("word/embeddings/inner.docx", zips_in_zips(10, 10)))


# Sizes that are not true


@hostile("declared_tiny.docx", "F9", "failed")
def declared_tiny():
    """All headers say 100 bytes where 256 MiB come out."""
    head, tail = docx_frame()
    text = paragraph("a" * (4 * MIB)).encode()
    parts = entries_of(docx())[:-1]
    return entries_zip([*parts, Entry("word/document.xml", pack(head, (text, 64), tail), **both(size=100))])


@hostile("declared_huge.docx", "F9", "any")
def declared_huge():
    """All headers say 4 GiB minus two bytes where a few hundred come out."""
    return document_with_lies(**both(size=0xFFFFFFFE))


@hostile("packed_size_huge.docx", "F9", "any")
def packed_size_huge():
    """The headers say that the packed text is larger than the file."""
    return document_with_lies(**both(packed_size=0x7FFFFFFF))


@hostile("packed_size_zero.docx", "F9", "any")
def packed_size_zero():
    """The headers say that nothing is packed, where a text is."""
    return document_with_lies(**both(packed_size=0))


@hostile("headers_disagree.docx", "F9", "any")
def headers_disagree():
    """The local header gives another name, method and size than the directory."""
    return document_with_lies(local={"name": b"word/comments.xml", "method": 0, "size": 7})


@hostile("offset_outside.docx", "F9", "failed")
def offset_outside():
    """The directory says that the text begins behind the end of the file."""
    return document_with_lies(central={"offset": 0xFFFFFFF0})


@hostile("directory_outside.docx", "F9", "any")
def directory_outside():
    """The directory is said to begin behind the end of the file."""
    return entries_zip(entries_of(docx()), offset=0xFFFFFFF0)


@hostile("zip64_entry_lie.docx", "F9", "any")
def zip64_entry_lie():
    """The zip64 fields of the text say that it has 2^63 bytes and begins at byte 2^63."""
    extra = struct.pack("<2H3Q", 1, 24, 1 << 63, 1 << 63, 1 << 63)
    full = 0xFFFFFFFF
    return document_with_lies(central={"size": full, "packed_size": full, "offset": full, "extra": extra})


@hostile("zip64_short_extra.docx", "F9", "any")
def zip64_short_extra():
    """The zip64 fields are announced with more bytes than they have."""
    return document_with_lies(central={"size": 0xFFFFFFFF, "extra": struct.pack("<2HI", 1, 60_000, 1)})


def with_end64(**lies):
    """A docx whose directory ends with a zip64 record that lies."""
    plain = entries_zip(entries_of(docx()))
    size, offset = struct.unpack_from("<2I", plain, len(plain) - 10)
    said = {"count": 3, "size": size, "offset": offset, "place": len(plain) - 22} | lies
    return plain[:-22] + end_record64(**said) + end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


@hostile("zip64_end_count.docx", "F9", "any")
def zip64_end_count():
    """The zip64 end of the directory speaks of 2^64 - 1 entries."""
    return with_end64(count=(1 << 64) - 1)


@hostile("zip64_end_place.docx", "F9", "any")
def zip64_end_place():
    """The zip64 end of the directory is said to be at byte 2^64 - 1."""
    return with_end64(place=(1 << 64) - 1)


@hostile("zip64_end_directory.docx", "F9", "any")
def zip64_end_directory():
    """The zip64 end of the directory says that it begins at byte 2^63 and has as many."""
    return with_end64(offset=1 << 63, size=1 << 63)


@hostile("wrong_crc.docx", "F9", "any")
def wrong_crc():
    """The checksum of the text is wrong."""
    return document_with_lies(**both(crc=0xDEADBEEF))


@hostile("data_garbage.docx", "F9", "failed")
def data_garbage():
    """What is packed as the text cannot be unpacked."""
    garbage = b"\xff" + chance("data garbage").randbytes(2000)
    return parts_zip(docx() | {"word/document.xml": Packed(8, 0, 9000, garbage)})


@hostile("two_ends.docx", "F9", "any")
def two_ends():
    """Two documents one after the other; the comment of the first is the second."""
    second = parts_zip(docx(paragraph("second")))
    return parts_zip(docx(), comment=second[:0xFFFF])


@hostile("end_in_comment.docx", "F9", "any")
def end_in_comment():
    """Its comment is full of what looks like the end of the directory."""
    return parts_zip(docx(), comment=b"PK\5\6" * 16_000)


@hostile("truncated.docx", "F9", "failed")
def truncated():
    """The last third of the file, with its directory, is missing."""
    whole = with_entries(entry("word/media/noise.bin", chance("truncated").randbytes(20_000)))
    return whole[: len(whole) * 2 // 3]


@hostile("truncated_directory.docx", "F9", "any")
def truncated_directory():
    """The file ends in the middle of its directory."""
    return with_entries()[:-60]


# Names, and what entries are


@hostile("name_parent.docx", "F16", "ready", text=PHRASE, absent=SECRET)
def name_parent():
    """Entries that are named as paths out of the folder, in all spellings."""
    names = (
        "../../x",
        "..\\..\\x",
        "word/../../../x",
        "/etc/passwd",
        "//etc/passwd",
        "C:\\x",
        "C:/x",
        "~/x",
        "%2e%2e/x",
    )
    return with_entries(*(entry(name, SECRET) for name in names))


@hostile("name_strange.docx", "F16", "any", absent=SECRET)
def name_strange():
    """Entries without a name, with NUL, line breaks and bytes that are no UTF-8 in their names."""
    names = (b"", b".", b"..", b"a\0b", b"a\r\nb", b"\xff\xfe\xfd", b"CON", b"a" * 5000, b"\xe2\x80\xaefdp.exe")
    return with_entries(*(entry("x", SECRET, **both(name=name)) for name in names))


@hostile("symlink.docx", "F16", "ready", text=PHRASE, absent=PASSWD)
def symlink():
    """An entry that is a symbolic link to /etc/passwd."""
    return with_entries(entry("word/media/image1.png", "/etc/passwd", central={"attributes": SYMLINK}))


@hostile("symlink_text.docx", "F16", "failed", absent=PASSWD)
def symlink_text():
    """The text itself is a symbolic link to /etc/passwd."""
    parts = entries_of(docx())[:-1]
    return entries_zip([*parts, entry("word/document.xml", "/etc/passwd", central={"attributes": SYMLINK})])


@hostile("text_is_folder.docx", "F16", "failed")
def text_is_folder():
    """The text is a folder of the same name."""
    parts = entries_of(docx())[:-1]
    return entries_zip([*parts, entry("word/document.xml/", "", central={"attributes": DIRECTORY_ENTRY})])


@hostile("duplicate_text.docx", "F16", "any")
def duplicate_text():
    """Two text parts of the same name."""
    return with_entries(entry("word/document.xml", docx(paragraph("second"))["word/document.xml"]))


@hostile("names_differ_in_case.docx", "F16", "any")
def names_differ_in_case():
    """All names are in capitals."""
    return parts_zip({name.upper(): content for name, content in docx().items()})


@hostile("names_with_backslashes.docx", "F16", "any")
def names_with_backslashes():
    """All names are written with backslashes."""
    return parts_zip({name.replace("/", "\\"): content for name, content in docx().items()})


# Methods and passwords


@hostile("encrypted_entries.docx", "F9", "failed")
def encrypted_entries():
    """All entries are encrypted with a password."""
    rng = chance("encrypted entries")
    made = ((name, Packed(0, 1, 500, rng.randbytes(512))) for name in docx())
    return entries_zip([Entry(name, content, **both(flags=ENCRYPTED)) for name, content in made])


@hostile("encrypted_flag.docx", "F9", "any")
def encrypted_flag():
    """The text is marked as encrypted, and is not."""
    return document_with_lies(**both(flags=ENCRYPTED))


@hostile("unknown_method.docx", "F9", "failed")
def unknown_method():
    """The text is packed in a way that nobody knows."""
    noise = chance("unknown method").randbytes(700)
    return parts_zip(docx() | {"word/document.xml": Packed(250, 0, 700, noise)})


@hostile("aes_method.docx", "F9", "failed")
def aes_method():
    """The text is encrypted in the way of WinZip."""
    extra = struct.pack("<3H2sBH", 0x9901, 7, 2, b"AE", 3, 8)
    entries = entries_of(docx())[:-1]
    noise = Packed(99, 0, 700, chance("aes").randbytes(728))
    return entries_zip([*entries, Entry("word/document.xml", noise, **both(flags=ENCRYPTED, extra=extra))])


@hostile("bzip2_method.docx", "F9", "any")
def bzip2_method():
    """The text is packed with bzip2, and unpacks to 32 MiB."""
    head, tail = docx_frame()
    deflated = pack(head, (paragraph("a" * MIB).encode(), 32), tail)
    packer = bz2.BZ2Compressor(9)
    pieces = [packer.compress(piece) for piece in (head, *[paragraph("a" * MIB).encode()] * 32, tail)]
    data = b"".join([*pieces, packer.flush()])
    return parts_zip(docx() | {"word/document.xml": replace(deflated, method=12, data=data)})


@hostile("sizes_behind.docx", "F9", "any")
def sizes_behind():
    """The local header leaves the sizes to a record behind the text, which is missing."""
    return document_with_lies(local={"flags": 8, "size": 0, "packed_size": 0, "crc": 0}, central={"flags": 8})


# Nothing in it


@hostile("no_entries.docx", "F9", "failed")
def no_entries():
    """A zip file without any entry."""
    return entries_zip([])


@hostile("no_document.docx", "F9", "failed")
def no_document():
    """A zip file of a text file and a picture, named as a document."""
    return parts_zip({"read me.txt": PHRASE, "picture.png": b"\x89PNG"})


def without(kind, name):
    """A document that lacks one part."""
    make, _ = DOCUMENTS[kind]

    def content():
        parts = make()
        del parts[name]
        return parts_zip(parts)

    return content


MISSING = (
    ("missing_text.docx", "word/document.xml", "failed"),
    ("missing_types.docx", "[Content_Types].xml", "any"),
    ("missing_relationships.docx", "_rels/.rels", "any"),
    ("missing_workbook.xlsx", "xl/workbook.xml", "failed"),
    ("missing_sheet.xlsx", "xl/worksheets/sheet1.xml", "any"),
    ("missing_strings.xlsx", "xl/sharedStrings.xml", "any"),
    ("missing_relationships.xlsx", "xl/_rels/workbook.xml.rels", "any"),
    ("missing_presentation.pptx", "ppt/presentation.xml", "any"),
    ("missing_slide.pptx", "ppt/slides/slide1.xml", "failed"),
    ("missing_content.odt", "content.xml", "failed"),
    ("missing_mimetype.odt", "mimetype", "any"),
    ("missing_content.ods", "content.xml", "failed"),
    ("missing_container.epub", "META-INF/container.xml", "any"),
    ("missing_package.epub", "OEBPS/book.opf", "any"),
    ("missing_chapter.epub", "OEBPS/c1.xhtml", "any"),
)

for file, name, expect in MISSING:
    add(file, "F9", expect, f"A document without its part {name}.", without(file.split(".")[1], name))


def not_xml(kind):
    """A document whose text part is no XML at all."""
    make, name = DOCUMENTS[kind]
    return lambda: parts_zip(make() | {name: chance(f"not xml {kind}").randbytes(3000)})


for kind, (_, name) in DOCUMENTS.items():
    expect = "any" if kind == "epub" else "failed"
    add(f"not_xml.{kind}", "F9", expect, f"Its part {name} is random bytes.", not_xml(kind))
