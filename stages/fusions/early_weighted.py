"""Blocks next to one another, whose weights are chosen on the inner folds: a poor modality need not have the same say as a good one.

The weights are points of a grid on the simplex, which holds its corners: one modality alone. They are tried with the configuration that
was chosen for equal weights, at a corner with that of the modality alone; a grid of both at once would cost as many trainings as the grids
multiplied.
"""

import numpy as np
from pydantic import Field

from stages.contracts.fusion import EarlyFusion
from stages.contracts.settings import Settings
from stages.model_selection.simplex import finest, simplex

MOST_POINTS = 35  # of the grid where `n_steps` is not given: 4 steps of up to four modalities, 2 of six


class EarlyWeightedSettings(Settings):
    n_steps: int | None = Field(
        None, ge=1, le=20, description="weights are multiples of 1 / n_steps that sum to 1, and equal ones; null: 4 up to four modalities"
    )


def weightings(n_modalities: int, settings: EarlyWeightedSettings) -> np.ndarray:
    """Return the grid of weights, equal ones first: float64 (n_weightings, n_modalities)."""
    return simplex(n_modalities, settings.n_steps or min(4, finest(n_modalities, MOST_POINTS)))


FUSION = EarlyFusion(name="early_weighted", title="early, chosen weights", settings=EarlyWeightedSettings, weightings=weightings)
