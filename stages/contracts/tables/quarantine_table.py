"""What ingest and featurize write besides: samples that they could not read."""

from stages.contracts.table_schema import Column, Metadata, TableSchema


class QuarantineMetadata(Metadata):
    dataset: str
    label: str = ""


TABLE = TableSchema(
    name="quarantine",
    path="data/quarantine/{dataset}/{key}.arrow",
    meaning="a row per sample that could not be read; it has no row in what the stage wrote",
    columns=(Column("sample_id", ("string",), "as in samples"), Column("reason", ("string",), "why")),
    metadata=QuarantineMetadata,
)
