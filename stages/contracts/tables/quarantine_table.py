"""What ingest and featurize also write: unreadable samples."""

from stages.contracts.table_schema import Column, Metadata, TableSchema


class QuarantineMetadata(Metadata):
    dataset: str
    modality_name: str = ""

    @property
    def key(self) -> str:
        return f"{self.dataset}-{self.modality_name}" if self.modality_name else self.dataset


TABLE = TableSchema(
    name="quarantine",
    path="data/quarantine/{dataset}/{key}.arrow",
    meaning="a row per unreadable sample, which has no row in the stage's other output",
    columns=(Column("sample_id", ("string",), "as in samples"), Column("reason", ("string",), "why")),
    metadata=QuarantineMetadata,
)
