"""Hostile PDF files: trees, tables and objects that lie about each other."""

import hashlib

from archive import entries_zip, entry
from packed import MIB
from parts import docx
from pdf import (
    CONTENT,
    HEADER,
    PAGE,
    body,
    compressed_pdf,
    end,
    flate,
    object_stream,
    one_page,
    pdf,
    shown,
    stream,
    table,
    trailer,
)
from registry import PASSWD, PHRASE, SECRET, chance, hostile


def with_table(places, more=b"", size=6):
    """A file of one page with a table that lies; `places` takes the true ones and gives the table and its place."""
    written, true = body(one_page())
    return written + places(true) + trailer(size, more) + end(len(written))


# The tree of pages


@hostile("page_tree_only_itself.pdf", "F11", "failed")
def tree_only_itself():
    """The only child of the tree of pages is the tree itself."""
    return pdf(without_page(b"/Kids [2 0 R] /Count 1"))


def without_page(pages):
    objects = one_page(pages=pages)
    del objects[PAGE]
    return objects


@hostile("page_tree_loop.pdf", "F11", "any")
def tree_loop():
    """The tree of pages has a page, and itself three times."""
    return pdf(one_page(pages=b"/Kids [3 0 R 2 0 R 2 0 R 2 0 R] /Count 4"))


@hostile("page_tree_fans_out.pdf", "F11", "any")
def tree_fans_out():
    """A tree of 60 levels, each of which has the next one twice: 2^60 pages."""
    objects = one_page(pages=b"/Kids [10 0 R 10 0 R] /Count 2")
    for number in range(10, 70):
        child = b"%d 0 R" % (number + 1) if number < 69 else b"3 0 R"
        objects[number] = b"<< /Type /Pages /Parent 2 0 R /Kids [" + child + b" " + child + b"] /Count 2 >>"
    return pdf(objects)


@hostile("page_tree_deep.pdf", "F11", "any")
def tree_deep():
    """A tree of 5,000 levels with one page in the last."""
    group = [
        (
            number,
            b"<</Type/Pages/Count 1/Parent %d 0 R/Kids[%d 0 R]>>" % (number - 1, number + 1 if number < 5_010 else 3),
        )
        for number in range(10, 5_011)
    ]
    objects = one_page(pages=b"/Kids [10 0 R] /Count 1")
    content = objects.pop(CONTENT)
    return compressed_pdf([list(objects.items()) + group], {CONTENT: content})


@hostile("page_own_parent.pdf", "F11", "any")
def own_parent():
    """The page is its own parent, and takes its resources from there."""
    objects = one_page()
    objects[PAGE] = b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>"
    return pdf(objects)


@hostile("parents_loop.pdf", "F11", "any")
def parents_loop():
    """Two nodes of the tree are each other's parents."""
    objects = one_page(pages=b"/Parent 6 0 R /Kids [6 0 R] /Count 1")
    objects[6] = b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R 2 0 R] /Count 2 >>"
    objects[PAGE] = b"<< /Type /Page /Parent 6 0 R /Contents 4 0 R >>"
    return pdf(objects)


@hostile("no_pages.pdf", "F11", "failed")
def no_pages():
    """A file of no pages."""
    return pdf(without_page(b"/Kids [] /Count 0"))


@hostile("no_text.pdf", "F11", "failed")
def no_text():
    """A page without any text."""
    return pdf(one_page(stream(b"0 0 100 100 re f")))


@hostile("many_pages.pdf", "F11", "any")
def many_pages():
    """50,000 pages with the same content."""
    numbers = range(10, 50_010)
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects = one_page(pages=b"/Kids [" + kids + b"] /Count 50000")
    content = objects.pop(CONTENT)
    pages = [(number, objects[PAGE]) for number in numbers]
    groups = [pages[start : start + 1000] for start in range(0, 50_000, 1000)]
    return compressed_pdf([list(objects.items()), *groups], {CONTENT: content})


