"""Whether the parts of an official split can be told apart, by their features or by what is missing: a classifier two-sample test.

A ridge regression on features and their squares is fitted to four fifths of the groups and ranks the others, in turn; AUC 0.5 is chance.
The targets are not read. Parts of one population that were drawn at random cannot be told apart.
"""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.leak_evidence.equal_contents import mixed
from stages.leak_evidence.table_columns import table_columns

SHIFT = LeakCode("train-test-shift", "medium", "training and test part of the official split can be told apart by their features")
MISSING = LeakCode("missingness-shift", "medium", "a column or modality is missing more often in one part of the official split")
FOLDS = 5
LEAST_AUC, SIGNIFICANT = 0.6, 4.0
LEAST_DIFFERENCE = 0.05  # between the shares that are missing
RIDGE = 1.0  # of the variance of a feature
MOST_ROWS = 20_000


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield each modality by which the parts can be told apart, and each column that is missing in one of them."""
    if not examined.official:
        return
    rows = np.unique(np.linspace(0, len(examined.ids) - 1, min(len(examined.ids), MOST_ROWS)).astype(np.int64))
    test = examined.folds[0][rows] >= 0
    if min(test.sum(), (~test).sum()) < 10 * FOLDS:
        return
    for modality in examined.modalities:
        has = modality.present[rows]
        auc, z = told_apart(modality.vectors[rows[has]], test[has], examined.groups[rows[has]])
        if auc >= LEAST_AUC and z >= SIGNIFICANT:
            yield Suspicion(
                SHIFT.name, modality.name, f"training and test part can be told apart by {modality.name}, with an AUC of {auc:.2f}",
                rows[has], {"auc": auc, "z": z, "rows": int(has.sum())},
                "a score on this test part is one of other data than was trained on; say so, or use folds instead of the official split",
            )  # fmt: skip
        missing_values = {f"column {name!r}": (name, values < 0 if values.dtype == np.int32 else np.isnan(values))
                          for name, values in table_columns(modality, rows)}  # fmt: skip
        for what, (name, missing) in ({f"modality {modality.name!r}": ("", ~has)} | missing_values).items():
            shares = missing[test].mean(), missing[~test].mean()
            spread = np.sqrt(missing.mean() * (1 - missing.mean()) * (1 / test.sum() + 1 / (~test).sum()))
            if abs(shares[0] - shares[1]) >= max(LEAST_DIFFERENCE, SIGNIFICANT * spread):
                yield Suspicion(
                    MISSING.name, f"{modality.name}.{name}" if name else modality.name,
                    f"{what} is missing in {shares[0]:.0%} of the test part and in {shares[1]:.0%} of the training part",
                    rows[missing], {"test": float(shares[0]), "train": float(shares[1])},
                    f"find out why {name or modality.name!r} is missing; if it tells the part, leave it out "
                    f"({'`without:`' if name else '`modalities:`'})")  # fmt: skip


def told_apart(vectors: np.ndarray, test: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Return the AUC of telling test from training rows on held-out groups, and its z against 0.5."""
    columns = _standardised(vectors.astype(np.float64))
    columns = np.concatenate([columns, _standardised(columns**2)], axis=1)
    fold = (mixed(groups.astype(np.uint64)) % np.uint64(FOLDS)).astype(np.int64)
    aucs, weights = [], []
    for index in range(FOLDS):
        fitted, judged = fold != index, fold == index
        if min(test[judged].sum(), (~test)[judged].sum(), test[fitted].sum(), (~test)[fitted].sum()) < 2:
            continue
        inner, outer = columns[fitted].T @ columns[fitted], columns[fitted].T @ (test[fitted] - test[fitted].mean())
        slope = np.linalg.solve(inner + RIDGE * np.trace(inner) / len(inner) * np.eye(len(inner)), outer)
        aucs.append(_auc(columns[judged] @ slope, test[judged]))
        n_test, n_train = test[judged].sum(), (~test)[judged].sum()
        weights.append(12 * n_test * n_train / (n_test + n_train + 1))  # the inverse of the variance by chance
    if not aucs:
        return 0.5, 0.0
    weight = np.array(weights)
    auc = float((weight * aucs).sum() / weight.sum())
    return auc, float((auc - 0.5) * np.sqrt(weight.sum()))


def _standardised(columns: np.ndarray) -> np.ndarray:
    deviation = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1))


def _auc(scores: np.ndarray, test: np.ndarray) -> float:
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    n_test = int(test.sum())
    return float((order[test].sum() - n_test * (n_test - 1) / 2) / (n_test * (len(test) - n_test)))


DETECTOR = Detector(name="official_split", codes=(SHIFT, MISSING), detect=detect)
