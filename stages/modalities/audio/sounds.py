"""Decode an audio file; its first bytes decide the format, not its name."""

import numpy as np

from stages.modalities.audio.compressed import decode_compressed
from stages.modalities.audio.mp3 import end_of_tags, starts_with_frame
from stages.modalities.audio.wav import CONTAINERS, decode_wav
from stages.samples.file_kinds import foreign_kind


def decode(encoded: bytes, max_seconds: float) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz, of a WAV, FLAC, Ogg or MP3 file.

    Raises:
        ValueError: if the bytes are not a complete audio file of a known format, or it lasts longer than `max_seconds`.
    """
    if encoded[:4] in CONTAINERS and encoded[8:12] == b"WAVE":
        return decode_wav(encoded, max_seconds)
    start = end_of_tags(encoded)  # ID3 is made for MP3, but taggers write it before other formats too
    kind = {b"fLaC": "FLAC", b"OggS": "OGG"}.get(encoded[start : start + 4])
    if kind is not None:
        return decode_compressed(encoded[start:], kind, max_seconds)
    if start and encoded[start : start + 4] in CONTAINERS:
        return decode_wav(encoded[start:], max_seconds)
    if start or starts_with_frame(encoded):
        return decode_compressed(encoded, "MP3", max_seconds)
    what = foreign_kind(encoded, "audio")
    found = f"{len(encoded)} bytes that start with {encoded[:4]!r}"
    raise ValueError(f"not a WAV, FLAC, Ogg or MP3 file: {found}" + (f": {what}" if what else ""))
