"""The interface of a file under stages/metrics/."""

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
    makes it an error, or what an error leaves. attainable: where that end is in fact finite, the range to which intervals are clipped.
    forms: of the targets that it scores. bind: targets of the whole data set → the metric scaled by them.

    Grids of predictions are scored by the stacked form of a metric (stages/scoring/stacked_scores.py), if it has one.
    """

    name: str
    title: str
    score: Score
    greater_is_better: bool
    needs_scores: bool
    bounds: tuple[float, float] = (0.0, 1.0)
    attainable: tuple[float, float] | None = None
    forms: tuple[TargetForm, ...] = ("classes",)
    by_output: ScoreByOutput | None = None
    bind: Callable[[np.ndarray], "Metric"] | None = None

    def bound_to(self, target: np.ndarray) -> "Metric":
        """Return the metric for a data set with these targets (as in Problem)."""
        return self if self.bind is None else self.bind(target)
