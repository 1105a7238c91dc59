"""The gradient of a network with one hidden layer in three ways: by the formulas, by differences of the loss, by torch."""

from typing import NamedTuple

import numpy as np

from stages.teaching.closed_forms import ACTIVATIONS, DELTA, LOSSES

N_INPUTS, N_CLASSES = 4, 3
TORCH_NAMES = {"sigmoid": "logistic", "ReLU": "relu"}


class Probe(NamedTuple):
    """Rows X (n, d) of classes y int (n,), and parameters: W₁ (h, d), b₁ (h,), W₂ (c, h), b₂ (c,) one after the other, in one vector."""

    X: np.ndarray
    y: np.ndarray
    parameters: np.ndarray
    n_hidden: int


def split(parameters: np.ndarray, h: int) -> list[np.ndarray]:
    """Return W₁, b₁, W₂ and b₂ of vectors (…, p)."""
    shapes = [(h, N_INPUTS), (h,), (N_CLASSES, h), (N_CLASSES,)]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return [part.reshape(*parameters.shape[:-1], *shape) for part, shape in zip(np.split(parameters, ends, axis=-1), shapes, strict=True)]


def units(probe: Probe, parameters: np.ndarray, activation: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what goes into the hidden units (…, n, h), and the outputs (…, n, c)."""
    W1, b1, W2, b2 = split(parameters, probe.n_hidden)
    before = probe.X @ np.swapaxes(W1, -1, -2) + b1[..., None, :]
    return before, ACTIVATIONS[activation].value(before) @ np.swapaxes(W2, -1, -2) + b2[..., None, :]


def loss_at(probe: Probe, parameters: np.ndarray, loss: str, activation: str) -> np.ndarray:
    """Return the mean loss at vectors (…, p) of parameters."""
    return np.asarray(LOSSES[loss].value(units(probe, parameters, activation)[1], np.eye(N_CLASSES)[probe.y]).mean(axis=-1))


def analytic(probe: Probe, loss: str, activation: str) -> np.ndarray:
    """Return the gradient (p,) by the formulas and the chain rule."""
    before, f = units(probe, probe.parameters, activation)
    _, _, W2, _ = split(probe.parameters, probe.n_hidden)
    of_f = LOSSES[loss].slope(f, np.eye(N_CLASSES)[probe.y]) / len(probe.X)
    of_before = of_f @ W2 * ACTIVATIONS[activation].slope(before)
    parts = of_before.T @ probe.X, of_before.sum(axis=0), of_f.T @ ACTIVATIONS[activation].value(before), of_f.sum(axis=0)
    return np.concatenate([part.ravel() for part in parts])


def numerical(probe: Probe, loss: str, activation: str, *, h: float, central: bool = True) -> np.ndarray:
    """Return the gradient (p,) by differences of the loss: of both sides, or of one."""
    moves = h * np.eye(len(probe.parameters))
    above = loss_at(probe, probe.parameters + moves, loss, activation)
    below = loss_at(probe, probe.parameters - moves if central else probe.parameters, loss, activation)
    return np.asarray((above - below) / (2 * h if central else h))


def by_autograd(probe: Probe, loss: str, activation: str) -> np.ndarray:
    """Return the gradient (p,) that torch finds by itself."""
    import torch

    from stages.teaching.small_networks import flat_parameters, outputs_of

    W1, b1, W2, b2 = (torch.from_numpy(part.copy()).requires_grad_() for part in split(probe.parameters, probe.n_hidden))
    layers, y = [(W1, b1), (W2, b2)], torch.from_numpy(probe.y)
    f = outputs_of(layers, torch.from_numpy(probe.X), TORCH_NAMES.get(activation, activation))
    right = torch.nn.functional.one_hot(y, N_CLASSES)
    over = (f - (f * right).sum(dim=1, keepdim=True) + DELTA).masked_fill(right == 1, -torch.inf)
    found = {
        "cross-entropy": lambda: torch.nn.functional.cross_entropy(f, y),
        "squared": lambda: ((f - right) ** 2).sum(dim=1).mean(),
        "hinge": lambda: over.relu().sum(dim=1).mean(),
        "hinge of the largest": lambda: over.max(dim=1).values.relu().mean(),
    }[loss]()
    return torch.cat([part.ravel() for part in torch.autograd.grad(found, flat_parameters(layers))]).numpy()  # fmt: skip


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """Return ‖a − b‖ / (‖a‖ + ‖b‖)."""
    return float(np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)))
