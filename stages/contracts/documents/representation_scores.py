"""What evaluate says of learners whose features are a network's representation, as a part of its document."""

from collections.abc import Iterable

from pydantic import Field

from stages.contracts.candidate import EARLY, Candidate
from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import Verdict
from stages.contracts.quantities import SUMS, Interval, MaybeShare, agree, corrected_mistakes, mean_mistakes


class FoldMean(Document):
    """A mean score. folds: by repeat and outer fold; null where a fold does not define it."""

    mean: Number
    folds: tuple[Number, ...] = Field(min_length=1)

    def contradictions(self) -> Iterable[str]:
        yield from mean_mistakes("mean", self.mean, self.folds)


class RepresentedLearner(Interval):
    """A learner's score on the representation of a network (model), and on the features themselves (raw), on the metric that ranks.

    difference: represented − raw, paired by folds and rows. lo, hi: of its interval. p: the larger of the corrected t over folds and the
    sign-flip test of rows; p_corrected: by Holm, over all learners and combinations of the data set's representations. verdict: on the
    represented score.
    """

    model: str
    learner: str
    modalities: tuple[str, ...]
    raw: FoldMean
    represented: FoldMean
    difference: Number
    p: MaybeShare
    p_corrected: MaybeShare
    verdict: Verdict

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from self.around(self.difference, "difference")
        yield from corrected_mistakes(self.p, self.p_corrected)
        defined = [(a, b) for a, b in zip(self.represented.folds, self.raw.folds, strict=False) if a is not None and b is not None]
        mean = sum(a - b for a, b in defined) / len(defined) if defined else None
        if mean is not None and self.difference is not None and not agree(mean, self.difference, SUMS):
            yield f"difference: expected {mean:g}, the mean of represented − raw over folds, found {self.difference:g}"
        if len(self.raw.folds) != len(self.represented.folds):
            yield f"raw.folds: has {len(self.raw.folds)} entries; expected {len(self.represented.folds)}, as represented.folds"

    @property
    def candidate(self) -> Candidate:
        """Return the network."""
        return Candidate(self.model, self.modalities, EARLY)
