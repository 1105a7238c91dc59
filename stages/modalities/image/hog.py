"""Histograms of oriented gradients: positions and orientations of edges, independent of brightness and mostly of contrast.

Source: N. Dalal, B. Triggs (2005), Histograms of oriented gradients for human detection, doi:10.1109/CVPR.2005.177. The values equal
those of scikit-image 0.26's `hog` with block_norm "L2-Hys" and channel_axis -1. Differs from the paper, as scikit-image does: a pixel
votes for one orientation and one cell, not for the nearest two and four in proportion, blocks are not weighted by a Gaussian, and
the gradient across the border of the image is 0 there.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CLIP = 0.2  # the largest entry of a normalised block before it is normalised again ("Hys" is for hysteresis)
EPSILON = 1e-5  # keeps blocks without edges at 0


def hog_shape(size: tuple[int, int], cell: int, block: int, orientations: int) -> tuple[int, ...]:
    """Return the shape of `hog`: blocks down, blocks across, cells of a block down and across, orientations."""
    height, width = size
    return height // cell - block + 1, width // cell - block + 1, block, block, orientations


def hog(pixels: np.ndarray, *, cell: int, block: int, orientations: int) -> np.ndarray:
    """Return the normalised histograms of every block of cells.

    Args:
        pixels: (H, W, d); of several channels, the strongest gradient of each pixel counts.
        cell: side of a cell in pixels; remaining pixels at the right and the bottom are ignored.
        block: side of a block in cells; blocks overlap, one cell apart.
        orientations: equal parts of 180°; part i begins at i·180°/n. 0° is a gradient along a row, that is a vertical edge; opposite
            gradients are one.
    Returns:
        float64 in [0, 1], of the shape `hog_shape`.
    """
    strength, angle = _gradient(pixels.astype(np.float64))
    orientation = np.minimum((angle * (orientations / 180)).astype(np.int64), orientations - 1)
    histograms = _cell_histograms(strength, orientation, cell, orientations)
    blocks = sliding_window_view(histograms, (block, block), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    clipped = np.minimum(_unit(blocks), CLIP)
    return _unit(clipped)


def _gradient(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return length and angle in degrees, [0, 180), of each pixel's strongest gradient over channels: (H, W) each."""
    down, across = np.zeros_like(pixels), np.zeros_like(pixels)
    down[1:-1] = pixels[2:] - pixels[:-2]
    across[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
    strength = np.hypot(down, across)
    strongest = strength.argmax(axis=2)[:, :, None]
    down, across, strength = (np.take_along_axis(values, strongest, axis=2)[:, :, 0] for values in (down, across, strength))
    return strength, np.degrees(np.arctan2(down, across)) % 180


def _cell_histograms(strength: np.ndarray, orientation: np.ndarray, cell: int, orientations: int) -> np.ndarray:
    """Return per cell and orientation the strength per pixel, (H // cell, W // cell, orientations)."""
    height, width = (side // cell for side in strength.shape)
    number = (np.arange(height * cell) // cell)[:, None] * width + np.arange(width * cell) // cell
    votes = strength[: height * cell, : width * cell]
    place = number * orientations + orientation[: height * cell, : width * cell]
    sums = np.bincount(place.reshape(-1), votes.reshape(-1), minlength=height * width * orientations)
    return sums.reshape(height, width, orientations) / cell**2


def _unit(blocks: np.ndarray) -> np.ndarray:
    """Return each block, (…, block, block, orientations), divided by its Euclidean norm."""
    return blocks / np.sqrt(np.square(blocks).sum(axis=(2, 3, 4), keepdims=True) + EPSILON**2)
