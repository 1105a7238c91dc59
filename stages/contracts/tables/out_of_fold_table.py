"""What train writes where `train.keep` names it: out-of-fold scores of the chosen configuration."""

from stages.contracts.table_schema import Column, TableSchema, width_mistakes
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata

TABLE = TableSchema(
    name="out_of_fold",
    path="data/predictions/{dataset}/{model}/out_of_fold.arrow",
    meaning="a row per modality combination, outer fold and training row",
    columns=(
        *KEYS,
        Column("sample_id", ("string",), "as in samples"),
        Column("inner", ("int16",), "the inner fold that held the row out", least=0),
        Column("decisions", ("float64[]",), "of classes or labels; predicted targets"),
    ),
    metadata=TrainingMetadata,
    consistent=lambda table, about: width_mistakes(
        table, "decisions", len(about.target.outputs), "there are in metadata target.outputs"),
)
