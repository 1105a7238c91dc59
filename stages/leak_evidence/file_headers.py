"""What the first bytes of images and sounds tell, without decoding them."""

import io
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class SoundHeader:
    """duration_s: None where the header does not tell."""

    kind: str
    rate_hz: int
    duration_s: float | None


def image_format(encoded: bytes) -> str | None:
    """Return format, size and mode of an image, as `PNG 72×72 RGBA`; None if it has no header that Pillow knows."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return f"{image.format} {image.width}×{image.height} {image.mode}"
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None


def sound_header(encoded: bytes) -> SoundHeader | None:
    """Return what the header of a WAV or FLAC file tells; None of other formats."""
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WAVE":
        return _wav(encoded)
    if encoded[:4] == b"fLaC" and len(encoded) >= 26:
        packed = int.from_bytes(encoded[18:26], "big")
        rate, n_frames = packed >> 44, packed & (2**36 - 1)
        return SoundHeader("FLAC", rate, n_frames / rate if rate and n_frames else None)
    return None


def _wav(encoded: bytes) -> SoundHeader | None:
    rate, frame_bytes, place = 0, 0, 12
    while place + 8 <= len(encoded):
        name, size = encoded[place : place + 4], struct.unpack_from("<I", encoded, place + 4)[0]
        if name == b"fmt " and place + 24 <= len(encoded):
            rate, frame_bytes = struct.unpack_from("<I", encoded, place + 12)[0], struct.unpack_from("<H", encoded, place + 20)[0]
        if name == b"data":
            seconds = min(size, len(encoded) - place - 8) / (rate * frame_bytes) if rate and frame_bytes else None
            return SoundHeader("WAV", rate, seconds)
        place += 8 + size + size % 2
    return SoundHeader("WAV", rate, None) if rate else None
