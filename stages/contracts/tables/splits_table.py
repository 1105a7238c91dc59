"""What split writes: the folds, decided once for all models and modality combinations."""

from stages.contracts.table_schema import Column, Metadata, Rows, TableSchema, Target


class SplitsMetadata(Metadata):
    dataset: str
    target: Target
    rows: Rows
    n_folds: int
    n_repeats: int
    n_inner_folds: int


TABLE = TableSchema(
    name="splits",
    path="data/splits/{dataset}/splits.arrow",
    meaning="a row per repeat and sample",
    columns=(
        Column("sample_id", ("string",), "as in samples"),
        Column("group", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("repeat", ("int16",), "from 0"),
        Column("fold", ("int16",), "the outer fold whose test rows hold the sample; -1: none"),
        Column("inner", ("int16[]",), "for each outer fold, the inner fold that holds the sample out; -1: it is a test row there"),
    ),
    metadata=SplitsMetadata,
)
