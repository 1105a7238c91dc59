"""The beginning of a clip for a page: a small WAV, and its wave form."""

import base64
import io
import wave

import numpy as np

from stages.contracts.documents.gallery_document import SoundExhibit
from stages.modalities.audio.sounds import decode
from stages.modalities.audio.spectra import resample

EXCERPT_S, EXCERPT_HZ = 4.0, 8_000  # as a telephone: 64 kB
LONGEST_S = 36_000.0  # that settings can allow
N_PARTS = 120


def show_sound(encoded: bytes) -> SoundExhibit:
    """Return the first seconds of a clip; raise ValueError if it cannot be read."""
    signal, rate_hz = decode(encoded, LONGEST_S)
    seconds = len(signal) / rate_hz
    signal = signal[: round(EXCERPT_S * rate_hz)]
    if rate_hz > EXCERPT_HZ:
        signal, rate_hz = resample(signal, rate_hz, EXCERPT_HZ), EXCERPT_HZ
    samples = np.rint(np.clip(signal, -1, 1) * 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    parts = [np.rint(part / 327.67) for part in np.array_split(samples, min(len(samples), N_PARTS))] if len(samples) else []
    return SoundExhibit(
        wav=base64.b64encode(buffer.getvalue()).decode(),
        shown_seconds=round(len(samples) / rate_hz, 2),
        seconds=round(seconds, 2),
        wave=tuple((int(part.min()), int(part.max())) for part in parts),
    )
