"""`make new` proposes the sampling rate of clips that have less than the default one, wherever the clips stand."""

import io
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_new import folder, said

from stages.own_data.sampling_rate import most_frequent_rate

__all__ = ["folder"]  # a fixture


def clip(rate_hz: int, seed: int = 0) -> bytes:
    """Return a WAV file of noise."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.random.default_rng(seed).integers(-999, 999, rate_hz // 10).astype("<i2").tobytes())
    return file.getvalue()


def proposed(text: str) -> str:
    """Return the line of the features."""
    return next(line for line in text.splitlines() if line.startswith("  mine-sound: "))


@pytest.mark.parametrize(
    ("rates", "expected"), [([8000], 8000), ([44_100], None), ([8000, 8000, 44_100], 8000), ([16_000], None), ([2000], None)])
def test_files_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str], rates: Sequence[int], expected: int | None) -> None:
    for number in range(12):
        path = folder / "sounds" / "ab"[number % 2] / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip(rates[number % len(rates)]))
    _, text = said(capsys, "sounds")
    assert ("rate_hz" in proposed(text)) == (expected is not None)
    if expected:
        assert f"rate_hz: {expected}" in proposed(text) and f", most at {expected:,} Hz" in text


@pytest.mark.parametrize("kind", ["names", "bytes", "lists of bytes", "lists of names"])
def test_columns_of_a_table(folder: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    rows = []
    for number in range(12):
        (folder / f"{number}.wav").write_bytes(clip(8000, number))
        found = {"names": f"{number}.wav", "bytes": clip(8000, number), "lists of bytes": [clip(8000, number)] * 2,
                 "lists of names": [f"{number}.wav", f"{(number + 1) % 12}.wav"]}[kind]  # fmt: skip
        rows.append({"sound": found, "y": "ab"[number % 2]})
    pq.write_table(pa.Table.from_pylist(rows), folder / "t.parquet")
    entry, text = said(capsys, "t.parquet", "--target", "y")
    assert entry["modalities"]["sound"]["modality"] == "audio"
    assert "rate_hz: 8000" in proposed(text)


def test_the_lowest_of_equally_frequent_rates_counts_and_clips_without_a_header_do_not() -> None:
    assert most_frequent_rate([clip(8000), clip(11_025), b"RIFF....", b""]) == 8000
    assert most_frequent_rate([b"", b"no sound"]) is None
