"""A power law with an offset, fitted to errors at growing numbers of training rows: error = limit + scale · (rows / most rows)^−exponent.

Nothing is below the limit, and more rows never harm: limit and scale are at least 0. An error is what a score leaves of its best value, or
an error above 0. The exponent is kept where curves of learners are seen: a smaller one is a line over the logarithm of rows, of which the
limit says nothing; a larger one is a step. For a given exponent the rest is a linear problem (scipy's `nnls`), so that no start is chosen
and no local minimum is taken for the best; the exponent is the best of a grid, then refined between its neighbors.

Source: Cortes, Jackel, Solla, Vapnik & Denker 1993, NIPS 6, "Learning curves: asymptotic values and rate of convergence"; Golub & Pereyra
1973, SIAM J. Numer. Anal. 10, 413 (a nonlinear problem that is linear in some of its parameters); Viering & Loog 2023, IEEE TPAMI 45, "The
shape of learning curves: a review" (power laws among other shapes).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar, nnls

EXPONENTS = np.geomspace(0.1, 2.0, 13)


@dataclass(frozen=True)
class PowerLaw:
    """limit, scale: in the error's unit. exponent. most: rows at which the error is limit + scale."""

    limit: float
    scale: float
    exponent: float
    most: float

    def error_at(self, rows: np.ndarray) -> np.ndarray:
        """Return the errors at numbers of training rows: float64, of their shape."""
        return np.asarray(self.limit + self.scale * (np.asarray(rows, np.float64) / self.most) ** -self.exponent)

    def gain_by(self, factor: float) -> float:
        """Return by how much the error falls from `most` rows to `factor` times as many."""
        return float(self.scale * (1 - factor**-self.exponent))


def fit_power_law(rows: np.ndarray, errors: np.ndarray) -> PowerLaw:
    """Return the law with the smallest sum of squared residuals.

    Args:
        rows: float64 (n_sizes,), ascending, positive.
        errors: float64 (n_sizes,), finite, at least 0.
    """
    most = float(rows[-1])
    logs = np.log(rows / most)

    def solved(exponent: float) -> tuple[np.ndarray, float]:
        return nnls(np.stack([np.ones_like(logs), np.exp(-exponent * logs)], axis=1), errors)

    best = int(np.argmin([solved(exponent)[1] for exponent in EXPONENTS]))
    around = EXPONENTS[max(best - 1, 0)], EXPONENTS[min(best + 1, len(EXPONENTS) - 1)]
    refined = float(minimize_scalar(lambda exponent: solved(exponent)[1], bounds=around, method="bounded").x)
    exponent = min((float(EXPONENTS[best]), refined), key=lambda exponent: solved(exponent)[1])
    limit, scale = solved(exponent)[0]
    return PowerLaw(float(limit), float(scale), exponent, most)
