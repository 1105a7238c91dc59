"""The input of training: blocks of features, the target, folds and modality combinations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.metric import Scoring
from stages.contracts.task import TargetForm


@dataclass(frozen=True)
class Fold:
    """One outer fold of one repeat, as row numbers of the problem.

    train, test: int64, sorted. inner: int16 (n_train,), the inner fold whose validation set contains each training row.
    """

    repeat: int
    index: int
    train: np.ndarray
    test: np.ndarray
    inner: np.ndarray

    @property
    def n_inner(self) -> int:
        return int(self.inner.max()) + 1

    @property
    def is_final(self) -> bool:
        """Return whether this is the fold of the final model, which has no test rows."""
        return self.repeat < 0


@dataclass(frozen=True)
class Problem:
    """The input of training: blocks of features, the target, every fold and every modality combination.

    target: in its form (stages/contracts/task.py): int32 (n,), uint8 (n, n_outputs), or float64 (n, n_outputs) with NaN where not known.
    """

    blocks: Mapping[str, Any]  # modality → stages.features.feature_blocks.Block
    target: np.ndarray
    form: TargetForm
    outputs: tuple[str, ...]  # names of the classes, labels or targets
    folds: tuple[Fold, ...]
    combinations: tuple[tuple[str, ...], ...]
    metrics: Mapping[str, Scoring]  # computed on the inner folds
    scoring: str  # name of the metric that chooses the configuration
    seed: int

    def training_rows(self) -> np.ndarray:
        """Return the rows that are training rows of any fold: all, or those of an official training split; int64, sorted."""
        return np.unique(np.concatenate([fold.train for fold in self.folds]))

    def final_fold(self) -> Fold:
        """Return the fold of the final model: all training rows; an official test split is not used.

        Its inner folds are the outer folds of the first repeat; with an official test split, which is a single outer fold, that fold's
        inner folds.
        """
        first = [fold for fold in self.folds if fold.repeat == self.folds[0].repeat]
        rows = self.training_rows()
        if len(first) == 1:
            return Fold(-1, -1, rows, rows[:0], first[0].inner)
        inner = np.empty(len(rows), np.int16)
        for index, fold in enumerate(first):
            inner[np.searchsorted(rows, fold.test)] = index
        return Fold(-1, -1, rows, rows[:0], inner)
