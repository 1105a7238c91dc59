"""What follows from a target's form: strata, baseline, room for predictions, and from decision values to predictions.

One class per form of stages/contracts/task.py; `FORMS[problem.form]` is the one of a problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from stages.contracts.task import TargetForm


class Form(Protocol):
    """What every form answers. target: as in Problem. decisions: (n, n_outputs), as in Scores."""

    @property
    def output(self) -> str:
        """One output in words: class, label or target."""
        ...

    @property
    def has_probabilities(self) -> bool: ...

    def strata(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return what every fold should have its share of: float64 (n, n_strata), 1 where a row counts for it."""
        ...

    def decide(self, decisions: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return the predictions in the target's form; thresholds: float64 (n_outputs,), of labels only."""
        ...

    def empty(self, shape: tuple[int, ...], n_outputs: int) -> np.ndarray:
        """Return room for what is kept of many configurations' predictions, `shape` of them."""
        ...

    def kept(self, decisions: np.ndarray) -> np.ndarray:
        """Return what is kept of decisions (…, n, n_outputs), in the form of `empty`."""
        ...

    def expected(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return the decisions of a baseline that sees no features: (n_outputs,)."""
        ...


class Classes:
    output = "class"
    has_probabilities = True

    def strata(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return a column per class."""
        return (target[:, None] == np.arange(n_outputs)).astype(np.float64)

    def decide(self, decisions: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return the code of the largest decision value: int32 (n,)."""
        return decisions.argmax(axis=1).astype(np.int32)

    def empty(self, shape: tuple[int, ...], n_outputs: int) -> np.ndarray:
        """Return room for codes alone: the decision values of many configurations would fill the memory."""
        return np.empty(shape, dtype=np.int32)

    def kept(self, decisions: np.ndarray) -> np.ndarray:
        return decisions.argmax(axis=-1).astype(np.int32)

    def expected(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return the share of each class: float32."""
        return (np.bincount(target, minlength=n_outputs) / len(target)).astype(np.float32)


class Labels:
    output = "label"
    has_probabilities = True

    def strata(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return a column per label."""
        return target.astype(np.float64)

    def decide(self, decisions: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return 1 for every label at its threshold or above: uint8 (n, n_outputs)."""
        return (decisions >= thresholds).astype(np.uint8)

    def empty(self, shape: tuple[int, ...], n_outputs: int) -> np.ndarray:
        return np.empty((*shape, n_outputs), dtype=np.float32)

    def kept(self, decisions: np.ndarray) -> np.ndarray:
        return decisions

    def expected(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return the share of rows with each label: float32."""
        return known_means(target).astype(np.float32)


class Continuous:
    output = "target"
    has_probabilities = False

    def strata(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return four columns per target: the quarter of its distribution in which a known value lies."""
        parts = []
        for values in target.T:
            known = ~np.isnan(values)
            edges = np.quantile(values[known], [0.25, 0.5, 0.75]) if known.any() else np.zeros(3)
            parts.append((np.searchsorted(edges, values, side="right")[:, None] == np.arange(4)) & known[:, None])
        return np.hstack(parts).astype(np.float64)

    def decide(self, decisions: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return the decision values, float64 as the target: a time in seconds since 1970 is 64 s off in float32."""
        return decisions.astype(np.float64)

    def empty(self, shape: tuple[int, ...], n_outputs: int) -> np.ndarray:
        return np.empty((*shape, n_outputs), dtype=np.float64)

    def kept(self, decisions: np.ndarray) -> np.ndarray:
        return decisions

    def expected(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return the mean of each target where it is known: float64."""
        return known_means(target)


FORMS: Mapping[TargetForm, Form] = MappingProxyType({"classes": Classes(), "labels": Labels(), "continuous": Continuous()})


def known_means(target: np.ndarray) -> np.ndarray:
    """Return the mean of each column where it is not NaN, 0 where nothing is known: float64 (n_outputs,)."""
    known = ~np.isnan(target)
    return np.asarray(np.where(known, target, 0).sum(axis=0, dtype=np.float64) / np.maximum(known.sum(axis=0), 1))


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each continuous target over training rows: models see standardised targets and predict in their units."""

    mean: np.ndarray  # float64 (n_outputs,)
    deviation: np.ndarray  # float64 (n_outputs,), 1 where the target does not vary

    def standardised(self, target: np.ndarray) -> np.ndarray:
        """Return (target − mean) / deviation: float64 (n, n_outputs), NaN where not known."""
        return (target - self.mean) / self.deviation

    def restored(self, values: np.ndarray) -> np.ndarray:
        """Return values in the targets' own units."""
        return values * self.deviation + self.mean


def fit_scale(target: np.ndarray) -> Scale:
    """Return the scale of training rows: float64 (n, n_outputs), NaN where not known."""
    mean = known_means(target)
    deviation = np.sqrt(known_means((target - mean) ** 2))
    return Scale(mean, np.where(deviation > 0, deviation, 1.0))
