"""Turn one modality of one data set into features: `python -m stages.featurize <data set>-<label>`.

The column is read in pieces, which keeps memory bounded, and each piece is shared out over the cores. Both are the same as in one go, as
a featurizer works sample by sample.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa

from stages.contracts.modality import Features, Modality
from stages.contracts.paths import features_path, quarantine_path, samples_path
from stages.contracts.settings import Settings
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.parallel import each, n_cores
from stages.foundation.params_file import parse, read_params, value_at
from stages.foundation.progress import Progress
from stages.foundation.registry import component
from stages.foundation.tables import read_table, write_table, writing_pieces
from stages.samples.read import SampleError, check_type, judge_bad, located, quarantine_table

PIECE = 4096  # samples at once, at most
PIECE_BYTES = 2**26  # of samples or of their features at once, about
PARTS_PER_CORE = 2  # of a piece: so that a core with easy samples does not wait long for the others
LEAST_ROWS = 8  # of a part: fewer are not worth a thread


def main(key: str) -> None:
    """Write data/features/<data set>/<key>.arrow, and which samples could not be read."""
    entry = dict(value_at(read_params(), f"features.{key}"))
    dataset = str(entry.pop("dataset"))
    modality: Modality = component("modalities", str(entry.pop("modality")))
    settings = parse(entry, f"features.{key}", modality.settings)
    label = key.removeprefix(f"{dataset}-")
    samples, about = read_table(samples_path(dataset))
    where = f"{samples_path(dataset)}: {label}"
    check_column(samples, label, modality, where)
    reasons: dict[str, str] = {}
    pieces = featurized_pieces(samples, label, modality, settings, reasons, reopened=lambda: read_table(samples_path(dataset))[0])
    first, features = next(pieces, (None, None))
    if first is None or features is None:
        judge_bad(located(reasons, samples, label), samples.num_rows, about, f"{dataset}: {label}")
        raise InputError(f"{where}: there is no sample; {samples_path(dataset)} is empty")
    metadata = {"dataset": dataset, "label": label, **describe(features, modality, settings)}
    with writing_pieces(features_path(dataset, label), metadata) as append:
        append(first)
        for table, _ in pieces:
            append(table)
        reasons = located(reasons, samples, label)
        judge_bad(reasons, samples.num_rows, about, f"{dataset}: {label}")
    write_table(quarantine_path(dataset, label), quarantine_table(reasons), {"dataset": dataset, "label": label})


def check_column(samples: pa.Table, label: str, modality: Modality, where: str) -> None:
    """Raise InputError unless there is a column `label` of a type that the modality reads."""
    if label not in samples.column_names:
        raise InputError(f"{where}: no such column; there are: {', '.join(samples.column_names)}")
    check_type(samples[label], modality, where)


def featurized_pieces(
    samples: pa.Table, label: str, modality: Modality, settings: Settings, reasons: dict[str, str], *, piece: int = PIECE,
    reopened: Callable[[], pa.Table] | None = None,
) -> Iterator[tuple[pa.Table, Features]]:
    """Yield sample_id with the features of each piece of the column; samples that cannot be read go to `reasons` with why.

    A piece has at most `piece` samples, and fewer where they or their features are large: the first few tell how large.

    Args:
        reopened: maps the file of the samples anew, for each piece: what was read of it before is then no longer in memory.
    """
    bar = Progress(label, len(samples))
    start, length = 0, min(16, piece)
    while start < len(samples):
        rows = (reopened() if reopened else samples).select(["sample_id", label]).slice(start, length)
        start += length
        found = each(lambda part: _featurized(part, label, modality, settings), _parts(rows))
        for _, _, bad in found:
            reasons |= bad
        bar.advance(min(start, len(samples)))
        tables = [table for table, _, _ in found if table is not None]
        features = next((features for _, features, _ in found if features is not None), None)
        if features is not None:
            table = pa.concat_tables(tables)
            length = max(1, min(piece, PIECE_BYTES * len(table) // max(table.nbytes, rows.nbytes, 1)))
            yield table, features


def _parts(rows: pa.Table) -> list[pa.Table]:
    """Return the rows of a piece in parts for the cores, in their order."""
    n_parts = max(1, min(PARTS_PER_CORE * n_cores(), len(rows) // LEAST_ROWS))
    bounds = [len(rows) * part // n_parts for part in range(n_parts + 1)]
    return [rows.slice(start, stop - start) for start, stop in pairwise(bounds)]


def _featurized(
    part: pa.Table, label: str, modality: Modality, settings: Settings
) -> tuple[pa.Table | None, Features | None, dict[str, str]]:
    """Return sample_id with the features of those samples that can be read (None: of none), and why the others cannot (id → reason)."""
    bad: dict[str, str] = {}
    try:
        features = modality.featurize(part[label], settings)
    except SampleError as error:
        bad = {part["sample_id"][row].as_py(): reason for row, reason in error.reasons.items()}
        part = part.take(pa.array([row for row in range(len(part)) if row not in error.reasons], pa.int64()))
        if len(part) == 0:
            return None, None, bad
        features = modality.featurize(part[label], settings)
    ids = pa.array(part["sample_id"].to_pylist(), pa.string())  # a view would hold on to the whole part
    return pa.table({"sample_id": ids, **features.columns}), features, bad


def featurize_column(
    samples: pa.Table, label: str, modality: Modality, settings: Settings, *, where: str, piece: int = PIECE
) -> tuple[pa.Table, dict[str, Any]]:
    """Return sample_id with the features of column `label` in memory, and their metadata; for a caller with a small table.

    Raises:
        InputError: if there is no such column, its type is not the modality's, or a sample cannot be read.
    """
    check_column(samples, label, modality, where)
    reasons: dict[str, str] = {}
    pieces = list(featurized_pieces(samples, label, modality, settings, reasons, piece=piece))
    judge_bad(reasons, samples.num_rows, {"on_bad_sample": "fail", "dataset": "…"}, where)
    return pa.concat_tables([table for table, _ in pieces]), describe(pieces[0][1], modality, settings)


def describe(features: Features, modality: Modality, settings: Settings) -> dict[str, Any]:
    """Return what a features file says of its columns."""
    return {
        "modality": modality.name,
        "encoding": features.encoding,
        "shape": list(features.shape),
        "names": features.names,
        "fit": dict(features.fit),
        "settings": settings.model_dump(mode="json"),
    }


if __name__ == "__main__":
    run_stage(main)