@hostile("same_page_many_times.pdf", "F11", "any")
def same_page():
    """One page that the tree names 500,000 times."""
    objects = one_page(pages=b"/Kids [" + b"3 0 R " * 500_000 + b"] /Count 500000")
    content = objects.pop(CONTENT)
    return compressed_pdf([list(objects.items())], {CONTENT: content})


@hostile("count_negative.pdf", "F11", "any")
def count_negative():
    """The tree says that it has less than no pages."""
    return pdf(one_page(pages=b"/Kids [3 0 R] /Count -2147483648"))


@hostile("count_huge.pdf", "F11", "any")
def count_huge():
    """The tree of one page says that it has two billion."""
    return pdf(one_page(pages=b"/Kids [3 0 R] /Count 2147483647"))


@hostile("kids_garbage.pdf", "F11", "any")
def kids_garbage():
    """The tree of pages has numbers, names, the catalog, a font and what does not exist beside its page."""
    return pdf(one_page(pages=b"/Kids [null 7 /X (a) [3 0 R] 1 0 R 5 0 R 4 0 R 99 0 R 3 65535 R 3 0 R] /Count 10"))


@hostile("no_catalog.pdf", "F11", "any")
def no_catalog():
    """The trailer names a catalog that does not exist."""
    return pdf(one_page(), root=99)


# The table of objects


@hostile("xref_loop.pdf", "F11", "any")
def xref_loop():
    """The table says that the table before it is itself."""
    written, places = body(one_page())
    return written + table(places) + trailer(6, b"/Prev %d" % len(written)) + end(len(written))


@hostile("xref_two_loop.pdf", "F11", "any")
def xref_two_loop():
    """Two tables say of each other that they come first."""
    written, places = body(one_page())
    first = len(written)
    second = first + len(table(places)) + len(trailer(6, b"/Prev %010d" % 0))
    return (
        written
        + table(places)
        + trailer(6, b"/Prev %010d" % second)
        + table(places)
        + trailer(6, b"/Prev %010d" % first)
        + end(second)
    )


@hostile("xref_chain.pdf", "F11", "any")
def xref_chain():
    """2,500 tables, each of which names the one before it."""
    written, places = body(one_page())
    out, offset = [written, table(places), trailer(6)], len(written)
    last, offset = offset, offset + len(out[1]) + len(out[2])
    for _ in range(2_500):
        piece = b"xref\n0 0\n" + trailer(6, b"/Prev %d" % last)
        last, offset = offset, offset + len(piece)
        out.append(piece)
    return b"".join(out) + end(last)


@hostile("xref_stream_loop.pdf", "F11", "any")
def xref_stream_loop():
    """A stream of places that names itself as the one before it."""
    objects = one_page()
    place = len(body(objects)[0])
    return compressed_pdf([], objects, more=b"/Prev %d /XRefStm %d " % (place, place))


@hostile("xref_widths_huge.pdf", "F11", "any")
def widths_huge():
    """A stream of places whose fields have two billion bytes each."""
    return compressed_pdf([], one_page(), entries=b"/Type /XRef /Size 7 /Root 1 0 R /W [1 2147483647 2147483647] ")


@hostile("xref_widths_overflow.pdf", "F11", "any")
def widths_overflow():
    """A stream of places whose fields have 2^63 bytes, or less than none."""
    return compressed_pdf([], one_page(), entries=b"/Type /XRef /Size 7 /Root 1 0 R /W [9223372036854775807 -1 1 4] ")


@hostile("xref_widths_none.pdf", "F11", "any")
def widths_none():
    """A stream of two billion places of no bytes each."""
    return compressed_pdf([], one_page(), entries=b"/Type /XRef /Size 2147483647 /Root 1 0 R /W [0 0 0] ")


@hostile("xref_index_huge.pdf", "F11", "any")
def index_huge():
    """A stream of places for two billion objects, numbered from two billion on."""
    said = b"/Type /XRef /Size 7 /Root 1 0 R /W [1 4 2] /Index [0 7 2147483647 2147483647 -5 10] "
    return compressed_pdf([], one_page(), entries=said)


