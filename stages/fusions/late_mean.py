"""The mean of the single modalities' scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.contracts.fusion import Combiner, LateFusion
from stages.contracts.model import Config
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm


def grid(modalities: tuple[str, ...], settings: Any) -> list[Config]:
    """Return one configuration: there is nothing to choose."""
    return [{}]


def fit(config: Mapping[str, Any], scores: np.ndarray, target: np.ndarray, form: TargetForm) -> Combiner:
    """Return the mean over members."""
    return mean


def mean(scores: np.ndarray) -> np.ndarray:
    """Return the mean over members: float64 (n, n_outputs)."""
    return np.asarray(scores.mean(axis=1))


FUSION = LateFusion(name="late_mean", title="late, mean", settings=Settings, grid=grid, fit=fit)
