"""Choose a configuration on the inner folds, and number a grid's configurations."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts import Fold, Problem
from stages.numerics.outputs import CLASSES, decide, fit_thresholds


def product(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Return every combination, the last name varying fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


@dataclass(frozen=True)
class Choice:
    """The configuration used, every inner score that led to it, and its labels' thresholds.

    scores: {metric: float64 (n_configs, n_inner)}. thresholds: float64 (n_outputs,), multilabel only.
    """

    config: int
    scores: Mapping[str, np.ndarray]
    thresholds: np.ndarray | None


class InnerPredictions:
    """What every configuration says of one outer fold's training rows, each row by the model that held it out."""

    def __init__(self, problem: Problem, fold: Fold, n_configs: int) -> None:
        self.problem, self.fold = problem, fold
        n, n_outputs = len(fold.train), len(problem.outputs)
        if problem.task in CLASSES:  # the class alone: scores of many configurations and classes would fill the memory
            self.found = np.empty((n_configs, n), dtype=np.int32)
        else:
            self.found = np.empty((n_configs, n, n_outputs), dtype=np.float64 if problem.task == "regression" else np.float32)

    def put(self, config: int, rows: np.ndarray, scores: np.ndarray) -> None:
        """Keep the scores (n_rows, n_outputs) of some of the training rows (a mask or numbers into fold.train)."""
        self.found[config, rows] = decide(self.problem.task, scores) if self.problem.task in CLASSES else scores

    def choose(self) -> Choice:
        """Return the configuration with the best mean score over the inner folds; of equals the first, which is the simplest.

        A label's threshold is chosen on all held-out rows together; the configuration is then judged with it. A metric's scale is taken
        from the training rows too: how far outer test rows lie apart must not say which number weighs most.
        """
        problem, target = self.problem, self.problem.target[self.fold.train]
        thresholds = [self._thresholds(target, found) for found in self.found]
        predictions = [self._prediction(found, t) for found, t in zip(self.found, thresholds, strict=True)]
        members = [np.flatnonzero(self.fold.inner == inner) for inner in range(int(self.fold.inner.max()) + 1)]
        scores = {
            name: np.array([[metric.score(target[m], row[m], None) for m in members] for row in predictions], dtype=np.float64)
            for name, metric in ((name, metric.bound_to(target)) for name, metric in problem.metrics.items())
        }
        best = choose(scores[problem.select], greater_is_better=problem.metrics[problem.select].greater_is_better)
        return Choice(best, scores, thresholds[best])

    def _thresholds(self, target: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
        return thresholds_for(self.problem, target, scores)

    def _prediction(self, found: np.ndarray, thresholds: np.ndarray | None) -> np.ndarray:
        return found if self.problem.task in CLASSES else decide(self.problem.task, found, thresholds)


def thresholds_for(problem: Problem, target: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Return the labels' thresholds by held-out scores (n, n_outputs); None unless the task is multilabel.

    They serve the metric that chooses: an F1 wants lower ones than a share of right answers.
    """
    return fit_thresholds(target, scores, by_f1="f1" in problem.select) if problem.task == "multilabel" else None


def choose(scores: np.ndarray, *, greater_is_better: bool) -> int:
    """Return the row of scores (n_configs, n_inner) with the best mean of those defined (not NaN); of equals the first."""
    means = np.array([defined_mean(row) for row in scores])
    sizes = np.abs(means[np.isfinite(means) & (means != 0)])
    # equal to 12 digits of what scores usually are: an error may be in any unit, 1e-9 m or 1e9 m
    unit = 10.0 ** np.ceil(np.log10(np.median(sizes))) if sizes.size else 1.0
    sign = 1 if greater_is_better else -1
    return int(np.argmax(np.where(np.isnan(means), -np.inf, sign * np.round(means / unit, 12))))


def defined_mean(scores: np.ndarray) -> float:
    """Return the mean of the scores that are defined; NaN where none is."""
    defined = scores[~np.isnan(scores)]
    return float(defined.mean()) if defined.size else float("nan")