@hostile("xref_bomb.pdf", "F11", "any")
def xref_bomb():
    """A stream of places of 256 MiB."""
    objects = one_page()
    written, _ = body(objects)
    said = b"/Type /XRef /Size 150000000 /Root 1 0 R /W [1 4 2] "
    return written + b"6 0 obj\n" + flate((bytes(4 * MIB), 64), entries=said) + b"\nendobj\n" + end(len(written))


@hostile("size_huge.pdf", "F11", "any")
def size_huge():
    """The trailer says that there are two billion objects."""
    return with_table(table, size=2147483647)


@hostile("size_negative.pdf", "F11", "any")
def size_negative():
    """The trailer says that there are less than no objects."""
    return with_table(table, size=-5)


@hostile("section_huge.pdf", "F11", "any")
def section_huge():
    """The table announces four billion places and has six."""
    return with_table(lambda places: b"xref\n0 4294967295\n" + table(places)[len(b"xref\n0 1\n") :])


@hostile("offsets_negative.pdf", "F11", "any")
def offsets_negative():
    """All places in the table are less than zero."""
    return with_table(lambda places: table(dict.fromkeys(places, -1)))


@hostile("offsets_outside.pdf", "F11", "any")
def offsets_outside():
    """All places in the table are behind the end of the file."""
    return with_table(lambda places: table(dict.fromkeys(places, 9999999999)))


@hostile("offsets_swapped.pdf", "F11", "any")
def offsets_swapped():
    """All places in the table are those of other objects."""
    return with_table(lambda places: table(dict(zip(places, reversed(places.values())))))


@hostile("startxref_negative.pdf", "F11", "any")
def startxref_negative():
    """The place of the table is less than zero."""
    written, places = body(one_page())
    return written + table(places) + trailer(6) + end(-1)


@hostile("startxref_overflow.pdf", "F11", "any")
def startxref_overflow():
    """The place of the table is 10^30."""
    written, places = body(one_page())
    return written + table(places) + trailer(6) + end(10**30)


@hostile("missing_trailer.pdf", "F11", "any")
def missing_trailer():
    """There is no trailer."""
    written, places = body(one_page())
    return written + table(places) + end(len(written))


@hostile("missing_startxref.pdf", "F11", "any")
def missing_startxref():
    """It does not say where the table is."""
    written, places = body(one_page())
    return written + table(places) + trailer(6)


@hostile("missing_table.pdf", "F11", "any")
def missing_table():
    """There are only the objects."""
    return body(one_page())[0]


@hostile("many_numbers.pdf", "F11", "any")
def many_numbers():
    """Objects with the largest numbers that there are."""
    objects = one_page() | {2147483647: b"null", 4294967295: b"null", 99999999999999999999: b"null"}
    return pdf(objects)


# Objects


@hostile("object_is_itself.pdf", "F11", "failed")
def object_is_itself():
    """The catalog is a reference to itself, and there is nothing else."""
    return pdf({1: b"1 0 R"})


@hostile("references_loop.pdf", "F11", "failed")
def references_loop():
    """The content of the page is a reference to a reference to it."""
    return pdf(one_page(b"6 0 R") | {6: b"7 0 R", 7: b"4 0 R"})


@hostile("references_chain.pdf", "F11", "any")
def references_chain():
    """The content of the page is found after 10,000 references to references."""
    group = [(number, b"%d 0 R" % (number + 1)) for number in range(10, 10_009)]
    objects = one_page()
    content = objects.pop(CONTENT)
    objects[CONTENT] = b"10 0 R"
    return compressed_pdf([list(objects.items()) + group], {10_009: content})


@hostile("length_huge.pdf", "F11", "any")
def length_huge():
    """The length of the content is 2^63."""
    return pdf(one_page(stream(shown(PHRASE), length=b"9223372036854775808")))


@hostile("length_negative.pdf", "F11", "any")
def length_negative():
    """The length of the content is less than zero."""
    return pdf(one_page(stream(shown(PHRASE), length=b"-20")))


