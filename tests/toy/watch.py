"""Fake seglearn: 28 series of two exercises by seven subjects, one per arm, pickled as NumPy 1 did (protocol 2, bytes as latin-1 text)."""

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from toy import write_wheel

N = 28
N_ROWS = {"exercise": N, "side": N}
MEMBER = "seglearn/data/watch_dataset.npy"


def content() -> dict[str, Any]:
    """Return what the real file holds, smaller."""
    random = np.random.default_rng(0)
    return {
        "X": [np.asfortranarray(random.normal(size=(40 + row, 6))) for row in range(N)],
        "X_labels": ["ax", "ay", "az", "wx", "wy", "wz"],
        "y": np.arange(N) % 2,
        "y_labels": ["PEN", "ABD"],
        "side": (np.arange(N) // 2 % 2).astype(float),
        "subject": 1 + np.arange(N) // 4,
    }


def npy(value: Any) -> bytes:
    """Return `value` as a `.npy` file of one object."""
    file = BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, header)
    array = np.empty((), dtype=object)
    array[()] = value
    return file.getvalue() + pickle.dumps(array, protocol=2)


def write(folder: Path) -> dict[str, Path]:
    return {"seglearn": write_wheel(folder / "seglearn.whl", {MEMBER: npy(content())})}
