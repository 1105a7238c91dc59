"""The length of a FLAC file whose header does not declare it, as recorders and pipes leave it: its last frame tells."""

_MAX_FRAME = 1 << 20  # bytes at the end of the file in which its last frame is looked for
_BLOCK_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{code: 256 << code - 8 for code in range(8, 16)}}
_RESERVED_RATE = 15


def with_length(encoded: bytes) -> bytes:
    """Return a FLAC file whose header declares the number of samples: libsndfile does not open others.

    Source: RFC 9639, sections 8.2 and 9.1.

    Raises:
        ValueError: if the header does not declare it, and no frame is found at the end of the file.
    """
    fields = int.from_bytes(encoded[18:26], "big")
    if len(encoded) < 42 or fields & (1 << 36) - 1:
        return encoded
    at = len(encoded)
    block = int.from_bytes(encoded[10:12], "big")
    while (at := encoded.rfind(b"\xff", max(42, len(encoded) - _MAX_FRAME), at)) >= 0:
        stop = _end_of_frame(encoded[at : at + 16], block)
        if stop is not None:
            return encoded[:18] + (fields | stop & (1 << 36) - 1).to_bytes(8, "big") + encoded[26:]
    raise ValueError("FLAC file is truncated or damaged: its header does not declare the length, and no frame is found at its end")


def _end_of_frame(header: bytes, fixed_block: int) -> int | None:
    """Return the number of samples up to the end of the frame with this header; None if it is no header of a frame."""
    if len(header) < 6 or header[1] & 0xFE != 0xF8 or header[2] & 15 == _RESERVED_RATE or header[3] & 1 or header[3] >> 4 > 10:
        return None
    code, n_ones = header[2] >> 4, 8 - (header[4] ^ 0xFF).bit_length()
    number, n_more = header[4] & 0x7F >> n_ones, max(0, n_ones - 1)  # a number in the manner of UTF-8
    for byte in header[5 : 5 + n_more]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    at = 5 + n_more
    size = _BLOCK_SIZES.get(code, 0)
    if code in (6, 7):
        width = code - 5
        size = int.from_bytes(header[at : at + width], "big") + 1
        at += width
    at += {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if not size or at >= len(header) or _checksum(header[:at]) != header[at]:
        return None
    return number + size if header[1] & 1 else number * fixed_block + size


def _checksum(header: bytes) -> int:
    """Return CRC-8 with the polynomial x⁸ + x² + x + 1."""
    value = 0
    for byte in header:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x107 if value & 0x80 else value << 1) & 0xFF
    return value
