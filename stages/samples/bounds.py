"""Numbers that are too large to compute with."""

import numpy as np

LARGEST = float(np.finfo(np.float32).max)  # sums of its squares are finite in float64


def bounded(values: np.ndarray) -> np.ndarray:
    """Return float64 of the same shape, infinite beyond ±LARGEST, which validate reports."""
    return np.where(np.abs(values) > LARGEST, np.copysign(np.inf, values), values)
