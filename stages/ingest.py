"""Fetch and read one data set: its samples as one Arrow table, with provenance in the metadata."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from stages.contracts import DataSet, samples_path
from stages.entry import run_stage
from stages.errors import InputError
from stages.fetch import fetch
from stages.params import PARAMS, DataSetEntry, nearest, parse, read_params, section, value_at
from stages.registry import component
from stages.seeds import derived_seed
from stages.tables import write_table

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")  # narrower than float(), which also takes "nan" and "infinity"


def main(dataset: str) -> None:
    """Write the samples of one data set."""
    params = read_params()
    entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
    data_set: DataSet = component("datasets", dataset)
    if entry.target not in data_set.targets:
        raise InputError(f"{PARAMS}: datasets.{dataset}.target: no target {entry.target!r}{nearest(entry.target, data_set.targets)}; "
                         f"there are: {', '.join(data_set.targets)}")
    options = parse(entry.options, f"datasets.{dataset}.options", data_set.options)
    seed = derived_seed(value_at(params, "seed"), "ingest", dataset)
    archives = {source.package: fetch(source) for source in data_set.sources}
    table = data_set.read(archives, entry.target, options, seed)
    available = table.num_rows
    check_samples(table, dataset)
    table = sample_rows(table, entry.rows, seed, key=f"datasets.{dataset}.rows")
    table, classes = encode_target(table)
    write_table(samples_path(dataset), table, metadata(data_set, entry.target, classes, used=table.num_rows, available=available))


def check_samples(table: pa.Table, dataset: str) -> None:
    """Raise InputError unless ids are unique, each row has an id, a group and a target, and each class two samples."""
    for name in ("sample_id", "group", "target"):
        if table[name].null_count:
            row = table[name].combine_chunks().is_null().index(True).as_py()
            raise InputError(f"{dataset}: row {row} has no {name}; every sample needs one, so mend stages/datasets/{dataset}.py")
    repeated = [name for name, count in Counter(table["sample_id"].to_pylist()).items() if count > 1]
    if repeated:
        raise InputError(f"{dataset}: sample_id {repeated[0]!r} stands more than once ({len(repeated)} such ids); ids must be unique, "
                         f"so mend stages/datasets/{dataset}.py")
    counts = Counter(table["target"].to_pylist())
    if len(counts) < 2:
        raise InputError(f"{dataset}: {len(counts)} class in the target, so there is nothing to predict; choose another target")
    lonely = sorted(label for label, count in counts.items() if count < 2)
    if lonely:
        raise InputError(f"{dataset}: class {lonely[0]!r} has one sample; a class needs at least two, one to train on and one to "
                         f"test on, so merge it into another or leave it out in stages/datasets/{dataset}.py")


def sample_rows(table: pa.Table, rows: Literal["all"] | int, seed: int, *, key: str) -> pa.Table:
    """Return `rows` rows in the table's order: each class in proportion, and within a class each group in proportion.

    Groups are shuffled; within a class every n-th row is taken along the groups (systematic sampling), so that a group's share
    of the sample is its share of the class to within one row.

    Raises:
        InputError: if there are fewer rows than asked for, or a class would be left with fewer than two.
    """
    if rows == "all" or rows == table.num_rows:
        return table
    if rows > table.num_rows:
        raise InputError(f"{PARAMS}: {key}: {rows} is impossible, the data set has {table.num_rows} rows; allowed: all, or at most that")
    labels = np.asarray(table["target"].to_pylist(), dtype=np.str_)
    classes, counts = np.unique(labels, return_counts=True)
    quotas = proportional_quotas(counts, rows)
    if quotas.min() < 2:
        scarce = int(np.argmin(quotas))
        raise InputError(f"{PARAMS}: {key}: {rows} rows are too few: class {str(classes[scarce])!r} ({counts[scarce]} of "
                         f"{table.num_rows} rows) would be left with {quotas[scarce]}; allowed: all, or enough for two of every class")
    random = np.random.default_rng(derived_seed(seed, "rows"))
    groups = np.asarray(table["group"].to_pylist(), dtype=np.str_)
    names, codes = np.unique(groups, return_inverse=True)
    rank = random.permutation(len(names))[codes]
    taken = []
    for label, quota in zip(classes, quotas, strict=True):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(rank[members], kind="stable")]
        taken.append(members[np.floor((np.arange(quota) + random.random()) * len(members) / quota).astype(np.int64)])
    return table.take(pa.array(np.sort(np.concatenate(taken))))


def proportional_quotas(counts: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers that sum to `total`, in proportion to `counts` (largest remainders; ties to the first)."""
    exact = counts * total / counts.sum()
    quotas = np.floor(exact).astype(np.int64)
    order = np.argsort(quotas - exact, kind="stable")
    quotas[order[: total - quotas.sum()]] += 1
    return quotas


def encode_target(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Return the table with the target as int32 codes, and the classes in the order of their codes."""
    labels = table["target"].to_pylist()
    classes = sorted_classes(set(labels))
    code_of = {label: code for code, label in enumerate(classes)}
    codes = pa.array([code_of[label] for label in labels], pa.int32())
    return table.set_column(table.column_names.index("target"), pa.field("target", pa.int32()), codes), classes


def sorted_classes(labels: set[str]) -> list[str]:
    """Return the labels sorted: as numbers if all are numbers ("2" before "10"), else as text."""
    if all(_NUMBER.fullmatch(label) for label in labels):
        return sorted(labels, key=lambda label: (float(label), label))
    return sorted(labels)


def metadata(data_set: DataSet, target: str, classes: Sequence[str], *, used: int, available: int) -> Mapping[str, Any]:
    """Return what the samples file says of itself."""
    return {
        "dataset": data_set.name,
        "title": data_set.title,
        "target": {"name": target, "task": "binary" if len(classes) == 2 else "multiclass", "classes": list(classes)},
        "rows": {"used": used, "available": available},
        "sources": [{"package": source.package, "version": source.version, "sha256": source.sha256} for source in data_set.sources],
        "licence": data_set.licence,
        "citation": data_set.citation,
        "group": data_set.group,
    }


if __name__ == "__main__":
    run_stage(main)
