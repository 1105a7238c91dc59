"""Handwritten digits for several seeds at once: rows of each, so that one training runs all seeds along a leading axis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

N_CLASSES = 10


def drawn_digits(seeds: Sequence[int], n_rows: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return rows, float64 (n_seeds, n_rows, 64), and classes, int64 (n_seeds, n_rows); all pixels have mean 0 and standard deviation 1."""
    import torch
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    chosen = np.stack([np.random.default_rng(seed).permutation(len(pixels))[:n_rows] for seed in seeds])
    return torch.from_numpy((pixels[chosen] - pixels.mean()) / pixels.std()), torch.from_numpy(classes[chosen].astype(np.int64))


def mean_cross_entropy(scores: "torch.Tensor", classes: "torch.Tensor") -> "torch.Tensor":
    """Return the mean cross-entropy of each seed (n_seeds,), of scores (n_seeds, n, n_classes) and classes (n_seeds, n)."""
    found: torch.Tensor = (scores.logsumexp(dim=-1) - scores.gather(-1, classes[..., None])[..., 0]).mean(dim=-1)
    return found
