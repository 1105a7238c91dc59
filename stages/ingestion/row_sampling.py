"""Sample the rows of a data set for `rows:`, stratified and by groups."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from stages.contracts.task import Task
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.seeds import derived_seed


def sample_rows(table: pa.Table, rows: Literal["all"] | int, seed: int, *, task: Task, key: str) -> pa.Table:
    """Return `rows` rows in the table's order, in proportion to the task's strata and to the groups within each stratum.

    Groups are shuffled, and every n-th row of a stratum sorted by group is taken (systematic sampling): a group's share of the sample
    equals its share of the stratum to within one row.

    Raises:
        InputError: if there are fewer rows than requested, a class would be left with fewer than two, or an own fold with none.
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
    rng = np.random.default_rng(derived_seed(seed, "rows"))
    groups = np.asarray(table["group"].to_pylist(), dtype=np.str_)
    names, codes = np.unique(groups, return_inverse=True)
    rank = rng.permutation(len(names))[codes]
    taken = []
    for stratum, quota in zip(classes, quotas, strict=True):
        members = np.flatnonzero(strata == stratum)
        members = members[np.argsort(rank[members], kind="stable")]
        taken.append(members[np.floor((np.arange(quota) + rng.random()) * len(members) / quota).astype(np.int64)])
    sample = table.take(pa.array(np.sort(np.concatenate(taken))))
    if "fold" in table.column_names and (lost := sorted(set(table["fold"].to_pylist()) - set(sample["fold"].to_pylist()))):
        raise InputError(f"{PARAMS}: {key}: {rows} rows are too few: fold {lost[0]!r} would be left without one ({len(lost)} such); "
                         "allowed: all, or enough for every fold")
    return sample


def sampling_strata(table: pa.Table, task: Task) -> np.ndarray:
    """Return the strata that a sample of rows keeps in proportion: string (n,), the task's stratum and the official split."""
    columns: list[Sequence[Any]] = []
    if (strata := task.encoding.sampling_strata(table["target"])) is not None:
        columns.append(strata)
    if "split" in table.column_names:
        columns.append(table["split"].to_pylist())
    joined = ["\0".join(map(str, row)) for row in zip(*columns, strict=True)] if columns else [""] * len(table)
    return np.asarray(joined, dtype=np.str_)


def in_proportion(reasons: Mapping[str, str], n_sampled: int, n_whole: int) -> dict[str, str]:
    """Return the same share of the samples without a target as was sampled of the others, at least one if there is any."""
    names = list(reasons)
    n_kept = -(-len(names) * n_sampled // n_whole)
    return {name: reasons[name] for name in (names[i * len(names) // n_kept] for i in range(n_kept))}


def proportional_quotas(counts: np.ndarray, total: int) -> np.ndarray:
    """Return integers that sum to `total`, in proportion to `counts` (largest remainders; ties go to the first)."""
    exact = counts * total / counts.sum()
    quotas = np.floor(exact).astype(np.int64)
    order = np.argsort(quotas - exact, kind="stable")
    quotas[order[: total - quotas.sum()]] += 1
    return quotas
