"""What the tables of results need of an evaluation: kept under docs/results/ for data sets that do not run by default."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from pydantic import Field

from stages.contracts.candidate import CHOSEN, Candidate
from stages.contracts.checked import shortened
from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.quantities import (
    Count,
    CountFromOne,
    Interval,
    MaybeNonNegative,
    MaybeShare,
    NonNegative,
    Share,
    agree,
    corrected_mistakes,
    is_above,
    repeated,
)
from stages.contracts.table_schema import Rows
from stages.contracts.task import TargetForm

Family = Literal["baseline", "fusion", "ways", "left_out", "sufficient", "learners", "boosting"]
Verdict = Literal["better", "worse", "equal", "not shown"]


class MetricInfo(Document):
    """How a metric is written, and whether more of it is better. attainable: the range of its scores; null: without an end."""

    name: str
    title: str
    greater_is_better: bool
    attainable: tuple[Number, Number] | None = Field(default=None, exclude_if=lambda value: value is None)

    def contradictions(self) -> Iterable[str]:
        if self.attainable is not None and is_above(*self.attainable):
            yield f"attainable: expected its least score first, found {self.attainable[0]:g} and {self.attainable[1]:g}"

    def score_mistakes(self, key: str, *scores: float | None) -> Iterable[str]:
        """Return the first score that the metric cannot attain, a line."""
        least, most = self.attainable or (None, None)
        for score in scores:
            if is_above(least, score) or is_above(score, most):
                ends = " to ".join("any" if end is None else f"{end:g}" for end in (least, most))
                yield f"{key}: {self.name} is from {ends}, found {score:g}"
                return


class MeanScore(Interval):
    """A score with its interval; null where it is undefined."""

    mean: Number


class ScoredCandidate(Document):
    """A model on a modality combination with a way of fusing, and its scores by metric.

    rank: 1 is the best; behind those that are compared stand the diagnostics, then the other ways of fusing.
    modalities: none of a control that looks at none.
    """

    model: str
    modalities: tuple[str, ...]
    fusion: str
    rank: CountFromOne
    scores: Mapping[str, MeanScore]

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)


class PracticalProbabilities(Document):
    """Probabilities that a is better than b by more than the region of practical equivalence, equal within it, or worse by more."""

    better: Share
    equal: Share
    worse: Share

    def contradictions(self) -> Iterable[str]:
        if not agree(total := self.better + self.equal + self.worse, 1.0):
            yield f"better, equal and worse: expected to add up to 1, found {total:g}"


class Comparison(Interval):
    """A paired test of a − b on one metric.

    p_fold: by folds. p_row: by rows, grouped. p: the larger. p_corrected: by Holm, within its family. wins, losses: rows on which a, or b,
    is closer to the truth. verdict: what the evidence supports of a; "equal": within the region of practical equivalence.
    practical: the Bayesian correlated t. detectable: the smallest difference that would have been shown with 80 %. rows_needed: about how
    many rows would show the present difference, where none is shown.
    """

    family: Family
    metric: str
    a: Candidate
    b: Candidate
    difference: Number
    p_fold: MaybeShare
    p_row: MaybeShare
    p: MaybeShare
    p_corrected: MaybeShare
    wins: Count
    losses: Count
    verdict: Verdict
    practical: PracticalProbabilities | None
    detectable: MaybeNonNegative
    rows_needed: CountFromOne | None

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from self.around(self.difference, "difference")
        if is_above(self.p_fold, self.p) or is_above(self.p_row, self.p):
            yield f"p: expected at least p_fold and p_row, found {self.p:g}"
        yield from corrected_mistakes(self.p, self.p_corrected)
        if self.a == self.b:
            yield f"b: expected another candidate than a, found {named(self.b)} twice"


class Results(Document):
    """Scores and comparisons of all candidates of a data set."""

    dataset: str = Field(description="name in params.yaml")
    rows: Rows = Field(description="samples used, of how many there are")
    task: str = Field(description="a file under stages/tasks/")
    form: TargetForm = Field(description="of the targets")
    target: str = Field(description="name of the target")
    outputs: tuple[str, ...] = Field(description="names of the classes, labels or targets")
    shipped: bool = Field(description="false: the data are a person's own")
    modalities: tuple[str, ...] = Field(description="as params.yaml declares them")
    models: tuple[str, ...] = Field(description="controls first")
    baselines: tuple[str, ...] = Field(description="controls that learners are compared with")
    diagnostics: tuple[str, ...] = Field((), description="controls that are no baseline; they rank behind all others")
    metrics: tuple[MetricInfo, ...] = Field(min_length=1, description="those that score the task, the one that ranks first")
    candidates: tuple[ScoredCandidate, ...] = Field(min_length=1, description="by model, then by modality combination, small ones first")
    comparisons: tuple[Comparison, ...] = Field(description="paired tests on the metric that ranks")
    rope: NonNegative = Field(description="region of practical equivalence: half its width; of unbounded errors as a share")
    open_leaks: tuple[str, ...] = Field((), description="codes of the leakage gate that are neither explained nor ignored")
    choice_bias: MaybeNonNegative = Field(
        description="by how much the best learner's score is too good, as it was chosen by it; null: unknown"
    )

    def contradictions(self) -> Iterable[str]:
        candidates, metrics = [named(found.candidate) for found in self.candidates], [metric.name for metric in self.metrics]
        named_once = {"modalities": self.modalities, "models": self.models, "metrics": metrics, "candidates": candidates,
                      "outputs": self.outputs}
        for key, names in named_once.items():
            yield from (f"{key}: {name!r} is there twice" for name in repeated(names))
        ranks = sorted(found.rank for found in self.candidates)
        if ranks != list(range(1, len(ranks) + 1)):
            yield f"candidates: expected the ranks 1 to {len(ranks)}, each once, found {', '.join(shortened(map(str, ranks)))}"
        for better, worse in pairwise(self.ranked()):
            if self._merit(better) < self._merit(worse):
                yield (f"candidates: rank {better.rank}, {named(better.candidate)}, is worse on {self.primary.name} than rank "
                       f"{worse.rank}, {named(worse.candidate)}")
        yield from unknown_names("baselines", self.baselines, "models", self.models)
        yield from unknown_names("diagnostics", self.diagnostics, "models", self.models)
        for place, found in enumerate(self.candidates):
            yield from unknown_names(f"candidates.{place}.model", [found.model], "models", self.models)
            yield from unknown_names(f"candidates.{place}.modalities", found.modalities, "modalities", self.modalities)
            yield from unknown_names("metrics", metrics, f"candidates.{place}.scores", found.scores)
            for metric in self.metrics:
                if metric.name in found.scores:
                    score = found.scores[metric.name]
                    yield from metric.score_mistakes(f"candidates.{place}.scores.{metric.name}", score.mean, score.lo, score.hi)
                    if metric.attainable and None not in metric.attainable:  # an interval of shares is around its score
                        yield from score.around(score.mean, f"candidates.{place}.scores.{metric.name}.mean")
        for place, test in enumerate(self.comparisons):
            yield from unknown_names(f"comparisons.{place}.metric", [test.metric], "metrics", metrics)
            yield from unknown_names(f"comparisons.{place}", map(named, (test.a, test.b)), "candidates", candidates)
            ends = next((metric.attainable for metric in self.metrics if metric.name == test.metric), None) or (None, None)
            if ends[0] is not None and ends[1] is not None and is_above(abs(test.difference or 0.0), ends[1] - ends[0]):
                yield f"comparisons.{place}.difference: {test.metric} is from {ends[0]:g} to {ends[1]:g}, found {test.difference:g}"
            if test.wins + test.losses > self.rows.used:
                yield f"comparisons.{place}: wins and losses are {test.wins + test.losses}; expected at most {self.rows.used}, rows.used"

    def _merit(self, found: ScoredCandidate) -> tuple[bool, float]:
        """Return what a candidate's rank goes by, more being better: no diagnostic, then the score; without one it is last."""
        score = found.scores.get(self.primary.name)
        mean = None if score is None else score.mean
        return found.model not in self.diagnostics, -math.inf if mean is None else mean if self.primary.greater_is_better else -mean

    @property
    def primary(self) -> MetricInfo:
        """Return the metric that ranks."""
        return self.metrics[0]

    @property
    def learners(self) -> list[str]:
        """Return the models that are no controls."""
        return [model for model in self.models if model not in self.controls]

    @property
    def controls(self) -> tuple[str, ...]:
        """Return the models that are controls."""
        return (*self.baselines, *self.diagnostics)

    def metric(self, name: str) -> MetricInfo:
        """Return a metric by its name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def ranked(self) -> list[ScoredCandidate]:
        """Return the candidates that are compared, the best first: of several ways of fusing that which was chosen on the inner folds."""
        known = {found.candidate for found in self.candidates}
        return sorted((found for found in self.candidates if found.candidate.is_compared(known)), key=lambda found: found.rank)

    def ways_of(self, candidate: Candidate) -> list[ScoredCandidate]:
        """Return every way of fusing of a candidate's model and modalities, the chosen one last; one alone if only one is declared."""
        return [found for found in self.candidates if (found.model, found.modalities) == (candidate.model, candidate.modalities)]

    def primary_score(self, found: ScoredCandidate) -> MeanScore:
        """Return a candidate's score on the metric that ranks."""
        return found.scores[self.primary.name]

    def best_of(self, models: Sequence[str]) -> ScoredCandidate | None:
        """Return the best candidate of some models; None if they have none."""
        return next((found for found in self.ranked() if found.model in models), None)

    def family(self, name: Family) -> list[Comparison]:
        """Return the comparisons of one family."""
        return [test for test in self.comparisons if test.family == name]

    def key(self, candidate: Candidate) -> tuple[str, ...]:
        """Return what tells a candidate from the others: model, modality combination, and the way of fusing where several are compared."""
        combination = [candidate.combination] if candidate.modalities else []
        return (candidate.model, *combination, *([candidate.fusion] if self.names_fusion(candidate) else []))

    def names_fusion(self, candidate: Candidate) -> bool:
        """Return whether a candidate's name needs its way of fusing: where it is one of several, and not the one that was chosen."""
        return candidate.fusion != CHOSEN and len(self.ways_of(candidate)) > 1


def named(candidate: Candidate) -> str:
    """Return a candidate's full name, for a message."""
    return f"{candidate.model} on {candidate.combination or 'no modality'}, {candidate.fusion}"


def unknown_names(key: str, names: Iterable[str], others: str, known: Collection[str]) -> Iterable[str]:
    """Return which names of a key are not among those of another, a line each."""
    for name in names:
        if name not in known:
            yield f"{key}: {name!r} is not among {others}: {', '.join(shortened(known)) or 'none'}"


DOCUMENT = DocumentSchema(
    name="results",
    path="docs/results/{dataset}.json",
    meaning="`python -m stages.report --keep=<data set>` writes it: what the tables of results need of one evaluation",
    kinds=(Results,),
    remedy="write it again: `python -m stages.report --keep=<data set>`",
)
