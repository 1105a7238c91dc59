"""What learning_curve writes: predictions of every outer test row by a model that is trained on a share of the training rows."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS
from stages.contracts.tables.splits_table import SplitsMetadata


class LearningCurveMetadata(SplitsMetadata):
    """The splits' metadata and more.

    scoring: the metric that chose. skipped: by share, why no model is trained on it. not_applicable: why there is no row; else null.
    """

    model: str
    scoring: str
    combinations: tuple[str, ...]
    skipped: Mapping[str, str]
    not_applicable: str | None


def contradictions(table: pa.Table, about: LearningCurveMetadata) -> Iterable[str]:
    """Return in what the columns contradict the form of the target and the number of outputs, a line each."""
    yield from about.target.column_mistakes(table, "target", "prediction")


TABLE = TableSchema(
    name="learning_curve",
    path="data/predictions/{dataset}/learning_curves/{model}/learning_curve.arrow",
    meaning="a row per share of the training rows, modality combination, repeat and test row",
    columns=(
        Column("share", ("float64",), "of the outer fold's training rows: 1/2, 1/4, …"),
        Column("n_train", ("int32",), "number of those rows"),
        *KEYS,
        Column("condition", ("string",), "of the samples: clean"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=LearningCurveMetadata,
    consistent=contradictions,
)
