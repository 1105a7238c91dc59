"""What train writes: predictions of every outer test row."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from stages.contracts.quantities import repeated
from stages.contracts.table_schema import Column, TableSchema, width_mistakes
from stages.contracts.tables.splits_table import SplitsMetadata

KEYS = (
    Column("modalities", ("string",), "the combination: image+text"),
    Column("fusion", ("string",), "the way of fusing"),
    Column("seed", ("int64",), "of params.yaml; in predictions also those of further refits"),
    Column("repeat", ("int16",), "as in splits", least=0),
    Column("fold", ("int16",), "as in splits", least=0),
)


class TrainingMetadata(SplitsMetadata):
    """The splits' metadata and more.

    baseline: whether learners are compared with it. diagnostic: whether it is a control that none is compared with. scoring: the metric
    that chose. not_applicable: why there is no row; else null. seeds: of the refits, that of the saved model first; none: there is one.
    """

    model: str
    baseline: bool
    scoring: str
    combinations: tuple[str, ...]
    not_applicable: str | None
    diagnostic: bool = False
    seeds: tuple[int, ...] = ()

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from combination_mistakes(self.combinations, self.not_applicable)
        yield from (f"seeds: {seed} is there twice" for seed in repeated(self.seeds))


def combination_mistakes(combinations: Sequence[str], not_applicable: str | None) -> Iterable[str]:
    """Return whether there are modality combinations although nothing is applicable, or none although it is, and which are repeated."""
    if bool(combinations) == (not_applicable is not None):
        yield f"combinations: expected {'one or more' if not_applicable is None else 'none, as not_applicable says why'}"
    yield from (f"combinations: {name!r} is there twice" for name in repeated(combinations))


def row_mistakes(table: pa.Table, not_applicable: str | None) -> Iterable[str]:
    """Return that there are rows although nothing is applicable, a line, if so."""
    if not_applicable is not None and table.num_rows:
        yield f"{table.num_rows} rows; expected none, as metadata not_applicable says why"


def contradictions(table: pa.Table, about: TrainingMetadata) -> Iterable[str]:
    """Return in what the columns contradict the form of the target and the number of outputs, a line each."""
    yield from row_mistakes(table, about.not_applicable)
    yield from about.target.column_mistakes(table, "target", "prediction")
    if "probabilities" in table.column_names:
        yield from width_mistakes(table, "probabilities", len(about.target.outputs), "there are in metadata target.outputs")
    elif about.target.form != "continuous" and about.not_applicable is None:
        yield f"column 'probabilities' is missing; expected, as metadata target.form is {about.target.form}"


TABLE = TableSchema(
    name="predictions",
    path="data/predictions/{dataset}/[controls/]{model}/predictions.arrow",
    meaning="a row per modality combination, seed, repeat and test row",
    columns=(
        *KEYS,
        Column("condition", ("string",), "of the samples: clean"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
        Column("probabilities", ("float32[]",), "of classes or labels; not for regression", required=False),
    ),
    metadata=TrainingMetadata,
    consistent=contradictions,
)
