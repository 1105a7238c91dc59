"""Choose a configuration on the inner folds, and number a grid's configurations."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.problem import Fold, Problem
from stages.model_selection.decisions import CLASSES, decide, fit_thresholds, fit_thresholds_of_each
from stages.scoring.stacks import Stack, mean_where


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


def empty_predictions(problem: Problem, *shape: int) -> np.ndarray:
    """Return room for predictions, `shape` of them: classes' codes alone, as the scores of many configurations would fill the memory."""
    if problem.task in CLASSES:
        return np.empty(shape, dtype=np.int32)
    return np.empty((*shape, len(problem.outputs)), dtype=np.float64 if problem.task == "regression" else np.float32)


class InnerPredictions:
    """What every configuration says of one outer fold's training rows, each row by the model that held it out.

    found: int32 (n_configs, n_train), class codes; labels' scores and numbers (n_configs, n_train, n_outputs); empty if not given.
    """

    def __init__(self, problem: Problem, fold: Fold, n_configs: int, found: np.ndarray | None = None) -> None:
        self.problem, self.fold = problem, fold
        self.found = empty_predictions(problem, n_configs, len(fold.train)) if found is None else found

    def put(self, config: int, rows: np.ndarray, scores: np.ndarray) -> None:
        """Keep the scores (n_rows, n_outputs) of some of the training rows (a mask or numbers into fold.train)."""
        self.found[config, rows] = decide(self.problem.task, scores) if self.problem.task in CLASSES else scores

    def choose(self) -> Choice:
        """Return the configuration with the best mean score over the inner folds; of equals the first, which is the simplest.

        A label's threshold is chosen on all held-out rows together; the configuration is then judged with it. A metric's scale is taken
        from the training rows too: how far outer test rows lie apart must not say which number weighs most.
        """
        problem, target = self.problem, self.problem.target[self.fold.train]
        thresholds = thresholds_of_each(problem, target, self.found)
        metrics = {name: metric.bound_to(target) for name, metric in problem.metrics.items()}
        n_configs, n_inner = len(self.found), int(self.fold.inner.max()) + 1
        scores = {name: np.empty((n_configs, n_inner)) for name in metrics}
        for inner in range(n_inner):
            members = np.flatnonzero(self.fold.inner == inner)
            for some in _pieces(n_configs, len(members) * (1 if target.ndim == 1 else target.shape[1])):
                stack = Stack(target[members], self._predictions(some, members, thresholds))
                for name, metric in metrics.items():
                    scores[name][some, inner] = metric.scores_of(stack)
        best = choose(scores[problem.select], greater_is_better=problem.metrics[problem.select].greater_is_better)
        return Choice(best, scores, None if thresholds is None else thresholds[best])

    def _predictions(self, some: slice, members: np.ndarray, thresholds: np.ndarray | None) -> np.ndarray:
        found = self.found[some].take(members, axis=1)
        return found if thresholds is None else (found >= thresholds[some, None]).astype(np.uint8)


def _pieces(n_configs: int, n_values: int) -> Iterator[slice]:
    """Yield configurations that are judged at once: their predictions have at most some 4 million values."""
    step = max(1, 4_000_000 // max(1, n_values))
    for start in range(0, n_configs, step):
        yield slice(start, start + step)


def thresholds_of_each(problem: Problem, target: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Return the labels' thresholds of each configuration's scores (n_configs, n, n_outputs); None unless the task is multilabel.

    They serve the metric that chooses: an F1 wants lower ones than a share of right answers.
    """
    if problem.task != "multilabel":
        return None
    return fit_thresholds_of_each(target, scores, by_f1="f1" in problem.select)


def thresholds_for(problem: Problem, target: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Return the labels' thresholds by held-out scores (n, n_outputs); None unless the task is multilabel."""
    return None if problem.task != "multilabel" else fit_thresholds(target, scores, by_f1="f1" in problem.select)


def choose(scores: np.ndarray, *, greater_is_better: bool) -> int:
    """Return the row of scores (n_configs, n_inner) with the best mean of those defined (not NaN); of equals the first."""
    means = mean_where(np.ascontiguousarray(scores), ~np.isnan(scores))
    sizes = np.abs(means[np.isfinite(means) & (means != 0)])
    # equal to 12 digits of what scores usually are: an error may be in any unit, 1e-9 m or 1e9 m
    unit = 10.0 ** np.ceil(np.log10(np.median(sizes))) if sizes.size else 1.0
    sign = 1 if greater_is_better else -1
    return int(np.argmax(np.where(np.isnan(means), -np.inf, sign * np.round(means / unit, 12))))


def defined_mean(scores: np.ndarray) -> float:
    """Return the mean of the scores that are defined; NaN where none is."""
    defined = scores[~np.isnan(scores)]
    return float(defined.mean()) if defined.size else float("nan")
