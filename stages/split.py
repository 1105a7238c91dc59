"""Assign rows to outer and inner folds, once for all models and modality combinations."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.checked import shortened
from stages.contracts.paths import fold_numbers_path, quarantine_path, samples_path, skipped_path, splits_path
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import SamplesMetadata, sufficient_share
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.contracts.task import TargetForm
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse, read_params, value_at
from stages.foundation.progress import tracked
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import column_values, fixed_lists, read_described, read_json, write_table
from stages.model_selection.scarce_samples import output_members
from stages.model_selection.target_forms import FORMS
from stages.splitting.assign_folds import assign_folds, inner_folds
from stages.splitting.own_folds import fold_names, own_folds
from stages.splitting.presence import Presence, presence_of, refuse_scarce
from stages.splitting.scarce_groups import scarce_outputs
from stages.splitting.split_settings import SplitEntry
from stages.splitting.time_blocks import block_cuts, time_cuts, time_folds

NEEDED = ("sample_id", "group", "split", "fold", "time", "target")  # columns of the samples table
UNKNOWN_IN_THE_PAST = ("take fewer folds (params.yaml: split.n_splits), so that the first has more of the past, or leave out what the past "
                       "does not know (`target.classes`)")


def main(dataset: str) -> None:
    """Write the splits of one data set, and the samples that are skipped."""
    params = read_params()
    settings: SplitEntry = parse(read_json(fold_numbers_path(dataset)), "split", SplitEntry)
    samples, metadata = read_described(samples_path(dataset), SamplesMetadata)
    skipped = skipped_samples(dataset)
    share = skipped.num_rows / metadata.rows.used
    obstacles = [bad_share(dataset, metadata, skipped.num_rows)]
    needed = samples.select([name for name in NEEDED if name in samples.column_names])  # filtering copies the selected columns only
    is_used = pc.invert(pc.is_in(needed["sample_id"], value_set=skipped["sample_id"].combine_chunks()))
    presence = presence_of(samples, np.from_dlpack(is_used.combine_chunks().cast(pa.uint8())).astype(bool))
    samples = needed.filter(is_used)
    obstacles.append(emptied(dataset, metadata.target, column_values(samples["target"]), column_values(needed["target"])))
    target, seed, in_time = metadata.target, derived_seed(value_at(params, "seed"), "split", dataset), "time" in samples.column_names
    try:
        splits = split_samples(samples, settings, target.form, target.outputs, seed, presence=presence)
    except InputError as error:
        obstacles.append(f"{dataset}: {error}")
    if found := [obstacle for obstacle in obstacles if obstacle]:
        raise InputError("\n  ".join(found))
    about = SplitsMetadata(
        dataset=dataset,
        target=target,
        rows=Rows(used=samples.num_rows, available=metadata.rows.available),
        n_folds=splits.schema.field("inner").type.list_size,
        n_repeats=splits.num_rows // samples.num_rows,
        n_inner_folds=1 if in_time else settings.n_inner_splits,
        fold_names=fold_names(samples["fold"].to_pylist()) if "fold" in samples.column_names else (),
        time_ordered=in_time,
        incomplete=presence.modalities,
    )
    write_table(splits_path(dataset), splits, about)
    write_table(skipped_path(dataset), skipped, SkippedMetadata(dataset=dataset, share=share))


def bad_share(dataset: str, metadata: SamplesMetadata, n_skipped: int) -> str:
    """Return that more samples are unreadable than `max_bad_share` allows, and what helps; "" if not."""
    n_used, allowed = metadata.rows.used, metadata.max_bad_share
    if n_skipped / n_used > allowed:
        enough = sufficient_share(n_skipped, n_used)
        return (f"{dataset}: {n_skipped} of {n_used} samples cannot be read in one modality or another, {n_skipped / n_used:.1%}, "
                f"above datasets.{dataset}.max_bad_share {allowed:.1%} in params.yaml; fix them "
                f"(data/quarantine/{dataset}/ has the reasons)" + (f", or raise it to {enough} or more" if enough else ""))
    return ""


def emptied(dataset: str, target: Target, kept: np.ndarray, whole: np.ndarray) -> str:
    """Return which class, label or target is the first all of whose samples are skipped; "" if there is none."""
    form, n_outputs = FORMS[target.form], len(target.outputs)
    before, after = (form.strata(values, n_outputs).reshape(len(values), n_outputs, -1).sum(axis=(0, 2)) for values in (whole, kept))
    gone = np.flatnonzero((before > 0) & (after == 0))
    if len(gone):
        what, name = form.output, target.outputs[gone[0]]
        return (f"{dataset}: {what} {name!r} has no sample left: all {int(before[gone[0]])} of them cannot be read and are "
                f"skipped (data/quarantine/{dataset}/ has the reasons); fix some of them, or remove the {what} from the data")
    return ""


def skipped_samples(dataset: str) -> pa.Table:
    """Return every sample that ingest or a featurizer could not read, once, with the first modality that failed and its reason."""
    found: dict[str, tuple[str, str]] = {}
    first = quarantine_path(dataset)
    for path in sorted(first.parent.glob("*.arrow"), key=lambda path: (path != first, path.name)):
        table, about = read_described(path, QuarantineMetadata)
        for name, reason in zip(table["sample_id"].to_pylist(), table["reason"].to_pylist(), strict=True):
            found.setdefault(name, (about.modality_name, reason))
    columns = {"sample_id": list(found), "modality": [m for m, _ in found.values()], "reason": [r for _, r in found.values()]}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def split_samples(
    samples: pa.Table, settings: SplitEntry, form: TargetForm, outputs: Sequence[str], seed: int, *, presence: Presence | None = None
) -> pa.Table:
    """Return the splits table: for each repeat, every sample with its outer fold and its inner folds.

    Args:
        presence: which samples have which modality; None: all have all.
    Raises:
        InputError: if groups, classes or labels do not allow the requested folds, or too few samples of a training set have a modality.
    """
    splits = folds_of(samples, settings, form, outputs, seed, presence=presence)
    if presence is None or not presence.modalities:
        return splits
    members, n = output_members(column_values(samples["target"]), form, len(outputs)), len(samples)
    n_inner = 1 if "time" in samples.column_names else settings.n_inner_splits
    for start in range(0, len(splits), n):
        refuse_scarce(presence, column_values(splits["inner"])[start : start + n], members, form, n_inner)
    return splits.append_column("present", fixed_lists(np.tile(presence.present, (len(splits) // n, 1))))


def folds_of(
    samples: pa.Table, settings: SplitEntry, form: TargetForm, outputs: Sequence[str], seed: int, *, presence: Presence | None
) -> pa.Table:
    """Return the splits table without the column `present`; arguments and errors are those of `split_samples`."""
    names = [f"{FORMS[form].output} {name!r}" for name in outputs]
    strata = FORMS[form].strata(column_values(samples["target"]), len(outputs))
    group_names, groups = np.unique(np.asarray(samples["group"].to_pylist(), dtype=np.str_), return_inverse=True)
    members = np.asarray(strata.reshape(len(strata), len(names), -1).any(axis=2))
    balanced = strata if presence is None else np.hstack([strata, 1 - presence.present])
    given = next((name for name in ("split", "fold", "time") if name in samples.column_names), None)
    if given == "time":
        if scarce := scarce_outputs(members, groups, None, names=names, group_names=group_names):
            raise InputError(scarce)
        return time_ordered_splits(samples, settings, strata, groups, group_names=group_names, names=names)
    if given == "split":
        outer, labels = [official_fold(samples["split"].to_pylist(), groups, group_names)], ["0"]
    elif given == "fold":
        folds = samples["fold"].to_pylist()
        outer, labels = [own_folds(folds, groups, group_names)], list(map(repr, fold_names(folds)))
    else:
        outer = [assign_folds(balanced, groups, settings.n_splits, derived_seed(seed, "outer", str(repeat)))
                 for repeat in range(settings.n_repeats)]
        labels = list(map(str, range(settings.n_splits)))
    if scarce := scarce_outputs(members, groups, outer[0] < 0 if given == "split" else None, names=names, group_names=group_names):
        raise InputError(scarce)
    pairs = [(repeat, index) for repeat in range(len(outer)) for index in range(len(labels))]
    inner = [
        checked_inner_folds(strata, groups, outer[repeat] != index, settings.n_inner_splits, names=names, balanced=balanced,
                            where=f"outer fold {labels[index]}", seed=derived_seed(seed, "inner", str(repeat), str(index)))
        for repeat, index in tracked("outer folds split", pairs)
    ]
    by_repeat = [inner[first:first + len(labels)] for first in range(0, len(inner), len(labels))]
    return pa.concat_tables([
        splits_table(samples, repeat, fold, np.stack(columns, axis=1))
        for repeat, (fold, columns) in enumerate(zip(outer, by_repeat, strict=True))
    ])


def splits_table(samples: pa.Table, repeat: int, fold: np.ndarray, inner: np.ndarray) -> pa.Table:
    """Return the rows of one repeat; fold: int16 (n,), inner: int16 (n, n_folds)."""
    return pa.table({
        "sample_id": samples["sample_id"],
        "group": samples["group"],
        "target": samples["target"],
        "repeat": pa.array(np.full(len(fold), repeat, np.int16)),
        "fold": pa.array(fold),
        "inner": fixed_lists(inner),
    })


def time_ordered_splits(
    samples: pa.Table, settings: SplitEntry, strata: np.ndarray, groups: np.ndarray, *, group_names: np.ndarray, names: Sequence[str]
) -> pa.Table:
    """Return the splits table of samples with a time: each fold trains on the past alone, and validates on the latest part of it.

    Raises:
        InputError: if the times and groups do not allow so many folds, or a training set lacks a class, a label or a target.
    """
    cuts = time_cuts(samples["time"], groups, group_names)
    blocks = block_cuts(cuts, settings.n_splits)
    fold, inner = time_folds(cuts, blocks, settings.n_inner_splits)
    for index, place in enumerate(blocks):
        of_fold = f"outer fold {index}, which are the rows before {cuts.first_time(int(place))}"
        for train, where in ((inner[:, index] >= 0, of_fold), (inner[:, index] > 0, f"{of_fold} and before the validation rows")):
            refuse_absent(strata, groups, train, names=names, where=f"the training set of {where}", remedy=UNKNOWN_IN_THE_PAST)
    return splits_table(samples, 0, fold, inner).append_column("time", samples["time"])


def official_fold(official: Sequence[str | None], groups: np.ndarray, group_names: np.ndarray) -> np.ndarray:
    """Return fold 0 for the rows of an official test split and -1 for the others, int16 (n,); groups: codes of group_names.

    Raises:
        InputError: if a value is neither "train" nor "test", one of the two has no rows, or a group is in both.
    """
    values = np.asarray([str(value) for value in official])
    unknown = sorted(set(values) - {"train", "test"})
    if unknown or len(set(values)) < 2:
        found = ", ".join(sorted(set(values)))
        raise InputError(f"the official split must be 'train' or 'test' in every row, and both must occur; found {found}")
    shared = np.intersect1d(groups[values == "train"], groups[values == "test"])
    if len(shared):
        named = ", ".join(shortened(map(repr, group_names[shared].tolist())))
        raise InputError(f"{len(shared)} group(s) are in both parts of the official split: {named}; a group must not be split: move its "
                         "samples to one part, or name another column under `group`")
    return np.where(values == "test", 0, -1).astype(np.int16)


def checked_inner_folds(
    strata: np.ndarray, groups: np.ndarray, train: np.ndarray, n_inner_folds: int, *, names: Sequence[str], where: str, seed: int,
    balanced: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Return the inner fold of every row of one outer training set, -1 elsewhere: int16 (n,).

    Args:
        strata: of every row, equally many per output. names: of the outputs, as error messages write them.
        balanced: what inner folds have their shares of; None: the strata.
    Raises:
        InputError: if a class, a label or all known values of a target are absent from the outer training set or from the training set of
            an inner fold.
    """
    refuse_absent(strata, groups, train, names=names, where=f"the training set of {where}")
    try:
        inner = inner_folds(strata if balanced is None else balanced, groups, train, n_inner_folds, seed)
    except InputError as error:
        raise InputError(f"inner folds of {where}: {error}") from error
    for fold in range(n_inner_folds):
        refuse_absent(strata, groups, train & (inner != fold), names=names, where=f"the training set of inner fold {fold} of {where}")
    return inner


def refuse_absent(
    strata: np.ndarray, groups: np.ndarray, train: np.ndarray, *, names: Sequence[str], where: str,
    remedy: str = "use other folds (params.yaml: split), or more rows",
) -> None:  # fmt: skip
    """Raise InputError naming the first class, label or target that has rows, but none in `train` (bool (n,))."""
    present = np.asarray(strata.reshape(len(strata), len(names), -1).any(axis=2))
    for name, members in zip(names, present.T, strict=True):
        if members.any() and not members[train].any():
            raise InputError(f"{name} ({members.sum()} rows in {len(np.unique(groups[members]))} groups) is absent from "
                             f"{where}; {remedy}")


if __name__ == "__main__":
    run_stage(main)
