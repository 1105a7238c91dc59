"""The paired test of two predictions of the same test rows: the one place where comparing calls the statistics of evaluate.

Folds: the corrected resampled t, or the bootstrap of one official test split, as evaluate compares candidates. Rows: how many are
predicted with less or more error, and an exact sign test over groups, whose rows are not independent. The verdict follows from the
test over folds; rows are evidence next to it, which says nothing of other training rows (docs/decisions/0070-what-moved.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from stages.contracts.documents.version_comparison_document import RowEvidence
from stages.contracts.metric import Metric
from stages.contracts.task import TargetForm
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.scores import MetricScores, Uncertainty, bootstrap_rows, score
from stages.evaluation.statistics import holm

ROUNDING = 1e-9  # of a row's error: a change of the last digits is none


@dataclass(frozen=True)
class Evidence:
    """What is known of after − before: mean scores, the difference with its interval and p (not corrected), and the rows."""

    before: float
    after: float
    difference: float
    lo: float
    hi: float
    p: float
    rows: RowEvidence


def paired_evidence(
    before: Sequence[FoldPredictions], after: Sequence[FoldPredictions], splits: Splits, *, metric: Metric, confidence: float
) -> Evidence:
    """Return what two predictions of the same test rows, fold by fold in the same order, support.

    Args:
        splits: of both.
        metric: bound to the targets of `splits`.
    """
    resamples = bootstrap_rows(splits)
    old, new = (_scores(predictions, metric, resamples, splits.targets) for predictions in (before, after))
    found = Uncertainty(splits.test_per_train, confidence).difference(new, old)
    return Evidence(old.mean, new.mean, found.difference, found.lo, found.hi, found.p, row_evidence(before, after, splits))


def corrected(p: Sequence[float]) -> list[float]:
    """Return the p of all tests of a comparison, corrected for their number (Holm); NaN stays NaN and counts as no test."""
    return holm(p)


def _scores(predictions: Sequence[FoldPredictions], metric: Metric, resamples: Sequence[np.ndarray], reference: np.ndarray) -> MetricScores:
    return score(predictions, {metric.name: metric}, resamples, reference)[metric.name]


def row_evidence(before: Sequence[FoldPredictions], after: Sequence[FoldPredictions], splits: Splits) -> RowEvidence:
    """Return how many test rows are predicted otherwise, with less and with more error, and the sign test over groups."""
    form = form_of(splits.targets)
    scale = _scale(splits.targets, form)
    gain = np.concatenate([row_errors(old, form, scale) - row_errors(new, form, scale) for old, new in zip(before, after, strict=True)])
    gain[np.abs(gain) < ROUNDING] = 0.0
    differs = [(old.prediction != new.prediction).reshape(len(old.target), -1).any(axis=1) for old, new in zip(before, after, strict=True)]
    groups = np.concatenate([np.asarray(splits.groups, dtype=object)[fold.rows] for fold in splits.folds])
    _, code = np.unique(groups.astype(str), return_inverse=True)
    of_group = np.round(np.bincount(code, weights=gain), 12)
    n_better, n_worse = np.count_nonzero(of_group > 0), np.count_nonzero(of_group < 0)
    p = float(binomtest(n_better, n_better + n_worse).pvalue) if n_better + n_worse else float("nan")
    return RowEvidence(n_rows=gain.size, changed=int(np.concatenate(differs).sum()), better=int((gain > 0).sum()),
                       worse=int((gain < 0).sum()), p=p)


def form_of(targets: np.ndarray) -> TargetForm:
    """Return the form of targets as Problem has them."""
    return "continuous" if targets.dtype.kind == "f" else "classes" if targets.ndim == 1 else "labels"


def row_errors(predicted: FoldPredictions, form: TargetForm, scale: np.ndarray) -> np.ndarray:
    """Return each row's error, float64 (n,): wrong class, share of wrong labels, or mean squared error in units of each target's variance.

    A target that is not known counts as no error.
    """
    if form == "classes":
        return np.asarray(predicted.target != predicted.prediction, dtype=np.float64)
    if form == "labels":
        return np.asarray((predicted.target != predicted.prediction).mean(axis=1), dtype=np.float64)
    return np.asarray(np.nan_to_num((predicted.target - predicted.prediction) ** 2 / scale).mean(axis=1))


def _scale(targets: np.ndarray, form: TargetForm) -> np.ndarray:
    """Return the variance of each target, 1 where it is constant."""
    if form != "continuous":
        return np.ones(1)
    variance = np.nanvar(targets, axis=0)
    return np.where(variance > 0, variance, 1.0)
