"""What featurize writes: the features of one modality of every sample."""

from typing import Any

from stages.contracts.table_schema import Column, Metadata, TableSchema


class FeaturesMetadata(Metadata):
    """fit: settings of the encoder that train fits on training rows. names: of the dense axes or the columns; of a table by kind."""

    dataset: str
    modality_name: str
    modality: str
    settings: dict[str, Any]
    encoding: str
    shape: tuple[int, ...]
    names: Any
    fit: dict[str, Any]


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
)
