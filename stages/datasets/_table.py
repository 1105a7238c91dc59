"""Assemble a samples table: rows in the order of their ids, each modality's kind in its field's metadata."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc


def samples_table(
    sample_ids: Sequence[str], groups: Sequence[str], targets: Sequence[str | None], columns: Mapping[str, tuple[str, pa.Array]]
) -> pa.Table:
    """Return the samples, sorted by id, with columns sample_id, group, target and one per modality.

    Args:
        columns: label → (modality, values); the values in the order of `sample_ids`.
    """
    fields = [pa.field("sample_id", pa.string()), pa.field("group", pa.string()), pa.field("target", pa.string())]
    arrays = [pa.array(sample_ids, pa.string()), pa.array(groups, pa.string()), pa.array(targets, pa.string())]
    for label, (modality, values) in columns.items():
        fields.append(pa.field(label, values.type, metadata={"modality": modality}))
        arrays.append(values)
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    return table.take(pc.sort_indices(table["sample_id"]))


def merged_groups(*keys: Sequence[str | None]) -> list[str]:
    """Return one group name per row, such that rows that share a key of any kind share the group.

    Args:
        keys: for each kind of key, the key of every row; None: the row shares this kind with nobody.
    Returns:
        Per row, the first kind's smallest key in its group: so the first kind must have a key for every row.
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
