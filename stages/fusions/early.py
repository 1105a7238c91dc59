"""Blocks next to one another, each with the same weight: one model sees all modalities."""

from typing import Any

import numpy as np

from stages.contracts.candidate import EARLY
from stages.contracts.fusion import EarlyFusion
from stages.contracts.settings import Settings


def equal_weights(n_modalities: int, settings: Any) -> np.ndarray:
    """Return one row of equal weights: float64 (1, n_modalities)."""
    return np.full((1, n_modalities), 1 / n_modalities)


FUSION = EarlyFusion(name=EARLY, title="early, equal weights", settings=Settings, weightings=equal_weights)
