"""What evaluate says of corrupted and incomplete test samples, as parts of its document: scores by strength, and what is lost."""

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import MeanScore, Verdict


class StrengthPoint(MeanScore):
    """The score under one condition. change: its paired difference from the clean score, with its interval change_lo to change_hi.

    p_corrected: of no change, by Holm, over all conditions of the candidate. verdict: on the score under the condition; "worse": something
    is lost.
    """

    strength: float
    change: Number
    change_lo: Number
    change_hi: Number
    p: Number
    p_corrected: Number
    verdict: Verdict


class StrengthCurve(Document):
    """Scores by the strength of one corruption of a modality, weak ones first. unit: of the strength.

    corruption: missing: the modality is missing in that share of the test samples. area: under the curve of the share of the clean score
    that is kept (of errors: of clean / corrupted), from strength 0 to the largest, by the trapezoid rule, over its width: 1 if nothing is
    lost; null where the clean score is no positive number.
    """

    modality: str
    corruption: str
    unit: str
    points: tuple[StrengthPoint, ...]
    area: Number

    @property
    def key(self) -> str:
        """Return image/gaussian_noise."""
        return f"{self.modality}/{self.corruption}"


class Robustness(Document):
    """What noisy and missing modalities do to the score of a candidate that ranks, with the first seed. clean: the score without them."""

    model: str
    modalities: tuple[str, ...]
    fusion: str
    clean: Number
    curves: tuple[StrengthCurve, ...]

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)
