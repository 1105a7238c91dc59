"""Find the frames of an MP3 file between its tags: libsndfile passes over damaged ones, and believes an estimate of the length."""

import re
from dataclasses import dataclass

_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # MPEG 1, layer III
_KBITS_1_II = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)  # MPEG 1, layer II
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # MPEG 2 and 2.5
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version bits
_SYNC = re.compile(rb"\xff[\xe0-\xff]")
_SEARCHED = 1 << 20  # bytes after the last frame in which others are looked for
ID3_VERSIONS, MAX_TAGS = (2, 3, 4), 100
_INFO = re.compile(rb"\xff.{12,39}(?:Xing|Info|VBRI)", re.DOTALL)  # in the first frame, after the side information


@dataclass(frozen=True)
class Mp3:
    """The frames of an MP3 file, without tags: bytes `start` to `stop`, and their number of samples per channel."""

    start: int
    stop: int
    n_samples: int


def find_frames(encoded: bytes) -> Mp3:
    """Return where the frames are. Tags before them, and tags, padding or other bytes after them are passed over.

    Raises:
        ValueError: if a frame is incomplete, or if the frames are interrupted.
    """
    at = start = end_of_tags(encoded)
    n_samples, first = 0, None
    while (frame := _frame(encoded, at)) is not None and (first is None or frame[2] == first):
        length, samples, first = frame
        if at + length > len(encoded):
            raise ValueError(f"MP3 file is truncated: the frame at byte {at} needs {length} bytes, found {len(encoded) - at}")
        at += length
        n_samples += samples
    if at == start:
        if not encoded[start:].strip(b"\0"):
            raise ValueError(f"MP3 file of {len(encoded)} bytes without audio: it holds {start} bytes of tags only")
        header = encoded[start : start + 4].hex()
        raise ValueError(f"MP3 file is damaged, or not of layer II or III at a known bit rate: at byte {start} is {header}")
    rest = encoded[at : at + 4]
    if len(encoded) - at < 4 and rest[:1] == b"\xff" and encoded[start : start + 4].startswith(rest[:2]):
        raise ValueError(f"MP3 file is truncated: it ends in the header of the frame at byte {at}")
    again = _next_frames(encoded, at)
    if again is not None:
        raise ValueError(f"MP3 file is damaged, or several files are joined: the frames end at byte {at} and begin again at {again}")
    return Mp3(start, at, n_samples)


def end_of_tags(encoded: bytes) -> int:
    """Return the end of the ID3v2 tags at the start, and of the zeros after them; 0 if there are none."""
    at = 0
    for _ in range(MAX_TAGS):
        if encoded[at : at + 3] != b"ID3" or len(encoded) < at + 10 or encoded[at + 3] not in ID3_VERSIONS:
            break
        size = 0
        for byte in encoded[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        footer = 10 if encoded[at + 5] & 0x10 else 0
        at = min(len(encoded), at + 10 + size + footer)
    if at and encoded[at : at + 1] == b"\0":
        at = len(encoded) - len(encoded[at:].lstrip(b"\0"))
    return at


def starts_with_frame(encoded: bytes) -> bool:
    return _frame(encoded, 0) is not None


def _next_frames(encoded: bytes, at: int) -> int | None:
    """Return where two frames follow each other, not far from `at`; None if nowhere."""
    for match in _SYNC.finditer(encoded, at, min(len(encoded), at + _SEARCHED)):
        frame = _frame(encoded, match.start())
        if frame is not None:
            following = _frame(encoded, match.start() + frame[0])
            if following is not None and following[2] == frame[2]:
                return match.start()
    return None


def _frame(encoded: bytes, at: int) -> tuple[int, int, tuple[int, int]] | None:
    """Return the length in bytes, the samples, and version, layer and rate of the frame at `at`; None if there is none."""
    header = encoded[at : at + 4]
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3  # layer 1 is III, 2 is II
    bit_rate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer not in (1, 2) or bit_rate in (0, 15) or rate == 3:
        return None
    kbits = (_KBITS_2 if version != 3 else _KBITS_1 if layer == 1 else _KBITS_1_II)[bit_rate]
    samples = 576 if layer == 1 and version != 3 else 1_152
    length = samples * 125 * kbits // _RATES_HZ[version][rate] + (header[2] >> 1 & 1)
    return length, samples, (header[1] & 0x1E, rate)


def with_length(frames: bytes, n_samples: int) -> bytes:
    """Return the frames after one that says how many they are, where none does: of a varying bit rate, libsndfile would read a part."""
    header = bytearray(frames[:4])
    if header[1] >> 1 & 3 != 1 or _INFO.match(frames):
        return frames
    header[1] |= 1  # no checksum
    header[2] = header[2] & 0x0D | 0x90
    length, samples, _ = _frame(bytes(header), 0) or (0, 1, None)
    mono = header[3] >> 6 == 3
    side = (17 if mono else 32) if header[1] >> 3 & 3 == 3 else (9 if mono else 17)
    xing_frame = bytes(header) + bytes(side) + b"Xing" + (1).to_bytes(4, "big") + (n_samples // samples).to_bytes(4, "big")
    return xing_frame + bytes(length - len(xing_frame)) + frames
