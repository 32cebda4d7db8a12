"""Compressed content that is far larger than what is kept of it here.

A piece is bytes, or a pair of bytes and how often they are repeated. After a full flush the same bytes are compressed
to the same bytes, so that repeated pieces are compressed once.
"""

import zlib
from dataclasses import dataclass

STORED, DEFLATED = 0, 8
MIB = 1 << 20


@dataclass(frozen=True)
class Packed:
    """The content of an entry of a zip file."""

    method: int
    crc: int
    size: int
    data: bytes


def store(data):
    return Packed(STORED, zlib.crc32(data), len(data), data)


def pack(*pieces):
    """Deflates pieces for a zip file."""
    crc, size = 0, 0
    for data, times in map(repeated, pieces):
        step, piece_crc = crc_step(len(data)), zlib.crc32(data)
        for _ in range(times):
            crc = multiply(step, crc) ^ piece_crc
        size += len(data) * times
    return Packed(DEFLATED, crc, size, deflate(pieces))


def zlib_stream(*pieces):
    """Deflates pieces as PDF and PNG have it."""
    check = 1
    for data, times in map(repeated, pieces):
        for _ in range(times):
            check = zlib.adler32(data, check)
    return b"\x78\xda" + deflate(pieces) + check.to_bytes(4, "big")


def deflate(pieces):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    out = []
    for data, times in map(repeated, pieces):
        block = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
        out.append(block * times)
    out.append(packer.flush())
    return b"".join(out)


def repeated(piece):
    return (piece, 1) if isinstance(piece, bytes) else piece


def crc_joined(first, second, second_size):
    """The CRC-32 of two contents one after the other."""
    return multiply(crc_step(second_size), first) ^ second


def crc_step(size):
    """What a CRC-32 is multiplied by when so many bytes follow: x to the power of 8 times their number."""
    power, square = 1 << 31, 1 << 23
    while size:
        if size & 1:
            power = multiply(square, power)
        square = multiply(square, square)
        size >>= 1
    return power


def multiply(a, b):
    """The product of two polynomials modulo that of CRC-32."""
    product, bit = 0, 1 << 31
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ 0xEDB88320 if b & 1 else b >> 1
        bit >>= 1
    return product
