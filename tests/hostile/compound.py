"""Hostile sheets of old Excel (`.xls`), and documents that are encrypted, which are compound files too."""

import struct

from ole import SIGNATURE, Compound, header
from registry import PHRASE, add, chance, hostile

# Records of a workbook (BIFF 8)


def record(kind, data):
    return struct.pack("<2H", kind, len(data)) + data


def begin(kind):
    return record(0x809, struct.pack("<4H2I", 0x600, kind, 0x0DBB, 0x07CC, 0xC1, 0x306))


END = record(0x0A, b"")


def workbook(cells=None, before=b"", strings=None, places=(0,), size=(0, 1, 0, 1)):
    """A workbook with one shared string and one sheet; `places` are added to where its sheets begin."""
    strings = struct.pack("<2IHB", 1, 1, len(PHRASE), 0) + PHRASE.encode() if strings is None else strings
    cells = shared_string(0, 0, 0) if cells is None else cells
    sheet = begin(0x10) + record(0x200, struct.pack("<2I3H", *size, 0)) + cells + END
    start, shared = begin(0x05) + before + record(0x42, b"\xb0\x04"), record(0xFC, strings) + END
    at = len(start) + len(places) * len(sheet_name(0)) + len(shared)
    return start + b"".join(sheet_name((at + more) % (1 << 32)) for more in places) + shared + sheet


def sheet_name(at):
    return record(0x85, struct.pack("<I4B", at, 0, 0, 2, 0) + b"S1")


def shared_string(row, column, number):
    return record(0xFD, struct.pack("<3HI", row, column, 0, number))


def book(data=None, pad=True):
    """The compound file of a workbook, which is large enough not to be a small stream."""
    data = workbook() if data is None else data
    return Compound({"Workbook": data.ljust(5000, b"\0") if pad else data})


def small_book():
    return book(pad=False)


# Compound files


@hostile("header_only.xls", "F12", "failed")
def header_only():
    """Nothing but the header, which speaks of sectors that are not there."""
    return header(fat_count=1, directory_at=1, small_at=2, small_count=1, fat_places=[0])


@hostile("signature_only.xls", "F12", "failed")
def signature_only():
    """Nothing but the first eight bytes."""
    return SIGNATURE


@hostile("fat_cycle.xls", "F12", "any")
def fat_cycle():
    """The sectors of the workbook follow each other in a circle."""
    made = book()
    made.fat[made.entries[1]["start"] + 3] = made.entries[1]["start"]
    return made.content()


@hostile("fat_cycle_huge.xls", "F12", "any")
def fat_cycle_huge():
    """The sectors of the workbook follow each other in a circle, and it says that it has 2^63 bytes."""
    made = book()
    made.fat[made.entries[1]["start"]] = made.entries[1]["start"]
    made.entries[1]["size"] = 1 << 63
    return made.content()


@hostile("small_fat_cycle.xls", "F12", "any")
def small_fat_cycle():
    """The small sectors of the workbook follow each other in a circle."""
    made = small_book()
    made.small_fat[1] = 0
    return made.content()


@hostile("directory_cycle.xls", "F12", "any")
def directory_cycle():
    """The entries of the directory are each other's neighbours and children in a circle."""
    made = book()
    made.entries[0] |= {"left": 1, "right": 0, "child": 1}
    made.entries[1] |= {"left": 0, "right": 1, "child": 0}
    return made.content()


@hostile("directory_chain_cycle.xls", "F12", "any")
def directory_chain_cycle():
    """The sectors of the directory follow each other in a circle."""
    made = book()
    whole = bytearray(made.content())
    at = struct.unpack_from("<I", whole, 0x30)[0]
    fat_at = struct.unpack_from("<I", whole, 0x4C)[0]
    struct.pack_into("<I", whole, 512 * (fat_at + 1) + 4 * at, at)
    return bytes(whole)


@hostile("fat_of_fat_cycle.xls", "F12", "any")
def fat_of_fat_cycle():
    """The list of where the FAT is goes on in a sector that names itself."""
    made = book()
    made.header = {"more_at": 0, "more_count": 0xFFFFFFFF, "fat_count": 0xFFFFFFFF}
    made.sectors[0] = made.sectors[0][:-4] + bytes(4)
    return made.content()


