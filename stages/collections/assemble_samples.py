"""Assemble a samples table: rows sorted by id, each modality's kind in the metadata of its field."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def samples_table(
    sample_ids: Sequence[str],
    groups: Sequence[str],
    targets: Sequence[Any] | Mapping[str, Sequence[float]],
    columns: Mapping[str, tuple[str, pa.Array]],
    *,
    splits: Sequence[str] | None = None,
) -> pa.Table:
    """Return the samples, sorted by id, with columns sample_id, group, split (if there is an official one), target and one per modality.

    Args:
        targets: a class per sample; or the labels of each sample; or regression targets by name (see contracts/data_set.py).
        columns: modality name → (modality, values); values in the order of `sample_ids`.
        splits: "train" or "test" per sample.
    """
    arrays = {"sample_id": pa.array(sample_ids, pa.string()), "group": pa.array(groups, pa.string())}
    if splits is not None:
        arrays["split"] = pa.array(splits, pa.string())
    arrays["target"] = target_column(targets)
    fields = [pa.field(name, values.type) for name, values in arrays.items()]
    for name, (modality, values) in columns.items():
        fields.append(pa.field(name, values.type, metadata={"modality": modality}))
        arrays[name] = values
    table = pa.Table.from_arrays(list(arrays.values()), schema=pa.schema(fields))
    return table.take(pc.sort_indices(table["sample_id"]))


def target_column(targets: Sequence[Any] | Mapping[str, Sequence[float]]) -> pa.Array:
    """Return classes as string, labels as list<string>, regression targets by name as a struct of float64."""
    if isinstance(targets, Mapping):
        numbers = [pa.array(np.asarray(values, dtype=np.float64)) for values in targets.values()]
        return pa.StructArray.from_arrays(numbers, names=list(targets))
    several = any(target is not None and not isinstance(target, str) for target in targets)
    return pa.array(targets, pa.list_(pa.string()) if several else pa.string())


def merged_groups(*keys: Sequence[str | None]) -> list[str]:
    """Return a group name per row; rows that share a key of any kind are in one group.

    Args:
        keys: for each kind of key, the key of every row; None: the row has no key of this kind.
    Returns:
        Per row, the smallest key of the first kind in its group; the first kind must have a key for every row.
    """
    parent = list(range(len(keys[0])))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for kind in keys:
        first: dict[str, int] = {}
        for row, key in enumerate(kind):
            if key is not None:
                parent[root(row)] = root(first.setdefault(key, row))
    names: dict[int, str] = {}
    for row, key in enumerate(keys[0]):
        top = root(row)
        names[top] = min(names.get(top, str(key)), str(key))
    return [names[root(row)] for row in range(len(parent))]
