"""What split writes: the folds, decided once for all models and modality combinations."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.quantities import CountFromOne
from stages.contracts.table_schema import Column, Metadata, Rows, TableSchema, Target, width_mistakes
from stages.contracts.tables.samples_table import TIMES


class SplitsMetadata(Metadata):
    """fold_names: of the outer folds, in their order, where the data set gives them; else none.

    time_ordered: whether each fold trains on the past alone. Its one inner fold is the latest part of its training rows.
    incomplete: the modalities that some samples lack.
    """

    dataset: str
    target: Target
    rows: Rows
    n_folds: CountFromOne
    n_repeats: CountFromOne
    n_inner_folds: CountFromOne
    fold_names: tuple[str, ...] = ()
    time_ordered: bool = False
    incomplete: tuple[str, ...] = ()


def contradictions(table: pa.Table, about: SplitsMetadata) -> Iterable[str]:
    """Return in what the columns contradict the numbers of outputs, folds and rows, a line each."""
    yield from about.target.column_mistakes(table, "target")
    yield from width_mistakes(table, "inner", about.n_folds, "metadata n_folds is")
    if about.fold_names and len(about.fold_names) != about.n_folds:
        yield f"metadata fold_names has {len(about.fold_names)} names; expected {about.n_folds}, as n_folds is"
    if about.time_ordered != ("time" in table.column_names):
        found = "missing" if about.time_ordered else "there"
        yield f"column 'time' is {found}, but metadata time_ordered is {str(about.time_ordered).lower()}"
    if bool(about.incomplete) != ("present" in table.column_names):
        yield f"column 'present' is {'missing' if about.incomplete else 'there'}, but metadata incomplete is {list(about.incomplete)}"
    elif about.incomplete:
        yield from width_mistakes(table, "present", len(about.incomplete), "there are in metadata incomplete")
    for name, n in (("repeat", about.n_repeats), ("fold", about.n_folds)):
        if table.num_rows and (found := pc.max(table[name]).as_py()) >= n:
            yield f"column {name!r}: expected at most {n - 1}, as metadata n_{name}s is {n}, found {found}"
    if table.num_rows != about.rows.used * about.n_repeats:
        yield f"{table.num_rows} rows; expected {about.rows.used} · {about.n_repeats}, metadata rows.used times n_repeats"


TABLE = TableSchema(
    name="splits",
    path="data/splits/{dataset}/splits.arrow",
    meaning="a row per repeat and sample",
    columns=(
        Column("sample_id", ("string",), "as in samples"),
        Column("group", ("string",), "as in samples", nullable=True),
        Column("target", ("int32", "uint8[]", "float64[]"), "as in samples"),
        Column("repeat", ("int16",), "from 0", least=0),
        Column("fold", ("int16",), "the outer fold whose test rows hold the sample; -1: none", least=-1),
        Column("inner", ("int16[]",), "for each outer fold, the inner fold that holds the sample out; -1: it is a test row there, or "
               "later; n_inner_folds: in time order, it is trained on and never held out"),
        Column("time", TIMES, "as in samples, where they have it", required=False, nullable=True),
        Column("present", ("uint8[]",), "1 for each modality of metadata incomplete that the sample has", required=False),
    ),
    metadata=SplitsMetadata,
    consistent=contradictions,
)
