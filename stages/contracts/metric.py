"""What a file under stages/metrics/ provides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.task import Task


@dataclass(frozen=True)
class Metric:
    """A metric: `score(target, prediction, scores)`; the arguments are as in Problem and FoldResult.

    `by_output(target, prediction, scores)` → float64 (n_outputs,), where each label or number has a score of its own.
    `score_stack(stack)` → float64 (m,), the scores of m predictions for the same rows (stages.scoring.stacks.Stack), the same to the
    last bit as `score` of each: whole grids are judged at once.
    """

    name: str
    title: str
    score: Callable[..., float]
    greater_is_better: bool
    needs_scores: bool
    bounds: tuple[float, float] = (0.0, 1.0)  # what a score can be; intervals are clipped to it
    tasks: tuple[Task, ...] = ("binary", "multiclass")
    by_output: Callable[..., np.ndarray] | None = None
    bind: Callable[[np.ndarray], "Metric"] | None = None  # targets of the whole data set → the metric with a scale taken from them
    score_stack: Callable[..., np.ndarray] | None = None

    def bound_to(self, target: np.ndarray) -> "Metric":
        """Return the metric for a data set with these targets (as in Problem)."""
        return self if self.bind is None else self.bind(target)

    def scores_of(self, stack: Any) -> np.ndarray:
        """Return the score of each prediction of a stack: float64 (m,)."""
        if self.score_stack is not None:
            return self.score_stack(stack)
        return np.array([self.score(stack.target, prediction, None) for prediction in stack.predictions], dtype=np.float64)
