"""Whether enough samples have a modality that others lack, and what is said of those that lack it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.ingestion.missing_modalities import SMALL_SHARE
from stages.splitting.scarce_groups import FEWEST_GROUPS

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

    def lack_of_classes(self, labels: Sequence[Sequence[str]], groups: Sequence[Any] | None, n_needed: int) -> str:
        """Return why the rows with the modality cannot be trained on, as they have too few classes or labels; "" if they can.

        Args:
            labels: of each row its class, alone, or its labels. groups: of each row; None: every row is its own.
            n_needed: classes that a training set needs. Each has to be in enough groups to be trained on in every fold.
        """
        if not self.absent.any():
            return ""
        inside: dict[str, set[Any]] = {}
        for row in map(int, np.flatnonzero(~(self.absent | self.broken))):
            for name in labels[row]:
                inside.setdefault(name, set()).add(row if groups is None else groups[row])
        enough = sorted(name for name, found in inside.items() if len(found) >= FEWEST_GROUPS)
        if len(enough) >= n_needed:
            return ""
        of = f"only {enough[0]!r} of the classes is" if enough else "no class is"
        have = f"{self.n_have} of {len(self.absent)} have it"
        return f"{have}, and {of} in {FEWEST_GROUPS} groups of these; folds need {n_needed} such classes"

    def about(self, what: str) -> str:
        """Return how many rows lack the modality, to be added to the reason of a guess; "" if none does."""
        n_lack, n = int(self.absent.sum()), len(self.absent)
        return f"; {n_lack} of {n} {what} have none and are kept (`missing_modalities`)" if n_lack else ""


def no_gaps(n: int) -> Gaps:
    """Return the gaps of a modality that all of n rows have."""
    return Gaps(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
