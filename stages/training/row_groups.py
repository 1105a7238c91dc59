"""The groups of a data set's rows, which are halved and drawn whole."""

import numpy as np

from stages.contracts.paths import splits_path
from stages.foundation.tables import read_table


def groups_of(dataset: str, n: int) -> np.ndarray:
    """Return the codes of the groups of a data set's n rows: int64 (n,)."""
    names = np.asarray(read_table(splits_path(dataset))["group"][:n].to_pylist(), dtype=np.str_)
    return np.unique(names, return_inverse=True)[1].ravel()
