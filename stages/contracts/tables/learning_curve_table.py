"""What learning_curve writes: predictions of every outer test row by a model that is trained on a share of the training rows."""

import math
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, combination_mistakes, row_mistakes
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

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from combination_mistakes(self.combinations, self.not_applicable)
        yield from (f"skipped: expected shares 0.5, 0.25, …, found {key!r}" for key in self.skipped if not halvings(key))

    @property
    def skipped_halvings(self) -> set[int]:
        """Return how often the training rows are halved where no model is trained on some combination."""
        return {halvings(key) for key in self.skipped}


def contradictions(table: pa.Table, about: LearningCurveMetadata) -> Iterable[str]:
    """Return in what the columns contradict one another, the form of the target and the number of outputs, a line each."""
    yield from row_mistakes(table, about.not_applicable)
    yield from about.target.column_mistakes(table, "target", "prediction")
    shares, seeds = (pc.unique(table[name]).to_pylist() for name in ("share", "seed"))
    if wrong := [share for share in shares if 0.5 ** halvings(share) != share]:
        yield f"column 'share': expected 0.5, 0.25, …, found {wrong[0]:g}"
        return
    known = {halvings(share) for share in shares} | about.skipped_halvings
    if missing := set(range(1, max(known, default=0))) - known:
        yield f"column 'share': {0.5 ** min(missing):g} is missing, and metadata skipped does not say why"
    if len(seeds) > 1:
        yield f"column 'seed': expected one, found {len(seeds)}"


def halvings(share: float | str) -> int:
    """Return how often all rows are halved for a share; 0 of what is none. A share as text is rounded."""
    try:
        value = float(share)
    except ValueError:
        return 0
    n = round(-math.log2(value)) if 0 < value < 1 else 0
    return n if math.isclose(0.5**n, value, rel_tol=1e-4) else 0


TABLE = TableSchema(
    name="learning_curve",
    path="data/predictions/{dataset}/learning_curves/{model}/learning_curve.arrow",
    meaning="a row per share of the training rows, modality combination, repeat and test row",
    columns=(
        Column("share", ("float64",), "of the outer fold's training rows: 1/2, 1/4, …", least=0, most=0.5),
        Column("n_train", ("int32",), "number of those rows", least=1),
        *KEYS,
        Column("condition", ("string",), "of the samples: clean"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=LearningCurveMetadata,
    consistent=contradictions,
)
