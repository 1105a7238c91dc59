"""Whether training ended at a minimum, at a saddle, or at no critical point of the loss; see docs/decisions/0090-critical-points.md.

Let c be the largest size of an eigenvalue of the Hessian, and L₀ the loss of a network whose outputs are all 0.
- The gradient g is as good as 0 if ‖g‖² / 2c, what a step along −g gains at most where the loss curves by c, is at most 10⁻⁶ · L₀.
- Then: saddle if the least eigenvalue is surely below −10⁻⁴ · c; surely: its error decides nothing.
- Minimum if it is surely at least −10⁻⁴ · c; of a network of more than `SMALL` weights, whose spectrum is not seen whole, if its estimate
  is and no eigenvalue is below −10⁻² · c but for a chance of 1 in 1,000 (stages/curvature/lanczos.py).
- Otherwise, and where the error would decide: undetermined.
A minimum is one as far as second derivatives of these rows show; where many eigenvalues are 0, higher ones decide. A network of ReLUs is
piecewise smooth: derivatives are those of the piece that the weights are in.
"""

from contextlib import suppress
from typing import Protocol

import numpy as np

from stages.contracts.critical_point import CriticalPoint, CriticalVerdict
from stages.curvature.lanczos import Eigenpair, Spectrum, spectrum_ends

GAIN = 1e-6  # of L₀, which a gradient that is as good as 0 promises at most
FLAT = 1e-4  # of c, below which an eigenvalue counts as 0
UNSEEN = 1e-2  # of c, by which an eigenvalue of a large network may lie below 0 unseen at what is called a minimum
MOST_ROWS = 512  # whose mean loss is differentiated twice
MOST_PRODUCTS = 80  # with the Hessian of a network of more than `SMALL` weights
SMALL = 500
MOST_VALUES = 32_000_000  # of the vectors that Lanczos keeps: of very large networks fewer products
LENGTHS = tuple(10.0**power for power in (-3, -2, -1, 0))  # of steps along the most negative direction, in lengths of the weights
_UNKNOWN = Eigenpair(float("nan"), float("nan"), np.zeros(0))
UNKNOWN = Spectrum(_UNKNOWN, _UNKNOWN, np.zeros(0), float("nan"))


class Surface(Protocol):
    """A loss as a function of one vector of weights, at the point where training ended.

    point: float64 (n,). n_rows: over which the loss is a mean. scale: L₀, the loss of outputs that are all 0.
    """

    @property
    def point(self) -> np.ndarray: ...

    @property
    def n_rows(self) -> int: ...

    @property
    def scale(self) -> float: ...

    def loss(self, weights: np.ndarray) -> float:
        """Return the loss at other weights, float64 (n,)."""
        ...

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Return the Hessian at the point times a vector, float64 (n,)."""
        ...


def drawn_rows(n: int, seed: int) -> np.ndarray:
    """Return the places of the training rows, of n, whose loss is differentiated twice: int64, sorted; all of them if they are few."""
    return np.arange(n) if n <= MOST_ROWS else np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False))


def critical_point(surface: Surface, gradient_norm: float, *, seed: int) -> CriticalPoint:
    """Return what is known of the point of a loss; of one that is not finite there, NaN.

    Args:
        gradient_norm: of the loss over all training rows.
        seed: of Lanczos' first vector.
    """
    point, loss = surface.point, surface.loss(surface.point)
    spectrum = UNKNOWN
    if np.isfinite([loss, gradient_norm]).all():
        with suppress(FloatingPointError):
            most = len(point) if len(point) <= SMALL else max(1, min(MOST_PRODUCTS, MOST_VALUES // len(point)))
            spectrum = spectrum_ends(surface.product, len(point), seed=seed, most=most)
    least, greatest = spectrum.least, spectrum.greatest
    limit = float(np.sqrt(2 * spectrum.size * GAIN * surface.scale))
    return CriticalPoint(
        n_weights=len(point), n_rows=surface.n_rows, loss=loss, gradient_norm=gradient_norm, gradient_limit=limit,
        hessian_min=least.value, hessian_min_error=max(least.error, spectrum.unseen), hessian_max=greatest.value,
        hessian_max_error=max(greatest.error, spectrum.unseen),
        n_negative=int((spectrum.values < -FLAT * spectrum.size).sum()),
        loss_change=float("nan") if spectrum is UNKNOWN else lowest_along(surface, least.vector) - loss,
        verdict=verdict(gradient_norm, limit, spectrum),
    )  # fmt: skip


def verdict(gradient_norm: float, limit: float, spectrum: Spectrum) -> CriticalVerdict:
    """Return what gradient and spectrum show."""
    least, flat = spectrum.least, FLAT * spectrum.size
    if not gradient_norm <= limit:
        return "undetermined"
    if least.value - least.error >= -flat and spectrum.unseen <= UNSEEN * spectrum.size:
        return "minimum"
    return "saddle" if least.value + least.error < -flat else "undetermined"


def lowest_along(surface: Surface, direction: np.ndarray) -> float:
    """Return the lowest loss at steps of several lengths along a direction (n,), both ways."""
    point = surface.point
    unit = max(float(np.linalg.norm(point)), 1.0)
    found = [surface.loss(point + sign * length * unit * direction) for length in LENGTHS for sign in (-1, 1)]
    return float(np.nanmin([np.inf, *found]))
