"""The paired test of two predictions of the same test rows: the one place where comparing calls the statistics of evaluate.

It is the test with which evaluate compares two candidates (stages/evaluation/statistics.py): p is the larger of that of the folds and
that of the rows, so that a move needs both kinds of evidence (docs/decisions/0070-what-moved.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np

from stages.contracts.documents.version_comparison_document import RowCounts
from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import BySeed, FoldPredictions, Splits
from stages.evaluation.comparisons import LOSS_ROUNDING
from stages.evaluation.design import Design, design_of
from stages.evaluation.row_values import row_losses
from stages.evaluation.scores import has_intervals, mean_over_seeds, score
from stages.evaluation.statistics import holm, paired_difference
from stages.scoring.known_values import variance_of


@dataclass(frozen=True)
class PairedEvidence:
    """What is known of after − before: mean scores, the difference with its interval, p of folds, of rows and of both, and the rows.

    p: not corrected; NaN where there is no test, for `reason`.
    """

    before: float
    after: float
    difference: float
    lo: float
    hi: float
    p_fold: float
    p_row: float
    p: float
    rows: RowCounts
    reason: str = ""


def paired_evidence(
    before: BySeed, after: BySeed, splits: Splits, *, metric: Metric, confidence: float
) -> PairedEvidence:
    """Return what two predictions of the same test rows, fold by fold in the same order, support; each a mean over its own seeds.

    Args:
        splits: of both.
        metric: bound to the targets of `splits`.
    """
    design = design_of(splits, confidence)
    old, new = (mean_over_seeds([score(folds, metric, design) for folds in by_seed]) for by_seed in (before, after))
    n_seeds = lcm(old.n_seeds, new.n_seeds)
    found = paired_difference((new.folds, new.values), (old.folds, old.values), design, n_seeds=n_seeds)
    rows = row_counts(before, after, splits, design)
    if not has_intervals(design):
        nan = float("nan")
        return PairedEvidence(old.mean, new.mean, found.difference, nan, nan, nan, nan, nan, rows, "no test: too few groups of test rows")
    reason = "no test: too few folds define the score" if np.isnan(found.p) else ""
    return PairedEvidence(old.mean, new.mean, found.difference, found.lo, found.hi, found.p_fold, found.p_row, found.p, rows, reason)


def corrected(p: Sequence[float]) -> list[float]:
    """Return the p of all tests of a comparison, corrected for their number (Holm); NaN stays NaN and counts as no test."""
    return holm(p)


def row_counts(before: BySeed, after: BySeed, splits: Splits, design: Design) -> RowCounts:
    """Return how many distinct test rows are predicted otherwise, and on how many the loss (mean over repeats and seeds) is less, and more.

    Predicted otherwise: by any of the seeds, compared in their order; where one version has more of them, these are not compared.
    """
    scale = variance_of(splits.targets) if splits.targets.dtype.kind == "f" else None
    losses = [np.mean([np.concatenate([row_losses(fold, scale) for fold in folds]) for folds in by_seed], axis=0)
              for by_seed in (before, after)]  # fmt: skip
    gain = _by_row(losses[0] - losses[1], design)
    differs = np.any([_differs(old, new) for old, new in zip(before, after, strict=False)], axis=0)
    return RowCounts(n_rows=design.n_rows, changed=int(np.count_nonzero(_by_row(differs.astype(np.float64), design))),
                     better=int(np.count_nonzero(gain > LOSS_ROUNDING)), worse=int(np.count_nonzero(gain < -LOSS_ROUNDING)))


def _differs(before: Sequence[FoldPredictions], after: Sequence[FoldPredictions]) -> np.ndarray:
    """Return which entries of the design are predicted otherwise: bool (N,)."""
    pairs = zip(before, after, strict=True)
    return np.concatenate([(old.prediction != new.prediction).reshape(len(old.target), -1).any(axis=1) for old, new in pairs])


def _by_row(values: np.ndarray, design: Design) -> np.ndarray:
    """Return the mean of each distinct row's values: (n_rows,) of (N,)."""
    rows, place = np.unique(design.rows, return_inverse=True)
    return np.bincount(place.ravel(), weights=values, minlength=len(rows)) / np.bincount(place.ravel(), minlength=len(rows))
