"""Decode an audio file; its first bytes decide the format, not its name."""

import numpy as np

from stages.modalities.audio.compressed import decode_compressed
from stages.modalities.audio.wav import decode_wav

ID3_VERSIONS = (2, 3, 4)


def decode(encoded: bytes, max_seconds: float) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz, of a WAV, FLAC, Ogg or MP3 file.

    Raises:
        ValueError: if the bytes are not a complete audio file of a known format, or it lasts longer than `max_seconds`.
    """
    kind = _compressed_kind(encoded)
    if kind is not None:
        return decode_compressed(encoded, kind, max_seconds)
    if encoded[:4] != b"RIFF":
        raise ValueError(f"not a WAV, FLAC, Ogg or MP3 file: {len(encoded)} bytes that start with {encoded[:4]!r}")
    signal, rate_hz = decode_wav(encoded)
    if len(signal) > max_seconds * rate_hz:
        seconds = len(signal) / rate_hz
        raise ValueError(f"a clip of {seconds:.0f} s is longer than max_seconds = {max_seconds:g}; cut it, or raise max_seconds")
    return signal, rate_hz


def _compressed_kind(encoded: bytes) -> str | None:
    """Return FLAC, OGG or MP3 by the first bytes, else None."""
    if encoded[:4] in (b"fLaC", b"OggS"):
        return "FLAC" if encoded[:1] == b"f" else "OGG"
    tagged = encoded[:3] == b"ID3" and len(encoded) > 10 and encoded[3] in ID3_VERSIONS and max(encoded[6:10]) < 0x80
    framed = len(encoded) > 2 and encoded[0] == 0xFF and encoded[1] & 0xE0 == 0xE0
    return "MP3" if tagged or framed else None
