"""Flat: the encoded features of a sample in a row. facts: width."""

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import State
from stages.features.structures import Structured
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits, scaled


def has(block: Structured) -> bool:
    """Return whether the features are dense."""
    return not sp.issparse(block.matrix)


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return each column's mean, and one deviation of all columns: values of one kind keep their proportions."""
    training = np.asarray(block.matrix)[rows]
    mean = training.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(((training - mean) ** 2).mean()) if training.size else 0.0
    return FittedInput({"width": training.shape[1]}, {"mean": mean, "deviation": np.array(deviation if deviation > 0 else 1.0)})


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of standardized rows."""
    values = scaled(np.asarray(block.matrix), fitted.arrays)
    return lambda rows: {"values": values.take(rows, axis=0)}


INPUT = InputReader("flat", has, fit, load)
