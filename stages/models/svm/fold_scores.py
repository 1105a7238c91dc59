"""Scores from the decision values of a grid of SVMs on one outer fold and modality combination, exact or approximated."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.model import Config
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks
from stages.model_selection.fold_predictions import empty_predictions, predictions_of
from stages.models.svm.solvers import Solver


@dataclass(frozen=True)
class SvmFoldScores:
    """A grid's scores; a subclass computes the decision values."""

    problem: Problem
    settings: Any
    configs: list[Config]
    fold: Fold
    modalities: tuple[str, ...]
    blocks: FoldBlocks

    @property
    def solver(self) -> Solver:
        raise NotImplementedError

    @property
    def decisions(self) -> np.ndarray:
        """Every configuration's out-of-fold decision values of the training rows, 0 of those that are not validated: float (n_configs,
        n_train, n_outputs).
        """
        raise NotImplementedError

    def temperature(self, config: int) -> float:
        """Return the softmax temperature fitted to the out-of-fold decision values."""
        raise NotImplementedError

    def inner_predictions(self) -> np.ndarray:
        found = empty_predictions(self.problem, *self.decisions.shape[:2])
        for i, values in enumerate(self.decisions):
            found[i] = predictions_of(self.problem, self.solver.scores(values))
        return found

    def scores(self, config: int, values: np.ndarray) -> Scores:
        """Return the scores of a configuration's decision values."""
        return Scores(self.solver.scores(values), self.solver.probabilities(values, self.temperature(config)))

    def out_of_fold(self, config: int) -> Scores:
        return self.scores(config, self.decisions[config])

    @property
    def state(self) -> dict[str, Any]:
        """What a saved SVM stores of its problem."""
        return {"modalities": list(self.modalities), "form": self.problem.form, "n_outputs": len(self.problem.outputs)}
