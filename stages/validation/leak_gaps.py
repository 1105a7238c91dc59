"""What a leak is worth to a simple model: five nearest neighbors with it and without it, on held-out training rows.

The inner folds of the first outer fold take turns, so that no test target is read. A prediction is the mean target of the K nearest rows;
its share is that of the target's variance which it explains. Without the leak means: without the training rows that should be in the fold
of the row that is predicted (copies, a split group), or without the column. The interval of the difference is one of groups: rows of a
group are not independent.
"""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import ExaminedDataSet, ExaminedModality, Suspicion
from stages.contracts.documents.leaks_document import LeakGap
from stages.leak_evidence.held_out import scaled_target
from stages.leak_evidence.table_columns import table_columns, training_rows

K = 5
MOST_JUDGED, MOST_TRAINED = 1_000, 10_000
BLOCK = 250
MOST_CATEGORIES = 32
QUANTILE = 1.96


def gap_of(suspicion: Suspicion, examined: ExaminedDataSet) -> LeakGap | None:
    """Return the gap of a finding; None if it is neither about samples that belong together nor about a column of a table."""
    name, _, column = suspicion.subject.partition(".")
    rows = training_rows(examined)[:MOST_TRAINED]
    if suspicion.together is not None:
        modalities = [modality for modality in examined.modalities if name in ("samples", modality.name) or column]
        if not modalities:
            return None
        values = np.concatenate([_scaled(modality.vectors[rows]) for modality in modalities], axis=1)
        return _gap(values, values, suspicion.together[rows], examined, rows)
    modality = next((modality for modality in examined.modalities if modality.name == name and modality.kind == "table"), None)
    if modality is None or not column:
        return None
    blocks = dict(_blocks(modality, rows))
    whole = np.concatenate(list(blocks.values()), axis=1)
    others = [block for other, block in blocks.items() if other != column]
    without = np.concatenate(others, axis=1) if others else np.zeros((len(rows), 1))
    return _gap(whole, without, np.zeros(len(rows), np.uint64), examined, rows)


def _gap(with_leak: np.ndarray, without: np.ndarray, together: np.ndarray, examined: ExaminedDataSet, rows: np.ndarray) -> LeakGap | None:
    """Return the gap between neighbors by `with_leak` and by `without`, (n, d) each, the latter not of the same number in `together`."""
    target = np.nan_to_num(scaled_target(examined, rows))
    judged = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_JUDGED)).astype(np.int64))
    groups, inner = examined.groups[rows], examined.inner[rows]
    judged = judged[inner[judged] < examined.n_inner]
    errors = np.zeros((2, len(judged)))
    for start in range(0, len(judged), BLOCK):
        asked = judged[start : start + BLOCK]
        held = inner[asked][:, None] == inner[None, :]
        apart = held | ((together[asked] != 0)[:, None] & (together[asked][:, None] == together[None, :]))
        for place, (values, hidden) in enumerate(((with_leak, held), (without, apart))):
            if (~hidden).sum(axis=1).min() < K:
                return None
            predicted = target[_nearest(values, asked, hidden)].mean(axis=1)
            errors[place, start : start + BLOCK] = ((target[asked] - predicted) ** 2).sum(axis=1)
    base = float((target[judged] ** 2).sum())
    if base == 0:
        return None
    gains = (errors[1] - errors[0]) / base
    difference = float(gains.sum())
    of_group = np.bincount(np.unique(groups[judged], return_inverse=True)[1], weights=gains - gains.mean())
    half = QUANTILE * float(np.sqrt((of_group**2).sum()))
    shares = [1 - float(error.sum()) / base for error in errors]
    return LeakGap(with_leak=_short(shares[0]), without=_short(shares[1]), difference=_short(difference), lo=_short(difference - half),
                   hi=_short(difference + half), n_samples=len(judged))  # fmt: skip


def _nearest(values: np.ndarray, asked: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return the K nearest rows that are not hidden: int64 (n_asked, K)."""
    among = (values**2).sum(axis=1)[None, :] - 2 * (values[asked] @ values.T)
    return np.argpartition(np.where(hidden, np.inf, among), K - 1, axis=1)[:, :K]


def _blocks(modality: ExaminedModality, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a table's columns as numbers of variance 1, missing as 0; of categories an indicator for each of the most frequent."""
    for name, values in table_columns(modality, rows):
        if values.dtype == np.int32:
            kept = np.argsort(-np.bincount(values + 1)[1:], kind="stable")[:MOST_CATEGORIES]
            yield name, _scaled(values[:, None] == kept)
        else:
            yield name, _scaled(np.where(np.isnan(values), np.nanmean(values) if not np.isnan(values).all() else 0, values)[:, None])


def _scaled(columns: np.ndarray) -> np.ndarray:
    """Return columns about 0, of variance 1 together, so that each block counts alike."""
    about = columns - columns.mean(axis=0)
    variance = float((about**2).sum(axis=1).mean())
    return np.asarray(about / np.sqrt(variance) if variance > 0 else about)


def _short(value: float) -> float:
    return float(f"{value:.6g}")
