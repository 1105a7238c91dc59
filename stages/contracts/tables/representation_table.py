"""What representation writes: predictions of every outer test row by learners whose features are a network's representation."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.quantities import repeated
from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, combination_mistakes, row_mistakes
from stages.contracts.tables.splits_table import SplitsMetadata


class RepresentationMetadata(SplitsMetadata):
    """The splits' metadata and more.

    model: the network. learners: of its representation. scoring: the metric that chose. not_applicable: why there is no row; else null.
    """

    model: str
    learners: tuple[str, ...]
    scoring: str
    combinations: tuple[str, ...]
    not_applicable: str | None

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from combination_mistakes(self.combinations, self.not_applicable)
        yield from (f"learners: {name!r} is there twice" for name in repeated(self.learners))


def contradictions(table: pa.Table, about: RepresentationMetadata) -> Iterable[str]:
    """Return in what the columns contradict the learners, the form of the target and the number of outputs, a line each."""
    yield from row_mistakes(table, about.not_applicable)
    yield from about.target.column_mistakes(table, "target", "prediction")
    found = pc.unique(table["learner"]).to_pylist()
    if sorted(found) != sorted(about.learners):
        expected = ", ".join(about.learners) or "none"
        yield f"column 'learner': expected {expected}, as metadata learners, found {', '.join(sorted(found)) or 'none'}"


TABLE = TableSchema(
    name="representation",
    path="data/predictions/{dataset}/representations/{model}/representation.arrow",
    meaning="a row per learner, modality combination, repeat and test row",
    columns=(
        Column("learner", ("string",), "model that learns from the representation"),
        *KEYS,
        Column("condition", ("string",), "of the samples: clean"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=RepresentationMetadata,
    consistent=contradictions,
)
