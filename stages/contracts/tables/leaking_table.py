"""What control writes of a learner without a leak and with it: its predictions of every outer test row."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.table_schema import Column, Metadata, TableSchema, Target
from stages.contracts.tables.predictions_table import combination_mistakes

HONEST, LEAKING = "honest", "leaking"


class LeakingMetadata(Metadata):
    """control: that lets the leak in. what: the leak, as the end of "if …". scoring: the metric that chose. target: as in splits."""

    dataset: str
    control: str
    model: str
    what: str
    scoring: str
    target: Target
    combinations: tuple[str, ...]

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from combination_mistakes(self.combinations, None)


def contradictions(table: pa.Table, about: LeakingMetadata) -> Iterable[str]:
    """Return which protocols are unknown, and in what the columns contradict the form of the target, a line each."""
    for protocol in pc.unique(table["protocol"]).to_pylist():
        if protocol not in (HONEST, LEAKING):
            yield f"column 'protocol': expected {HONEST!r} or {LEAKING!r}, found {protocol!r}"
    yield from about.target.column_mistakes(table, "target", "prediction")


TABLE = TableSchema(
    name="leaking",
    path="data/predictions/{dataset}/controls/{control}/leaking.arrow",
    meaning="a row per protocol, modality combination, repeat and test row",
    columns=(
        Column("protocol", ("string",), "honest: without the leak; leaking: with it"),
        Column("modalities", ("string",), "the combination: image+text"),
        Column("repeat", ("int16",), "as in splits", least=0),
        Column("fold", ("int16",), "of the protocol: of leaking ones it may be another than in splits", least=0),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=LeakingMetadata,
    consistent=contradictions,
)
