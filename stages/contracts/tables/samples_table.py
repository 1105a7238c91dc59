"""What ingest writes: every sample of a data set."""

from typing import Any

from stages.contracts.table_schema import Column, Metadata, Rows, TableSchema, Target

TIMES = ("int64", "float64", "date32[day]", "timestamp[us]", "timestamp[us, tz=UTC]")  # types of times


class BadSamplePolicy(Metadata):
    """What happens to samples that cannot be read: fail, or quarantine of at most that share of them."""

    dataset: str
    on_bad_sample: str
    max_bad_share: float


def sufficient_share(n_bad: int, n_samples: int) -> str:
    """Return the smallest `max_bad_share` of three decimals that allows so many bad samples; "" if only 1 would, which is not allowed."""
    thousandths = -(-1000 * n_bad // n_samples)
    return f"{thousandths / 1000:g}" if thousandths < 1000 else ""


class DataSetDescription(Metadata):
    """shipped: whether the data set is one of stages/datasets/. sources: packages or files with their hashes."""

    title: str
    licence: str
    citation: str
    group: str
    shipped: bool
    sources: tuple[dict[str, Any], ...]


class SamplesMetadata(DataSetDescription, BadSamplePolicy):
    """The data set, its target and how many of its rows are used."""

    target: Target
    rows: Rows


TABLE = TableSchema(
    name="samples",
    path="data/samples/{dataset}/samples.arrow",
    meaning="a row per sample, sorted by id; images and sounds stay encoded",
    columns=(
        Column("sample_id", ("string",), "unique name"),
        Column("group", ("string",), "samples of one group are never split", nullable=True),
        Column("split", ("string",), "train or test, an official split", required=False, nullable=True),
        Column("fold", ("string",), "own folds: name of the outer fold that tests the sample", required=False, nullable=True),
        Column("time", TIMES, "own data in time order: when the sample was, a number, date or instant", required=False, nullable=True),
        Column("target", ("int32", "uint8[]", "float64[]"), "class code; 1 per label that holds; targets, NaN where not known"),
        Column("persistence", ("int32", "float64[]"), "what the control persistence predicts: a class code, -1 where not known, or "
               "targets, NaN where not known", required=False),
        Column("source", ("struct",), "own data: per modality, the file or the table's row that holds it", required=False, nullable=True),
    ),
    metadata=SamplesMetadata,
    others="one per modality, its kind in the field's metadata under `modality`, null where the sample lacks it; with several files per "
           "sample a list (`files`: several)",
    consistent=lambda table, about: about.target.column_mistakes(table, "target"),
)
