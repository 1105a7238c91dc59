"""The interface of a file under stages/metrics/."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stages.contracts.task import TargetForm


class Scoring(Protocol):
    """A metric that chooses configurations: a `Metric`, or its stacked form (stages/scoring/)."""

    @property
    def name(self) -> str: ...

    @property
    def greater_is_better(self) -> bool: ...


class Score(Protocol):
    """A metric's function. target, prediction: in the target's form. scores: (n, n_outputs), None unless the metric needs them."""

    def __call__(self, target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None, /) -> float: ...


class ScoreByOutput(Protocol):
    """Like `Score`, with one score per class, label or target: float64 (n_outputs,)."""

    def __call__(self, target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Metric:
    """A metric; the arguments of `score` are as in Problem and FoldResult.

    title: as the report writes it. needs_scores: whether `score` reads probabilities. bounds: the range of a score; an end that is infinite
    makes it an error, or what an error leaves. limit: where no score is in fact beyond it, a number in place of the infinite end.
    forms: of the targets that it scores. bind: targets of the whole data set → the metric scaled by them.

    Grids of predictions are scored by the stacked form of a metric (stages/scoring/stacked_scores.py), if it has one.
    """

    name: str
    title: str
    score: Score
    greater_is_better: bool
    needs_scores: bool
    bounds: tuple[float, float] = (0.0, 1.0)
    limit: float | None = None
    forms: tuple[TargetForm, ...] = ("classes",)
    by_output: ScoreByOutput | None = None
    bind: Callable[[np.ndarray], "Metric"] | None = None

    @property
    def attainable(self) -> tuple[float, float]:
        """Return the range of a score and of its interval."""
        least, most = (end if self.limit is None or math.isfinite(end) else self.limit for end in self.bounds)
        return least, most

    def bound_to(self, target: np.ndarray) -> "Metric":
        """Return the metric for a data set with these targets (as in Problem)."""
        return self if self.bind is None else self.bind(target)
