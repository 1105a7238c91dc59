"""What condition writes: predictions of outer test rows whose samples are corrupted or lack a modality."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.sample_condition import parsed_condition
from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata, row_mistakes


class ConditionsMetadata(TrainingMetadata):
    """units: of the strengths, by modality and corruption: image/gaussian_noise."""

    units: Mapping[str, str] = {}


def contradictions(table: pa.Table, about: ConditionsMetadata) -> Iterable[str]:
    """Return in what the columns contradict the form of the target and the units, a line each."""
    yield from row_mistakes(table, about.not_applicable)
    yield from about.target.column_mistakes(table, "target", "prediction")
    for name in pc.unique(table["condition"]).to_pylist():
        try:
            known = parsed_condition(name).key in about.units
        except ValueError:
            known = False
        if not known:
            yield f"column 'condition': {name!r} is not a modality, a corruption with a unit in metadata units, and a strength"


TABLE = TableSchema(
    name="conditions",
    path="data/predictions/{dataset}/conditions/{model}/predictions.arrow",
    meaning="a row per condition, modality combination with its modality, way of fusing, repeat and test row",
    columns=(
        *KEYS,
        Column("condition", ("string",), "of the samples: image/gaussian_noise/0.1, a modality, its corruption and the strength"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=ConditionsMetadata,
    consistent=contradictions,
)
