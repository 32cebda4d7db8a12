"""Hostile pictures: PNG, JPEG, WebP, and what only says that it is one."""

import struct
import zlib

from packed import MIB, zlib_stream
from registry import chance, hostile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, COLOUR = 0, 6


# PNG


def chunk(kind, data, check=None):
    check = zlib.crc32(kind + data) if check is None else check
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def header(width, height, depth=8, colour=GRAY):
    return chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0))


def png(width, height, rows, *more, depth=8, colour=GRAY):
    """A PNG of packed rows, with more chunks before them."""
    return (
        SIGNATURE + header(width, height, depth, colour) + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def small_png(*more):
    """A valid picture of 8 by 8 points."""
    return png(8, 8, zlib_stream((b"\0" + bytes(range(0, 256, 32)), 8)), *more)


@hostile("header_huge.png", "F13", "failed")
def png_header_huge():
    """It says that it has 50,000 by 50,000 points, and has data for a few."""
    return png(50_000, 50_000, zlib_stream(bytes(2000)), colour=COLOUR)


@hostile("header_largest.png", "F13", "failed")
def png_header_largest():
    """It says that it has 2^31 - 1 points each way, of 64 bits each."""
    return png(0x7FFFFFFF, 0x7FFFFFFF, zlib_stream(bytes(2000)), depth=16, colour=COLOUR)


@hostile("header_wide.png", "F13", "any")
def png_header_wide():
    """It has one row of 2^31 - 1 points of one bit, and data for half of them."""
    return png(0x7FFFFFFF, 1, zlib_stream((bytes(4 * MIB), 32)), depth=1)


@hostile("whole_huge.png", "F13", "any")
def png_whole_huge():
    """A valid picture of 10,000 by 10,000 points in colour: 400 MB from 390 KB."""
    row = b"\0" + bytes(10_000 * 4)
    return png(10_000, 10_000, zlib_stream((row * 100, 100)), colour=COLOUR)


@hostile("data_bomb.png", "F9", "any")
def png_data_bomb():
    """A picture of one point whose data unpack to 256 MiB."""
    return png(1, 1, zlib_stream((bytes(4 * MIB), 64)))


@hostile("text_bomb.png", "F9", "any")
def png_text_bomb():
    """A small picture with packed texts of 256 MiB."""
    bomb = zlib_stream((b"a" * (4 * MIB), 32))
    return small_png(chunk(b"zTXt", b"Comment\0\0" + bomb), chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb))


@hostile("profile_bomb.png", "F9", "any")
def png_profile_bomb():
    """A small picture with a colour profile of 256 MiB."""
    return small_png(chunk(b"iCCP", b"x\0\0" + zlib_stream((bytes(4 * MIB), 64))))


