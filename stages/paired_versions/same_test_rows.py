"""Whether two versions of a data set test the same rows: where they do not, a difference of scores is not one of predictions."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.checked import shortened
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.contracts.task import OUTPUT_NOUNS
from stages.evaluation.checked_predictions import BySeed, FoldPredictions, Splits
from stages.foundation.tables import column_values

Described = tuple[Splits, SplitsMetadata]


def why_not_comparable(before: Described, after: Described) -> str:
    """Return why the test rows of two versions are not the same ones with the same targets; "" if they are."""
    (old, about_old), (new, about_new) = before, after
    return _other_target(about_old, about_new) or _other_folds(old, new) or _other_values(old, new)


def _other_target(before: SplitsMetadata, after: SplitsMetadata) -> str:
    old, new = before.target, after.target
    if (old.name, old.form) != (new.name, new.form):
        return f"other target: {old.name} ({old.task}) before, {new.name} ({new.task}) now"
    if old.outputs != new.outputs:
        nouns = OUTPUT_NOUNS[new.form]
        gone, added = ([name for name in a if name not in b] for a, b in ((old.outputs, new.outputs), (new.outputs, old.outputs)))
        said = "; ".join(f"only {when}: {', '.join(shortened(names))}" for when, names in (("before", gone), ("now", added)) if names)
        return f"other target: {len(old.outputs)} {nouns} before, {len(new.outputs)} now{f' ({said})' if said else ', in another order'}"
    return ""


def _other_folds(before: Splits, after: Splits) -> str:
    old, new = (tested(splits) for splits in (before, after))
    rows_old, rows_new = set[str]().union(*old.values()), set[str]().union(*new.values())
    if rows_old != rows_new:
        return (f"other rows: {len(rows_old & rows_new):,} test rows in both, {len(rows_old - rows_new):,} only before, "
                f"{len(rows_new - rows_old):,} only now")
    if old.keys() != new.keys():
        return f"other folds: {_numbers(old)} before, {_numbers(new)} now"
    differ = sum(old[key] != new[key] for key in new)
    return f"other folds: {differ} of {len(new)} test folds hold other rows" if differ else ""


def tested(splits: Splits) -> dict[tuple[int, int], set[str]]:
    """Return the ids of the test rows by (repeat, fold)."""
    return {(fold.repeat, fold.fold): set(splits.ids.take(pa.array(fold.rows)).to_pylist()) for fold in splits.folds}


def _numbers(folds: dict[tuple[int, int], set[str]]) -> str:
    repeats, numbers = {repeat for repeat, _ in folds}, {fold for _, fold in folds}
    return f"{len(numbers)} folds × {len(repeats)} repeat{'s' if len(repeats) > 1 else ''}"


def _other_values(before: Splits, after: Splits) -> str:
    n_differ = n_rows = 0
    for old, new, order in zip(before.folds, after.folds, orders(before, after), strict=True):
        a, b = before.targets[old.rows][order], after.targets[new.rows]
        differ = (a != b) & ~(np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a != b
        n_differ += int(np.count_nonzero(differ.reshape(len(b), -1).any(axis=1)))
        n_rows += len(b)
    return f"other target: {n_differ:,} of {n_rows:,} test rows have another value" if n_differ else ""


def orders(before: Splits, after: Splits) -> list[np.ndarray]:
    """Return, for each test fold, the place of each of its rows after among those before: int64 (n_test,)."""
    found = []
    for old, new in zip(before.folds, after.folds, strict=True):
        ids = before.ids.take(pa.array(old.rows))
        found.append(column_values(pc.index_in(after.ids.take(pa.array(new.rows)), value_set=ids)).astype(np.int64))
    return found


def in_order(by_seed: BySeed, places: Sequence[np.ndarray]) -> list[list[FoldPredictions]]:
    """Return predictions with the rows of each fold in another order (`orders`)."""
    return [[fold.take(order) for fold, order in zip(folds, places, strict=True)] for folds in by_seed]


def training_note(before: Splits, after: Splits) -> str:
    """Return how training rows differ where test rows do not; "" if they are as many."""
    old, new = ([fold.n_train for fold in splits.folds] for splits in (before, after))
    return "" if old == new else f"other training rows: {sum(old):,} over all folds before, {sum(new):,} now"


def are_equal(before: BySeed, after: BySeed) -> bool:
    """Return whether predictions and probabilities of the same rows by as many seeds are the same bytes."""
    return len(before) == len(after) and all(_are_equal(*pair) for old, new in zip(before, after, strict=True)
                                             for pair in zip(old, new, strict=True))  # fmt: skip


def _are_equal(before: FoldPredictions, after: FoldPredictions) -> bool:
    if (before.probabilities is None) != (after.probabilities is None):
        return False
    pairs = [(before.prediction, after.prediction)]
    if before.probabilities is not None and after.probabilities is not None:
        pairs.append((before.probabilities, after.probabilities))
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
