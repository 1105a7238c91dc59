"""The column `persistence` of samples: what the target is if nothing changes, in the form of the encoded target."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.task import TargetEncoding

COLUMN = "persistence"


def with_persistence_encoded(index: pa.Table, encoding: TargetEncoding, outputs: Sequence[str]) -> pa.Table:
    """Return the index with its column `persistence`, if it has one, as codes of the classes (-1: of none) or as the targets' values.

    Args:
        outputs: names of the classes or targets, in the order of the encoded target.
    """
    if COLUMN not in index.column_names:
        return index
    column = index[COLUMN].combine_chunks()
    if encoding.form == "continuous":
        fields = dict(zip(column.type.names, column.flatten(), strict=True))
        column, _ = encoding.encode(pa.chunked_array([pa.StructArray.from_arrays([fields[name] for name in outputs], names=list(outputs))]))
    else:
        column = pc.fill_null(pc.index_in(column, value_set=pa.array(outputs, pa.string())), -1).cast(pa.int32())
    return index.set_column(index.column_names.index(COLUMN), pa.field(COLUMN, column.type), column)
