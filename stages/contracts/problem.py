"""All that a model needs at once: blocks of features, the target, folds and modality combinations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.metric import Metric
from stages.contracts.task import Task


@dataclass(frozen=True)
class Fold:
    """One outer fold of one repeat; row numbers refer to the samples' order.

    train, test: int64, sorted. inner: int16 (n_train,), the inner fold that holds each training row out.
    """

    repeat: int
    index: int
    train: np.ndarray
    test: np.ndarray
    inner: np.ndarray


@dataclass(frozen=True)
class Problem:
    """All that a model needs at once: blocks of features, the target, every fold and every subset of the blocks.

    target: int32 (n,), class codes; multilabel: uint8 (n, n_outputs); regression: float64 (n, n_outputs), NaN where not known.
    """

    blocks: Mapping[str, Any]  # label → stages.features.blocks.Block
    target: np.ndarray
    task: Task
    outputs: tuple[str, ...]  # names of the classes, labels or numbers
    folds: tuple[Fold, ...]
    subsets: tuple[tuple[str, ...], ...]
    metrics: Mapping[str, "Metric"]  # those that score predictions on the inner folds
    select: str  # the one of them that chooses the configuration
    seed: int

    def training_rows(self) -> np.ndarray:
        """Return the rows that are for training in some fold: all, or those of an official training split; int64, sorted."""
        return np.unique(np.concatenate([fold.train for fold in self.folds]))

    def crossed(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (training, held-out) rows for fitting one configuration's own settings, never touching an official test split.

        The outer folds of the first repeat; where a single outer fold holds an official test split, its inner folds.
        """
        first = [fold for fold in self.folds if fold.repeat == self.folds[0].repeat]
        if len(first) > 1:
            return [(fold.train, fold.test) for fold in first]
        train, inner = first[0].train, first[0].inner
        return [(train[inner != i], train[inner == i]) for i in range(int(inner.max()) + 1)]
