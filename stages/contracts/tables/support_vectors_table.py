"""What read_weights writes of a linear SVM: the support vectors, the plane that each lies on, or by how much it violates it."""

from collections.abc import Iterable
from typing import Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.table_schema import Column, Metadata, TableSchema

Place = Literal["plane", "inside", "wrong"]
Side = Literal["plus", "minus"]


class SupportVectorsMetadata(Metadata):
    """not_applicable: why there is no row; else null."""

    dataset: str
    model: str
    not_applicable: str | None


def contradictions(table: pa.Table, about: SupportVectorsMetadata) -> Iterable[str]:
    """Return which words stand in the columns that are none of theirs, a line each."""
    for name, words in (("side", get_args(Side)), ("place", get_args(Place))):
        for word in pc.unique(table[name]).to_pylist():
            if word not in words:
                yield f"column {name!r}: expected one of {', '.join(words)}, found {word!r}"
    if about.not_applicable is not None and table.num_rows:
        yield f"{table.num_rows} rows; expected none, as metadata not_applicable says why"


TABLE = TableSchema(
    name="support_vectors",
    path="data/evaluation/{dataset}/weights/{model}/support_vectors.arrow",
    meaning="a row per modality combination, binary SVM and support vector",
    columns=(
        Column("modalities", ("string",), "the combination: image+text"),
        Column("positive", ("string",), "class on the plus side, or the label"),
        Column("negative", ("string",), "class on the minus side; null: samples without the label", nullable=True),
        Column("sample_id", ("string",), "as in samples"),
        Column("side", ("string",), "plus or minus, of the sample's own class"),
        Column("place", ("string",), "plane: side · f = 1; inside: between its plane and the boundary; wrong: beyond the boundary"),
        Column("alpha", ("float64",), "dual coefficient, up to C", least=0),
        Column("margin", ("float64",), "side · f"),
        Column("slack", ("float64",), "max(0, 1 − side · f): by how much it violates its plane", least=0),
    ),
    metadata=SupportVectorsMetadata,
    consistent=contradictions,
)
