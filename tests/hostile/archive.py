"""Writes zip files by hand, so that their headers can lie."""

import struct
from dataclasses import dataclass, field

from packed import Packed, pack, store

ENCRYPTED = 1
SYMLINK = 0o120777 << 16
DIRECTORY_ENTRY = 0o40755 << 16 | 0x10
FULL16 = 0xFFFF


@dataclass
class Entry:
    """An entry; `local` and `central` replace what the two headers say of it."""

    name: str
    packed: Packed
    local: dict = field(default_factory=dict)
    central: dict = field(default_factory=dict)


def parts_zip(parts, **lies):
    """A zip file of named parts: bytes, text, or what was packed already."""
    return entries_zip([entry(name, content) for name, content in parts.items()], **lies)


def entry(name, content, **lies):
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes):
        content = store(content) if name == "mimetype" else pack(content)
    return Entry(name, content, **lies)


def both(**lies):
    """The same lies in both headers."""
    return {"local": lies, "central": lies}


def entries_zip(entries, comment=b"", base=0, **end):
    """A zip file of entries that begins at byte `base` of another file; `end` replaces what its end says."""
    out, directory = [], []
    offset = base
    for one in entries:
        said = headers(one)
        written = local_header(**said | one.local) + one.packed.data
        directory.append(central_header(**said | {"offset": offset} | one.central))
        out.append(written)
        offset += len(written)
    directory = b"".join(directory)
    said = {"count": len(entries), "size": len(directory), "offset": offset}
    large = end_record64(**said) if len(entries) >= FULL16 else b""
    return b"".join([*out, directory, large, end_record(**said | {"comment": comment} | end)])


def headers(one):
    """What is true of an entry."""
    packed = one.packed
    return {
        "name": one.name.encode(),
        "method": packed.method,
        "crc": packed.crc,
        "packed_size": len(packed.data),
        "size": packed.size,
    }


def local_header(name, method, crc, packed_size, size, flags=0, extra=b""):
    fixed = struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, method, 0, 33, crc, packed_size, size, len(name), len(extra))
    return fixed + name + extra


def central_header(name, method, crc, packed_size, size, offset, flags=0, extra=b"", attributes=0):
    sizes = struct.pack("<3I", crc, packed_size, size)
    start = struct.pack("<4s6H", b"PK\1\2", 20 | 3 << 8, 20, flags, method, 0, 33)
    rest = struct.pack("<5H2I", len(name), len(extra), 0, 0, 0, attributes, offset)
    return start + sizes + rest + name + extra


def end_record(count, size, offset, comment=b""):
    """The end of the directory."""
    count = min(count, FULL16)
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, offset, len(comment)) + comment


def end_record64(count, size, offset, place=None):
    """The zip64 end of the directory, and what says where that is."""
    place = offset + size if place is None else place
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
