"""Compute the features of one modality of one data set: `python -m stages.featurize <data set>-<modality name>`.

The column is read in chunks, which bounds memory, and each chunk is split over the cores. The result is the same as in one step, because a
featurizer works sample by sample. A sample that lacks the modality, a null, has an empty row and is marked in the column `present`.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.modality import Features, Modality
from stages.contracts.paths import features_path, quarantine_path, samples_path
from stages.contracts.settings import Settings
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import BadSamplePolicy, SamplesMetadata
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.parallel import each, n_cores
from stages.foundation.params_file import PARAMS, parse, read_params, value_at
from stages.foundation.progress import Progress
from stages.foundation.registry import component
from stages.foundation.tables import read_described, read_table, write_table, writing_chunks
from stages.foundation.taken_rows import rows_at
from stages.samples.absent_samples import has_sample, with_absent
from stages.samples.pooling import check_files, features_of, file_column
from stages.samples.read import SampleError, check_type, judge_bad, located, quarantine_table

CHUNK_ROWS = 4096  # samples at once, at most
CHUNK_BYTES = 2**26  # of samples or of their features at once, about
PARTS_PER_CORE = 2  # of a chunk: balances the load where samples differ in cost
MIN_PART_ROWS = 8  # of a part: fewer do not pay for a thread


def main(key: str) -> None:
    """Write data/features/<data set>/<key>.arrow, and the table of unreadable samples."""
    entry = dict(value_at(read_params(), f"features.{key}"))
    dataset = str(entry.pop("dataset"))
    modality: Modality[Any] = component("modalities", str(entry.pop("modality")))
    settings = parse(entry, f"features.{key}", modality.settings)
    name = key.removeprefix(f"{dataset}-")
    samples, about = read_described(samples_path(dataset), SamplesMetadata)
    where = f"{samples_path(dataset)}: {name}"
    check_column(samples, name, modality, where)
    check_files(samples.schema.field(name), settings, f"{PARAMS}: features.{key}")
    reasons: dict[str, str] = {}
    chunks = featurized_chunks(samples, name, modality, settings, reasons, reopened=lambda: read_table(samples_path(dataset)))
    first, features = next(chunks, (None, None))
    if first is None or features is None:
        judge_bad(located(reasons, samples, name), samples.num_rows, about, f"{dataset}: {name}")
        raise InputError(f"{where}: no sample has this modality; check its entry under datasets.{dataset}.modalities in {PARAMS}, or "
                         "remove it")
    with writing_chunks(features_path(dataset, name), describe(features, modality, settings, dataset=dataset, name=name)) as append:
        append(first)
        for table, _ in chunks:
            append(table)
        reasons = located(reasons, samples, name)
        judge_bad(reasons, samples.num_rows, about, f"{dataset}: {name}")
    write_table(quarantine_path(dataset, name), quarantine_table(reasons), QuarantineMetadata(dataset=dataset, modality_name=name))


def check_column(samples: pa.Table, name: str, modality: Modality[Any], where: str) -> None:
    """Raise InputError unless the column exists and has a type that the modality reads."""
    if name not in samples.column_names:
        raise InputError(f"{where}: no such column; there are: {', '.join(samples.column_names)}")
    check_type(file_column(samples.schema.field(name)), modality, where)


def featurized_chunks(
    samples: pa.Table, name: str, modality: Modality[Any], settings: Settings, reasons: dict[str, str], *, chunk_rows: int = CHUNK_ROWS,
    reopened: Callable[[], pa.Table] | None = None,
) -> Iterator[tuple[pa.Table, Features]]:
    """Yield sample_id with the features of each chunk of the column; unreadable samples go to `reasons` (id → why).

    A chunk has at most `chunk_rows` samples, and fewer if they or their features are large, judged by the first few.

    Args:
        reopened: maps the file of the samples again, for each chunk, which frees what was read of it before.
    """
    bar = Progress(name, len(samples))
    start, length, marked = 0, min(16, chunk_rows), samples[name].null_count > 0
    held: list[FeaturizedPart] = []  # until a sample shows which columns there are
    features, empty = None, None
    while start < len(samples):
        rows = (reopened() if reopened else samples).select(["sample_id", name]).slice(start, length)
        start += length
        found = each(lambda part: _featurized(part, name, modality, settings), _parts(rows))
        for part in found:
            reasons |= part.bad
        bar.advance(min(start, len(samples)))
        held += found
        one = next((part for part in held if part.columns is not None), None)
        if one is not None and one.columns is not None:
            features, empty = one.features, one.columns.slice(0, 0)
        if features is not None and empty is not None:
            table = pa.concat_tables([part.rows(empty, marked=marked) for part in held])
            held = []
            if len(table):
                length = max(1, min(chunk_rows, CHUNK_BYTES * len(table) // max(table.nbytes, rows.nbytes, 1)))
                yield table, features


def _parts(rows: pa.Table) -> list[pa.Table]:
    """Return the rows of a chunk in parts for the cores, in order."""
    n_parts = max(1, min(PARTS_PER_CORE * n_cores(), len(rows) // MIN_PART_ROWS))
    bounds = [len(rows) * part // n_parts for part in range(n_parts + 1)]
    return [rows.slice(start, stop - start) for start, stop in pairwise(bounds)]


@dataclass(frozen=True)
class FeaturizedPart:
    """Some rows of a column, featurized.

    ids: of the samples that are readable or lack the modality. present: bool (n,), which have it. columns: the features of these, None of
    none. bad: reason by sample id.
    """

    ids: pa.Array
    present: np.ndarray
    columns: pa.Table | None
    features: Features | None
    bad: dict[str, str]

    def rows(self, empty: pa.Table, *, marked: bool) -> pa.Table:
        """Return sample_id with the features; empty: the features of no sample. marked: with the column `present`."""
        columns = empty if self.columns is None else self.columns
        if marked:
            columns = with_absent(columns, self.present)
        return columns.add_column(0, "sample_id", self.ids)


def _featurized(part: pa.Table, name: str, modality: Modality[Any], settings: Settings) -> FeaturizedPart:
    """Return the features of the readable samples of a part, and the reasons of those that cannot be read."""
    ids, present = part["sample_id"].to_pylist(), has_sample(part[name])
    there = part if present.all() else rows_at(part, np.flatnonzero(present))
    bad: dict[str, str] = {}
    features = None
    try:
        features = features_of(modality, there[name], settings) if len(there) else None
    except SampleError as error:
        bad = {there["sample_id"][row].as_py(): reason for row, reason in error.reasons.items()}
        there = rows_at(there, np.array([row for row in range(len(there)) if row not in error.reasons], np.int64))
        features = features_of(modality, there[name], settings) if len(there) else None
    kept = np.array([sample not in bad for sample in ids], bool)
    # a copy of the ids: a view would keep the whole part in memory
    names = pa.array([sample for sample, is_kept in zip(ids, kept, strict=True) if is_kept], pa.string())
    return FeaturizedPart(names, present[kept], None if features is None else pa.table(dict(features.columns)), features, bad)


def featurize_column(
    samples: pa.Table, name: str, modality: Modality[Any], settings: Settings, *, dataset: str, chunk_rows: int = CHUNK_ROWS
) -> tuple[pa.Table, FeaturesMetadata]:
    """Return sample_id with the features of column `name`, and their metadata, for a small table in memory.

    Raises:
        InputError: if the column is missing or of another type, or a sample cannot be read.
    """
    check_column(samples, name, modality, dataset)
    reasons: dict[str, str] = {}
    chunks = list(featurized_chunks(samples, name, modality, settings, reasons, chunk_rows=chunk_rows))
    judge_bad(reasons, samples.num_rows, BadSamplePolicy(dataset=dataset, on_bad_sample="fail", max_bad_share=0.0), dataset)
    metadata = describe(chunks[0][1], modality, settings, dataset=dataset, name=name)
    return pa.concat_tables([table for table, _ in chunks]), metadata


def describe(features: Features, modality: Modality[Any], settings: Settings, *, dataset: str, name: str) -> FeaturesMetadata:
    """Return the metadata of a features file; `name` is the modality's in the data set."""
    return FeaturesMetadata(
        dataset=dataset,
        modality_name=name,
        modality=modality.name,
        settings=settings.model_dump(mode="json"),
        encoding=features.encoding,
        shape=features.shape,
        names=features.names,
        fit=dict(features.fit),
    )


if __name__ == "__main__":
    run_stage(main)