@hostile("length_is_itself.pdf", "F11", "any")
def length_is_itself():
    """The length of the content is said to be in the content."""
    return pdf(one_page(stream(shown(PHRASE), length=b"4 0 R")))


@hostile("length_missing.pdf", "F11", "any")
def length_missing():
    """The content does not say its length, nor where it ends."""
    return pdf(one_page(b"<< >>\nstream\n" + shown(PHRASE)))


@hostile("object_stream_in_itself.pdf", "F11", "any")
def object_stream_in_itself():
    """A stream of objects is said to be in itself."""
    objects = one_page()
    content = objects.pop(CONTENT)
    members = {number: (2, 6, index) for index, number in enumerate(objects)} | {6: (2, 6, 0)}
    return compressed_pdf([], {CONTENT: content, 6: object_stream(list(objects.items()))}, members=members)


@hostile("object_streams_loop.pdf", "F11", "any")
def object_streams_loop():
    """Two streams of objects are said to be in each other, and extend each other."""
    objects = one_page()
    content = objects.pop(CONTENT)
    more = {6: object_stream([(9, b"null")], b"/Extends 7 0 R"), 7: object_stream([(9, b"null")], b"/Extends 6 0 R")}
    members = {6: (2, 7, 0), 7: (2, 6, 0), 9: (2, 6, 0)}
    return compressed_pdf([list(objects.items())], {CONTENT: content} | more, members=members)


@hostile("object_stream_extends.pdf", "F11", "any")
def object_stream_extends():
    """A stream of objects that extends itself, and is asked for what it lacks."""
    objects = one_page(catalog=b"/Metadata 9 0 R /Names 10 0 R")
    extra = {6: object_stream([(8, b"null")], b"/Extends 6 0 R")}
    written = dict(objects) | extra
    return compressed_pdf([], written, members={9: (2, 6, 5), 10: (2, 6, 65_535)})


@hostile("object_stream_lies.pdf", "F11", "any")
def object_stream_lies():
    """A stream of objects that says that it has two billion, which begin far behind its end."""
    lie = flate(b"8 99999999 9 -1 null", entries=b"/Type /ObjStm /N 2147483647 /First 2147483647")
    return compressed_pdf([], one_page(catalog=b"/Metadata 9 0 R") | {6: lie}, members={9: (2, 6, 1)})


def with_names(content):
    """A page whose catalog has something else in it."""
    return pdf(one_page(catalog=b"/Names " + content))


@hostile("deep_arrays.pdf", "F11", "any")
def deep_arrays():
    """Arrays nested 100,000 levels deep."""
    return with_names(b"[" * 100_000 + b"]" * 100_000)


@hostile("deep_arrays_open.pdf", "F11", "any")
def deep_arrays_open():
    """100,000 arrays that begin and do not end."""
    return with_names(b"[" * 100_000)


@hostile("deep_dictionaries.pdf", "F11", "any")
def deep_dictionaries():
    """Dictionaries nested 100,000 levels deep."""
    return with_names(b"<</A" * 100_000 + b" 1 " + b">>" * 100_000)


@hostile("deep_trailer.pdf", "F11", "any")
def deep_trailer():
    """Arrays nested 100,000 levels deep in the trailer."""
    return pdf(one_page(), b"/Info " + b"[" * 100_000 + b"]" * 100_000)


@hostile("deep_parentheses.pdf", "F11", "any")
def deep_parentheses():
    """A string with parentheses nested 300,000 levels deep, none of which ends."""
    return with_names(b"(" * 300_000)


@hostile("open_strings.pdf", "F11", "any")
def open_strings():
    """Strings that do not end."""
    return with_names(b"<< /A (never ends /B <48656C /C (\\") + b"(\\777\\8\\"


@hostile("huge_dictionary.pdf", "F11", "any")
def huge_dictionary():
    """A dictionary of 40,000 keys, half of them the same."""
    keys = b" ".join(b"/K%d %d /K 0" % (number, number) for number in range(20_000))
    objects = one_page(catalog=b"/Names << " + keys + b" >>")
    content = objects.pop(CONTENT)
    return compressed_pdf([list(objects.items())], {CONTENT: content})


