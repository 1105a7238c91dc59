"""Table: numeric columns as numbers, categorical ones as codes. facts: width (numeric columns), n_categories (of each categorical one).

Both are read off the encoded table: standardized numbers, then one column per category. Code 0: no category of the training rows.
"""

import numpy as np

from stages.features.encoders import State
from stages.features.structures import Structured
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits

MOST_DEVIATIONS = 4.0  # of a standardized number: a linear part would follow rare ones anywhere


def has(block: Structured) -> bool:
    """Return whether the modality is a table."""
    return block.modality == "table"


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return how many columns of the matrix are of which column of the table."""
    most = state.json.get("max_categories", 0)
    n_categories = [min(len(column["names"]), most) for column in state.json.get("categories", [])]
    return FittedInput({"width": int(block.matrix.shape[1]) - sum(n_categories), "n_categories": n_categories}, {})


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of numbers and codes."""
    matrix, width = np.asarray(block.matrix), fitted.facts["width"]
    numbers = np.clip(matrix[:, :width], -MOST_DEVIATIONS, MOST_DEVIATIONS).astype(np.float32)
    codes, start = np.zeros((len(matrix), len(fitted.facts["n_categories"])), np.int64), width
    for column, size in enumerate(fitted.facts["n_categories"]):
        one_hot = matrix[:, start : start + size]
        codes[:, column] = np.where(one_hot.any(axis=1), one_hot.argmax(axis=1) + 1, 0)
        start += size
    return lambda rows: {"values": numbers[rows], "codes": codes[rows]}


INPUT = InputReader("table", has, fit, load)
