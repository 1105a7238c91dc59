"""The formulas of stages/optimizers/, computed a second time in plain numpy: what tests/test_optimizers.py compares with.

A rule with a learning rate is stepped on its own, from the same start. Of a rule that searches for the length of its step the direction is
computed, from the points that the optimizer has been at.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Vector = np.ndarray
Gradient = Callable[[Vector], Vector]
Rule = Callable[[Vector, Gradient, Sequence[float], Any], Iterator[Vector]]
Direction = Callable[[Sequence[Vector], Gradient, Callable[[Vector], np.ndarray], Any], Vector]


def gradient_descent(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    for rate in rates:
        theta = theta - rate * gradient(theta)
        yield theta


def sgd(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    velocity = np.zeros_like(theta)
    for rate in rates:
        slope = gradient(theta)
        velocity = settings.momentum * velocity + slope
        theta = theta - rate * (slope + settings.momentum * velocity if settings.nesterov else velocity)
        yield theta


def rmsprop(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    """The lecture's lines, with its names."""
    x, cache, decay_rate, eps = theta.copy(), np.zeros_like(theta), settings.decay_rate, settings.eps
    for learning_rate in rates:
        dx = gradient(x)
        cache = decay_rate * cache + (1 - decay_rate) * dx**2
        x = x - learning_rate * dx / (np.sqrt(cache) + eps)
        yield x


def adadelta(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    squares, steps, rho, eps = np.zeros_like(theta), np.zeros_like(theta), settings.decay_rate, settings.eps
    for rate in rates:
        slope = gradient(theta)
        squares = rho * squares + (1 - rho) * slope**2
        step = np.sqrt(steps + eps) / np.sqrt(squares + eps) * slope
        steps = rho * steps + (1 - rho) * step**2
        theta = theta - rate * step
        yield theta


def adam(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    m, v, beta1, beta2 = np.zeros_like(theta), np.zeros_like(theta), settings.beta1, settings.beta2
    for k, rate in enumerate(rates, start=1):
        slope = gradient(theta)
        m = beta1 * m + (1 - beta1) * slope
        v = beta2 * v + (1 - beta2) * slope**2
        theta = theta - rate * (m / (1 - beta1**k)) / (np.sqrt(v / (1 - beta2**k)) + settings.eps)
        yield theta


def adamw(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    m, v, beta1, beta2 = np.zeros_like(theta), np.zeros_like(theta), settings.beta1, settings.beta2
    for k, rate in enumerate(rates, start=1):
        slope = gradient(theta)
        m = beta1 * m + (1 - beta1) * slope
        v = beta2 * v + (1 - beta2) * slope**2
        theta = (1 - rate * settings.weight_decay) * theta
        theta = theta - rate * (m / (1 - beta1**k)) / (np.sqrt(v / (1 - beta2**k)) + settings.eps)
        yield theta


def adam_uncorrected(theta: Vector, gradient: Gradient, rates: Sequence[float], settings: Any) -> Iterator[Vector]:
    """The lecture's lines, with its names."""
    x, m, v, beta1, beta2 = theta.copy(), np.zeros_like(theta), np.zeros_like(theta), settings.beta1, settings.beta2
    for learning_rate in rates:
        dx = gradient(x)
        m = beta1 * m + (1 - beta1) * dx
        v = beta2 * v + (1 - beta2) * (dx**2)
        x = x - learning_rate * m / (np.sqrt(v) + settings.eps)
        yield x


def newton_direction(points: Sequence[Vector], gradient: Gradient, hessian: Callable[[Vector], np.ndarray], settings: Any) -> Vector:
    last = points[-1]
    return np.asarray(np.linalg.solve(hessian(last) + settings.damping * np.eye(len(last)), -gradient(last)))


def pairs_of(points: Sequence[Vector], gradient: Gradient) -> list[tuple[Vector, Vector]]:
    """Return the steps s and the changes y of the gradient, of steps that were one."""
    found = [(b - a, gradient(b) - gradient(a)) for a, b in itertools.pairwise(points)]
    return [(s, y) for s, y in found if s.any()]


def bfgs_direction(points: Sequence[Vector], gradient: Gradient, hessian: Callable[[Vector], np.ndarray], settings: Any) -> Vector:
    identity = np.eye(len(points[-1]))
    inverse = None
    for s, y in pairs_of(points, gradient):
        rho = 1 / (y @ s)
        inverse = (y @ s) / (y @ y) * identity if inverse is None else inverse
        inverse = (identity - rho * np.outer(s, y)) @ inverse @ (identity - rho * np.outer(y, s)) + rho * np.outer(s, s)
    slope = gradient(points[-1])
    return -slope if inverse is None else -inverse @ slope


def lbfgs_direction(points: Sequence[Vector], gradient: Gradient, hessian: Callable[[Vector], np.ndarray], settings: Any) -> Vector:
    pairs = pairs_of(points, gradient)[-settings.history_size :]
    if not pairs:
        return -gradient(points[-1])
    identity = np.eye(len(points[-1]))
    s, y = pairs[-1]
    inverse = (y @ s) / (y @ y) * identity
    for s, y in pairs:
        rho = 1 / (y @ s)
        inverse = (identity - rho * np.outer(s, y)) @ inverse @ (identity - rho * np.outer(y, s)) + rho * np.outer(s, s)
    return -inverse @ gradient(points[-1])


RULES: Mapping[str, Rule] = {
    "gradient_descent": gradient_descent, "sgd": sgd, "rmsprop": rmsprop, "adadelta": adadelta, "adam": adam, "adamw": adamw,
    "adam_uncorrected": adam_uncorrected,
}  # fmt: skip
DIRECTIONS: Mapping[str, Direction] = {"newton": newton_direction, "bfgs": bfgs_direction, "lbfgs": lbfgs_direction}
