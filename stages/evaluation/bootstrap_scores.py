"""Scores of bootstrap resamples of a test split: one model's predictions, its rows drawn with replacement.

A metric's definition by scikit-learn takes 0.3 to 3 ms a call, and there are 2,000 resamples per candidate and metric
(docs/decisions/0027-metrics.md). A resample is no more than how often each row occurs, so that counts, ranks and losses of
all resamples are products with one matrix of weights.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions
from stages.scoring.stacked_scores import COUNTED, stacked
from stages.scoring.stacks import Stack

_VALUES = 4_000_000  # weights at once
EPSILON = float(np.finfo(np.float64).eps)  # to which log-loss clips probabilities


@dataclass(frozen=True)
class Resamples:
    """target, prediction: (n,) codes of classes or (n, n_labels); probabilities: (n, n_outputs); weights: float64 (m, n), counts
    of each row.
    """

    target: np.ndarray
    prediction: np.ndarray
    probabilities: np.ndarray | None
    weights: np.ndarray

    @cached_property
    def n_rows(self) -> np.ndarray:
        """Rows of each resample: float64 (m,)."""
        return np.asarray(self.weights.sum(axis=1))

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(true, predicted, hit) rows of each resample, float64 (m, n_outputs) each, as of `Stack`."""
        true, predicted = self.target != 0, self.prediction != 0
        if self.target.ndim == 1:
            codes = np.arange(int(max(self.target.max(), self.prediction.max())) + 1)
            true, predicted = self.target[:, None] == codes, self.prediction[:, None] == codes
        return self.weights @ true, self.weights @ predicted, self.weights @ (true & predicted)

    @property
    def n_exact(self) -> np.ndarray:
        """Rows of each resample without a wrong label: float64 (m,)."""
        return np.asarray(self.weights @ (self.target == self.prediction).all(axis=1))


def score_resamples(metric: Metric, rows: Sequence[np.ndarray], predicted: FoldPredictions, reference: np.ndarray) -> np.ndarray:
    """Return a metric's score of each resample: float64 (n_resamples,).

    Args:
        metric: bound to `reference`.
        rows: int64 numbers of the rows of each resample.
        predicted: of all rows.
        reference: the data set's targets.
    """
    target, prediction, probabilities = predicted.target, predicted.prediction, predicted.probabilities
    compute = _FORMS.get(metric.name)
    if compute is not None:
        found = [compute(Resamples(target, prediction, probabilities, weights)) for weights in _weights(rows, len(target))]
    elif (form := stacked(metric.name, reference)) is not None:
        found = [form(Stack(target[r], prediction[r][None])) for r in rows]
    else:
        found = [np.array([metric.score(target[r], prediction[r], None if probabilities is None else probabilities[r])]) for r in rows]
    return np.concatenate([np.empty(0), *found])


def _weights(rows: Sequence[np.ndarray], n: int) -> Iterator[np.ndarray]:
    """Yield the weights of some resamples at a time."""
    step = max(1, _VALUES // n)
    for start in range(0, len(rows), step):
        yield np.stack([np.bincount(resample, minlength=n) for resample in rows[start : start + step]]).astype(np.float64)


def _log_loss(resamples: Resamples) -> np.ndarray:
    assert resamples.probabilities is not None
    of_truth = resamples.probabilities[np.arange(len(resamples.target)), resamples.target].astype(np.float64)
    return np.asarray(resamples.weights @ -np.log(np.clip(of_truth, EPSILON, 1 - EPSILON)) / resamples.n_rows)


def _roc_auc(resamples: Resamples) -> np.ndarray:
    return _mean_over_outputs(resamples, _areas)


def _average_precision(resamples: Resamples) -> np.ndarray:
    return _mean_over_outputs(resamples, _average_precisions)


def _mean_over_outputs(resamples: Resamples, compute: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the mean over classes or labels of a ranking metric; of two classes that of the second; NaN where none is defined."""
    assert resamples.probabilities is not None
    n_outputs, of_classes = resamples.probabilities.shape[1], resamples.target.ndim == 1
    outputs = [1] if of_classes and n_outputs == 2 else range(n_outputs)
    holds = [resamples.target == j if of_classes else resamples.target[:, j] != 0 for j in outputs]
    values = np.array([compute(resamples.weights, h, resamples.probabilities[:, j]) for j, h in zip(outputs, holds, strict=True)])
    n_defined = (~np.isnan(values)).sum(axis=0)
    return np.divide(np.nansum(values, axis=0), n_defined, out=np.full(values.shape[1], np.nan), where=n_defined > 0)


def _areas(weights: np.ndarray, holds: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of each resample, NaN where all rows or none hold: pairs in the right order, ties one half."""
    order = np.argsort(score, kind="stable")
    ranked, w, positive = score[order], weights[:, order], holds[order]
    below = np.hstack([np.zeros((len(w), 1)), np.cumsum(w * ~positive, axis=1)])
    twice = below[:, np.searchsorted(ranked, ranked, "left")] + below[:, np.searchsorted(ranked, ranked, "right")]
    n_positive = w @ positive.astype(np.float64)
    pairs = n_positive * (w.sum(axis=1) - n_positive)
    return np.divide((w * positive * twice).sum(axis=1), 2 * pairs, out=np.full(len(w), np.nan), where=pairs > 0)


def _average_precisions(weights: np.ndarray, holds: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the average precision of each resample, NaN where no row holds: the precision at the last row of equal score."""
    order = np.argsort(-score, kind="stable")
    ranked, w, positive = -score[order], weights[:, order], holds[order]
    last = np.searchsorted(ranked, ranked, "right") - 1
    hits, rows = np.cumsum(w * positive, axis=1)[:, last], np.cumsum(w, axis=1)[:, last]
    n_positive = w @ positive.astype(np.float64)
    total = (w * positive * hits / np.maximum(rows, 1)).sum(axis=1)
    return np.divide(total, n_positive, out=np.full(len(w), np.nan), where=n_positive > 0)


_FORMS: dict[str, Callable[[Resamples], np.ndarray]] = {
    **COUNTED, "log_loss": _log_loss, "roc_auc": _roc_auc, "average_precision": _average_precision
}  # fmt: skip
