"""Sequence: the steps of a series, the frames of a sound or of a pressure recording. facts: channels, max_steps."""

import math

import numpy as np

from stages.features.encoders import State
from stages.features.structures import Ragged, Structured
from stages.models.network.inputs.averaged_steps import averaged
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits, channel_scale, scaled
from stages.models.network.inputs.padded_lists import padded_batches


def has(block: Structured) -> bool:
    """Return whether a series or frames are kept."""
    return _lists(block) is not None


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return each channel's mean and deviation over the steps of the training rows."""
    lists = _steps(block, limits.steps)
    return FittedInput({"channels": lists.values.shape[1], "max_steps": limits.steps}, channel_scale(lists.taken(rows).values))


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of standardized sequences."""
    lists = _steps(block, fitted.facts["max_steps"])
    return padded_batches(Ragged(lists.offsets, scaled(lists.values, fitted.arrays)))


def _lists(block: Structured) -> Ragged | None:
    columns = {} if block.structure is None else block.structure.columns
    found: Ragged | None = columns.get("series", columns.get("frames"))
    return found


def _steps(block: Structured, most: int) -> Ragged:
    """Return at most `most` steps of each sample, (total, channels)."""
    lists = _lists(block)
    assert lists is not None
    found = averaged(lists, most)
    return Ragged(found.offsets, found.values.reshape(len(found.values), math.prod(found.values.shape[1:])))


INPUT = InputReader("sequence", has, fit, load)
