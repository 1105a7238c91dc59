"""Least squares by Levenberg's and Marquardt's method, for models of a few hundred parameters that return their Jacobian."""

from collections.abc import Callable

import numpy as np

Model = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # of parameters (p,): outputs (n,) and their Jacobian (n, p)
LEAST, MOST = 1e-9, 1e9  # damping


def least_squares(model: Model, y: np.ndarray, start: np.ndarray, n_steps: int) -> np.ndarray:
    """Return parameters whose squared error is not above that of the start, and mostly far below.

    A step that does not lower the error is not taken, but damps the next one. Source: Marquardt 1963, doi:10.1137/0111030.

    Args:
        y: what the outputs should be, float (n,). start: float (p,).
    """
    parameters, damping = start, 1e-2
    outputs, jacobian = model(parameters)
    for _ in range(n_steps):
        squares = jacobian.T @ jacobian
        squares[np.diag_indices_from(squares)] += damping
        proposed = parameters + np.linalg.solve(squares, jacobian.T @ (y - outputs))
        found, found_jacobian = model(proposed)
        if ((found - y) ** 2).sum() < ((outputs - y) ** 2).sum():
            parameters, outputs, jacobian, damping = proposed, found, found_jacobian, max(damping / 3, LEAST)
        else:
            damping = min(damping * 4, MOST)
    return parameters
