"""Check that an Ogg or MP3 file is complete; libsndfile reads damaged files in part without an error."""

import struct
import zlib

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_LAST_PAGE = 4  # header type flag
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # MPEG 1, layer III
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # MPEG 2 and 2.5
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version bits
_TAGS = (b"TAG", b"APETAGEX", b"LYRICS", b"ID3")  # may follow the audio


def check_ogg(encoded: bytes) -> None:
    """Raise ValueError unless the file is a sequence of complete pages, each with the right checksum, that ends in a last page.

    Source: RFC 3533, section 6.
    """
    at, kind = 0, 0
    while at < len(encoded):
        n_segments = encoded[at + 26] if at + 26 < len(encoded) else 0
        lengths = encoded[at + 27 : at + 27 + n_segments]
        stop = at + 27 + n_segments + sum(lengths)
        if encoded[at : at + 4] != b"OggS" or len(lengths) < n_segments or not at + 27 < stop <= len(encoded):
            raise ValueError(f"Ogg file of {len(encoded)} bytes is truncated or damaged: no complete page at byte {at}")
        kind, checksum = encoded[at + 5], struct.unpack_from("<I", encoded, at + 22)[0]
        if _ogg_checksum(encoded[at : at + 22] + bytes(4) + encoded[at + 26 : stop]) != checksum:
            raise ValueError(f"Ogg file is damaged: the page at byte {at} does not match its checksum")
        at = stop
    if not kind & _LAST_PAGE:
        raise ValueError(f"Ogg file of {len(encoded)} bytes is truncated: its last page is not marked as the last")


def _ogg_checksum(page: bytes) -> int:
    """Return CRC-32 with the bit order of bytes and result reversed relative to zlib's, without inversion."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def count_mp3_samples(encoded: bytes) -> int:
    """Return the number of samples per channel in an MP3 file, by its frame headers.

    Raises:
        ValueError: if the file is not a sequence of complete layer III frames, with tags before and after.
    """
    at = first = _end_of_tag(encoded)
    n_samples = 0
    while at < len(encoded) and not (n_samples and _is_trailer(encoded[at:])):
        length, samples = _mp3_frame(encoded[at : at + 4], at)
        if at + length > len(encoded):
            raise ValueError(f"MP3 file is truncated: the frame at byte {at} needs {length} bytes, found {len(encoded) - at}")
        at += length
        n_samples += samples
    if at == first:
        raise ValueError(f"MP3 file of {len(encoded)} bytes without audio: it holds {first} bytes of tags only")
    return n_samples


def _end_of_tag(encoded: bytes) -> int:
    """Return the end of an ID3v2 tag at the start; 0 if there is none."""
    if encoded[:3] != b"ID3" or len(encoded) < 10:
        return 0
    size = 0
    for byte in encoded[6:10]:
        size = size << 7 | byte & 0x7F
    return min(len(encoded), 10 + size)


def _is_trailer(rest: bytes) -> bool:
    return rest.startswith(_TAGS) or not rest.strip(b"\0")


def _mp3_frame(header: bytes, at: int) -> tuple[int, int]:
    """Return the length in bytes and the samples of the frame with this header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        raise ValueError(f"MP3 file is damaged: no frame starts at byte {at}")
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer != 1 or bit_rate in (0, 15) or rate == 3:
        raise ValueError(f"MP3 file is damaged, or not of layer III at a fixed bit rate: the frame header at byte {at} is {header.hex()}")
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bit_rate]
    samples = 1_152 if version == 3 else 576
    return samples * 125 * kbits // _RATES_HZ[version][rate] + (header[2] >> 1 & 1), samples
