"""Corrupt a column sample by sample: what modalities share whose samples are Python objects (bytes, texts, structs)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.corruption import CorruptColumn, Reference
from stages.samples.read import read_each

ChangeOne = Callable[[Any, float, np.random.Generator], Any]  # sample, strength, random → new sample; ValueError if it cannot be read


def each_sample(change: ChangeOne) -> CorruptColumn:
    """Return the change of a column from that of one sample, as `to_pylist` returns it."""

    def changed(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
        turn = iter(randoms)
        return pa.array(read_each(column, lambda sample: change(sample, strength, next(turn))), column.type)

    return changed