@hostile("names_with_nul.pdf", "F11", "any", absent="\0")
def names_with_nul():
    """Names with NUL, unfinished and impossible escapes."""
    font = b"/Subtype /Type1 /BaseFont /Helve#00tica#0 /Encoding /Win#GGAnsi#"
    return pdf(one_page(page=b"/#00 /#00#00 /#4 1", font=font))


@hostile("numbers.pdf", "F11", "any")
def numbers():
    """Numbers that are none: 1e999, --5, 99999999999999999999, 1.2.3, and a lone dot."""
    strange = b"[1e999 --5 99999999999999999999 -99999999999999999999 1.2.3 . - +-1 0x1F 1_000 NaN Infinity]"
    content = shown(PHRASE) + b"1e999 --5 99999999999999999999 . - Td 1" + b"0" * 10_000 + b" 0 0 1 0 0 cm\n"
    return pdf(one_page(stream(content), page=b"/MediaBox " + strange + b" /Rotate 1e999 /UserUnit --5"))


@hostile("page_boxes.pdf", "F11", "any")
def page_boxes():
    """A page of 10^38 points, turned by an angle that is no right one."""
    page = b"/MediaBox [-1e38 -1e38 1" + b"0" * 38 + b" 1" + b"0" * 38 + b"] /CropBox [5 5 5 5] /Rotate 2147483647"
    return pdf(one_page(page=page))


# Encryption

PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def rc4(key, data):
    state, out, at = list(range(256)), bytearray(), 0
    for index in range(256):
        at = (at + state[index] + key[index % len(key)]) % 256
        state[index], state[at] = state[at], state[index]
    first = second = 0
    for byte in data:
        first = (first + 1) % 256
        second = (second + state[first]) % 256
        state[first], state[second] = state[second], state[first]
        out.append(byte ^ state[(state[first] + state[second]) % 256])
    return bytes(out)


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).digest()


def encrypted_with(password):
    """A file that is encrypted with 40 bits of RC4."""
    padded = (password + PADDING)[:32]
    owner = rc4(md5((b"owner" + PADDING)[:32])[:5], padded)
    name = bytes(range(16))
    key = md5(padded + owner + (-4).to_bytes(4, "little", signed=True) + name)[:5]
    user = rc4(key, PADDING)
    content = rc4(md5(key + CONTENT.to_bytes(3, "little") + b"\0\0")[:10], shown(PHRASE))
    rule = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (owner.hex().encode(), user.hex().encode())
    more = b"/Encrypt 6 0 R /ID [<%s> <%s>]" % ((name.hex().encode(),) * 2)
    return pdf(one_page(stream(content)) | {6: rule}, more)


@hostile("encrypted.pdf", "F11", "failed")
def encrypted():
    """It is encrypted with a password."""
    return encrypted_with(b"secret")


@hostile("encrypted_without_password.pdf", "F11", "any")
def encrypted_without_password():
    """It is encrypted, with an empty password, as files are that must not be changed."""
    return encrypted_with(b"")


def encrypted_by(rule):
    """A file whose content is noise, as some rule of encryption says."""
    noise = chance("encrypted pdf").randbytes(400)
    return pdf(one_page(stream(noise)) | {6: rule}, b"/Encrypt 6 0 R /ID [<00> <00>]")


@hostile("encrypted_unknown.pdf", "F11", "failed")
def encrypted_unknown():
    """It is encrypted by a handler that nobody knows."""
    return encrypted_by(b"<< /Filter /Nobody.Knows /V 99 /R -1 /Length 2147483647 >>")


@hostile("encrypted_garbage.pdf", "F11", "failed")
def encrypted_garbage():
    """Its rule of encryption has keys that are too short, and a length of two billion bits."""
    return encrypted_by(b"<< /Filter /Standard /V 2 /R 3 /Length 2147483647 /P 1e99 /O (a) /U () >>")


