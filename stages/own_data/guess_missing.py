"""Whether enough samples have a modality that others lack, and what is said of those that lack it."""

from dataclasses import dataclass

import numpy as np

from stages.ingestion.missing_modalities import SMALL_SHARE

# Samples that have a modality, below which it is not proposed if others lack it: five folds of classes leave four of each to test on, and
# below a tenth of the samples (SMALL_SHARE) a column or pattern is more likely wrong. Data sets of fewer than twice as many need half.
FEWEST_SAMPLES = 20


@dataclass(frozen=True)
class Gaps:
    """Which rows have no value of a modality. absent: they lack it. broken: their file is there and cannot be read. Both bool (n,)."""

    absent: np.ndarray
    broken: np.ndarray

    @property
    def n_have(self) -> int:
        """Number of rows with a value."""
        return int((~(self.absent | self.broken)).sum())

    @property
    def are_too_many(self) -> bool:
        """Whether so many rows lack the modality that it is not proposed."""
        n = len(self.absent)
        return bool(self.absent.any()) and (self.n_have < SMALL_SHARE * n or self.n_have < min(FEWEST_SAMPLES, n / 2))

    def about(self, what: str) -> str:
        """Return how many rows lack the modality, to be added to the reason of a guess; "" if none does."""
        n_lack, n = int(self.absent.sum()), len(self.absent)
        return f"; {n_lack} of {n} {what} have none and are kept (`missing_modalities`)" if n_lack else ""


def no_gaps(n: int) -> Gaps:
    """Return the gaps of a modality that all of n rows have."""
    return Gaps(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
