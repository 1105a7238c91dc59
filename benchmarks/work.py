"""The work that ours and its peers share: data, folds, and early fusion written out a second time, so that the two can be compared.

Nothing here is taken from the learners: what a peer is given (scaled, concatenated features) is computed by its definition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.registry import component

SEED = 20241101
HELD_OUT = 100  # rows of the outer fold where there is only one


@dataclass(frozen=True)
class Work:
    """Features of each modality, float32 (n, d), the classes int32 (n,), and the folds of a nested cross-validation."""

    modalities: Mapping[str, np.ndarray]
    target: np.ndarray
    folds: tuple[Fold, ...]

    def combinations(self) -> list[tuple[str, ...]]:
        """Return every combination of the modalities, small ones first."""
        from stages.training.read_problem import all_combinations

        return list(all_combinations(self.modalities))

    def problem(self) -> Problem:
        """Return the work as train gives it to a model: made again, so that nothing is left of an earlier round."""
        blocks = {name: Block(name, Dense(values), {}) for name, values in self.modalities.items()}
        outputs = tuple(str(code) for code in range(int(self.target.max()) + 1))
        metrics = {"accuracy": component("metrics", "accuracy")}
        return Problem(blocks, self.target, "classes", outputs, self.folds, tuple(self.combinations()), metrics, "accuracy", SEED)

    def fused(self, fold: Fold, modalities: Sequence[str], metric: str) -> np.ndarray:
        """Return the scaled and concatenated features of all rows, float64 (n, Σ d): early fusion by its definition.

        Each block is multiplied so that over the fold's training rows the mean L1 distance, or the mean squared distance, is 1.
        """
        parts = []
        for name in modalities:
            values = self.modalities[name].astype(np.float64)
            mean = mean_manhattan(values[fold.train]) if metric == "manhattan" else np.sqrt(mean_squared(values[fold.train]))
            parts.append(values / mean)
        return np.hstack(parts)


def mean_squared(rows: np.ndarray) -> float:
    """Return the mean squared Euclidean distance between two different rows."""
    n = len(rows)
    centred = rows - rows.mean(axis=0)
    return float(2 * (centred**2).sum() / (n - 1))


def mean_manhattan(rows: np.ndarray) -> float:
    """Return the mean L1 distance between two different rows, from sorted columns."""
    n = len(rows)
    weights = 2.0 * np.arange(n) - (n - 1)
    return float((weights @ np.sort(rows, axis=0)).sum() * 2 / (n * (n - 1)))


def splits_of(fold: Fold) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training, held-out) positions in `fold.train` of every inner fold, as scikit-learn's `cv` takes them."""
    return [(np.flatnonzero(fold.inner != i), np.flatnonzero(fold.inner == i)) for i in range(int(fold.inner.max()) + 1)]


# ---------------------------------------------------------------- folds
def one_fold(n: int, n_inner: int) -> tuple[Fold, ...]:
    """Return one outer fold that holds HELD_OUT rows out, and `n_inner` inner folds: what GridSearchCV and a prediction do."""
    order = np.random.default_rng(SEED).permutation(n)
    train = np.sort(order[HELD_OUT:])
    return (Fold(0, 0, train, np.sort(order[:HELD_OUT]), _assigned(len(train), n_inner, SEED + 1), n_inner),)


def nested_folds(n: int, n_outer: int, n_inner: int) -> tuple[Fold, ...]:
    """Return the folds of a nested cross-validation, all of equal size."""
    outer = _assigned(n, n_outer, SEED)
    folds = []
    for index in range(n_outer):
        train = np.flatnonzero(outer != index)
        folds.append(Fold(0, index, train, np.flatnonzero(outer == index), _assigned(len(train), n_inner, SEED + 1 + index), n_inner))
    return tuple(folds)


def _assigned(n: int, n_folds: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(n) % n_folds).astype(np.int16)


# ---------------------------------------------------------------- data
def synthetic_features(n: int, widths: Mapping[str, int], n_classes: int = 10) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return synthetic features of each modality and their classes: overlapping Gaussians, seeded; nothing was observed."""
    draw = np.random.default_rng(SEED)
    target = draw.integers(0, n_classes, n).astype(np.int32)
    found = {}
    for label, width in widths.items():
        centres = draw.normal(size=(n_classes, width)) * (2.2 / np.sqrt(width))
        found[label] = (centres[target] + draw.normal(size=(n, width)) * 0.7).astype(np.float32)
    return found, target


def digits(n: int | None = None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return scikit-learn's 1,797 written digits of 8×8 pixels, in [0, 1], or the first `n`: real data."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    return {"image": (bunch.data[:n] / 16).astype(np.float32)}, bunch.target[:n].astype(np.int32)


def enlarged_digits(n: int, side: int = 28) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return `n` pictures of side² pixels made of those digits: drawn with replacement, enlarged bilinearly, shifted, with noise."""
    found, target = digits()
    draw = np.random.default_rng(SEED)
    rows = draw.integers(0, len(target), n)
    place = np.linspace(0, 7, side - 4)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(8)))
    large = np.einsum("ai,nij,bj->nab", weights, found["image"][rows].reshape(n, 8, 8), weights, optimize=True)
    pictures = np.zeros((n, side, side))
    for picture, digit, (top, left) in zip(pictures, large, draw.integers(0, 5, (n, 2)), strict=True):
        picture[top : top + side - 4, left : left + side - 4] = digit
    pictures += draw.normal(scale=0.1, size=pictures.shape)
    return {"image": np.clip(pictures, 0, 1).reshape(n, -1).astype(np.float32)}, target[rows]