HEADER_LIES = (
    ("sector_shift_huge.xls", {"sector_shift": 0xFFFF}, "sectors of 2^65535 bytes"),
    ("sector_shift_none.xls", {"sector_shift": 0, "small_shift": 0}, "sectors of one byte"),
    ("sector_shift_30.xls", {"sector_shift": 30, "small_shift": 29}, "sectors of 1 GiB"),
    ("fat_count_huge.xls", {"fat_count": 0xFFFFFFFF}, "four billion sectors of FAT"),
    ("fat_list_huge.xls", {"more_at": 0, "more_count": 0xFFFFFFFF}, "four billion sectors of lists of the FAT"),
    ("small_fat_huge.xls", {"small_count": 0xFFFFFFFF, "small_at": 0}, "four billion sectors of small FAT"),
    ("cutoff_huge.xls", {"cutoff": 0xFFFFFFFF}, "only small streams"),
    ("fat_outside.xls", {"fat_places": [0x7FFFFFFF]}, "a FAT behind the end of the file"),
    ("fat_everywhere.xls", {"fat_places": [0] * 109, "fat_count": 109}, "a FAT that is 109 times the first sector"),
    ("directory_outside.xls", {"directory_at": 0x7FFFFFFF}, "a directory behind the end of the file"),
    ("version_strange.xls", {"major": 4, "sector_shift": 9}, "the newer version with the sectors of the older"),
)


def lying_header(lies):
    made = book()
    made.header = lies
    return made.content()


for file, lies, about in HEADER_LIES:
    add(file, "F12", "any", f"A compound file whose header speaks of {about}.", lambda lies=lies: lying_header(lies))


