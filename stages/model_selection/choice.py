"""Choose a configuration by its scores on the inner folds of one outer fold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from stages.contracts.metric import Scoring
from stages.contracts.problem import Fold, Problem
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each
from stages.scoring.stacked_scores import scorer
from stages.scoring.stacks import Stack, mean_where

STACK_VALUES = 4_000_000  # number of predictions scored at once


@dataclass(frozen=True)
class Choice:
    """The chosen configuration, every inner score, and the labels' thresholds.

    scores: {metric: float64 (n_configs, n_inner)}. thresholds: float64 (n_outputs,), for labels only.
    """

    config: int
    scores: Mapping[str, np.ndarray]
    thresholds: np.ndarray | None


def choose_config(problem: Problem, fold: Fold, predictions: np.ndarray) -> Choice:
    """Return the configuration with the best mean score over the inner folds; ties go to the first, which is the simplest.

    A label's threshold is fitted on the out-of-fold predictions of all validated rows; the configuration is scored with it. A metric's
    scale comes from the training rows: the variance of outer test rows must not decide which target weighs most.

    Args:
        predictions: as `FoldSweep.inner_predictions` returns them.
    """
    target = problem.target[fold.train]
    thresholds = thresholds_of_each(problem, fold, predictions) if needs_thresholds(problem) else None
    judged = problem.judged[fold.train] if problem.judged is not None else True
    metrics = {name: scorer(metric, target) for name, metric in problem.metrics.items()}
    scores = {name: np.empty((len(predictions), fold.n_inner)) for name in metrics}
    for inner in range(fold.n_inner):
        members = np.flatnonzero((fold.inner == inner) & judged)
        for chunk in _chunks(len(predictions), len(members) * (1 if target.ndim == 1 else target.shape[1])):
            values = predictions[chunk].take(members, axis=1)
            stack = Stack(target[members], values if thresholds is None else (values >= thresholds[chunk, None]).astype(np.uint8))
            for name, score in metrics.items():
                scores[name][chunk, inner] = score(stack)
    best = choose(scores[problem.scoring], greater_is_better=problem.metrics[problem.scoring].greater_is_better)
    return Choice(best, scores, None if thresholds is None else thresholds[best])


def _chunks(n_configs: int, n_values: int) -> Iterator[slice]:
    """Yield slices of configurations that are scored at once."""
    step = max(1, STACK_VALUES // max(1, n_values))
    for start in range(0, n_configs, step):
        yield slice(start, start + step)


def choose(scores: np.ndarray, *, greater_is_better: bool) -> int:
    """Return the row of scores (n_configs, n_inner) with the best mean of its defined (not NaN) values; ties go to the first."""
    means = mean_where(np.ascontiguousarray(scores), ~np.isnan(scores))
    sizes = np.abs(means[np.isfinite(means) & (means != 0)])
    # means are equal if they agree to 12 digits of the scores' magnitude: an error may be in any unit, 1e-9 m or 1e9 m
    unit = 10.0 ** np.ceil(np.log10(np.median(sizes))) if sizes.size else 1.0
    sign = 1 if greater_is_better else -1
    return int(np.argmax(np.where(np.isnan(means), -np.inf, sign * np.round(means / unit, 12))))


def best_of(scores: np.ndarray, usable: np.ndarray, metric: Scoring) -> int:
    """Return the best configuration, as `choose` does, among those that may be chosen; usable: bool (n_configs,), not all false."""
    kept = np.flatnonzero(usable)
    return int(kept[choose(scores[kept], greater_is_better=metric.greater_is_better)])


def defined_mean(scores: np.ndarray) -> float:
    """Return the mean of the defined scores; NaN if there is none."""
    defined = scores[~np.isnan(scores)]
    return float(defined.mean()) if defined.size else float("nan")
