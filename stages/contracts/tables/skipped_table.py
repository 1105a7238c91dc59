"""What split also writes: every sample that ingest or featurize could not read."""

from stages.contracts.quantities import Share
from stages.contracts.table_schema import Column, Metadata, TableSchema


class SkippedMetadata(Metadata):
    dataset: str
    share: Share


TABLE = TableSchema(
    name="skipped",
    path="data/splits/{dataset}/quarantine.arrow",
    meaning="a row per sample of the data set that is not used",
    columns=(
        Column("sample_id", ("string",), "as in samples"),
        Column("modality", ("string",), "name of the first unreadable modality; empty: skipped by ingest"),
        Column("reason", ("string",), "why"),
    ),
    metadata=SkippedMetadata,
)
