"""What evaluate says of a candidate's probabilities, as a part of its document: how far they can be believed."""

import math
from collections.abc import Iterable
from itertools import pairwise

from stages.contracts.quantities import (
    SUMS,
    CountFromOne,
    Finite,
    Interval,
    MaybeNonNegative,
    MaybeShare,
    NonNegative,
    Share,
    agree,
    is_above,
)


class ReliabilityBin(Interval):
    """Rows of about the same stated probability. stated: its mean. held: the share of them where it came true, with its interval."""

    stated: Share
    held: Share
    lo: MaybeShare
    hi: MaybeShare
    rows: CountFromOne

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from self.around(self.held, "held")


class Reliability(Interval):
    """How far a candidate's probabilities can be believed, over all test rows: of the predicted class, or of every label (of each row).

    stated, held: the mean probability, and the share that came true. bins: of equal mass, by rising probability. ece: the expected
    calibration error, Σ of the bins' shares · |held − stated|. ece_corrected: without what chance adds to it, with its interval lo to hi.
    ece_by_chance: what a calibrated candidate would show on these rows. brier: the mean squared difference of the probability and what came
    true (0 or 1), which is reliability − resolution + uncertainty + within_bins.
    """

    stated: Share
    held: Share
    bins: tuple[ReliabilityBin, ...]
    ece: Share
    ece_corrected: MaybeShare
    lo: MaybeShare
    hi: MaybeShare
    ece_by_chance: MaybeNonNegative
    brier: Share
    reliability: NonNegative
    resolution: NonNegative
    uncertainty: Share
    within_bins: Finite

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from self.around(self.ece_corrected, "ece_corrected")
        for place, (lower, higher) in enumerate(pairwise(self.bins), start=1):
            if is_above(lower.stated, higher.stated):
                yield f"bins.{place}.stated: expected at least {lower.stated:g}, that of the bin before, found {higher.stated:g}"
        n_rows = self.n_rows
        if not n_rows:
            yield "bins: expected one bin or more"
            return
        of_bins = {
            "stated": math.fsum(found.rows * found.stated for found in self.bins) / n_rows,
            "held": math.fsum(found.rows * found.held for found in self.bins) / n_rows,
            "ece": math.fsum(found.rows * abs(found.held - found.stated) for found in self.bins) / n_rows,
            "uncertainty": self.held * (1 - self.held),
            "brier": self.reliability - self.resolution + self.uncertainty + self.within_bins,
        }
        for key, expected in of_bins.items():
            if not agree(found := getattr(self, key), expected, SUMS):
                yield f"{key}: expected {expected:g}, as its parts add up to, found {found:g}"

    @property
    def n_rows(self) -> int:
        """Return the rows of all bins; of labels, rows times labels."""
        return sum(found.rows for found in self.bins)
