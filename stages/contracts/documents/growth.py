"""What evaluate says of learning curves, as parts of its document: scores by numbers of training rows, a law, and what it says of more."""

from collections.abc import Iterable
from itertools import pairwise

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import MeanScore
from stages.contracts.quantities import CountFromOne, Finite, Interval, NonNegative, TrainedShare


class CurvePoint(MeanScore):
    """A score after training on a share of the training rows. n_train: number of those rows, mean over outer folds."""

    share: TrainedShare
    n_train: CountFromOne


class ScoreLaw(Document):
    """score = limit ∓ scale · (rows / most rows)^−exponent.

    limit: the score of endlessly many rows. scale: what the score of most rows lacks of it.
    """

    limit: Finite
    scale: NonNegative
    exponent: NonNegative


class Gain(Interval):
    """How much a score is better than another, with its interval; positive: better, also of errors."""

    mean: Number


class LearningCurve(Document):
    """How the score that ranks grows with the training rows of a candidate. points: the smallest share first.

    growth: from the smallest share to all rows; null where intervals are. law, twice: the fitted law, and what twice the rows would bring;
    null where `withheld` says why nothing is said. skipped: by share, why there is no point.
    """

    model: str
    modalities: tuple[str, ...]
    fusion: str
    points: tuple[CurvePoint, ...] = Field(min_length=1)
    growth: Gain | None
    law: ScoreLaw | None
    twice: Gain | None
    withheld: str
    skipped: dict[str, str]

    def contradictions(self) -> Iterable[str]:
        if (self.twice is None) != bool(self.withheld):
            yield "withheld: expected a reason where twice is null, and none where it is not"
        if (self.twice is None) != (self.law is None):
            yield "law: expected null exactly where twice is null"
        for place, (smaller, larger) in enumerate(pairwise(self.points), start=1):
            if larger.share <= smaller.share:
                yield f"points.{place}.share: expected more than {smaller.share:g}, that of the point before, found {larger.share:g}"
            if larger.n_train < smaller.n_train:
                yield f"points.{place}.n_train: expected at least {smaller.n_train}, that of the point before, found {larger.n_train}"
        if self.points[-1].share != 1:
            yield f"points.{len(self.points) - 1}.share: expected 1, all training rows, found {self.points[-1].share:g}"

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)
