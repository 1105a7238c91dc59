"""What a network learns for a task: its loss, the form of its target, and how its outputs become scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stages.contracts.problem import Problem
from stages.contracts.task import Task
from stages.model_selection.decisions import CLASSES, Scale, fit_scale


@dataclass(frozen=True)
class Learner:
    """loss: key of networks.LOSSES. n_outputs: units of the last layer. scale: of numbers, None for classes and labels."""

    loss: str
    n_outputs: int
    scale: Scale | None = None

    def encoded(self, target: np.ndarray) -> np.ndarray:
        """Return the target as the loss wants it: int64 (n,), or float32 (n, n_outputs), numbers standardised."""
        if self.loss == "classes":
            return target.astype(np.int64)
        return (target if self.scale is None else self.scale.standardised(target)).astype(np.float32)

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """Return probabilities as they are, and numbers in their own units."""
        return outputs if self.scale is None else self.scale.restored(outputs.astype(np.float64))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a saved model must keep."""
        return {} if self.scale is None else {"target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


def learner_for(problem: Problem, train: np.ndarray) -> Learner:
    """Return what networks learn for a problem; the scale of numbers is fitted on `train`."""
    scale = fit_scale(problem.target[train]) if problem.task == "regression" else None
    return Learner(_loss(problem.task), len(problem.outputs), scale)


def saved_learner(task: Task, arrays: Mapping[str, np.ndarray]) -> Learner:
    """Return what turns a saved network's outputs into scores."""
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if task == "regression" else None
    return Learner(_loss(task), 0, scale)


def _loss(task: Task) -> str:
    return "classes" if task in CLASSES else "labels" if task == "multilabel" else "numbers"
