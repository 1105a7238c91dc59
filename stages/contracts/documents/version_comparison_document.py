"""What `make compare` finds: which held-out scores moved between two versions of the pipeline, and what differs between the two."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.documents.results_document import MetricInfo
from stages.contracts.quantities import Count, Interval, Level, MaybeShare, corrected_mistakes, is_above

Move = Literal["moved up", "moved down", "no evidence", "identical", "not comparable", "new", "removed"]
Area = Literal["data", "splits", "params", "code", "environment"]
TESTED = ("moved up", "moved down", "no evidence")  # the moves of candidates that were tested


class VersionInfo(Document):
    """A version of the pipeline. name: as it was requested, or workspace. lock: MD5 of its dvc.lock. commit: null without git."""

    name: str
    commit: str | None
    lock: str


class Change(Document):
    """What differs between the versions. before, after: a hash or a value; null where there is none.

    stages: whose entries in dvc.lock differ in it. files: below a changed path of code, those that git finds different.
    """

    area: Area
    name: str
    before: str | None
    after: str | None
    stages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return how a candidate refers to it: code stages/models/knn."""
        return f"{self.area} {self.name}"


class RowCounts(Document):
    """Distinct test rows. changed: with another prediction. better, worse: closer to the truth than before, or further from it."""

    n_rows: Count
    changed: Count
    better: Count
    worse: Count

    def contradictions(self) -> Iterable[str]:
        for key, found in {"changed": self.changed, "better and worse": self.better + self.worse}.items():
            if found > self.n_rows:
                yield f"{key}: expected at most n_rows, {self.n_rows}, found {found}"


class CandidateMove(Interval):
    """A candidate of either version. difference: after − before on the metric, positive where the score is higher.

    p_fold: by folds. p_row: by rows, grouped. p: the larger. p_corrected: by Holm, over all tests of the comparison. changes: labels of
    what differs in the stages that its predictions depend on.
    """

    model: str
    modalities: tuple[str, ...]
    fusion: str
    move: Move
    reason: str = ""
    before: Number = None
    after: Number = None
    difference: Number = None
    lo: Number = None
    hi: Number = None
    p_fold: MaybeShare = None
    p_row: MaybeShare = None
    p: MaybeShare = None
    p_corrected: MaybeShare = None
    rows: RowCounts | None = None
    changes: tuple[str, ...] = ()

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from self.around(self.difference, "difference")
        if is_above(self.p_fold, self.p) or is_above(self.p_row, self.p):
            yield f"p: expected at least p_fold and p_row, found {self.p:g}"
        yield from corrected_mistakes(self.p, self.p_corrected)

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)


class DatasetMoves(Document):
    """A data set. metric: that its tests are on; null where none was made. note: what limits the comparison."""

    dataset: str
    metric: MetricInfo | None
    note: str
    changes: tuple[Change, ...]
    candidates: tuple[CandidateMove, ...]


class VersionComparison(Document):
    """The held-out predictions of two versions, candidate by candidate."""

    before: VersionInfo = Field(description="the earlier version")
    after: VersionInfo = Field(description="the version that is judged")
    confidence: Level = Field(description="level of the intervals; a move is shown where the corrected p is below 1 − confidence")
    datasets: tuple[DatasetMoves, ...] = Field(description="in the order of params.yaml, then those that were removed")
    environment: tuple[Change, ...] = Field(description="packages whose locked version differs")

    def contradictions(self) -> Iterable[str]:
        for place, found in enumerate(self.datasets):
            known = {change.label for change in found.changes}
            for move in found.candidates:
                if unknown := set(move.changes) - known:
                    yield f"datasets.{place}.candidates: changes {sorted(unknown)} are not among its changes"
                if move.move in TESTED and (move.rows is None or found.metric is None):
                    yield f"datasets.{place}.candidates: {move.model} on {'+'.join(move.modalities)} is tested without rows or metric"

    def moves(self, *kinds: Move) -> list[tuple[str, CandidateMove]]:
        """Return (data set, candidate) of each move of these kinds."""
        return [(found.dataset, move) for found in self.datasets for move in found.candidates if move.move in kinds]


DOCUMENT = DocumentSchema(
    name="version_comparison",
    path=".sensorium/comparison.json",
    meaning="the last comparison of two versions (`make compare`); no output of a stage",
    kinds=(VersionComparison,),
    remedy="`make compare` writes it again",
)
