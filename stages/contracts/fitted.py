"""A model that was fitted, as what can be saved without pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Fitted:
    """A fitted model as arrays, plain JSON and, of estimators, files that skops wrote: nothing that needs pickle."""

    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """What a model computes for n samples, before anything is decided.

    decisions: float (n, n_outputs), of classes, labels or targets: the largest class wins, a label above its threshold is predicted,
        targets are predicted as they are, in their own units.
    probabilities: float32 (n, n_outputs), of classes or labels; None of continuous targets.
    """

    decisions: np.ndarray
    probabilities: np.ndarray | None
