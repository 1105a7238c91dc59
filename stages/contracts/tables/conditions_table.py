"""What condition writes: predictions of outer test rows whose samples are corrupted."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.sample_condition import parsed_condition
from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, combination_mistakes
from stages.contracts.tables.splits_table import SplitsMetadata


class ConditionsMetadata(SplitsMetadata):
    """The splits' metadata and more.

    scoring: the metric that chose. units: of the strengths, by modality and corruption: image/gaussian_noise. By model: combinations: of
    modalities; seeds: of the refits, that of the saved model first; not_applicable: why it has no row.
    """

    scoring: str
    units: Mapping[str, str] = {}
    combinations: Mapping[str, tuple[str, ...]] = {}
    seeds: Mapping[str, tuple[int, ...]] = {}
    not_applicable: Mapping[str, str] = {}

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        for model, combinations in self.combinations.items():
            yield from (f"{model}: {line}" for line in combination_mistakes(combinations, self.not_applicable.get(model)))
        if self.seeds.keys() != self.combinations.keys():
            yield f"seeds: expected those of {', '.join(self.combinations)}, found those of {', '.join(self.seeds)}"


def contradictions(table: pa.Table, about: ConditionsMetadata) -> Iterable[str]:
    """Return in what the columns contradict the form of the target, the models and the units, a line each."""
    yield from about.target.column_mistakes(table, "target", "prediction")
    for model in pc.unique(table["model"]).to_pylist():
        if model not in about.combinations:
            yield f"column 'model': {model!r} is none of metadata combinations"
    for name in pc.unique(table["condition"]).to_pylist():
        try:
            known = parsed_condition(name).key in about.units
        except ValueError:
            known = False
        if not known:
            yield f"column 'condition': {name!r} is not a modality, a corruption with a unit in metadata units, and a strength"


TABLE = TableSchema(
    name="conditions",
    path="data/conditions/{dataset}/predictions.arrow",
    meaning="a row per outer fold, model, seed, condition, modality combination with its modality, way of fusing and test row",
    columns=(
        Column("model", ("string",), "under `models:`"),
        *KEYS,
        Column("condition", ("string",), "of the samples: image/gaussian_noise/0.1, a modality, its corruption and the strength"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=ConditionsMetadata,
    consistent=contradictions,
)
