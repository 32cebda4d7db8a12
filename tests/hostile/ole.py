"""Writes compound files (OLE, what old Office files are in) by hand, so that they can lie."""

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, SMALL, CUTOFF = 512, 64, 4096
SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")


class Compound:
    """A compound file of named streams. To make it lie, change its tables, entries or `header` before `content`."""

    def __init__(self, streams):
        self.sectors, self.fat = [], []
        self.entries, self.small_fat = [], []
        small = bytearray()
        for name, data in sorted(streams.items(), key=lambda one: (len(one[0]), one[0].upper())):
            start = self.put_small(small, data) if len(data) < CUTOFF else self.put(data)
            self.entries.append({"name": name, "kind": 2, "start": start, "size": len(data)})
        root = {"name": "Root Entry", "kind": 5, "start": self.put(bytes(small)) if small else END, "size": len(small)}
        self.entries.insert(0, root | {"child": 1 if streams else FREE})
        for number, one in enumerate(self.entries[1:-1], 1):
            one["right"] = number + 1
        self.header = {}

    def put(self, data):
        """Keeps a stream in sectors, and gives the first."""
        start = len(self.sectors)
        for offset in range(0, len(data), SECTOR):
            self.sectors.append(data[offset : offset + SECTOR].ljust(SECTOR, b"\0"))
            self.fat.append(len(self.sectors))
        self.fat[-1] = END
        return start

    def put_small(self, small, data):
        """Keeps a stream in small sectors, and gives the first."""
        start = len(self.small_fat)
        count = max(1, -(-len(data) // SMALL))
        small += data.ljust(count * SMALL, b"\0")
        self.small_fat += [*range(start + 1, start + count), END]
        return start

    def content(self):
        """The file. What refers to sectors by number comes last: the small FAT, the directory, the FAT."""
        small_count = -(-len(self.small_fat) // 128)
        small_at = self.put(numbers(self.small_fat, small_count)) if small_count else END
        directory = b"".join(map(entry, self.entries))
        directory_at = self.put(directory + entry({}) * (-len(self.entries) % 4))
        fat_at = len(self.sectors)
        fat_count = -(-(fat_at + 1) // 127)
        self.fat += [FAT] * fat_count
        said = {
            "fat_count": fat_count,
            "directory_at": directory_at,
            "small_at": small_at,
            "small_count": small_count,
            "fat_places": range(fat_at, fat_at + fat_count),
        }
        return header(**said | self.header) + b"".join(self.sectors) + numbers(self.fat, fat_count)


def numbers(table, sectors):
    """A table of numbers that fills sectors."""
    table = table + [FREE] * (sectors * 128 - len(table))
    return struct.pack(f"<{len(table)}I", *table)


def entry(one):
    """An entry of the directory, or an empty one."""
    name = one.get("name", "").encode("utf-16-le")
    tree = (one.get("left", FREE), one.get("right", FREE), one.get("child", FREE))
    start = struct.pack("<64sHBB3I", name, len(name) + 2 if name else 0, one.get("kind", 0), 1, *tree)
    return start + bytes(36) + struct.pack("<IQ", one.get("start", 0), one.get("size", 0))


def header(
    fat_count,
    directory_at,
    small_at,
    small_count,
    fat_places,
    sector_shift=9,
    small_shift=6,
    cutoff=CUTOFF,
    major=3,
    more_at=END,
    more_count=0,
):
    start = SIGNATURE + bytes(16) + struct.pack("<5H6x", 0x3E, major, 0xFFFE, sector_shift, small_shift)
    counts = struct.pack("<9I", 0, fat_count, directory_at, 0, cutoff, small_at, small_count, more_at, more_count)
    places = [*fat_places][:109]
    return start + counts + struct.pack("<109I", *places, *[FREE] * (109 - len(places)))
