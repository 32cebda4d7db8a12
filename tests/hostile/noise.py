"""Files of each kind that are random, almost empty, of another kind, or valid but for a few bits."""

from archive import parts_zip
from innocent import PICTURES, SMALL
from parts import DOCUMENTS
from registry import add, chance

# Kinds that anything can be of: each sequence of bytes is some text, if a strange one.
TEXTS = ("txt", "md", "csv", "tsv", "json", "html", "xml", "py", "eml")
VALID = SMALL | PICTURES


def expected(kind):
    return "any" if kind in TEXTS else "failed"


def noise(kind):
    """Random bytes that do not begin as any file does."""
    return b"\x9f" + chance(f"noise {kind}").randbytes(4095)


def mutated(kind, bits):
    """A valid file of which so many bits are others."""
    return flipped(VALID[kind](), bits, chance(f"mutated {kind} {bits}"))


def mutated_inside(kind):
    """A valid zip file whose text part has other bits."""
    make, name = DOCUMENTS[kind]
    parts = make()
    text = parts[name].encode()
    return parts_zip(parts | {name: flipped(text, len(text) // 100, chance(f"inside {kind}"))})


def flipped(whole, bits, rng):
    whole = bytearray(whole)
    for _ in range(bits):
        whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    return bytes(whole)


def cut(kind):
    """The first half of a valid file."""
    whole = VALID[kind]()
    return whole[: len(whole) // 2]


for kind in VALID:
    about = "Random bytes under a name of this kind."
    add(f"random.{kind}", "F4", expected(kind), about, lambda kind=kind: noise(kind))
    add(f"one_byte.{kind}", "F4", expected(kind), "A single byte under a name of this kind.", lambda: b"x")
    for bits in (1, 3, 20):
        about = f"A valid file of which {bits} of all bits {'is another' if bits == 1 else 'are others'}."
        add(f"mutated_{bits}.{kind}", "F12", "any", about, lambda kind=kind, bits=bits: mutated(kind, bits))
    add(f"half.{kind}", "F12", "any", "The first half of a valid file.", lambda kind=kind: cut(kind))

for kind in DOCUMENTS:
    about = "A valid zip file whose text part has some other bits."
    add(f"mutated_inside.{kind}", "F12", "any", about, lambda kind=kind: mutated_inside(kind))

PROGRAM = (
    b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0"
    + bytes(44)
    + b"\x80\0\0\0This program cannot be run in DOS mode.\r\n$"
    + bytes(4000)
)
LINUX_PROGRAM = b"\x7fELF\2\1\1\0" + bytes(8) + b"\2\0\x3e\0\1\0\0\0" + bytes(4000)

for kind in ("docx", "xlsx", "pdf", "xls", "png", "epub"):
    add(f"windows_program.{kind}", "F4", "failed", "A program for Windows under a name of this kind.", lambda: PROGRAM)
add("windows_program.txt", "F4", "any", "A program for Windows that is named as a text.", lambda: PROGRAM)
add("linux_program.pdf", "F4", "failed", "A program for Linux that is named as a PDF.", lambda: LINUX_PROGRAM)
