"""Bags of terms as text features hold them: the index of a term is the absolute value of its MurmurHash3 (32 bits, seed 0)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from sklearn.utils import murmurhash3_32

from stages.contracts.modality import Modality


def bags(modality: Modality, column: pa.Array, **settings: Any) -> list[dict[int, float]]:
    """Return index → count of every sample."""
    table = pa.table(dict(modality.featurize(column, modality.settings(**settings)).columns))
    return [dict(zip(row["indices"], row["values"], strict=True)) for row in table.to_pylist()]


def hashed(expected: Sequence[Mapping[str, float]]) -> list[dict[int, float]]:
    """Return bags of terms with the terms' indices in their place."""
    return [{abs(murmurhash3_32(term, seed=0)): float(count) for term, count in bag.items()} for bag in expected]
