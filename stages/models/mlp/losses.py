"""The loss that a network minimises, by target form: encoding of the target, and conversion of outputs to scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stages.contracts.problem import Problem
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import Scale, fit_scale


@dataclass(frozen=True)
class Loss:
    """A network's loss.

    name: the target's form. n_outputs: units of the last layer. scale: of continuous targets.
    """

    name: str
    n_outputs: int
    scale: Scale | None = None

    def encoded(self, target: np.ndarray) -> np.ndarray:
        """Return the target for training: int64 (n,), or float32 (n, n_outputs), continuous targets standardised."""
        if self.name == "classes":
            return target.astype(np.int64)
        return (target if self.scale is None else self.scale.standardised(target)).astype(np.float32)

    def restored(self, outputs: np.ndarray) -> np.ndarray:
        """Return probabilities unchanged, and targets in their own units."""
        return outputs if self.scale is None else self.scale.restored(outputs.astype(np.float64))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that a saved model needs."""
        return {} if self.scale is None else {"target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


def loss_for(problem: Problem, train: np.ndarray) -> Loss:
    """Return the loss of a problem; the scale of targets is fitted on `train`."""
    scale = fit_scale(problem.target[train]) if problem.form == "continuous" else None
    return Loss(problem.form, len(problem.outputs), scale)


def saved_loss(form: TargetForm, arrays: Mapping[str, np.ndarray]) -> Loss:
    """Return the loss of a saved network."""
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if form == "continuous" else None
    return Loss(form, 0, scale)
