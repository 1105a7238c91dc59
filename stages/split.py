"""Decide once, for all models and modality combinations, which rows are trained on and which are held out."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.paths import quarantine_path, samples_path, skipped_path, splits_path
from stages.contracts.task import TargetForm
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params, section, value_at
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import column_values, fixed_lists, read_table, write_table
from stages.model_selection.target_forms import FORMS
from stages.splitting.assign_folds import assign_folds, inner_folds
from stages.splitting.split_settings import SplitEntry

NEEDED = ("sample_id", "group", "split", "target")  # of the samples


def main(dataset: str) -> None:
    """Write the splits of one data set, and which samples are left out."""
    params = read_params()
    settings: SplitEntry = section(params, "split", SplitEntry)
    samples, metadata = read_table(samples_path(dataset))
    left_out = left_out_samples(dataset)
    share = left_out.num_rows / metadata["rows"]["used"]
    if share > metadata["max_bad_share"]:
        raise InputError(f"{dataset}: {left_out.num_rows} of {metadata['rows']['used']} samples cannot be read in one modality or another, "
                         f"{share:.1%}, above datasets.{dataset}.max_bad_share {metadata['max_bad_share']:.1%} in params.yaml; fix them "
                         f"(data/quarantine/{dataset}/ has the reasons)")
    needed = samples.select([name for name in NEEDED if name in samples.column_names])  # what is chosen from it is copied
    samples = needed.filter(pc.invert(pc.is_in(needed["sample_id"], value_set=left_out["sample_id"].combine_chunks())))
    refuse_emptied(dataset, metadata["target"], column_values(samples["target"]), column_values(needed["target"]))
    target, seed = metadata["target"], derived_seed(value_at(params, "seed"), "split", dataset)
    try:
        splits = split_samples(samples, settings, target["form"], target["outputs"], seed)
    except InputError as error:
        raise InputError(f"{dataset}: {error} (params.yaml: split, datasets.{dataset}.rows)") from error
    kept = {name: metadata[name] for name in ("dataset", "target")}
    rows = {"used": samples.num_rows, "available": metadata["rows"]["available"]}
    n_folds = splits.schema.field("inner").type.list_size
    sizes = {"n_folds": n_folds, "n_repeats": splits.num_rows // samples.num_rows, "n_inner_folds": settings.n_inner_splits}
    write_table(splits_path(dataset), splits, kept | {"rows": rows} | sizes)
    write_table(skipped_path(dataset), left_out, {"dataset": dataset, "share": share})


def refuse_emptied(dataset: str, target: Mapping[str, Any], kept: np.ndarray, whole: np.ndarray) -> None:
    """Raise InputError naming the first class, label or target of which every sample is skipped, so that none is there to learn from."""
    form, n_outputs = FORMS[target["form"]], len(target["outputs"])
    before, after = (form.strata(values, n_outputs).reshape(len(values), n_outputs, -1).sum(axis=(0, 2)) for values in (whole, kept))
    emptied = np.flatnonzero((before > 0) & (after == 0))
    if len(emptied):
        what, name = form.output, target["outputs"][emptied[0]]
        raise InputError(f"{dataset}: {what} {name!r} has no sample left: all {int(before[emptied[0]])} of them cannot be read and are "
                         f"left out (data/quarantine/{dataset}/ has the reasons); fix some of them, or take the {what} out of the data")


def left_out_samples(dataset: str) -> pa.Table:
    """Return every sample that ingest or a featurizer could not read, once, with the first modality to complain and its reason."""
    found: dict[str, tuple[str, str]] = {}
    first = quarantine_path(dataset)
    for path in sorted(first.parent.glob("*.arrow"), key=lambda path: (path != first, path.name)):
        table, about = read_table(path)
        for name, reason in zip(table["sample_id"].to_pylist(), table["reason"].to_pylist(), strict=True):
            found.setdefault(name, (about.get("modality_name", ""), reason))
    columns = {"sample_id": list(found), "modality": [m for m, _ in found.values()], "reason": [r for _, r in found.values()]}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def split_samples(samples: pa.Table, settings: SplitEntry, form: TargetForm, outputs: Sequence[str], seed: int) -> pa.Table:
    """Return the splits table: for each repeat, every sample with its outer fold and its inner folds.

    Raises:
        InputError: if groups, classes or labels do not allow the requested folds.
    """
    names = [f"{FORMS[form].output} {name!r}" for name in outputs]
    counted = FORMS[form].strata(column_values(samples["target"]), len(outputs))
    groups = np.unique(np.asarray(samples["group"].to_pylist(), dtype=np.str_), return_inverse=True)[1]
    official = samples["split"].to_pylist() if "split" in samples.column_names else None
    outer = [official_fold(official, groups)] if official is not None else [
        assign_folds(counted, groups, settings.n_splits, derived_seed(seed, "outer", str(repeat))) for repeat in range(settings.n_repeats)
    ]
    n_folds = 1 if official is not None else settings.n_splits
    tables = []
    for repeat, fold in enumerate(outer):
        inner = np.stack([
            inner_of_fold(counted, groups, fold != index, settings.n_inner_splits, names=names, where=f"outer fold {index}",
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
        raise InputError(f"{len(shared)} group(s) are in both parts of the official split; a group must not be split")
    return np.where(labels == "test", 0, -1).astype(np.int16)


def inner_of_fold(
    counted: np.ndarray, groups: np.ndarray, train: np.ndarray, n_inner_folds: int, *, names: Sequence[str], where: str, seed: int
) -> np.ndarray:
    """Return the inner fold of every row of one outer training set, -1 elsewhere: int16 (n,).

    Args:
        counted: the strata of every row, as many for each output. names: of the outputs, as errors write them.
    Raises:
        InputError: if a class, a label or every known value of a target is absent from the outer training set, or from what an inner
            fold leaves of it.
    """
    refuse_absent(counted, groups, train, names=names, where=f"the training set of {where}")
    try:
        inner = inner_folds(counted, groups, train, n_inner_folds, seed)
    except InputError as error:
        raise InputError(f"inner folds of {where}: {error}") from error
    for fold in range(n_inner_folds):
        refuse_absent(counted, groups, train & (inner != fold), names=names, where=f"the training set of inner fold {fold} of {where}")
    return inner


def refuse_absent(counted: np.ndarray, groups: np.ndarray, train: np.ndarray, *, names: Sequence[str], where: str) -> None:
    """Raise InputError naming the first class, label or known target that has rows, but none in `train` (bool (n,))."""
    present = np.asarray(counted.reshape(len(counted), len(names), -1).any(axis=2))
    for name, members in zip(names, present.T, strict=True):
        if members.any() and not members[train].any():
            raise InputError(f"{name} ({members.sum()} rows in {len(np.unique(groups[members]))} groups) is absent from "
                             f"{where}; use fewer folds, or more rows")


if __name__ == "__main__":
    run_stage(main)
