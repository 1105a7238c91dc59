"""What evaluate says of learning curves, as parts of its document: scores by numbers of training rows, a law, and what it says of more."""

from collections.abc import Iterable

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import MeanScore


class CurvePoint(MeanScore):
    """A score after training on a share of the training rows. n_train: number of those rows, mean over outer folds."""

    share: float
    n_train: int


class ScoreLaw(Document):
    """score = limit ∓ scale · (rows / most rows)^−exponent.

    limit: the score of endlessly many rows. scale: what the score of most rows lacks of it.
    """

    limit: float
    scale: float
    exponent: float


class Gain(Document):
    """How much a score is better than another, with its interval; positive: better, also of errors."""

    mean: Number
    lo: Number
    hi: Number


class LearningCurve(Document):
    """How the score that ranks grows with the training rows of a candidate. points: the smallest share first.

    growth: from the smallest share to all rows; null where intervals are. law, twice: the fitted law, and what twice the rows would bring;
    null where `withheld` says why nothing is said. skipped: by share, why there is no point.
    """

    model: str
    modalities: tuple[str, ...]
    fusion: str
    points: tuple[CurvePoint, ...]
    growth: Gain | None
    law: ScoreLaw | None
    twice: Gain | None
    withheld: str
    skipped: dict[str, str]

    def contradictions(self) -> Iterable[str]:
        if (self.twice is None) != bool(self.withheld):
            yield "withheld: expected a reason where twice is null, and none where it is not"

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)
