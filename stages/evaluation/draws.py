"""Scores of bootstrap draws: one model's predictions of a test split, its rows drawn again and again.

A metric's definition by scikit-learn takes 0.3 to 3 ms a call, and there are 2,000 draws per candidate and metric
(docs/decisions/0027-metrics.md). A draw is no more than how often each row occurs, so that counts, ranks and losses of all draws are
products with one matrix of weights.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.stacked_scores import COUNTED, REGRESSION
from stages.scoring.stacks import Stack

_VALUES = 4_000_000  # weights at once
EPSILON = float(np.finfo(np.float64).eps)  # to which log-loss clips probabilities


@dataclass(frozen=True)
class Draws:
    """target, prediction: (n,) codes of classes or (n, n_labels); scores: (n, n_outputs); weights: float64 (m, n), counts of each row."""

    target: np.ndarray
    prediction: np.ndarray
    scores: np.ndarray | None
    weights: np.ndarray

    @cached_property
    def n_rows(self) -> np.ndarray:
        """Rows of each draw: float64 (m,)."""
        return np.asarray(self.weights.sum(axis=1))

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(true, predicted, hit) rows of each draw, float64 (m, n_outputs) each, as of `Stack`."""
        true, predicted = self.target != 0, self.prediction != 0
        if self.target.ndim == 1:
            codes = np.arange(int(max(self.target.max(), self.prediction.max())) + 1)
            true, predicted = self.target[:, None] == codes, self.prediction[:, None] == codes
        return self.weights @ true, self.weights @ predicted, self.weights @ (true & predicted)

    @property
    def n_exact(self) -> np.ndarray:
        """Rows of each draw without a wrong label: float64 (m,)."""
        return np.asarray(self.weights @ (self.target == self.prediction).all(axis=1))


def score_draws(metric: Metric, rows: Sequence[np.ndarray], outcome: tuple[np.ndarray, np.ndarray, np.ndarray | None]) -> np.ndarray:
    """Return a metric's score of each draw: float64 (n_draws,).

    Args:
        metric: bound to the data set's targets.
        rows: int64 numbers of the rows of each draw.
        outcome: target, prediction and probabilities of all rows.
    """
    target, prediction, scores = outcome
    compute = _FORMS.get(metric.name)
    if compute is not None:
        found = [compute(Draws(target, prediction, scores, weights)) for weights in _weights(rows, len(target))]
    elif metric.name in REGRESSION:
        found = [REGRESSION[metric.name](Stack(target[r], prediction[r][None])) for r in rows]
    else:
        found = [np.array([metric.score(target[r], prediction[r], None if scores is None else scores[r])]) for r in rows]
    return np.concatenate([np.empty(0), *found])


def _weights(rows: Sequence[np.ndarray], n: int) -> Iterator[np.ndarray]:
    """Yield the weights of some draws at a time."""
    step = max(1, _VALUES // n)
    for start in range(0, len(rows), step):
        yield np.stack([np.bincount(drawn, minlength=n) for drawn in rows[start : start + step]]).astype(np.float64)


def _log_loss(draws: Draws) -> np.ndarray:
    assert draws.scores is not None
    of_truth = draws.scores[np.arange(len(draws.target)), draws.target].astype(np.float64)
    return np.asarray(draws.weights @ -np.log(np.clip(of_truth, EPSILON, 1 - EPSILON)) / draws.n_rows)


def _roc_auc(draws: Draws) -> np.ndarray:
    return _mean_over_outputs(draws, _areas)


def _average_precision(draws: Draws) -> np.ndarray:
    return _mean_over_outputs(draws, _average_precisions)


def _mean_over_outputs(draws: Draws, compute: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the mean over classes or labels of a ranking metric; of two classes that of the second; NaN where none is defined."""
    assert draws.scores is not None
    n_outputs, of_classes = draws.scores.shape[1], draws.target.ndim == 1
    outputs = [1] if of_classes and n_outputs == 2 else range(n_outputs)
    holds = [draws.target == j if of_classes else draws.target[:, j] != 0 for j in outputs]
    values = np.array([compute(draws.weights, h, draws.scores[:, j]) for j, h in zip(outputs, holds, strict=True)])
    n_defined = (~np.isnan(values)).sum(axis=0)
    return np.divide(np.nansum(values, axis=0), n_defined, out=np.full(values.shape[1], np.nan), where=n_defined > 0)


def _areas(weights: np.ndarray, holds: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of each draw, NaN where all rows or none hold: pairs in the right order, ties one half."""
    order = np.argsort(score, kind="stable")
    ranked, w, positive = score[order], weights[:, order], holds[order]
    below = np.hstack([np.zeros((len(w), 1)), np.cumsum(w * ~positive, axis=1)])
    twice = below[:, np.searchsorted(ranked, ranked, "left")] + below[:, np.searchsorted(ranked, ranked, "right")]
    n_positive = w @ positive.astype(np.float64)
    pairs = n_positive * (w.sum(axis=1) - n_positive)
    return np.divide((w * positive * twice).sum(axis=1), 2 * pairs, out=np.full(len(w), np.nan), where=pairs > 0)


def _average_precisions(weights: np.ndarray, holds: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the average precision of each draw, NaN where no row holds: the precision at the last row of equal score."""
    order = np.argsort(-score, kind="stable")
    ranked, w, positive = -score[order], weights[:, order], holds[order]
    last = np.searchsorted(ranked, ranked, "right") - 1
    hits, rows = np.cumsum(w * positive, axis=1)[:, last], np.cumsum(w, axis=1)[:, last]
    n_positive = w @ positive.astype(np.float64)
    total = (w * positive * hits / np.maximum(rows, 1)).sum(axis=1)
    return np.divide(total, n_positive, out=np.full(len(w), np.nan), where=n_positive > 0)


_FORMS: dict[str, Callable[[Draws], np.ndarray]] = {
    **COUNTED, "log_loss": _log_loss, "roc_auc": _roc_auc, "average_precision": _average_precision
}  # fmt: skip
