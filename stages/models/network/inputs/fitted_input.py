"""The interface of a kind of input."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.network_encoder import InputKind
from stages.features.encoders import State
from stages.features.structures import Structured

LEAST_DEVIATION = 1e-6  # of a channel that is not constant
MOST_DEVIATIONS = 10.0  # of a standardized value: one outlier would decide a step


@dataclass(frozen=True)
class FittedInput:
    """What a kind of input learned from training rows. facts: sizes, as encoders need them, and other JSON."""

    facts: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class ReadLimits:
    """The most of a sample that is read. steps: of a sequence, or points; longer ones are averaged, or thinned. terms: of a vocabulary."""

    steps: int
    terms: int


Batches = Callable[[np.ndarray], dict[str, np.ndarray]]  # of rows int64 (n_networks, n_batch)


@dataclass(frozen=True)
class InputReader:
    """A kind of input.

    `has(block)` returns whether a block has it. `fit(block, state, rows, limits)` returns what training rows tell; `state` is that of the
    block's encoder. `load(block, fitted)` returns the function from rows of the block to a batch.
    """

    kind: InputKind
    has: Callable[[Structured], bool]
    fit: Callable[[Structured, State, np.ndarray, ReadLimits], FittedInput]
    load: Callable[[Structured, FittedInput], Batches]


def channel_scale(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean and deviation of each channel of values (n, channels), NaN where missing; 0 and 1 where nothing is known."""
    known = ~np.isnan(values)
    number = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0, dtype=np.float64) / number
    deviation = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(axis=0, dtype=np.float64) / number)
    return {"mean": mean, "deviation": np.where(deviation > LEAST_DEVIATION, deviation, 1.0)}


def scaled(values: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return standardized channels, clipped, 0 where missing: float32 (n, channels)."""
    found = np.nan_to_num((values - arrays["mean"]) / arrays["deviation"])
    return np.clip(found, -MOST_DEVIATIONS, MOST_DEVIATIONS).astype(np.float32)
