"""Decide once, for all models and subsets, which rows are trained on and which are held out."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stages.contracts import samples_path, splits_path
from stages.entry import run_stage
from stages.errors import InputError
from stages.numerics.folds import assign_folds, inner_folds
from stages.params import SplitEntry, read_params, section, value_at
from stages.seeds import derived_seed
from stages.tables import column_values, fixed_lists, read_table, write_table


def main(dataset: str) -> None:
    """Write the splits of one data set."""
    params = read_params()
    settings: SplitEntry = section(params, "split", SplitEntry)
    samples, metadata = read_table(samples_path(dataset))
    try:
        splits = split_samples(samples, settings, metadata["target"]["classes"], derived_seed(value_at(params, "seed"), "split", dataset))
    except InputError as error:
        raise InputError(f"{dataset}: {error} (params.yaml: split, datasets.{dataset}.rows)") from error
    kept = {name: metadata[name] for name in ("dataset", "target", "rows")}
    n_folds = splits.schema.field("inner").type.list_size
    sizes = {"n_folds": n_folds, "n_repeats": splits.num_rows // samples.num_rows, "n_inner_folds": settings.inner_folds}
    write_table(splits_path(dataset), splits, kept | sizes)


def split_samples(samples: pa.Table, settings: SplitEntry, classes: Sequence[str], seed: int) -> pa.Table:
    """Return the splits table: for each repeat, every sample with its outer fold and its inner folds.

    Raises:
        InputError: if groups or classes do not allow the folds asked for.
    """
    target = column_values(samples["target"])
    groups = np.unique(np.asarray(samples["group"].to_pylist(), dtype=np.str_), return_inverse=True)[1]
    official = samples["split"].to_pylist() if "split" in samples.column_names else None
    outer = [official_fold(official, groups)] if official is not None else [
        assign_folds(target, groups, settings.folds, derived_seed(seed, "outer", str(repeat))) for repeat in range(settings.repeats)
    ]
    n_folds = 1 if official is not None else settings.folds
    tables = []
    for repeat, fold in enumerate(outer):
        inner = np.stack([
            inner_of_fold(target, groups, fold != index, settings.inner_folds, classes=classes, where=f"outer fold {index}",
                          seed=derived_seed(seed, "inner", str(repeat), str(index)))
            for index in range(n_folds)
        ], axis=1)
        tables.append(pa.table({
            "sample_id": samples["sample_id"],
            "group": samples["group"],
            "target": samples["target"],
            "repeat": pa.array(np.full(len(fold), repeat, np.int16)),
            "fold": pa.array(fold),
            "inner": fixed_lists(inner),
        }))
    return pa.concat_tables(tables)


def official_fold(official: Sequence[str | None], groups: np.ndarray) -> np.ndarray:
    """Return fold 0 for the rows of an official test split and -1 for the others, int16 (n,).

    Raises:
        InputError: if a value is neither "train" nor "test", one of the two has no rows, or a group is in both.
    """
    labels = np.asarray([str(label) for label in official])
    strange = sorted(set(labels) - {"train", "test"})
    if strange or len(set(labels)) < 2:
        found = ", ".join(sorted(set(labels)))
        raise InputError(f"the official split must say 'train' or 'test' of every row, and both must occur; found {found}")
    shared = np.intersect1d(groups[labels == "train"], groups[labels == "test"])
    if len(shared):
        raise InputError(f"{len(shared)} group(s) are in both parts of the official split; a group must not be parted")
    return np.where(labels == "test", 0, -1).astype(np.int16)


def inner_of_fold(
    target: np.ndarray, groups: np.ndarray, train: np.ndarray, n_inner_folds: int, *, classes: Sequence[str], where: str, seed: int
) -> np.ndarray:
    """Return the inner fold of every row of one outer training set, -1 elsewhere: int16 (n,).

    Raises:
        InputError: if a class is absent from the outer training set, or from what an inner fold leaves of it.
    """
    refuse_absent(target, groups, train, classes=classes, where=f"the training set of {where}")
    try:
        inner = inner_folds(target, groups, train, n_inner_folds, seed)
    except InputError as error:
        raise InputError(f"inner folds of {where}: {error}") from error
    for fold in range(n_inner_folds):
        refuse_absent(target, groups, train & (inner != fold), classes=classes, where=f"the training set of inner fold {fold} of {where}")
    return inner


def refuse_absent(target: np.ndarray, groups: np.ndarray, train: np.ndarray, *, classes: Sequence[str], where: str) -> None:
    """Raise InputError naming the first class that has rows, but none in `train` (bool (n,))."""
    absent = np.setdiff1d(target, target[train])
    if len(absent):
        members = target == absent[0]
        raise InputError(f"class {classes[absent[0]]!r} ({members.sum()} rows in {len(np.unique(groups[members]))} groups) is absent from "
                         f"{where}; ask for fewer folds, or for more rows")


if __name__ == "__main__":
    run_stage(main)
