"""The loss of a trained network as a function of all its weights: values, gradients and products of the Hessian with vectors, in float64.

Products with the Hessian follow the derivative along a direction through the forward and the backward pass, so that torch, which takes
seconds to import, is not needed. Source: Pearlmutter 1994, Neural Computation 6, 147.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit

from stages.features.encoders import Matrix
from stages.models.mlp.networks import Weights
from stages.models.mlp.output_losses import OutputLoss

Layers = list[tuple[np.ndarray, np.ndarray]]  # as Weights, float64

# Of each activation: its first two derivatives, from its inputs z and outputs a.
SLOPES = {
    "relu": lambda z, a: (z > 0).astype(np.float64),
    "tanh": lambda z, a: 1 - a**2,
    "logistic": lambda z, a: a * (1 - a),
    "softplus": lambda z, a: expit(z),
    "identity": lambda z, a: np.ones_like(z),
}
BENDS = {
    "relu": lambda z, a: np.zeros_like(z),
    "tanh": lambda z, a: -2 * a * (1 - a**2),
    "logistic": lambda z, a: a * (1 - a) * (1 - 2 * a),
    "softplus": lambda z, a: expit(z) * expit(-z),
    "identity": lambda z, a: np.zeros_like(z),
}
ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "logistic": expit,
    "softplus": lambda z: np.logaddexp(z, 0),
    "identity": lambda z: z,
}


@dataclass(frozen=True)
class _Passes:
    """What products with the Hessian need of the point: by layer, inputs, slopes, bends times the error before the slope, and errors."""

    inputs: Sequence[Any]
    slopes: Sequence[np.ndarray]
    bends: Sequence[np.ndarray]
    errors: Sequence[np.ndarray]
    outputs: np.ndarray


class MlpSurface:
    """The mean loss over rows (stages/curvature/point_verdict.py). inputs: (n_rows, d), or CSR.

    The point: kernels and biases, layer by layer.
    """

    def __init__(self, weights: Weights, inputs: Matrix, activation: str, loss: OutputLoss) -> None:
        self._layers = [(kernel.astype(np.float64), bias.astype(np.float64)) for kernel, bias in weights]
        self._inputs, self._activation, self._loss = inputs.astype(np.float64), activation, loss
        self.n_rows = inputs.shape[0]
        self.scale = loss.value(np.zeros((self.n_rows, weights[-1][1].size)))
        self.point = flat(self._layers)

    def loss(self, weights: np.ndarray) -> float:
        """Return the loss at other weights (n,)."""
        return self._loss.value(self._forward(self._shaped(weights))[2])

    def gradient(self) -> np.ndarray:
        """Return the gradient at the point: float64 (n,)."""
        found = self._passes
        return flat([(below.T @ error, error.sum(axis=0)) for below, error in zip(found.inputs, found.errors, strict=True)])

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Return the Hessian at the point times a vector (n,)."""
        found, along = self._passes, self._shaped(vector)
        moved, inner = list[np.ndarray](), list[np.ndarray]()  # derivatives of what activations return and see; inputs do not move
        for place, ((kernel, _), (turn, shift), below) in enumerate(zip(self._layers, along, found.inputs, strict=True)):
            inner.append(below @ turn + shift + (moved[-1] @ kernel if place else 0.0))
            if place < len(self._layers) - 1:
                moved.append(found.slopes[place] * inner[-1])
        change = self._loss.product(found.outputs, inner[-1])
        parts: Layers = []
        for place in reversed(range(len(self._layers))):
            error = found.errors[place]
            parts.append((found.inputs[place].T @ change + (moved[place - 1].T @ error if place else 0.0), change.sum(axis=0)))
            if place:
                back = change @ self._layers[place][0].T + error @ along[place][0].T
                change = back * found.slopes[place - 1] + found.bends[place - 1] * inner[place - 1]
        return flat(parts[::-1])

    @cached_property
    def _passes(self) -> _Passes:
        inputs, inner, outputs = self._forward(self._layers)
        slopes = [SLOPES[self._activation](z, a) for z, a in zip(inner, inputs[1:], strict=True)]
        errors, bends = [self._loss.slope(outputs)], list[np.ndarray]()
        for place in reversed(range(1, len(self._layers))):
            back = errors[0] @ self._layers[place][0].T
            bends.insert(0, BENDS[self._activation](inner[place - 1], inputs[place]) * back)
            errors.insert(0, back * slopes[place - 1])
        return _Passes(inputs, slopes, bends, errors, outputs)

    def _forward(self, layers: Layers) -> tuple[list[Any], list[np.ndarray], np.ndarray]:
        """Return the inputs of each layer, what each hidden layer's activation sees, and the outputs."""
        inputs, inner = list[Any]([self._inputs]), list[np.ndarray]()
        for kernel, bias in layers[:-1]:
            inner.append(inputs[-1] @ kernel + bias)
            inputs.append(ACTIVATIONS[self._activation](inner[-1]))
        return inputs, inner, inputs[-1] @ layers[-1][0] + layers[-1][1]

    def _shaped(self, vector: np.ndarray) -> Layers:
        found, start = Layers(), 0
        for kernel, bias in self._layers:
            middle, end = start + kernel.size, start + kernel.size + bias.size
            found.append((vector[start:middle].reshape(kernel.shape), vector[middle:end]))
            start = end
        return found


def flat(layers: Layers) -> np.ndarray:
    """Return kernels and biases as one vector (n,), layer by layer."""
    return np.concatenate([values.ravel() for layer in layers for values in layer])
