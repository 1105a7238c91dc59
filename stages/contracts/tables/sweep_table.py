"""What train writes: the inner score of every configuration."""

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata

TABLE = TableSchema(
    name="sweep",
    path="data/predictions/{dataset}/{model}/sweep.arrow",
    meaning="a row per modality combination, outer fold, configuration and inner fold",
    columns=(
        *KEYS,
        Column("inner", ("int16",), "the inner fold"),
        Column("config", ("int32",), "number of the configuration"),
        Column("settings", ("string",), "the configuration, as JSON"),
        Column("score", ("float64",), "of the metric that chooses; NaN where undefined"),
        Column("chosen", ("bool",), "whether the configuration was used on the outer fold"),
    ),
    metadata=TrainingMetadata,
)
