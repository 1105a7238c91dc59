"""Activations and losses of networks with their derivatives, by the formulas: what a lesson compares with other ways of computing them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

DELTA = 1.0  # margin of the hinges


class Function(NamedTuple):
    """A function and its derivative, by the formula."""

    value: Callable[..., np.ndarray]
    slope: Callable[..., np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


ACTIVATIONS: Mapping[str, Function] = {
    "identity": Function(lambda x: x, np.ones_like),
    "sigmoid": Function(sigmoid, lambda x: (1 - sigmoid(x)) * sigmoid(x)),
    "tanh": Function(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "ReLU": Function(lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
    "softplus": Function(lambda x: np.logaddexp(x, 0), sigmoid),
}


def probabilities(f: np.ndarray) -> np.ndarray:
    shifted = np.exp(f - f.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def gaps(f: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return f_j − f_y + Δ of the wrong classes; −∞ of the right one."""
    return np.asarray(np.where(target == 1, -np.inf, f - (f * target).sum(axis=-1, keepdims=True) + DELTA))


def hinge_slope(counted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the slopes of a hinge: 1 of each counted wrong class, minus their number of the right one."""
    return np.asarray(counted - target * counted.sum(axis=-1, keepdims=True))


def largest_gap(f: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return which class has the largest gap of a row, if it is above 0."""
    found = gaps(f, target)
    return np.asarray((found == found.max(axis=-1, keepdims=True)) & (found > 0), float)


LOSSES: Mapping[str, Function] = {  # of outputs f (…, n, c) and targets (n, c) of 0 and 1: of each row; and the slopes of f
    "cross-entropy": Function(lambda f, t: -np.log((probabilities(f) * t).sum(axis=-1)), lambda f, t: probabilities(f) - t),
    "squared": Function(lambda f, t: ((f - t) ** 2).sum(axis=-1), lambda f, t: 2 * (f - t)),
    "hinge": Function(lambda f, t: np.maximum(gaps(f, t), 0).sum(axis=-1), lambda f, t: hinge_slope((gaps(f, t) > 0).astype(float), t)),
    "hinge of the largest": Function(lambda f, t: np.maximum(gaps(f, t).max(axis=-1), 0), lambda f, t: hinge_slope(largest_gap(f, t), t)),
}  # fmt: skip
