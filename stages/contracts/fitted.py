"""A fitted model in a form that is saved without pickle, and the scores that models compute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

CalibrationMethod = Literal["none", "temperature", "sigmoid", "isotonic"]


@dataclass(frozen=True)
class Fitted:
    """A fitted model as arrays, plain JSON and, for some estimators, files written by skops; nothing needs pickle."""

    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """A model's outputs for n samples, before decisions.

    decisions: float (n, n_outputs). Classes: the largest is predicted. Labels: those that reach their threshold are predicted. Continuous
        targets: the predictions, in their own units.
    probabilities: float32 (n, n_outputs), of classes or labels; None for continuous targets.
    """

    decisions: np.ndarray
    probabilities: np.ndarray | None
