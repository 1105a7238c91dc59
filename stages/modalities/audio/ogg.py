"""Check the pages of an Ogg file and part its streams: libsndfile passes over damaged pages, and reads the first stream only."""

import struct
import zlib

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_FIRST_PAGE, _LAST_PAGE = 2, 4  # header type flags
_CONTINUES = 255  # length of a segment whose packet goes on
MAX_STREAMS = 1_000


def ogg_streams(encoded: bytes) -> list[bytes]:
    """Return the streams that follow each other in an Ogg file (mostly one), each decodable by itself.

    Many writers do not mark the last page as the last, so the mark is not required: the file is whole if every page is, and the last
    one ends with a packet. Bytes after a marked page that are no page are tags or padding, and left out.

    Source: RFC 3533, section 6.

    Raises:
        ValueError: if a page is incomplete, missing or does not match its checksum, or if the last one ends inside a packet.
    """
    starts, lasts, numbers = [0], [0], dict[int, int]()  # of streams; serial number → next page
    at, kind, last_segment = 0, 0, 0
    while at < len(encoded):
        n_segments = encoded[at + 26] if at + 26 < len(encoded) else 0
        lengths = encoded[at + 27 : at + 27 + n_segments]
        stop = at + 27 + n_segments + sum(lengths)
        if encoded[at : at + 4] != b"OggS" or len(lengths) < n_segments or not at + 27 <= stop <= len(encoded):
            if kind & _LAST_PAGE and encoded.find(b"OggS", at) < 0:
                break
            raise ValueError(f"Ogg file of {len(encoded)} bytes is truncated or damaged: no complete page at byte {at}")
        serial, number, checksum = struct.unpack_from("<III", encoded, at + 14)
        if _ogg_checksum(encoded[at : at + 22] + bytes(4) + encoded[at + 26 : stop]) != checksum:
            raise ValueError(f"Ogg file is damaged: the page at byte {at} does not match its checksum")
        begins = encoded[at + 5] & _FIRST_PAGE
        if not begins and number != numbers.get(serial, number):
            raise ValueError(f"Ogg file is damaged: page {number} at byte {at} follows page {numbers[serial] - 1}")
        numbers.pop(serial, None)
        if any(encoded[at + 6 : at + 14]):  # after the headers, at position 0, a recorded broadcast goes on with any page
            numbers[serial] = number + 1
        if at and begins and not kind & _FIRST_PAGE:  # several first pages in a row are of parallel streams
            starts.append(at)
            lasts.append(at)
        kind, last_segment = encoded[at + 5], lengths[-1] if lengths else last_segment
        lasts[-1], at = at, stop
    if last_segment == _CONTINUES:
        raise ValueError(f"Ogg file of {len(encoded)} bytes is truncated: its last page ends inside a packet")
    if len(starts) > MAX_STREAMS:
        raise ValueError(f"Ogg file of {len(starts)} streams one after the other; at most {MAX_STREAMS} are read")
    if len(starts) == 1 and kind & _LAST_PAGE:
        return [encoded]
    return [_marked(encoded[start:stop], last - start) for start, stop, last in zip(starts, [*starts[1:], at], lasts, strict=True)]


def _marked(stream: bytes, at: int) -> bytes:
    """Return a stream whose last page, at `at`, is marked as the last, without which libsndfile does not open Opus."""
    kind, head, tail = stream[at + 5] | _LAST_PAGE, stream[at : at + 5], stream[at + 6 : at + 22]
    page = head + bytes([kind]) + tail + bytes(4) + stream[at + 26 :]
    return stream[:at] + page[:22] + struct.pack("<I", _ogg_checksum(page)) + page[26:]


def _ogg_checksum(page: bytes) -> int:
    """Return CRC-32 with the bit order of bytes and result reversed relative to zlib's, without inversion."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
