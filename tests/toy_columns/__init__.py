"""A small column of samples per modality, and what must not be accepted of it.

A modality whose toy is not here has a file of its own in this folder, `<modality>.py`, with `toy() -> Toy`.
"""

import importlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image


@dataclass(frozen=True)
class Toy:
    """`unreadable` is a sample of the right type that cannot be read, with the reason; `nonsense` are refused settings."""

    column: pa.Array
    wrong_type: pa.Array
    nonsense: tuple[Mapping[str, Any], ...]
    unreadable: tuple[Any, str] | None = None
    null_is_missing: bool = False
    exotic: tuple[int, ...] = ()  # rows of a kind of which validation accepts few


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    """Return `pixels` as a PNG file."""
    return encoded(Image.fromarray(pixels) if mode is None else Image.fromarray(pixels).convert(mode), "PNG")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return `image` as a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def wav(signal: np.ndarray, rate_hz: int, *, code: int = 1, bits: int = 16, extensible: bool = False, size: int | None = None) -> bytes:
    """Return `signal` (n,) or (n, channels), full scale 1, as a WAV file; `size` lies about the length of the data."""
    signal = signal[:, None] if signal.ndim == 1 else signal
    n_channels, width = signal.shape[1], signal.shape[1] * bits // 8
    data = _quantised(signal, code, bits)
    header = struct.pack("<HHIIHH", 0xFFFE if extensible else code, n_channels, rate_hz, rate_hz * width, width, bits)
    if extensible:
        header += struct.pack("<HHIH14s", 22, bits, 0, code, b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71")
    chunks = b"fmt " + struct.pack("<I", len(header)) + header
    chunks += b"LIST" + struct.pack("<I", 3) + b"odd\x00"  # a chunk that readers skip, of odd length, so padded
    chunks += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _quantised(signal: np.ndarray, code: int, bits: int) -> bytes:
    if code == 3:
        return signal.astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return np.round(signal * 127 + 128).astype(np.uint8).tobytes()
    whole = np.round(signal * (2 ** (bits - 1) - 1)).astype("<i8")
    return whole.view(np.uint8).reshape(*whole.shape, 8)[..., : bits // 8].tobytes()


def tone(hz: float, rate_hz: int = 16_000, seconds: float = 0.2) -> np.ndarray:
    """Return a sine of amplitude 0.8."""
    return 0.8 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def image_toy() -> Toy:
    random = np.random.default_rng(1)
    pictures = [png(random.integers(0, 256, (9 + i, 7, channels), dtype=np.uint8)) for i, channels in enumerate((3, 4, 3, 4, 3))]
    pictures.append(encoded(Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)), "JPEG"))
    return Toy(
        column=pa.array(pictures),
        wrong_type=pa.array(["not bytes"]),
        nonsense=({"size": [0, 4]}, {"size": [4]}, {"colour": "sepia"}, {"background": "plaid"}, {"sise": [4, 4]}),
        unreadable=(pictures[0][:60], "not a readable image"),
    )


def audio_toy() -> Toy:
    random = np.random.default_rng(2)
    clips = [wav(tone(200 * (i + 1)) + 0.1 * random.standard_normal(3200).clip(-1, 1), 16_000) for i in range(4)]
    clips += [wav(tone(500, 44_100), 44_100, bits=24), wav(tone(700, 8_000), 8_000, bits=8)]
    return Toy(
        column=pa.array(clips),
        wrong_type=pa.array([1.0]),
        nonsense=({"rate_hz": 0}, {"window_ms": 10, "offset_ms": 20}, {"bands": 200}, {"segments": -1}, {"window": 20}),
        unreadable=(b"ID3 this is no WAV file", "not a WAV"),
    )


def text_toy() -> Toy:
    texts = ["A red dress, a RED shoe", "", "don't fit: don’t buy", "naïve café — Straße", "हिन्दी में लिखा", "one two one two one"]
    return Toy(
        column=pa.array(texts),
        wrong_type=pa.array([b"bytes"]),
        nonsense=({"ngrams": [2, 1]}, {"ngrams": [0, 1]}, {"max_terms": 0}, {"min_documents": 0}, {"ngram": [1, 1]}),
    )


def table_toy() -> Toy:
    rows = [
        {"age": 31, "price": 9.5, "member": True, "colour": "red", "size": None},
        {"age": None, "price": 1e-3, "member": False, "colour": "blue", "size": "L"},
        {"age": 54, "price": float("nan"), "member": None, "colour": "red", "size": "M"},
        {"age": -2, "price": 0.0, "member": True, "colour": "", "size": "L"},
        {"age": 7, "price": 3.25, "member": True, "colour": "größe", "size": "S"},
    ]
    return Toy(
        column=pa.array(rows),
        wrong_type=pa.array([1, 2]),
        nonsense=({"max_categories": 1}, {"max_null_share": 2}, {"max_categoris": 3}),
        null_is_missing=True,
    )


MAKERS: dict[str, Callable[[], Toy]] = {"image": image_toy, "audio": audio_toy, "text": text_toy, "table": table_toy}
for _file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    MAKERS[_file.stem] = importlib.import_module(f"toy_columns.{_file.stem}").toy
