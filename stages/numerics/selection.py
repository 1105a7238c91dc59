"""Choose a configuration on the inner folds, and number a grid's configurations."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stages.registry import component

SWEEP_METRICS = ("accuracy", "balanced_accuracy", "macro_f1")


def product(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Return every combination, the last name varying fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def score_inner(target: np.ndarray, predictions: np.ndarray, inner: np.ndarray, select: str) -> dict[str, np.ndarray]:
    """Return the sweep's metrics, and the one that chooses, on each inner fold.

    Args:
        target: int32 (n_train,).
        predictions: int32 (n_configs, n_train), each row's prediction by the model that held it out.
        inner: int16 (n_train,), inner fold of each row.
    Returns:
        metric → float64 (n_configs, n_inner).
    """
    members = [np.flatnonzero(inner == fold) for fold in range(int(inner.max()) + 1)]
    scores = {}
    for name in dict.fromkeys((*SWEEP_METRICS, select)):
        score = component("metrics", name).score
        scores[name] = np.array([[score(target[m], row[m], None) for m in members] for row in predictions], dtype=np.float64)
    return scores


def choose(scores: Mapping[str, np.ndarray], select: str) -> int:
    """Return the configuration with the best mean over the inner folds; of equals the first, which is the simplest."""
    return int(np.argmax(np.round(scores[select].mean(axis=1), 12)))