@hostile("truncated.xls", "F12", "failed")
def truncated():
    """The second half of the file, with its directory, is missing."""
    whole = book().content()
    return whole[: len(whole) // 2]


@hostile("stream_missing.xls", "F12", "failed")
def stream_missing():
    """A compound file without a workbook."""
    return Compound({"Other": b"x" * 5000}).content()


@hostile("stream_empty.xls", "F12", "failed")
def stream_empty():
    """A compound file with a workbook of NUL."""
    return book(bytes(5000)).content()


@hostile("many_streams.xls", "F12", "any")
def many_streams():
    """A workbook beside 1,000 streams in a line."""
    streams = {f"s{number:05}": b"" for number in range(1_000)}
    return Compound(streams | {"Workbook": workbook().ljust(5000, b"\0")}).content()


# Workbooks


@hostile("string_count_huge.xls", "F12", "any")
def string_count_huge():
    """One shared string in a list that says it has four billion."""
    strings = struct.pack("<2IHB", 0xFFFFFFFF, 0xFFFFFFFF, len(PHRASE), 0) + PHRASE.encode()
    return book(workbook(strings=strings)).content()


@hostile("string_length_huge.xls", "F12", "any")
def string_length_huge():
    """A shared string that says it has 65,535 letters, and two billion more of formats and phonetics."""
    strings = struct.pack("<2IHBHI", 1, 1, 0xFFFF, 0x0D, 0xFFFF, 0x7FFFFFFF) + PHRASE.encode()
    return book(workbook(strings=strings)).content()


@hostile("string_out_of_range.xls", "F12", "any")
def string_out_of_range():
    """Cells that name shared strings that do not exist, and one that does."""
    cells = (shared_string(row, 0, number) for row, number in enumerate((0, 1, 0x7FFFFFFF, 0xFFFFFFFF)))
    return book(workbook(b"".join(cells))).content()


@hostile("last_cell.xls", "F9", "any")
def last_cell():
    """Two cells, the first and the last of the sheet, and a size that says two billion rows."""
    cells = shared_string(0, 0, 0) + shared_string(65_535, 65_535, 0)
    return book(workbook(cells, size=(0, 0x7FFFFFFF, 0, 0xFFFF))).content()


@hostile("size_backwards.xls", "F9", "any")
def size_backwards():
    """The sheet ends before it begins."""
    return book(workbook(size=(0xFFFFFFFF, 0, 0xFFFF, 0))).content()


@hostile("sheet_is_workbook.xls", "F12", "any")
def sheet_is_workbook():
    """Its sheets begin at the start of the workbook, in the middle of a record, and behind the end."""
    first = len(workbook(b"", places=(0,) * 3)) - len(begin(0x10) + record(0x200, bytes(14)) + END)
    return book(workbook(places=(-first, 3, 0x7FFFFFFF))).content()


@hostile("many_sheets.xls", "F12", "any")
def many_sheets():
    """5,000 sheets that all begin at the same place."""
    return book(workbook(places=(0,) * 5_000)).content()


@hostile("record_too_long.xls", "F12", "any")
def record_too_long():
    """A record that says it is longer than what is left."""
    return book(workbook(struct.pack("<2H", 0x204, 0xFFFF) + b"\0" * 20), pad=False).content()


@hostile("records_short.xls", "F12", "any")
def records_short():
    """Records of all kinds that are shorter than they must be."""
    kinds = (
        0x01,
        0x03,
        0x04,
        0x05,
        0x06,
        0x07,
        0x31,
        0xBD,
        0xBE,
        0xD6,
        0xE0,
        0xE5,
        0xFD,
        0x200,
        0x201,
        0x203,
        0x204,
        0x205,
        0x27E,
    )
    short = b"".join(record(kind, b"\xff" * size) for kind in kinds for size in range(4))
    return book(workbook(shared_string(0, 0, 0) + short)).content()


@hostile("merged_everything.xls", "F9", "any")
def merged_everything():
    """All cells are merged, in a record that says it has 65,535 ranges and has one."""
    merged = record(0xE5, struct.pack("<5H", 65_535, 0, 65_535, 0, 65_535))
    return book(workbook(shared_string(0, 0, 0) + merged)).content()


@hostile("many_blanks.xls", "F9", "any")
def many_blanks():
    """Records that say they have 65,536 cells each, in 4,096 rows."""
    blanks = b"".join(record(0xBE, struct.pack("<4H", row, 0, 0, 65_535)) for row in range(4_096))
    return book(workbook(shared_string(0, 0, 0) + blanks)).content()


@hostile("formula_garbage.xls", "F12", "any")
def formula_garbage():
    """Formulas that are random bytes, and one that takes from an empty stack."""
    rng = chance("formula")
    cells = b"".join(
        record(
            0x06, struct.pack("<3H8sHI", row, 1, 0, rng.randbytes(8), 0, 0) + struct.pack("<H", 40) + rng.randbytes(40)
        )
        for row in range(500)
    )
    empty = record(0x06, struct.pack("<3H8sHIH", 501, 1, 0, bytes(8), 0, 0, 3) + b"\3\3\3")
    return book(workbook(shared_string(0, 0, 0) + cells + empty)).content()


@hostile("encrypted.xls", "F12", "failed")
def encrypted():
    """A workbook that is encrypted with a password."""
    rng = chance("encrypted xls")
    lock = record(0x2F, struct.pack("<3H", 1, 1, 1) + rng.randbytes(48))
    noise = record(0xFC, rng.randbytes(400)) + record(0xFD, rng.randbytes(10)) + END
    return book(begin(0x05) + lock + record(0x85, rng.randbytes(12)) + noise).content()


@hostile("macro.xls", "F3", "ready", text=PHRASE)
def macro():
    """A workbook with macros beside it."""
    return Compound({"Workbook": workbook().ljust(5000, b"\0"), "_VBA_PROJECT_CUR": b"Shell calc" * 500}).content()


@hostile("empty.xls", "F12", "failed")
def empty():
    """A workbook whose only sheet has no cells."""
    return book(workbook(b"", strings=struct.pack("<2I", 0, 0), size=(0, 0, 0, 0))).content()


# Documents with a password


def locked():
    """What Office makes of a document with a password, whatever kind it is."""
    rng = chance("locked")
    rule = '<encryption><keyEncryptors><keyEncryptor spinCount="4294967295"/></keyEncryptors></encryption>'
    info = struct.pack("<2HI", 4, 4, 0x40) + rule.encode()
    return Compound(
        {"EncryptedPackage": struct.pack("<Q", 8000) + rng.randbytes(8000), "EncryptionInfo": info}
    ).content()


for kind in ("docx", "xlsx", "pptx"):
    add(f"locked.{kind}", "F9", "failed", "A document that Office encrypted with a password.", locked)


@hostile("old_word.docx", "F4", "failed")
def old_word():
    """A document of old Word that is named as one of the new."""
    return Compound({"WordDocument": b"\xec\xa5\xc1\0" + bytes(5000)}).content()


@hostile("sheet_as_old.xls", "F4", "any")
def sheet_as_old():
    """A page of tables in HTML that is named as a sheet, as some programs export."""
    return f"<html><body><table><tr><td>{PHRASE}</td></tr></table></body></html>".encode()
