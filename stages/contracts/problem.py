"""The input of training: blocks of features, the target, folds and modality combinations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stages.contracts.candidate import largest_trained
from stages.contracts.metric import Scoring
from stages.contracts.task import TargetForm


@dataclass(frozen=True)
class Fold:
    """One outer fold of one repeat, as row numbers of the problem.

    train, test: int64, sorted. inner: int16 (n_train,), the inner fold whose validation set contains each training row; a row of code
    `n_inner` or above is in none: every inner fold trains on it.
    """

    repeat: int
    index: int
    train: np.ndarray
    test: np.ndarray
    inner: np.ndarray
    n_inner: int

    @property
    def validated(self) -> np.ndarray:
        """Return which training rows an inner fold validates: bool (n_train,); all of them unless the folds are time-ordered."""
        return self.inner < self.n_inner

    @property
    def is_final(self) -> bool:
        """Return whether this is the fold of the final model, which has no test rows."""
        return self.repeat < 0

    def restricted(self, rows: np.ndarray) -> "Fold":
        """Return the fold without the rows where `rows`, bool (n,), is false."""
        kept = rows[self.train]
        return Fold(self.repeat, self.index, self.train[kept], self.test[rows[self.test]], self.inner[kept], self.n_inner)


@dataclass(frozen=True)
class Problem:
    """The input of training: blocks of features, the target, every fold and every modality combination.

    A sample may lack modalities (`Block.present`): a combination is trained and tested on the samples that have all of it (`parts`).
    time_ordered: whether each fold trains on the past alone: its rows that are neither trained on nor tested are later.
    fits_on_test_rows: whether encoders, scales and components of an estimator are fitted on test rows too: a leak, which only the control
    shared_fit lets in to measure it.
    judged: the rows whose validation scores choose, bool (n,); None: all.
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
    time_ordered: bool = False
    fits_on_test_rows: bool = False
    judged: np.ndarray | None = None

    def preprocessing_rows(self, fold: Fold) -> np.ndarray:
        """Return the rows on which a fold's preprocessing is fitted: its training rows; int64, sorted."""
        return np.sort(np.concatenate([fold.train, fold.test])) if self.fits_on_test_rows else fold.train

    def complete(self, modalities: Sequence[str]) -> np.ndarray | None:
        """Return which samples have all of a combination's modalities: bool (n,); None: every sample has."""
        masks = [mask for name in modalities if (mask := self.blocks[name].present) is not None and not mask.all()]
        return np.asarray(np.logical_and.reduce(masks)) if masks else None

    def answered_by(self, modalities: Sequence[str], rows: np.ndarray) -> dict[tuple[str, ...], np.ndarray]:
        """Return which trained combination answers each of `rows` for a combination: places in `rows`, int64, ascending.

        A sample is answered by the modalities of the combination that it has: by the largest trained combination of them, ties in the
        order of the problem; if it has none of them, by the empty combination.
        """
        lacking = [name for name in modalities if self.blocks[name].present is not None and not self.blocks[name].present[rows].all()]
        if not lacking:
            return {tuple(modalities): np.arange(len(rows))}
        patterns, of_row = np.unique(np.stack([self.blocks[name].present[rows] for name in lacking]), axis=1, return_inverse=True)
        found: dict[tuple[str, ...], list[np.ndarray]] = {}
        for index, pattern in enumerate(patterns.T):
            gone = {name for name, is_there in zip(lacking, pattern, strict=True) if not is_there}
            there = {name for name in modalities if name not in gone}
            found.setdefault(largest_trained(there, self.combinations), []).append(np.flatnonzero(of_row.ravel() == index))
        return {combination: np.sort(np.concatenate(places)) for combination, places in found.items()}

    def part(self, modalities: Sequence[str]) -> "Problem":
        """Return the problem of one combination, whose folds hold the samples that have all of its modalities."""
        rows, folds = self.complete(modalities), self.folds
        return replace(
            self, combinations=(tuple(modalities),), folds=folds if rows is None else tuple(fold.restricted(rows) for fold in folds)
        )

    def parts(self) -> list["Problem"]:
        """Return the problem in parts whose combinations share their samples: the problem itself if no sample lacks a modality."""
        by_rows: dict[bytes, Problem] = {}
        for modalities in self.combinations:
            part, rows = self.part(modalities), self.complete(modalities)
            key = b"" if rows is None else rows.tobytes()
            shared = by_rows[key].combinations if key in by_rows else ()
            by_rows[key] = replace(part, combinations=(*shared, *part.combinations))
        return list(by_rows.values())

    def training_rows(self) -> np.ndarray:
        """Return the rows that the final model is trained on: all, or those of an official training split; int64, sorted.

        They are the training rows of all folds; of time-ordered ones also the latest test rows, which no fold trains on.
        """
        tested = [fold.test for fold in self.folds] if self.time_ordered else []
        return np.unique(np.concatenate([*(fold.train for fold in self.folds), *tested]))

    def final_fold(self) -> Fold:
        """Return the fold of the final model: all training rows; an official test split is not used.

        Its inner folds are the outer folds of the first repeat; with an official test split, which is a single outer fold, that fold's
        inner folds. In time order, the test rows of the last fold, which are the latest of all, are its only validation rows.
        """
        first = [fold for fold in self.folds if fold.repeat == self.folds[0].repeat]
        rows = self.training_rows()
        if self.time_ordered:
            return Fold(-1, -1, rows, rows[:0], np.where(np.isin(rows, first[-1].test), 0, 1).astype(np.int16), 1)
        if len(first) == 1:
            return Fold(-1, -1, rows, rows[:0], first[0].inner, first[0].n_inner)
        inner = np.empty(len(rows), np.int16)
        for index, fold in enumerate(first):
            inner[np.searchsorted(rows, fold.test)] = index
        return Fold(-1, -1, rows, rows[:0], inner, len(first))
