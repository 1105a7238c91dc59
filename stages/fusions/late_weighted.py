"""A weighted mean of the single modalities' scores; the weights are chosen on the inner folds from a grid on the simplex.

A member whose out-of-fold scores are not shown to go with the target has weight 0, unless none is shown to.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from stages.contracts.fusion import Combiner, LateFusion
from stages.contracts.model import Config
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm
from stages.model_selection.informed_members import informed_members
from stages.model_selection.simplex import finest, simplex

MOST_POINTS = 70  # of the grid where `n_steps` is not given: 10 steps of two or three modalities, 4 of four or five
MOST_STEPS = 10


class LateWeightedSettings(Settings):
    n_steps: int | None = Field(
        None, ge=1, le=50, description="weights are multiples of 1 / n_steps that sum to 1, and equal ones; null: 10 up to three modalities"
    )


def grid(modalities: tuple[str, ...], settings: LateWeightedSettings) -> list[Config]:
    """Return the weights by modality, equal ones first."""
    n_steps = settings.n_steps or min(MOST_STEPS, finest(len(modalities), MOST_POINTS))
    return [{"modality_weights": dict(zip(modalities, row, strict=True))} for row in simplex(len(modalities), n_steps).tolist()]


def fit(config: Mapping[str, Any], scores: np.ndarray, target: np.ndarray, form: TargetForm) -> Combiner:
    """Return the weighted mean over members; nothing is learned."""
    return partial(weighted_mean, np.array(list(config["modality_weights"].values())))


def weighted_mean(weights: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return Σ weight · scores over members: float64 (n, n_outputs)."""
    return np.einsum("m,nmo->no", weights, scores)


def usable(configs: list[Config], scores: np.ndarray, target: np.ndarray, form: TargetForm) -> np.ndarray:
    """Return which weights leave out the members that are not shown to know anything: bool (n_configs,)."""
    informed = informed_members(scores, target, form)
    if not informed.any():
        return np.ones(len(configs), dtype=bool)
    weights = np.array([list(config["modality_weights"].values()) for config in configs])
    return np.asarray((weights[:, ~informed] == 0).all(axis=1))


FUSION = LateFusion(
    name="late_weighted", title="late, chosen weights", settings=LateWeightedSettings, grid=grid, fit=fit, usable=usable
)
