"""How much one column tells of the target on training rows that it was not fitted to, and whether that is more than chance.

The column's values are sorted into N_BINS bins of equal size (categories: one each). The inner folds of the first outer fold take turns:
the mean target of each bin, drawn towards that of all rows, is taken from the others and judged on one. The gain of a row is how far that
prediction is nearer to its target (squares, all outputs with equal variance) than the mean of all is. Rows of a group are not independent,
so the test is one of groups: their summed gains against their spread (cluster-robust z).
"""

from dataclasses import dataclass

import numpy as np

from stages.contracts.detector import ExaminedDataSet

N_BINS = 16
DRAWN = 5.0  # rows by which a bin's mean is drawn towards the mean of all
FEWEST_GROUPS = 10
SIGNIFICANT = 4.0  # z: one false alarm in 30,000 columns
MOST_OUTPUTS = 32


@dataclass(frozen=True)
class Told:
    """share: of the target's variance that a column explains, on held-out rows. z: of that gain. n: rows judged."""

    share: float
    z: float
    n: int

    def exceeds(self, share: float) -> bool:
        """Return whether more than `share` is explained, and significantly any."""
        return self.share >= share and self.z >= SIGNIFICANT

    @property
    def evidence(self) -> dict[str, float]:
        """Return the numbers of a finding."""
        return {"explained": self.share, "z": self.z, "held_out_rows": self.n}


NOTHING = Told(0.0, 0.0, 0)


def told_by(values: np.ndarray, examined: ExaminedDataSet, rows: np.ndarray) -> Told:
    """Return what a column tells of the target of training rows.

    Args:
        values: of the rows: numbers, NaN where missing (a bin of its own), or int32 codes of categories, -1 where missing.
        rows: training rows of the first outer fold.
    """
    bins = binned(values)
    if bins.max(initial=0) == bins.min(initial=0):
        return NOTHING
    target, inner = scaled_target(examined, rows), examined.inner[rows]
    gains, open_before = np.zeros(len(rows)), np.zeros(len(rows))
    for fold in range(examined.n_inner):
        judged, fitted = inner == fold, inner != fold
        if judged.any() and fitted.any():
            base, predicted = _predicted(bins, target, fitted, judged)
            known = ~np.isnan(target[judged])
            before = np.where(known, target[judged] - base, 0) ** 2
            open_before[judged] = before.sum(axis=1)
            gains[judged] = (before - np.where(known, target[judged] - predicted, 0) ** 2).sum(axis=1)
    of_group = np.bincount(np.unique(examined.groups[rows], return_inverse=True)[1], weights=gains)
    spread, whole = float(np.sqrt((of_group**2).sum())), float(open_before.sum())
    if len(of_group) < FEWEST_GROUPS or spread == 0 or whole == 0:
        return NOTHING
    return Told(float(gains.sum() / whole), float(of_group.sum() / spread), len(rows))


def binned(values: np.ndarray) -> np.ndarray:
    """Return the bin of each value, int64 (n,), the last for missing ones."""
    if values.dtype == np.int32:
        return values.astype(np.int64) + 1
    known = ~np.isnan(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, N_BINS + 1)[1:-1])) if known.any() else np.zeros(0)
    return np.where(known, np.searchsorted(edges, values, side="right"), len(edges) + 1)


def scaled_target(examined: ExaminedDataSet, rows: np.ndarray) -> np.ndarray:
    """Return float64 (n, n_outputs), a column per class, label or target, of variance 1; NaN where not known."""
    values = examined.values[rows]
    if values.ndim == 1:
        values = values[:, None] == np.arange(len(examined.target.outputs))
    columns = values[:, :MOST_OUTPUTS].astype(np.float64)
    known = ~np.isnan(columns)
    mean = np.where(known, columns, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    deviation = np.sqrt((np.where(known, columns - mean, 0) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return np.asarray((columns - mean) / np.where(deviation > 0, deviation, 1))


def _predicted(bins: np.ndarray, target: np.ndarray, fitted: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the fitted rows, (n_outputs,), and the drawn means of the judged rows' bins, (n_judged, n_outputs)."""
    n_bins = int(bins.max()) + 1
    known = ~np.isnan(target[fitted])
    filled = np.where(known, target[fitted], 0)
    base = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    predicted = np.empty((int(judged.sum()), target.shape[1]))
    for place in range(target.shape[1]):
        counts = np.bincount(bins[fitted], weights=known[:, place].astype(np.float64), minlength=n_bins)
        sums = np.bincount(bins[fitted], weights=filled[:, place], minlength=n_bins)
        predicted[:, place] = ((sums + DRAWN * base[place]) / (counts + DRAWN))[bins[judged]]
    return base, predicted
