"""Columns of tables that alone tell the target, as one does that is made from it: a delay beside "late: delay above 15 minutes".

A tree of a few leaves (numbers), or the most frequent target of each category, is fitted to training rows of the first outer fold and
judged on the first of its inner folds. No test row is read. A column that equals the target is another detector's (target_copies.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.leak_evidence.one_to_one import is_copy
from stages.leak_evidence.remedies import leave_out
from stages.leak_evidence.table_columns import outputs_of, table_columns, training_rows

LEAVES = 8  # of a tree: thresholds that a person would set
TELLS = 0.95  # of what the most frequent class, or the mean, leaves open, the share that one column explains at least
KNOWN = 0.5  # share of the rows in which a column is known, at least
FINE_BINS, PROMISING, PROMISING_NUMBERS = 64, 0.5, 0.9  # a tree is fitted to a column of which so many bins explain that share
FEWEST = 5  # held-out rows with a label, and without it, from which a column can tell it
CODE = LeakCode("telling-column", "high", "one column of a table alone tells the target, as one made from it does")


@dataclass(frozen=True)
class Known:
    """Training rows. held_out: bool (n,), those to judge on. continuous: whether the targets are numbers."""

    held_out: np.ndarray
    continuous: bool


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield each column of a table that alone tells the target, or one of the labels or targets."""
    rows = training_rows(examined)
    outputs = outputs_of(examined, rows)
    known = Known(examined.inner[rows] == 0, examined.target.form == "continuous")
    open_by = "the mean" if known.continuous else "the most frequent class"
    for modality in examined.modalities:
        for name, values in table_columns(modality, rows):
            promising = _promising(values, outputs, known)
            for output in promising:
                target = outputs[output]
                share = _explained(values, target, known)
                if share >= TELLS and not is_copy(values, target, continuous=known.continuous):
                    what = "the target" if len(outputs) == 1 else repr(output)
                    yield Suspicion(
                        CODE.name, f"{modality.name}.{name}",
                        f"column {name!r} alone tells {what}: on held-out training rows it explains {share:.1%} of what {open_by} "
                        "leaves open", rows, {"explained": share, "held_out_rows": int(known.held_out.sum())},
                        f"{leave_out(examined, modality, name)}  # if it is made from the target, or known only after it",
                    )  # fmt: skip
                    break


def _promising(values: np.ndarray, outputs: dict[str, np.ndarray], known: Known) -> list[str]:
    """Return the outputs of which fine bins of the column explain some share of the variance, judged on the rows that they are made of."""
    missing = values < 0 if values.dtype == np.int32 else np.isnan(values)
    if values.dtype == np.int32:
        bins = values.astype(np.int64) + 1
    else:
        edges = np.unique(np.quantile(values[~missing], np.linspace(0, 1, FINE_BINS + 1)[1:-1])) if not missing.all() else np.zeros(0)
        bins = np.where(missing, 0, np.searchsorted(edges, values, side="right") + 1)
    found = []
    for name, target in outputs.items():
        kept = ~missing & ~np.isnan(target)
        columns = target[kept, None] if known.continuous else (target[kept, None] == np.arange(int(target.max(initial=0)) + 1))
        columns, of_row = columns.astype(np.float64), bins[kept]
        total = ((columns - columns.mean(axis=0)) ** 2).sum() if len(columns) else 0.0
        counts = np.bincount(of_row, minlength=1)
        sums = np.stack([np.bincount(of_row, weights=column) for column in columns.T]) if len(columns) else np.zeros((1, 1))
        between = (sums**2 / np.maximum(counts, 1)).sum() - (sums.sum(axis=1) ** 2).sum() / max(len(columns), 1)
        if total > 0 and between >= (PROMISING_NUMBERS if known.continuous else PROMISING) * total:
            found.append(name)
    return found


def _explained(values: np.ndarray, target: np.ndarray, known: Known) -> float:
    """Return the share of the errors of a constant prediction, on held-out rows, that the column's prediction avoids where it is known."""
    kept = ~np.isnan(values) & ~np.isnan(target)
    if kept.mean() < KNOWN:
        return 0.0
    fitted, held_out = kept & ~known.held_out, kept & known.held_out
    if known.continuous:
        if not fitted.any() or not held_out.any():
            return 0.0
        before = ((target[held_out] - target[fitted].mean()) ** 2).sum()
        after = ((target[held_out] - _predicted(values, target, fitted, held_out, known)) ** 2).sum()
        return float(1 - after / before) if before > 0 else 0.0
    counts = np.bincount(target[held_out])
    if np.count_nonzero(counts) < 2 or np.sort(counts)[-2] < FEWEST or len(np.unique(target[fitted])) < 2:
        return 0.0
    before = np.count_nonzero(target[held_out] != np.bincount(target[fitted]).argmax())
    after = np.count_nonzero(target[held_out] != _predicted(values, target, fitted, held_out, known))
    return 1 - after / before if before else 0.0


def _predicted(values: np.ndarray, target: np.ndarray, fitted: np.ndarray, held_out: np.ndarray, known: Known) -> np.ndarray:
    """Return what one column, fitted on some rows, predicts for others."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # here: the import takes 0.6 s

    if values.dtype == np.int32:
        return _by_category(values + 1, target, fitted, continuous=known.continuous)[values[held_out] + 1]
    tree = (DecisionTreeRegressor if known.continuous else DecisionTreeClassifier)(max_leaf_nodes=LEAVES, random_state=0)
    return np.asarray(tree.fit(values[fitted, None], target[fitted]).predict(values[held_out, None]))


def _by_category(codes: np.ndarray, target: np.ndarray, fitted: np.ndarray, *, continuous: bool) -> np.ndarray:
    """Return the mean target, or the most frequent class, of each category in the fitted rows; of all of them where it has none."""
    n = int(codes.max()) + 1
    counts = np.bincount(codes[fitted], minlength=n)
    if continuous:
        sums = np.bincount(codes[fitted], weights=target[fitted], minlength=n)
        return np.where(counts > 0, sums / np.maximum(counts, 1), target[fitted].mean())
    of_class = np.stack([np.bincount(codes[fitted & (target == code)], minlength=n) for code in range(int(target.max()) + 1)])
    return np.where(counts > 0, of_class.argmax(axis=0), np.bincount(target[fitted]).argmax())


DETECTOR = Detector(name="telling_columns", codes=(CODE,), detect=detect)
