"""The length of a step along a direction: the loss must fall enough, and the slope along the direction must flatten enough.

Source: Lewis & Overton 2013, Mathematical Programming 141, 135, algorithm 2.6 (doubling and bisection).
"""

import torch

from stages.curvature.landscape import Landscape, dot

SUFFICIENT, CURVATURE = 1e-4, 0.9  # the constants of the Wolfe conditions
TRIALS = 40  # most lengths that are tried
ROUNDINGS = 10  # of the loss, by which it may seem to rise: next to a minimum that is all that it changes by


def wolfe_length(landscape: Landscape, start: torch.Tensor, direction: torch.Tensor, *, first: float) -> float | None:
    """Return a length that fulfills both Wolfe conditions; None if none is found, or the direction does not lead downhill.

    The first is tried, then doubled until it is too long, then bisected.
    """
    loss, gradient = landscape.at(start)
    slope, rounding = dot(gradient, direction), rounding_of(landscape, loss)
    if not slope < 0:
        return None
    low, high, length = 0.0, float("inf"), first
    for _ in range(TRIALS):
        reached, there = landscape.at(start + length * direction)
        if not reached - loss <= SUFFICIENT * length * slope + rounding:
            high = length
        elif dot(there, direction) < CURVATURE * slope:
            low = length
        else:
            return length
        length = 2 * low if high == float("inf") else (low + high) / 2
    return None


def rounding_of(landscape: Landscape, loss: float) -> float:
    """Return by how much a loss may seem to rise where it does not."""
    return ROUNDINGS * landscape.precision * abs(loss)


def first_length(gradient: torch.Tensor) -> float:
    """Return the length that is tried first along −g where nothing is known of the curvature: the smaller of 1 and 1 / ‖g‖."""
    return 1 / max(1.0, dot(gradient, gradient) ** 0.5)
