"""What depends on a target's form: strata, prediction buffers, decisions and the baseline.

One class per form of stages/contracts/task.py; `FORMS[problem.form]` is a problem's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from stages.contracts.task import TargetForm


class Form(Protocol):
    """The interface of every form. target: as in Problem. decisions: (n, n_outputs), as in Scores."""

    @property
    def output(self) -> str:
        """The noun for one output: class, label or target."""
        ...

    @property
    def has_probabilities(self) -> bool: ...

    def strata(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return the strata that every fold should have its share of: float64 (n, n_strata), 1 where a row belongs to the stratum."""
        ...

    def decide(self, decisions: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return the predictions in the target's form; thresholds: float64 (n_outputs,), for labels only."""
        ...

    def empty(self, shape: tuple[int, ...], n_outputs: int) -> np.ndarray:
        """Return an uninitialised array for `shape` predictions of many configurations."""
        ...

    def kept(self, decisions: np.ndarray) -> np.ndarray:
        """Return decisions (…, n, n_outputs) in the form of `empty`."""
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
        """Return an array of codes: the decision values of many configurations would exhaust memory."""
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
        """Return four columns per target: the quartile of each known value."""
        strata = []
        for values in target.T:
            known = ~np.isnan(values)
            edges = np.quantile(values[known], [0.25, 0.5, 0.75]) if known.any() else np.zeros(3)
            strata.append((np.searchsorted(edges, values, side="right")[:, None] == np.arange(4)) & known[:, None])
        return np.hstack(strata).astype(np.float64)

    def decide(self, decisions: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Return the decision values as float64, like the target: float32 rounds seconds since 1970 by up to 64 s."""
        return decisions.astype(np.float64)

    def empty(self, shape: tuple[int, ...], n_outputs: int) -> np.ndarray:
        return np.empty((*shape, n_outputs), dtype=np.float64)

    def kept(self, decisions: np.ndarray) -> np.ndarray:
        return decisions

    def expected(self, target: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return the mean of each target's known values: float64."""
        return known_means(target)


FORMS: Mapping[TargetForm, Form] = MappingProxyType({"classes": Classes(), "labels": Labels(), "continuous": Continuous()})


def known_means(target: np.ndarray) -> np.ndarray:
    """Return the mean of each column's values that are not NaN, 0 if there is none: float64 (n_outputs,)."""
    known = ~np.isnan(target)
    return np.asarray(np.where(known, target, 0).sum(axis=0, dtype=np.float64) / np.maximum(known.sum(axis=0), 1))


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each continuous target over training rows: models are fitted to standardised targets."""

    mean: np.ndarray  # float64 (n_outputs,)
    deviation: np.ndarray  # float64 (n_outputs,), 1 for a constant target

    def standardised(self, target: np.ndarray) -> np.ndarray:
        """Return (target − mean) / deviation: float64 (n, n_outputs), NaN where not known."""
        return (target - self.mean) / self.deviation

    def restored(self, values: np.ndarray) -> np.ndarray:
        """Return values in the targets' units."""
        return values * self.deviation + self.mean


def fit_scale(target: np.ndarray) -> Scale:
    """Return the scale of training rows: float64 (n, n_outputs), NaN where not known."""
    mean = known_means(target)
    deviation = np.sqrt(known_means((target - mean) ** 2))
    return Scale(mean, np.where(deviation > 0, deviation, 1.0))
