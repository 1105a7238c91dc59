"""What split writes besides: every sample that a stage before it could not read."""

from stages.contracts.table_schema import Column, Metadata, TableSchema


class SkippedMetadata(Metadata):
    dataset: str
    share: float


TABLE = TableSchema(
    name="skipped",
    path="data/splits/{dataset}/quarantine.arrow",
    meaning="a row per sample of the data set that is not used",
    columns=(
        Column("sample_id", ("string",), "as in samples"),
        Column("modality", ("string",), "the first that could not be read; empty: ingest's"),
        Column("reason", ("string",), "why"),
    ),
    metadata=SkippedMetadata,
)