@hostile("encrypted_aes_garbage.pdf", "F11", "failed")
def encrypted_aes_garbage():
    """Its rule of encryption speaks of AES with 256 bits and has nothing of what that needs."""
    filters = b"/CF << /StdCF << /CFM /AESV3 /Length -1 >> >> /StmF /StdCF /StrF /Other"
    return encrypted_by(
        b"<< /Filter /Standard /V 5 /R 6 /P -4 /O <00> /U <00> /OE <00> /UE <00> /Perms <00> " + filters + b" >>"
    )


@hostile("encrypted_is_itself.pdf", "F11", "any")
def encrypted_is_itself():
    """Its rule of encryption is a reference to itself."""
    return encrypted_by(b"6 0 R")


# What is missing, and what is too much


@hostile("header_only.pdf", "F11", "failed")
def header_only():
    """Nothing but the header."""
    return HEADER


@hostile("comments_only.pdf", "F11", "failed")
def comments_only():
    """Nothing but comments."""
    return HEADER + b"% nothing to see here\n" * 5000 + b"%%EOF\n"


@hostile("garbage_before.pdf", "F11", "any")
def garbage_before():
    """900 bytes of garbage stand before the header."""
    return pdf(one_page(), start=b"x" * 899 + b"\n" + HEADER)


@hostile("garbage_far_before.pdf", "F11", "any")
def garbage_far_before():
    """100 KB of garbage stand before the header."""
    return pdf(one_page(), start=b"garbage " * 12_800 + b"\n" + HEADER)


@hostile("garbage_behind.pdf", "F11", "any")
def garbage_behind():
    """100 KB of garbage stand behind the end."""
    return pdf(one_page()) + b"garbage " * 12_800


@hostile("garbage_between.pdf", "F11", "any")
def garbage_between():
    """Garbage stands between and in the objects."""
    return pdf(one_page()).replace(b"endobj\n", b"endobj endobj )>> ]] stream \0\0 obj\n")


@hostile("many_ends.pdf", "F11", "any")
def many_ends():
    """3,001 times it says where the table is, and only the first is right."""
    return pdf(one_page()) + end(0) * 3_000


