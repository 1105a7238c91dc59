"""Stacked forms of metrics: the scores of all predictions of a stack at once, equal to the metric's definition in stages/metrics/.

scikit-learn's functions validate their input and count again in every call (0.3 to 3 ms). A grid of 80 configurations with five outer and
three inner folds takes 1,200 scores per modality combination and metric. A metric that is not listed here is computed by its definition,
one prediction at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stages.contracts.metric import Metric, Scoring
from stages.scoring.known_values import mean_where_known, variance_of, varies
from stages.scoring.stacks import Stack, mean_where


class Counts(Protocol):
    """The inputs of metrics of classes and labels, as in `Stack`; leading axes may differ (bootstrap samples)."""

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...

    @property
    def n_rows(self) -> Any: ...

    @property
    def n_exact(self) -> np.ndarray: ...


@dataclass(frozen=True)
class StackedScore:
    """A metric's stacked form: called with a stack of m predictions it returns float64 (m,)."""

    name: str
    compute: Callable[[Stack], np.ndarray]
    greater_is_better: bool

    def __call__(self, stack: Stack) -> np.ndarray:
        return self.compute(stack)


def stacked(name: str, reference: np.ndarray | None = None) -> StackedScore | None:
    """Return the stacked form of a metric; None if it has none.

    Args:
        reference: float64 (n, n_outputs), targets that give the metric its scale (Q²: the variance), as in `Metric.bound_to`;
            None: the targets of each stack.
    """
    if name == "q2":
        variance = None if reference is None else variance_of(reference)
        return StackedScore(name, lambda stack: _q2(stack, variance), greater_is_better=True)
    compute = COUNTED.get(name) or REGRESSION.get(name)
    return None if compute is None else StackedScore(name, compute, greater_is_better=name not in LOWER_IS_BETTER)


def is_of_numbers(name: str) -> bool:
    """Return whether a stacked form scores continuous targets; the others score classes and labels."""
    return name == "q2" or name in REGRESSION


def scorer(metric: Scoring, reference: np.ndarray | None = None) -> Callable[[Stack], np.ndarray]:
    """Return the function that scores a stack: the metric's stacked form, or its definition applied to each prediction."""
    found = stacked(metric.name, reference)
    if found is not None:
        return found
    assert isinstance(metric, Metric), f"{metric.name} has no stacked form"
    bound = metric if reference is None else metric.bound_to(reference)
    return lambda stack: score_each(bound, stack)


def score_each(metric: Metric, stack: Stack) -> np.ndarray:
    """Return the score of each prediction of a stack by the metric's definition: float64 (m,)."""
    return np.array([metric.score(stack.target, prediction, None) for prediction in stack.predictions], dtype=np.float64)


# ---------------------------------------------------------------- classes and labels
def _accuracy(found: Counts) -> np.ndarray:
    _, _, hits = found.counts
    return np.asarray(hits.sum(axis=1) / found.n_rows)


def _balanced_accuracy(found: Counts) -> np.ndarray:
    true, _, hits = found.counts
    return mean_where(hits / np.maximum(true, 1), true > 0)


def _macro_f1(found: Counts) -> np.ndarray:
    true, predicted, hits = found.counts
    rows = true + predicted
    scores = mean_where(2 * hits / np.maximum(rows, 1), rows > 0)
    return np.where(np.isnan(scores), 1.0, scores)


def _micro_f1(found: Counts) -> np.ndarray:
    true, predicted, hits = (counts.sum(axis=-1) for counts in found.counts)
    rows = true + predicted
    return np.where(rows > 0, 2 * hits / np.maximum(rows, 1), 1.0)


def _hamming_loss(found: Counts) -> np.ndarray:
    n_labels = found.counts[1].shape[-1]
    true, predicted, hits = (counts.sum(axis=-1) for counts in found.counts)
    return np.asarray((true + predicted - 2 * hits) / (found.n_rows * n_labels))


def _subset_accuracy(found: Counts) -> np.ndarray:
    return found.n_exact / found.n_rows


# ---------------------------------------------------------------- regression
def _mae(stack: Stack) -> np.ndarray:
    return mean_where(mean_where_known(np.abs(stack.residuals), stack.known), stack.has_known)


def _rmse(stack: Stack) -> np.ndarray:
    return mean_where(np.sqrt(mean_where_known(stack.residuals**2, stack.known)), stack.has_known)


def _r2(stack: Stack) -> np.ndarray:
    target, defined = stack.target, varies(stack.target)
    deviation = np.where(stack.known, target - mean_where_known(target, stack.known), 0.0)
    total, errors = (deviation**2).sum(axis=0), (stack.residuals**2).sum(axis=-2)
    return mean_where(1 - np.divide(errors, total, out=np.full(errors.shape, np.nan), where=defined), defined)


def _q2(stack: Stack, variance: np.ndarray | None) -> np.ndarray:
    of_data = variance_of(stack.target) if variance is None else variance
    errors = mean_where_known(stack.residuals**2, stack.known)
    shares = 1 - np.divide(errors, of_data, out=np.full(errors.shape, np.nan), where=of_data > 0)
    return mean_where(shares, stack.has_known & (of_data > 0))


COUNTED: dict[str, Callable[[Counts], np.ndarray]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "micro_f1": _micro_f1,
    "hamming_loss": _hamming_loss,
    "subset_accuracy": _subset_accuracy,
}
REGRESSION: dict[str, Callable[[Stack], np.ndarray]] = {"mae": _mae, "rmse": _rmse, "r2": _r2}
LOWER_IS_BETTER = {"hamming_loss", "mae", "rmse"}
