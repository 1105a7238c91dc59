"""The outer and inner folds of a splits table."""

import numpy as np
import pyarrow as pa

from stages.contracts.problem import Fold
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.tables import column_values


def read_folds(table: pa.Table, metadata: SplitsMetadata) -> tuple[Fold, ...]:
    """Return the outer folds of a splits table, ordered by (repeat, fold)."""
    n_folds, n_repeats = metadata.n_folds, metadata.n_repeats
    fold = column_values(table["fold"]).reshape(n_repeats, -1)
    inner = column_values(table["inner"]).reshape(n_repeats, -1, n_folds)
    result = []
    for repeat in range(n_repeats):
        for index in range(n_folds):
            train = np.flatnonzero(inner[repeat, :, index] >= 0)
            test = np.flatnonzero(fold[repeat] == index)
            codes = inner[repeat, train, index].copy()
            result.append(Fold(repeat=repeat, index=index, train=train, test=test, inner=codes, n_inner=metadata.n_inner_folds))
    return tuple(result)
