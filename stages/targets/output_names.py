"""Names of classes and labels: their order, and checks that each can be trained and tested."""

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError

MAX_OUTPUTS = 1000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")  # narrower than float(), which also takes "nan" and "infinity"


def missing_rows(target: pa.ChunkedArray) -> np.ndarray:
    """Return which rows are null: bool (n,). An empty list of labels is a known target."""
    return np.asarray(pc.is_null(target).to_pylist(), dtype=bool)


def sorted_outputs(names: set[str]) -> list[str]:
    """Return the names sorted: numerically if all are numbers ("2" before "10"), else as strings."""
    if all(_NUMBER.fullmatch(name) for name in names):
        return sorted(names, key=lambda name: (float(name), name))
    return sorted(names)


def check_counts(counts: Counter[str], what: str, remedy: str) -> None:
    """Raise InputError if there are too many names, or one has a single row: each needs a row for training and one for testing.

    Args:
        counts: rows by name. what: "class" or "label". remedy: where to fix it.
    """
    if len(counts) > MAX_OUTPUTS:
        raise InputError(f"{len(counts)} different values in the target, more than {MAX_OUTPUTS}: is it a name or a number? For numbers "
                         f"use task regression; {remedy}")
    single = sorted(name for name, count in counts.items() if count < 2)
    if single:
        if 2 * len(single) > len(counts) and all(_NUMBER.fullmatch(name) for name in counts):
            remedy += "; or, if these are numbers, use task regression"
        raise InputError(f"{what} {single[0]!r} has one sample ({len(single)} such); each needs at least two, one to train on and one to "
                         f"test on, so merge it into another or remove it (`rare_classes: merge` or `drop` does, under datasets): {remedy}")
