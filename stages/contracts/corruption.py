"""What a modality declares in `corruptions`: ways in which its samples may be worse than those that a model learned from.

A corruption changes samples as ingest stores them, before featurizing, and its result is again what the modality reads. For every sample:
    strength 0       nothing changes: stages/samples/corrupted_samples.py returns the column itself
    random draws     come from the generator of the sample alone, so that order and company of the rows do not matter
    nested           a larger strength changes at least what a smaller one does, in the same direction: draws do not depend on the strength
    no information   of a sample's target is used; what describes the training rows is measured on them (`measure`)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

Reference = Mapping[str, np.ndarray]  # what was measured on training rows, by name
NO_REFERENCE: Reference = {}


class CorruptColumn(Protocol):
    """Returns the corrupted samples: a new column of the same type and length; `column` is not changed.

    Args:
        column: without nulls and offset.
        strength: above 0, up to the corruption's `largest`.
        randoms: a generator per sample.
        reference: what `measure` returned for the training rows; empty if there is no `measure`.
    Raises:
        SampleError: naming the samples that cannot be read.
    """

    def __call__(self, column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference, /) -> pa.Array: ...


class Measure(Protocol):
    """Returns what a change must know of the training rows, such as each channel's spread, from a column without nulls."""

    def __call__(self, column: pa.Array, /) -> Reference: ...


@dataclass(frozen=True)
class Corruption:
    """One way to corrupt a modality's samples.

    what: what happens to a sample, and what does not. unit: of the strength. largest: strength that is allowed.
    strengths: to evaluate by default, ascending. measure: None: nothing need be known of the training rows.
    """

    name: str
    what: str
    unit: str
    largest: float
    strengths: tuple[float, ...]
    change: CorruptColumn
    measure: Measure | None = None
