"""Torch modules of lessons: seeded, of an equal number of parameters, trained as classifiers in float64."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from stages.teaching.small_networks import Recipe, train

if TYPE_CHECKING:
    import torch


def seeded_module(make: "Callable[[], torch.nn.Module]", seed: int) -> "torch.nn.Module":
    """Return a module with first weights of its own seed, in float64; the global generator of torch is left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().double()


def n_parameters(module: "torch.nn.Module") -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def nearest_width(make: "Callable[[int], torch.nn.Module]", n: int, widths: range) -> int:
    """Return the width at which a module has as many parameters as another, as nearly as there is one.

    Args:
        n: parameters of the other.
    """
    return min(widths, key=lambda width: abs(n_parameters(make(width)) - n))


def fit_classifier(module: "torch.nn.Module", X: np.ndarray, y: np.ndarray, recipe: Recipe, *, seed: int) -> np.ndarray:
    """Train a module, whose outputs are scores of classes, by the cross-entropy; return the loss by step.

    Args:
        X: float64 (n, …). y: int64 (n,).
    """
    import torch

    rows, target = torch.from_numpy(X), torch.from_numpy(y)

    def loss_of(chosen: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(module(rows[chosen]), target[chosen])

    return train(list(module.parameters()), loss_of, len(X), recipe, seed=seed)


def accuracy_of(module: "torch.nn.Module", X: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows whose class has the largest score."""
    import torch

    with torch.no_grad():
        return float((module(torch.from_numpy(X)).argmax(dim=1).numpy() == y).mean())
