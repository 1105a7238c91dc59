"""What train writes: the inner score of every configuration."""

import json
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata


def contradictions(table: pa.Table, about: TrainingMetadata) -> Iterable[str]:
    """Return the first configuration that is not the JSON of a mapping."""
    for text in pc.unique(table["settings"]).to_pylist():
        try:
            right = isinstance(json.loads(text), dict)
        except (TypeError, ValueError):
            right = False
        if not right:
            return [f"column 'settings': expected the JSON of a mapping, found {text!r}"]
    return []


TABLE = TableSchema(
    name="sweep",
    path="data/predictions/{dataset}/[controls/]{model}/sweep.arrow",
    meaning="a row per modality combination, outer fold, configuration and inner fold",
    columns=(
        *KEYS,
        Column("inner", ("int16",), "the inner fold", least=0),
        Column("config", ("int32",), "number of the configuration", least=0),
        Column("settings", ("string",), "the configuration, as JSON"),
        Column("score", ("float64",), "of the metric that chooses; NaN where undefined"),
        Column("chosen", ("bool",), "whether the configuration was used on the outer fold"),
    ),
    metadata=TrainingMetadata,
    consistent=contradictions,
)