@hostile("truncated.png", "F13", "any")
def png_truncated():
    """A picture that ends in the middle of its data."""
    noise = zlib.compress(b"".join(b"\0" + chance(f"png {row}").randbytes(100) for row in range(100)))
    whole = png(100, 100, noise)
    return whole[: len(whole) // 2]


@hostile("no_points.png", "F13", "failed")
def png_no_points():
    """A picture of no points."""
    return png(0, 0, zlib_stream(b""))


@hostile("wrong_crc.png", "F13", "any")
def png_wrong_crc():
    """All its checksums are wrong."""
    data = zlib_stream((bytes(9), 8))
    parts = ((b"IHDR", struct.pack(">2I5B", 8, 8, 8, GRAY, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(kind, content, 0xDEADBEEF) for kind, content in parts)


@hostile("chunk_huge.png", "F13", "failed")
def png_chunk_huge():
    """A chunk before the data says that it has 2^31 - 1 bytes."""
    return SIGNATURE + header(8, 8) + struct.pack(">I", 0x7FFFFFFF) + b"tEXt" + b"a" * 1000


@hostile("chunks_many.png", "F13", "any")
def png_chunks_many():
    """A small picture with 8,000 empty chunks before its data."""
    return small_png(chunk(b"tEXt", b"a\0b") * 4_000, chunk(b"IDAT", b"") * 4_000)


@hostile("header_garbage.png", "F13", "failed")
def png_header_garbage():
    """It has 77 bits for each point, in a colour that does not exist."""
    return png(8, 8, zlib_stream(bytes(100)), depth=77, colour=99)


@hostile("palette_garbage.png", "F13", "any")
def png_palette_garbage():
    """A picture with a palette that lacks all colours that it uses."""
    return png(
        8, 8, zlib_stream((b"\0" + b"\xff" * 8, 8)), chunk(b"PLTE", b"\1\2\3"), chunk(b"tRNS", bytes(256)), colour=3
    )


@hostile("frames_many.png", "F13", "any")
def png_frames_many():
    """An animated PNG that says that it has four billion frames, and has 1,000."""
    rows = zlib_stream((bytes(9), 8))
    frames = []
    for number in range(1_000):
        control = chunk(b"fcTL", struct.pack(">5I2H2B", 2 * number, 8, 8, 0, 0, 0, 1, 0, 0))
        frames.append(control + chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + rows))
    start = SIGNATURE + header(8, 8) + chunk(b"acTL", struct.pack(">2I", 0xFFFFFFFF, 0)) + chunk(b"IDAT", rows)
    return start + b"".join(frames) + chunk(b"IEND", b"")


@hostile("frame_outside.png", "F13", "any")
def png_frame_outside():
    """An animated PNG whose frame is four billion points wide, and outside of the picture."""
    frame = struct.pack(">5I2H2B", 0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0, 0xFFFFFFF0, 0, 0, 9, 9)
    return small_png(chunk(b"acTL", struct.pack(">2I", 1, 0)), chunk(b"fcTL", frame))


# JPEG


def segment(marker, data):
    return struct.pack(">2BH", 0xFF, marker, len(data) + 2) + data


def code(kind, symbols):
    """A table of codes: one of one bit for the first symbol, one of two bits for the second."""
    counts = [1] * len(symbols) + [0] * (16 - len(symbols))
    return segment(0xC4, bytes([kind, *counts, *symbols]))


def frame(width, height, marker=0xC0):
    return segment(marker, struct.pack(">B2H4B", 8, height, width, 1, 1, 0x11, 0))


def scan(first=0, last=63, bits=0):
    return segment(0xDA, bytes([1, 1, 0, first, last, bits]))


def jpeg(width, height, data, *more):
    """A gray JPEG: each two bits of zero are a block of 8 by 8 points."""
    start = b"\xff\xd8" + b"".join(more) + segment(0xDB, bytes([0]) + bytes([1]) * 64)
    return start + frame(width, height) + code(0x00, [0]) + code(0x10, [0]) + scan() + data + b"\xff\xd9"


def small_jpeg(*more):
    """A valid picture of 16 by 16 points."""
    return jpeg(16, 16, b"\0", *more)


@hostile("header_huge.jpg", "F13", "failed")
def jpeg_header_huge():
    """It says that it has 65,500 by 65,500 points, and has data for a few."""
    return jpeg(65_500, 65_500, b"\0")


@hostile("whole_huge.jpg", "F13", "any")
def jpeg_whole_huge():
    """A valid picture of 10,000 by 10,000 points: 100 MB from 390 KB."""
    return jpeg(10_000, 10_000, bytes(1250 * 1250 // 4 + 1))


@hostile("truncated.jpg", "F13", "any")
def jpeg_truncated():
    """A picture that ends in the middle of its data."""
    return jpeg(800, 800, bytes(2500))[:1500]


@hostile("truncated_header.jpg", "F13", "failed")
def jpeg_truncated_header():
    """A picture that ends before it says how large it is."""
    return jpeg(800, 800, bytes(2500))[:60]


@hostile("no_points.jpg", "F13", "failed")
def jpeg_no_points():
    """A picture of no points."""
    return jpeg(0, 0, b"\0")


@hostile("scans_many.jpg", "F12", "any")
def jpeg_scans_many():
    """A progressive picture of 4,096 by 4,096 points with 5,000 scans, each over all its blocks."""
    blocks = 512 * 512
    start = b"\xff\xd8" + segment(0xDB, bytes([0]) + bytes([1]) * 64) + frame(4096, 4096, 0xC2)
    first = code(0x00, [0]) + scan(0, 0, 0) + bytes(blocks // 8)
    once = empty_scan(1, 0x0D) + b"".join(empty_scan(1, low + 1 << 4 | low) for low in range(12, -1, -1))
    return start + first + code(0x10, [0xE0]) + once + empty_scan(1, 0x10) * 5_000 + b"\xff\xd9"


def empty_scan(first, bits):
    """A scan of 262,144 blocks without anything in them: 16 runs of 16,384."""
    run = "0" + "0" * 14
    text = run * 16
    text += "1" * (-len(text) % 8)
    return scan(first, 63, bits) + int(text, 2).to_bytes(len(text) // 8, "big")


@hostile("restarts.jpg", "F13", "any")
def jpeg_restarts():
    """A picture whose data are 50,000 restarts."""
    return jpeg(8000, 8000, b"\xff\xd0" * 50_000, segment(0xDD, b"\0\1"))


@hostile("segments_many.jpg", "F13", "any")
def jpeg_segments_many():
    """A picture with 20,000 comments and as many fill bytes before its data."""
    return small_jpeg(segment(0xFE, b"") * 20_000, b"\xff" * 20_000)


@hostile("tables_garbage.jpg", "F13", "any")
def jpeg_tables_garbage():
    """A picture whose tables of codes have more codes than there are, under numbers that do not exist."""
    return small_jpeg(segment(0xC4, bytes([0x0F]) + b"\xff" * 16 + bytes(100)), segment(0xDB, b"\xff\0"))


def exif(directory):
    return segment(0xE1, b"Exif\0\0" + b"II*\0\x08\0\0\0" + directory)


@hostile("exif_loop.jpg", "F12", "any")
def exif_loop():
    """A picture whose EXIF directories follow each other in a circle, and are in themselves."""
    entry = struct.pack("<2H2I", 0x8769, 4, 1, 8) + struct.pack("<2H2I", 0x8825, 4, 1, 8)
    return small_jpeg(exif(struct.pack("<H", 2) + entry + struct.pack("<I", 8)))


@hostile("exif_huge.jpg", "F13", "any")
def exif_huge():
    """A picture whose EXIF values have four billion parts, and lie outside of the file."""
    tags = (0x0112, 0x010E, 0x9286, 0x927C, 0x8769, 0x0201)
    entries = b"".join(
        struct.pack("<2H2I", tag, kind, 0xFFFFFFFF, 0xFFFFFFF0) for tag in tags for kind in (2, 3, 5, 7, 12, 99)
    )
    return small_jpeg(exif(struct.pack("<H", 65_535) + entries + struct.pack("<I", 0xFFFFFFFF)))


# WebP


def riff(*chunks):
    data = b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP" + data


def lossless(width, height):
    """A picture of one colour, which takes no bits for its points."""
    no_transform, no_cache, no_meta, one_symbol = 0, 0, 0, 0b0001
    bits, at = 0x2F, 8
    for value, size in (
        (width - 1, 14),
        (height - 1, 14),
        (0, 1),
        (0, 3),
        (no_transform, 1),
        (no_cache, 1),
        (no_meta, 1),
    ):
        bits, at = bits | value << at, at + size
    for _ in range(5):
        bits, at = bits | one_symbol << at, at + 4
    return bits.to_bytes(at // 8 + 2, "little")


def webp(width, height):
    return riff((b"VP8L", lossless(width, height)))


@hostile("whole_huge.webp", "F13", "failed")
def webp_whole_huge():
    """A valid picture of 16,383 by 16,383 points: 1 GB from 30 bytes."""
    return webp(16_383, 16_383)


@hostile("header_huge.webp", "F13", "failed")
def webp_header_huge():
    """It says that it has 16,383 by 16,383 points with loss, and has data for none."""
    key_frame = struct.pack("<I", 0x10)[:3] + b"\x9d\x01\x2a" + struct.pack("<2H", 16_383, 16_383)
    return riff((b"VP8 ", key_frame + bytes(50)))


@hostile("canvas_huge.webp", "F13", "failed")
def webp_canvas_huge():
    """An animation on a canvas of 16,777,216 points each way."""
    canvas = b"\x02\0\0\0" + b"\xff" * 6
    image = lossless(8, 8)
    image = b"VP8L" + struct.pack("<I", len(image)) + image + bytes(len(image) % 2)
    frames = (b"ANMF", bytes(6) + b"\7\0\0\7\0\0" + bytes(4) + image)
    return riff((b"VP8X", canvas), (b"ANIM", bytes(6)), *[frames] * 1000)


@hostile("truncated.webp", "F13", "any")
def webp_truncated():
    """A picture that ends in the middle of its data."""
    return webp(100, 100)[:-4]


@hostile("size_lie.webp", "F13", "any")
def webp_size_lie():
    """A picture whose chunks say that they have four billion bytes."""
    return b"RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff" + lossless(8, 8)


@hostile("random_codes.webp", "F13", "any")
def webp_random_codes():
    """A picture of 4,000 by 4,000 points whose codes are random."""
    start = lossless(4000, 4000)[:5]
    return riff((b"VP8L", start + chance("webp").randbytes(5000)))


# Not what they say


@hostile("web_page.png", "F4", "failed")
def web_page():
    """A web page with a script that is named as a picture."""
    return b"<!DOCTYPE html><html><body><script>alert(document.domain)</script></body></html>"


@hostile("drawing.png", "F4", "failed")
def drawing():
    """A drawing (SVG) with a script that is named as a picture of points."""
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><circle r="9"/></svg>'


@hostile("web_page.webp", "F4", "failed")
def web_page_webp():
    """A web page behind the first bytes of a WebP."""
    return b"RIFF\x40\0\0\0WEBP<html><script>alert(1)</script></html>"


@hostile("gif_frames.png", "F13", "failed")
def gif_frames():
    """A GIF of 100,000 frames that is named as a PNG."""
    start = b"GIF89a" + struct.pack("<2H3B", 1000, 1000, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    one = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    return start + one * 100_000 + b"\x3b"


@hostile("gif_and_script.png", "F3", "failed")
def gif_and_script():
    """A file that is a GIF and at the same time a script, named as a PNG."""
    return b"GIF89a/*" + bytes(20) + b"*/=1;alert(document.domain);//\x3b"


@hostile("gif_and_script.js", "F3", "any")
def gif_and_script_code():
    """A file that is a GIF and at the same time a script, named as a script."""
    return gif_and_script()


@hostile("png_as_jpeg.jpg", "F4", "any")
def png_as_jpeg():
    """A valid PNG that is named as a JPEG."""
    return small_png()


@hostile("picture_as_text.txt", "F4", "any")
def picture_as_text():
    """A picture that is named as a text."""
    return small_png() * 20


@hostile("png_and_page.png", "F3", "ready")
def png_and_page():
    """A valid small picture with a web page in a comment and behind its end."""
    page = b"<html><body><script>alert(document.domain)</script></body></html>"
    return small_png(chunk(b"tEXt", b"Comment\0" + page)) + page
