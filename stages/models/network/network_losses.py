"""What networks minimise, by target form, and what their outputs say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.problem import Problem
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import Scale, fit_scale

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NetworkLoss:
    """The loss of a target form. scale: of continuous targets. class_weights: float32 (n_outputs,), of rows by their class; None: 1."""

    form: TargetForm
    n_outputs: int
    scale: Scale | None = None
    class_weights: np.ndarray | None = None

    def encoded(self, target: np.ndarray) -> np.ndarray:
        """Return the target for training: int64 (n,), or float32 (n, n_outputs), continuous targets standardized."""
        if self.form == "classes":
            return target.astype(np.int64)
        return (target if self.scale is None else self.scale.standardised(target)).astype(np.float32)

    def row_weights(self, target: np.ndarray) -> np.ndarray:
        """Return how much rows weigh: float32 (n,)."""
        return np.ones(len(target), np.float32) if self.class_weights is None else self.class_weights[target]

    def of_rows(self, outputs: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
        """Return the loss of each row (n_networks, n_batch): cross-entropy; its mean over labels; the mean square over known targets."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

        if self.form == "classes":
            return cross_entropy(outputs.flatten(0, 1), target.flatten(), reduction="none").reshape(target.shape)
        if self.form == "labels":
            return binary_cross_entropy_with_logits(outputs, target, reduction="none").mean(dim=-1)
        known = ~torch.isnan(target)
        squares = torch.where(known, outputs - torch.nan_to_num(target), 0.0) ** 2
        return squares.sum(dim=-1) / known.sum(dim=-1).clamp(min=1)

    def answers(self, outputs: "torch.Tensor") -> "torch.Tensor":
        """Return probabilities, or standardized targets."""
        import torch

        if self.form == "classes":
            return torch.softmax(outputs, dim=-1)
        return torch.sigmoid(outputs) if self.form == "labels" else outputs

    def scores(self, answers: np.ndarray) -> Scores:
        """Return a network's answers float32 (n, n_outputs) as scores, continuous targets in their own units."""
        if self.scale is not None:
            return Scores(self.scale.restored(answers.astype(np.float64)), None)
        return Scores(answers, answers)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a saved network needs of it."""
        return {} if self.scale is None else {"target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


def loss_for(problem: Problem, train: np.ndarray, class_weight: str) -> NetworkLoss:
    """Return the loss of a problem, fitted on training rows."""
    n_outputs, target = len(problem.outputs), problem.target[train]
    scale = fit_scale(target) if problem.form == "continuous" else None
    weights = None
    if class_weight == "balanced" and problem.form == "classes":
        counts = np.bincount(target, minlength=n_outputs)
        weights = (len(target) / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32)
    return NetworkLoss(problem.form, n_outputs, scale, weights)


def saved_loss(form: TargetForm, arrays: Mapping[str, np.ndarray]) -> NetworkLoss:
    """Return the loss of a saved network."""
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if form == "continuous" else None
    return NetworkLoss(form, 0, scale)
