"""The features behind the columns of an encoded block: their names, and their units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from stages.contracts.linear_reading import LinearFunctions
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import Matrix, State


@dataclass(frozen=True)
class FeatureColumns:
    """encoded = (feature − centre) / unit, but for text, whose encoded features are those of the model: weighted counts of unit norm.

    numbers: int64 (d,), the place in the features file, of sparse features the index of the term. names: of each; of terms empty.
    centre, unit: float64 (d,). deviation: float64 (d,), standard deviation over the training rows, in the feature's own unit.
    """

    numbers: np.ndarray
    names: tuple[str, ...]
    centre: np.ndarray
    unit: np.ndarray
    deviation: np.ndarray


def feature_columns(matrix: Matrix, state: State, about: FeaturesMetadata, rows: np.ndarray) -> FeatureColumns:
    """Return the features of an encoded block.

    Args:
        matrix: the block, encoded. state: of its encoder. rows: the training rows.
    """
    d = matrix.shape[1]
    numbers, centre, unit = np.arange(d), np.zeros(d), np.ones(d)
    names: tuple[str, ...]
    if about.encoding == "sparse":
        numbers, names = _terms(state, d), ("",) * d
    elif about.encoding == "dense":
        names = dense_names(about.shape, about.names)
    else:
        names = table_names(about, state)
        centre[: len(state.arrays["mean"])], unit[: len(state.arrays["mean"])] = state.arrays["mean"], state.arrays["deviation"]
    return FeatureColumns(numbers, names, centre, unit, unit * deviations(matrix, rows))


def in_own_units(functions: LinearFunctions, columns: dict[str, FeatureColumns]) -> LinearFunctions:
    """Return the functions of the features in their own units: the same values f."""
    weights = {name: values / columns[name].unit[:, None] for name, values in functions.weights.items()}
    shift = sum((columns[name].centre @ values for name, values in weights.items()), np.zeros(len(functions.intercepts)))
    return LinearFunctions(functions.outputs, weights, functions.intercepts - shift)


def _terms(state: State, d: int) -> np.ndarray:
    terms = state.arrays["terms"].astype(np.int64)
    return terms if len(terms) else np.full(d, -1)  # a block without a term has one empty column


def dense_names(shape: Sequence[int], of_first_axis: Any) -> tuple[str, ...]:
    """Return names of the values of a dense vector, by their place on each axis: "mean, 3" of audio, "4, 5, 0" of a pixel, "number 7"."""
    if len(shape) == 1 and not of_first_axis:
        return tuple(f"number {place}" for place in range(shape[0]))
    named = list(of_first_axis) if len(of_first_axis) == shape[0] and not isinstance(of_first_axis, dict) else range(shape[0])
    places = np.unravel_index(np.arange(int(np.prod(shape))), tuple(shape))
    return tuple(", ".join([str(named[place[0]]), *map(str, place[1:])]) for place in zip(*(axis.tolist() for axis in places), strict=True))


def table_names(about: FeaturesMetadata, state: State) -> tuple[str, ...]:
    """Return the names of the columns of an encoded table: numeric ones, "… is missing", and a category each."""
    from stages.features.table_transformers import category_columns

    numeric, categorical = list(about.names["numeric"]), list(about.names["categorical"])
    marked = [f"{name} is missing" for name, is_marked in zip(numeric, state.arrays["marked"], strict=True) if is_marked]
    categories = category_columns(categorical, state.json["categories"], state.json["max_categories"]) if categorical else []
    return tuple([*numeric, *marked, *categories])


def deviations(matrix: Matrix, rows: np.ndarray) -> np.ndarray:
    """Return each column's standard deviation over some rows: float64 (d,)."""
    if not sp.issparse(matrix):
        return np.asarray(matrix[rows].std(axis=0, dtype=np.float64))
    mine = matrix[rows].astype(np.float64)
    mean, squares = (np.asarray(values.mean(axis=0)).ravel() for values in (mine, mine.multiply(mine)))
    return np.sqrt(np.maximum(squares - mean**2, 0))
