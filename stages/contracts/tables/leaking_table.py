"""What control writes of a learner without a leak and with it: its predictions of every outer test row."""

from stages.contracts.table_schema import Column, Metadata, TableSchema, Target

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


TABLE = TableSchema(
    name="leaking",
    path="data/predictions/{dataset}/controls/{control}/leaking.arrow",
    meaning="a row per protocol, modality combination, repeat and test row",
    columns=(
        Column("protocol", ("string",), "honest: without the leak; leaking: with it"),
        Column("modalities", ("string",), "the combination: image+text"),
        Column("repeat", ("int16",), "as in splits"),
        Column("fold", ("int16",), "of the protocol: of leaking ones it may be another than in splits"),
        Column("sample_id", ("string",), "as in samples"),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("prediction", ("int32", "uint8[]", "float64[]"), "in the target's form"),
    ),
    metadata=LeakingMetadata,
    consistent=lambda table, about: about.target.column_mistakes(table, "target", "prediction"),
)
