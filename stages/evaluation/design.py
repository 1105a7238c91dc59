"""The design of an evaluation: which rows are tested in which fold, which of them belong together, and how sure scores are to be."""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.evaluation.checked_predictions import Splits

MOST_BLOCKS = 1000  # of groups that are resampled or flipped together: more change no interval, and take memory


@dataclass(frozen=True)
class Design:
    """The tested rows, fold after fold (N entries; with repeats a row has several).

    rows, groups, folds: int64 (N,), each entry's row number in `Splits.ids`, group and fold.
    n_folds: outer folds of all repeats; 1: an official test split. n_rows: distinct rows.
    test_per_train: n_test / n_train by which the variance of fold scores is corrected; 0: not corrected (time order).
    confidence: level of the intervals.
    """

    rows: np.ndarray
    groups: np.ndarray
    folds: np.ndarray
    n_folds: int
    n_rows: int
    test_per_train: float
    confidence: float
    blocks: np.ndarray  # int64 (n_groups,), the block of each group

    @property
    def n_groups(self) -> int:
        return len(self.blocks)

    @property
    def n_blocks(self) -> int:
        return int(self.blocks.max()) + 1

    @property
    def is_one_split(self) -> bool:
        """Return whether there is one test split, so that no fold varies."""
        return self.n_folds == 1

    @property
    def overlap(self) -> float:
        """Return by how much folds that share training rows widen what the rows alone imply: √(K·(1/J + n_test/n_train)), at least 1."""
        n_folds = self.n_folds / self.n_repeats
        return 1.0 if self.is_one_split else float(np.sqrt(max(1.0, n_folds * (1 / self.n_folds + self.test_per_train))))

    @cached_property
    def n_repeats(self) -> float:
        """Return how often a row is tested, on average."""
        return len(self.rows) / self.n_rows

    def by_block(self, of_groups: np.ndarray) -> np.ndarray:
        """Return the sums over the groups of each block: (n_blocks, ...) of (n_groups, ...)."""
        found = np.zeros((self.n_blocks, *of_groups.shape[1:]), of_groups.dtype)
        np.add.at(found, self.blocks, of_groups)
        return found


def design_of(splits: Splits, confidence: float) -> Design:
    """Return the design of a data set's test folds. It depends on the names of the groups, not on the order of rows."""
    rows = np.concatenate([fold.rows for fold in splits.folds])
    folds = np.repeat(np.arange(len(splits.folds)), [fold.rows.size for fold in splits.folds])
    names, groups = np.unique(np.asarray(splits.groups, dtype=str)[rows], return_inverse=True)
    order = np.argsort([zlib.crc32(name.encode()) for name in names.tolist()], kind="stable")
    blocks = np.empty(len(names), dtype=np.int64)
    blocks[order] = np.arange(len(names)) % MOST_BLOCKS
    return Design(rows=rows, groups=groups.ravel(), folds=folds, n_folds=len(splits.folds), n_rows=len(np.unique(rows)),
                  test_per_train=splits.test_per_train, confidence=confidence, blocks=blocks)
