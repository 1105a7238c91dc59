"""The weights of features as a table: all of dense features and tables, of terms those that are largest for some output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.contracts.linear_reading import LinearFunctions
from stages.foundation.tables import fixed_lists
from stages.weight_reading.feature_columns import FeatureColumns


@dataclass(frozen=True)
class ReadFunctions:
    """The functions of a combination's best linear configuration, of features in their own units, and these features by modality."""

    modalities: tuple[str, ...]
    functions: LinearFunctions
    columns: Mapping[str, FeatureColumns]
    sparse: frozenset[str]

    def kept(self, name: str, n_terms: int) -> np.ndarray:
        """Return the places of the features of a modality whose weights are kept: int64, ascending."""
        weights = self.functions.weights[name]
        return largest(weights, n_terms) if name in self.sparse else np.arange(len(weights))


def largest(weights: np.ndarray, n: int) -> np.ndarray:
    """Return the places of the n largest weights above zero and the n smallest below it of any function: int64, ascending.

    Args:
        weights: float64 (d, n_functions). Of equal weights the first count.
    """
    kept = [ends_of(column, n) for column in weights.T]
    return np.unique(np.concatenate([np.empty(0, np.int64), *kept]))


def ends_of(weights: np.ndarray, n: int) -> np.ndarray:
    """Return the places of the n largest weights above zero and the n smallest below it: int64, by weight, descending."""
    order = np.argsort(-weights, kind="stable")
    above, below = order[weights[order] > 0], order[weights[order] < 0]
    return np.concatenate([above[:n], below[max(0, len(below) - n) :]])


def weight_rows(found: ReadFunctions, terms: Mapping[str, Mapping[int, str]], n_terms: int) -> pa.Table:
    """Return the rows of weights.arrow of one combination; terms: by modality, the names of the indices of its terms."""
    tables = []
    for name in found.modalities:
        columns, kept = found.columns[name], found.kept(name, n_terms)
        numbers = columns.numbers[kept]
        tables.append(pa.table({
            "modalities": pa.array(["+".join(found.modalities)] * len(kept), pa.string()),
            "modality": pa.array([name] * len(kept), pa.string()),
            "feature": pa.array(numbers, pa.int64()),
            "name": pa.array(named(columns, kept, terms.get(name, {})), pa.string()),
            "deviation": pa.array(columns.deviation[kept], pa.float64()),
            "weights": fixed_lists(np.ascontiguousarray(found.functions.weights[name][kept])),
        }))  # fmt: skip
    return pa.concat_tables(tables)


def named(columns: FeatureColumns, places: np.ndarray, terms: Mapping[int, str]) -> Sequence[str]:
    """Return the names of features, of terms those that are known."""
    return [columns.names[place] or terms.get(int(columns.numbers[place]), "") for place in places.tolist()]
