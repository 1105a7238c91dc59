"""Kernels from squared distances: linear, and RBF for a gamma.

An SVM is trained on squared distances in the feature space: d² of the rows (linear) or 2 − 2 exp(−γ d²) (RBF). It decides by kernel
values, and a shift common to all training rows cancels: −½ d² replaces inner products, which are never computed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Kernel = tuple[str, float | None]
_ROWS = 64  # transformed at once; they fit in the cache


def kernel_of(config: Mapping[str, Any]) -> Kernel:
    """Return a configuration's kernel: its name and gamma (None: linear)."""
    return config["kernel"], config["gamma"]


def by_kernel(configs: Sequence[Mapping[str, Any]]) -> dict[Kernel, list[int]]:
    """Return the configurations of each kernel, C ascending."""
    members: dict[Kernel, list[int]] = {}
    for i in sorted(range(len(configs)), key=lambda i: configs[i]["C"]):
        members.setdefault(kernel_of(configs[i]), []).append(i)
    return members


def reordered(squared: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return squared[rows][:, rows]: float64, contiguous. Gathering from it in ascending order takes a third of the time."""
    from stages.models.svm.smo import gather

    found = np.empty((len(rows), len(rows)))
    gather(np.ascontiguousarray(squared), rows, rows, found)
    return found


def feature_distances(kernel: Kernel, squared: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the squared distances of `rows` in the kernel's feature space: float32 (n_rows, n_rows).

    Args:
        squared: float64 (n, n), squared distances of all rows, contiguous.
    """
    from stages.models.svm.smo import gather

    found = np.empty((len(rows), len(rows)), dtype=np.float32)
    gather(squared, rows, rows, found)
    _, gamma = kernel
    if gamma is not None:
        for start in range(0, len(rows), _ROWS):
            chunk = found[start : start + _ROWS]
            chunk *= np.float32(-gamma)
            np.expm1(chunk, out=chunk)
            chunk *= np.float32(-2)
    return found


def kernel_values(kernel: Kernel, squared: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the kernel between `rows` and `columns`, float64 (n_rows, n_columns), up to a shift that cancels in decisions."""
    from stages.models.svm.smo import gather

    found = np.empty((len(rows), len(columns)))
    gather(squared, rows, columns, found)
    _, gamma = kernel
    found *= -0.5 if gamma is None else -gamma
    return found if gamma is None else np.exp(found, out=found)
