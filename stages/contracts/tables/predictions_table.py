"""What train writes: predictions of every outer test row."""

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.splits_table import SplitsMetadata

KEYS = (
    Column("modalities", ("string",), "the combination: image+text"),
    Column("fusion", ("string",), "the way of fusing"),
    Column("seed", ("int64",), "of params.yaml"),
    Column("repeat", ("int16",), "as in splits"),
    Column("fold", ("int16",), "as in splits"),
)


class TrainingMetadata(SplitsMetadata):
    """The splits' metadata and more.

    baseline: whether the model is one. scoring: the metric that chose. not_applicable: why there is no row; else null.
    """

    model: str
    baseline: bool
    scoring: str
    combinations: tuple[str, ...]
    not_applicable: str | None


TABLE = TableSchema(
    name="predictions",
    path="data/predictions/{dataset}/{model}/predictions.arrow",
    meaning="a row per modality combination, repeat and test row",
    columns=(
        *KEYS,
        Column("condition", ("string",), "of the samples: clean"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
        Column("probabilities", ("float32[]",), "of classes or labels; not for regression", required=False),
    ),
    metadata=TrainingMetadata,
)