@hostile("truncated.pdf", "F11", "any")
def truncated():
    """The file ends in the middle of its content."""
    whole = pdf(one_page(stream(shown(PHRASE) * 100)))
    return whole[: len(whole) // 2]


@hostile("nul_bytes.pdf", "F11", "failed")
def nul_bytes():
    """A header and 64 KB of NUL."""
    return HEADER + bytes(65_536)


@hostile("version_strange.pdf", "F11", "any")
def version_strange():
    """It is of version 99.99999999999999999999."""
    return pdf(one_page(), start=b"%PDF-99.99999999999999999999\n")


@hostile("carriage_returns.pdf", "F11", "any")
def carriage_returns():
    """All its lines end with a carriage return alone."""
    return pdf(one_page()).replace(b"\n", b"\r")


# What may not run, and what else it is


@hostile("script.pdf", "F3", "ready", text=PHRASE, absent=SECRET)
def script():
    """It runs a script when it is opened, printed and closed."""
    action = b"<< /S /JavaScript /JS (app.alert\\('" + SECRET.encode() + b"'\\)) >>"
    names = b"<< /JavaScript << /Names [(x) " + action + b"] >> >>"
    catalog = b"/OpenAction " + action + b" /Names " + names + b" /AA << /WC " + action + b" /WP " + action + b" >>"
    return pdf(one_page(catalog=catalog))


@hostile("launch.pdf", "F3", "ready", text=PHRASE, absent=PASSWD)
def launch():
    """It starts a program, opens a file, sends a form and follows an address when it is opened."""
    actions = (
        b"/S /URI /URI (http://169.254.169.254/)",
        b"/S /GoToR /F (/etc/passwd)",
        b"/S /SubmitForm /F (http://169.254.169.254/)",
    )
    more = b" ".join(b"<< " + action + b" >>" for action in actions)
    return pdf(one_page(catalog=b"/OpenAction << /S /Launch /F (/bin/sh) /Next [" + more + b"] >>"))


@hostile("embedded_file.pdf", "F3", "ready", text=PHRASE, absent=SECRET)
def embedded_file():
    """Another file is embedded in it."""
    catalog = b"/Names << /EmbeddedFiles << /Names [(x.exe) << /Type /Filespec /F (x.exe) /EF << /F 6 0 R >> >>] >> >>"
    return pdf(one_page(catalog=catalog) | {6: flate(b"MZ " + SECRET.encode(), entries=b"/Type /EmbeddedFile")})


@hostile("outside_stream.pdf", "F10", "any", absent=PASSWD)
def outside_stream():
    """The content of its page is said to be the file /etc/passwd."""
    entries = b"/F (/etc/passwd) /FFilter [] "
    return pdf(one_page(stream(shown(PHRASE), entries)))


@hostile("metadata_laughs.pdf", "F10", "ready", text=PHRASE)
def metadata_laughs():
    """Its metadata are XML with entities that expand to a billion words."""
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    xml = f'<?xpacket?><!DOCTYPE x [<!ENTITY e0 "lol">{entities}]><x>&e9;</x>'.encode()
    return pdf(one_page(catalog=b"/Metadata 6 0 R") | {6: stream(xml, b"/Type /Metadata /Subtype /XML")})


@hostile("outline_loop.pdf", "F11", "ready", text=PHRASE)
def outline_loop():
    """The lines of its outline follow each other in a circle, and are in themselves."""
    line = b"<< /Title (Line) /Parent 6 0 R /First 6 0 R /Last 7 0 R /Next 7 0 R /Prev 7 0 R /Dest [3 0 R /Fit] >>"
    return pdf(one_page(catalog=b"/Outlines 6 0 R /PageMode /UseOutlines") | {6: line, 7: line})


@hostile("name_tree_loop.pdf", "F11", "ready", text=PHRASE)
def name_tree_loop():
    """Its trees of names, of page labels and of structure have themselves as children."""
    catalog = b"/Names << /Dests 6 0 R >> /PageLabels 6 0 R /StructTreeRoot 6 0 R /AcroForm << /Fields [6 0 R] >>"
    return pdf(one_page(catalog=catalog) | {6: b"<< /Kids [6 0 R 6 0 R] /K [6 0 R] /Parent 6 0 R /P 6 0 R >>"})


@hostile("annotations.pdf", "F11", "any")
def annotations():
    """A page with 200,000 references to a note that is its own answer."""
    note = b"<< /Type /Annot /Subtype /Text /Contents (note) /Rect [0 0 9 9] /Popup 6 0 R /IRT 6 0 R /Parent 6 0 R >>"
    objects = one_page(page=b"/Annots [" + b"6 0 R " * 200_000 + b"]") | {6: note}
    content = objects.pop(CONTENT)
    return compressed_pdf([list(objects.items())], {CONTENT: content})


def pdf_and_zip():
    """A PDF that holds a document of Word in a stream: the rest of the PDF is the comment of the zip."""
    entries = [entry(name, part) for name, part in docx().items()]
    place = body(one_page() | {6: stream(entries_zip(entries))})[0].index(b"PK\3\4")
    inner = entries_zip(entries, base=place)
    written, places = body(one_page() | {6: stream(inner)})
    rest = written[place + len(inner) :] + table(places) + trailer(7) + end(len(written))
    return written[:place] + inner[:-2] + len(rest).to_bytes(2, "little") + rest


@hostile("pdf_and_zip.pdf", "F3", "any")
def polyglot():
    """A file that is a PDF and at the same time a document of Word, named as the first."""
    return pdf_and_zip()


@hostile("pdf_and_zip.docx", "F3", "any")
def polyglot_document():
    """A file that is a PDF and at the same time a document of Word, named as the second."""
    return pdf_and_zip()


@hostile("web_page.pdf", "F4", "failed")
def web_page():
    """A web page that is named as a PDF."""
    return b"<!DOCTYPE html><html><body><script>alert(1)</script><p>page</p></body></html>"
