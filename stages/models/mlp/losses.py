"""What a network minimises for a task: its loss, the form of its target, and how its outputs become scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stages.contracts.problem import Problem
from stages.contracts.task import Task
from stages.model_selection.decisions import CLASSES, Scale, fit_scale


@dataclass(frozen=True)
class Loss:
    """name: classes, labels or numbers (networks.Examples). n_outputs: units of the last layer. scale: of a regression's targets."""

    name: str
    n_outputs: int
    scale: Scale | None = None

    def encoded(self, target: np.ndarray) -> np.ndarray:
        """Return the target as the loss wants it: int64 (n,), or float32 (n, n_outputs), numbers standardised."""
        if self.name == "classes":
            return target.astype(np.int64)
        return (target if self.scale is None else self.scale.standardised(target)).astype(np.float32)

    def restored(self, outputs: np.ndarray) -> np.ndarray:
        """Return probabilities as they are, and targets in their own units."""
        return outputs if self.scale is None else self.scale.restored(outputs.astype(np.float64))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a saved model must keep."""
        return {} if self.scale is None else {"target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


def loss_for(problem: Problem, train: np.ndarray) -> Loss:
    """Return the loss of a problem; the scale of targets is fitted on `train`."""
    scale = fit_scale(problem.target[train]) if problem.task == "regression" else None
    return Loss(_name(problem.task), len(problem.outputs), scale)


def saved_loss(task: Task, arrays: Mapping[str, np.ndarray]) -> Loss:
    """Return the loss of a saved network."""
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if task == "regression" else None
    return Loss(_name(task), 0, scale)


def _name(task: Task) -> str:
    return "classes" if task in CLASSES else "labels" if task == "multilabel" else "numbers"
