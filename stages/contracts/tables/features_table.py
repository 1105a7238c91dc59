"""What featurize writes: the features of one modality of every sample."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from stages.contracts.model import Encoding
from stages.contracts.table_schema import Column, Metadata, TableSchema, width_mistakes


class FeaturesMetadata(Metadata):
    """fit: settings of the encoder that train fits on training rows. names: of the dense axes or the columns; of a table by kind."""

    dataset: str
    modality_name: str
    modality: str
    settings: dict[str, Any]
    encoding: Encoding
    shape: tuple[int, ...]
    names: Any
    fit: dict[str, Any]

    @property
    def key(self) -> str:
        return f"{self.dataset}-{self.modality_name}"


COLUMNS: Mapping[Encoding, tuple[str, ...]] = {
    "dense": ("vector",), "sparse": ("indices", "values"), "table": ("numeric", "categorical"),
}  # fmt: skip


def contradictions(table: pa.Table, about: FeaturesMetadata) -> Iterable[str]:
    """Return which columns the encoding needs and the table lacks, or which are not as wide as the shape, a line each."""
    columns = COLUMNS[about.encoding]
    missing = [name for name in columns if name not in table.column_names]
    widths = {"dense": (math.prod(about.shape),), "sparse": (), "table": about.shape}[about.encoding]
    yield from (f"column {name!r} is missing; expected, as metadata encoding is {about.encoding}" for name in missing)
    for name, width in zip(columns, widths, strict=False):
        if not missing:
            yield from width_mistakes(table, name, width, f"metadata shape is {list(about.shape)}")


TABLE = TableSchema(
    name="features",
    path="data/features/{dataset}/{key}.arrow",
    meaning="a row per readable sample",
    columns=(
        Column("sample_id", ("string",), "as in samples"),
        Column("present", ("bool",), "whether the sample has the modality; without the column every sample has", required=False),
        Column("vector", ("float32[]",), "encoding dense: the features", required=False),
        Column("indices", ("list<int32>",), "encoding sparse: columns, sorted and unique", required=False),
        Column("values", ("list<float32>",), "encoding sparse: their values", required=False),
        Column("numeric", ("float64[]",), "encoding table: NaN where missing", required=False),
        Column("categorical", ("string[]",), "encoding table: null where missing", required=False),
    ),
    metadata=FeaturesMetadata,
    others="the structured form where the modality has one (frames, series, points, edges)",
    consistent=contradictions,
)
