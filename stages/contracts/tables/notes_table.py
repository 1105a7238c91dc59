"""What train writes: shares of the test rows that help to judge the predictions."""

from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata

TABLE = TableSchema(
    name="notes",
    path="data/predictions/{dataset}/[controls/]{model}/notes.arrow",
    meaning="a row per modality combination, outer fold and note",
    columns=(
        *KEYS,
        Column("name", ("string",), "of the note: tied_rows, the share of test rows whose k-th neighbor is as near as the next"),
        Column("value", ("float64",), "on that fold", least=0, most=1),
    ),
    metadata=TrainingMetadata,
)
