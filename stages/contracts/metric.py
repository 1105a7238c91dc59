"""What a file under stages/metrics/ provides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stages.contracts.task import TargetForm


class Scoring(Protocol):
    """What chooses a configuration: a metric, or its stacked form alone (stages/scoring/)."""

    @property
    def name(self) -> str: ...

    @property
    def greater_is_better(self) -> bool: ...


@dataclass(frozen=True)
class Metric:
    """A metric: `score(target, prediction, scores)`; the arguments are as in Problem and FoldResult.

    `by_output(target, prediction, scores)` → float64 (n_outputs,), where each class, label or target has a score of its own.
    Whole grids of predictions are scored by the stacked form of a metric (stages/scoring/stacked_scores.py), if it has one.
    """

    name: str
    title: str
    score: Callable[..., float]
    greater_is_better: bool
    needs_scores: bool
    bounds: tuple[float, float] = (0.0, 1.0)  # what a score can be; intervals are clipped to it
    forms: tuple[TargetForm, ...] = ("classes",)  # of the targets that it scores
    by_output: Callable[..., np.ndarray] | None = None
    bind: Callable[[np.ndarray], "Metric"] | None = None  # targets of the whole data set → the metric with a scale taken from them

    def bound_to(self, target: np.ndarray) -> "Metric":
        """Return the metric for a data set with these targets (as in Problem)."""
        return self if self.bind is None else self.bind(target)
