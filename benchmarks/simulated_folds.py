"""Simulated test folds, and the figures that simulations of many data sets give."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.evaluation.checked_predictions import Splits, TestFold

PROMISED_COVERAGE, OF_CALIBRATION_ERRORS, LEVEL = 0.93, 0.9, 0.05
N_FOLDS = 5


@dataclass(frozen=True)
class Cell:
    """A figure of one setting: `hits` of `n` simulated data sets."""

    table: str
    setting: tuple[str, ...]
    hits: int
    n: int
    # "cover": at least PROMISED_COVERAGE; "cover error": OF_CALIBRATION_ERRORS; "reject": LEVEL at most, within binomial error; "": nothing
    promised: str

    @property
    def rate(self) -> float:
        return self.hits / self.n

    @property
    def broken(self) -> bool:
        """Return whether the promise does not hold beyond the error of the simulation (three standard errors of a rejection rate)."""
        if self.promised.startswith("cover"):
            return self.rate < (PROMISED_COVERAGE if self.promised == "cover" else OF_CALIBRATION_ERRORS)
        return self.promised == "reject" and self.rate > LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / self.n)

    @property
    def text(self) -> str:
        """Return the rate as the tables of docs/honesty.md have it: bold where the promise is broken."""
        return f"**{self.rate:.3f}**" if self.broken else f"{self.rate:.3f}"


@dataclass(frozen=True)
class Layout:
    """Test folds to simulate: groups of equal size; n_folds 1: an official test split of all rows, with training rows apart."""

    n_groups: int
    group_size: int
    n_folds: int
    n_repeats: int = 1

    @property
    def n_rows(self) -> int:
        return self.n_groups * self.group_size

    def splits(self, targets: np.ndarray, generator: np.random.Generator) -> Splits:
        """Return the test folds of `targets` (n_rows,) or (n_rows, 1); groups are assigned at random, and never split."""
        groups = np.repeat(np.arange(self.n_groups), self.group_size)
        folds = []
        for repeat in range(self.n_repeats):
            of_group = generator.permutation(self.n_groups) % self.n_folds
            for fold in range(self.n_folds):
                rows = np.flatnonzero(of_group[groups] == fold)
                folds.append(TestFold(repeat, fold, rows, self.n_rows - rows.size if self.n_folds > 1 else 4 * rows.size))
        ids = pa.array([f"s{row:06d}" for row in range(self.n_rows)])
        return Splits(ids, [f"g{group:05d}" for group in groups], targets, tuple(folds))


def described(layout: Layout, *more: str) -> tuple[str, ...]:
    return ("official split" if layout.n_folds == 1 else f"{layout.n_folds} folds", str(layout.n_groups), str(layout.group_size), *more)
