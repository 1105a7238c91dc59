"""What evaluate says of corrupted and incomplete test samples, as parts of its document: scores by strength, and what is lost."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import MeanScore, MetricInfo, Verdict, named, unknown_names
from stages.contracts.quantities import MaybeShare, corrected_mistakes, repeated
from stages.contracts.sample_condition import MISSING


class StrengthPoint(MeanScore):
    """The score under one condition. change: its paired difference from the clean score, with its interval change_lo to change_hi.

    p_corrected: of no change, by Bonferroni, as the interval: both hold for all conditions of the candidate together. verdict: on the score
    under the condition; "worse": something is lost. scores: means by every other metric that needs no probabilities.
    """

    strength: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    change: Number
    change_lo: Number
    change_hi: Number
    p: MaybeShare
    p_corrected: MaybeShare
    verdict: Verdict
    scores: Mapping[str, Number] = {}

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from corrected_mistakes(self.p, self.p_corrected)


class StrengthCurve(Document):
    """Scores by the strength of one corruption of a modality, weak ones first. unit: of the strength.

    corruption: missing: the modality is missing in that share of the test samples. area: under the curve of the share of the clean score
    that is kept (of errors: of clean / corrupted), from strength 0 to the largest, by the trapezoid rule, over its width: 1 if nothing is
    lost; null where the clean score is no positive number.
    """

    modality: str
    corruption: str
    unit: str
    points: tuple[StrengthPoint, ...] = Field(min_length=1)
    area: Number

    def contradictions(self) -> Iterable[str]:
        if any(a.strength >= b.strength for a, b in pairwise(self.points)):
            yield f"points: expected ascending strengths, found {', '.join(f'{point.strength:g}' for point in self.points)}"

    @property
    def key(self) -> str:
        """Return image/gaussian_noise."""
        return f"{self.modality}/{self.corruption}"


class Robustness(Document):
    """What noisy and missing modalities do to the score of a candidate that ranks. clean: the score without them, of the leaderboard."""

    model: str
    modalities: tuple[str, ...]
    fusion: str
    clean: Number
    curves: tuple[StrengthCurve, ...]

    def contradictions(self) -> Iterable[str]:
        yield from (f"curves: {key} is there twice" for key in repeated(curve.key for curve in self.curves))
        yield from (f"curves: {curve.key} is of no modality of the candidate" for curve in self.curves
                    if curve.modality not in self.modalities)  # fmt: skip

    @property
    def is_corrupted(self) -> bool:
        """Return whether it predicts corrupted samples, and not only incomplete ones."""
        return any(curve.corruption != MISSING for curve in self.curves)

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)


def robustness_mistakes(found: Sequence[Robustness], candidates: Collection[str], metric: MetricInfo) -> Iterable[str]:
    """Return which of them are of no candidate, are there twice, or have scores that the metric cannot attain, a line each."""
    yield from (f"robustness: {name} is there twice" for name in repeated(named(one.candidate) for one in found))
    for place, one in enumerate(found):
        yield from unknown_names(f"robustness.{place}", [named(one.candidate)], "candidates", candidates)
        scores = (end for curve in one.curves for point in curve.points for end in (point.mean, point.lo, point.hi))
        yield from metric.score_mistakes(f"robustness.{place}.curves", one.clean, *scores)
