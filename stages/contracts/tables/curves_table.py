"""What train writes: how the refit of the chosen configuration went."""

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata

TABLE = TableSchema(
    name="curves",
    path="data/predictions/{dataset}/[controls/]{model}/curves.arrow",
    meaning="a row per modality combination, outer fold, curve and step",
    columns=(
        *KEYS,
        Column("name", ("string",), "of the curve: train_loss, inner_loss"),
        Column("step", ("int32",), "from 1", least=1),
        Column("value", ("float64",), "at that step"),
    ),
    metadata=TrainingMetadata,
)
