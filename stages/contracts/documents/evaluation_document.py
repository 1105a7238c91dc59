"""What evaluate writes: all that the report and the tracking server show of one data set."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.checked import shortened
from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.documents.bias_variance_document import BiasVariance
from stages.contracts.documents.condition_scores import Robustness
from stages.contracts.documents.growth import LearningCurve
from stages.contracts.documents.modality_shares import Contributions
from stages.contracts.documents.results_document import MeanScore, Results, ScoredCandidate, Verdict, named, unknown_names

ConfigSettings = dict[str, Any]


class FoldScores(MeanScore):
    """A score with its interval. folds: by repeat and outer fold; null where a fold does not define it."""

    folds: tuple[Number, ...]


class ChosenConfig(Document):
    """The configuration used on one outer fold. inner_score: its mean over the inner folds."""

    repeat: int
    fold: int
    config: int
    settings: ConfigSettings
    inner_score: Number


class GridPoint(Document):
    """A configuration. mean: its inner score, over inner and outer folds."""

    settings: ConfigSettings
    mean: Number


class SweepPoint(Document):
    """A value of one parameter. mean: the best inner score over the other parameters."""

    value: Any
    mean: Number


class SeedSpread(Document):
    """How far a candidate's scores on the metric that ranks lie apart when it is refitted with other seeds; its scores are means over them.

    sd: standard deviation of the mean score over folds. fold_range: the greatest difference between two seeds on one fold.
    """

    n_seeds: int
    sd: Number
    fold_range: Number


class ReliabilityBin(Document):
    """Rows of about the same stated probability. stated: its mean. held: the share of them where it came true, with its interval."""

    stated: float
    held: float
    lo: Number
    hi: Number
    rows: int


class Reliability(Document):
    """How far a candidate's probabilities can be believed, over all test rows: of the predicted class, or of every label (of each row).

    stated, held: the mean probability, and the share that came true. bins: of equal mass, by rising probability. ece: the expected
    calibration error, Σ of the bins' shares · |held − stated|. ece_corrected: without what chance adds to it, with its interval lo to hi.
    ece_by_chance: what a calibrated candidate would show on these rows. brier: the mean squared difference of the probability and what came
    true (0 or 1), which is reliability − resolution + uncertainty + within_bins.
    """

    stated: float
    held: float
    bins: tuple[ReliabilityBin, ...]
    ece: float
    ece_corrected: Number
    lo: Number
    hi: Number
    ece_by_chance: Number
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


class CandidateResult(ScoredCandidate):
    """All that is known of one candidate. Scores of samples in another condition than clean stand under `robustness`.

    confusion: rows of true, columns of predicted classes. by_output: {metric: mean over folds per label or target}.
    agreement: {target: [[bin of the true value, bin of the predicted one, rows]]}. grid: every configuration. sweeps: by parameter.
    curves: {name: a curve per repeat and outer fold, its values by step}. notes: {name: share of the test rows, mean over outer folds};
    tied_rows: rows whose k-th neighbor is as near as the next. seeds: of a model that is refitted with several; confusion, agreement,
    curves, notes and reliability are of the first. reliability: of probabilities; without the key there are none.
    """

    scores: Mapping[str, FoldScores]
    confusion: tuple[tuple[int, ...], ...] | None = None
    by_output: dict[str, tuple[Number, ...]] | None = None
    agreement: dict[str, tuple[tuple[int, int, int], ...]] | None = None
    reliability: Reliability | None = Field(None, exclude_if=lambda value: value is None)
    configs: tuple[ChosenConfig, ...]
    grid: tuple[GridPoint, ...]
    sweeps: dict[str, tuple[SweepPoint, ...]]
    curves: dict[str, tuple[tuple[Number, ...], ...]]
    notes: dict[str, Number] = Field(default_factory=dict)
    seeds: SeedSpread | None = Field(None, exclude_if=lambda value: value is None)


class Quarantined(Document):
    """Samples that could not be read and are not used: how many, and their share of all."""

    rows: int
    share: float


class TimeOrder(Document):
    """Outer folds that each train on the past alone. untested: rows before the first test block, which are trained on and never tested.

    test_from: the first time of each fold's test block.
    """

    untested: int
    test_from: tuple[str, ...]


class RandomisedTest(Document):
    """A learner on the data as it is and with a relation destroyed at random (what), mean scores over outer folds of the metric that ranks.

    mean: over the draws. p: (1 + draws at least as good as observed) / (1 + draws).
    """

    control: str
    model: str
    what: str
    modalities: tuple[str, ...]
    observed: Number
    mean: Number
    n_draws: int
    p: float


class ProtocolGap(Document):
    """A learner's mean score as models are tested (honest), and by a protocol with a leak, on the metric that ranks.

    control: that lets the leak in. what: the leak, as the end of "if …". difference: leaking − honest, paired by groups. lo, hi: of its
    interval. p: the larger of a t and a sign-flip test over groups. p_corrected: by Holm, over the combinations of the control. verdict: on
    the leaking score; "better": the leak makes it too good.
    """

    control: str
    model: str
    what: str
    modalities: tuple[str, ...]
    honest: Number
    leaking: Number
    difference: Number
    lo: Number
    hi: Number
    p: Number
    p_corrected: Number
    verdict: Verdict
    n_groups: int


class Evaluation(Results):
    """All that the report and the tracking server show of one data set."""

    title: str = Field(description="of the data set")
    licence: str = Field(description="of the data")
    citation: str = Field(description="of the data")
    group: str = Field(description="what a group is: its samples are never split")
    counts: dict[str, int] | None = Field(description="rows per class or label; null for regression")
    quarantined: Quarantined = Field(description="samples that could not be read")
    n_groups: int = Field(description="groups of samples")
    n_folds: int = Field(description="outer folds of a repeat; 1: an official test split")
    fold_names: tuple[str, ...] = Field((), description="of the outer folds, where the data set gives them")
    time_order: TimeOrder | None = Field(None, exclude_if=lambda value: value is None,
                                         description="of outer folds that train on the past alone; without the key they do not")
    n_repeats: int = Field(description="of the outer folds")
    n_inner_folds: int = Field(description="on which configurations are chosen")
    interval: str = Field(description="method of the intervals")
    confidence: float = Field(description="level of the intervals")
    combinations: tuple[tuple[str, ...], ...] = Field(description="modality combinations, small ones first")
    not_applicable: dict[str, str] = Field(description="controls and models without candidates, and why")
    n_bins: int | None = Field(description="of each axis of `agreement`; null: not regression")
    ranges: dict[str, tuple[float, float]] | None = Field(description="least and greatest true value of each target; null: not regression")
    randomised: tuple[RandomisedTest, ...] = Field((), exclude_if=lambda value: not value,
                                                   description="permuted labels and shuffled pairs, if they are on")
    learning_curves: tuple[LearningCurve, ...] = Field((), exclude_if=lambda value: not value,
                                                       description="scores by numbers of training rows, if params.yaml names models")
    bias_variance: tuple[BiasVariance, ...] = Field((), exclude_if=lambda value: not value,
                                                    description="bias and variance by one parameter, if params.yaml names models")
    protocol_gaps: tuple[ProtocolGap, ...] = Field((), exclude_if=lambda value: not value,
                                                   description="what leaks in the protocol would add to scores, if it is measured")
    contributions: tuple[Contributions, ...] = Field((), exclude_if=lambda value: not value,
                                                     description="what each modality brings to each learner, of two to six modalities")
    robustness: tuple[Robustness, ...] = Field((), exclude_if=lambda value: not value,
                                               description="scores of corrupted and incomplete samples, if params.yaml names models")
    best: Candidate = Field(description="the candidate of rank 1")
    candidates: tuple[CandidateResult, ...] = Field(min_length=1, description="by model, then by modality combination, small ones first")

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        candidates = [named(found.candidate) for found in self.candidates]
        yield from unknown_names("best", [named(self.best)], "candidates", candidates)
        yield from unknown_names("not_applicable", self.not_applicable, "models", self.models)
        lengths = dict[str, int]()
        by_name: dict[str, Mapping[str, Any] | None] = {"counts": self.counts, "ranges": self.ranges}
        for place, found in enumerate(self.candidates):
            key, by_output, confusion = f"candidates.{place}", found.by_output or {}, found.confusion
            yield from unknown_names(f"{key}.by_output", by_output, "metrics", [metric.name for metric in self.metrics])
            lengths |= {f"{key}.by_output.{metric}": len(values) for metric, values in by_output.items()}
            lengths |= {} if confusion is None else {f"{key}.confusion": len(confusion)}
            lengths |= {f"{key}.confusion.{row}": len(counts) for row, counts in enumerate(confusion or ())}
            by_name[f"{key}.agreement"] = found.agreement
            if found.agreement is not None and (self.ranges is None or self.n_bins is None):
                yield f"{key}.agreement: expected null, as ranges or n_bins is"
        for key, size in lengths.items():
            if size != len(self.outputs):
                yield f"{key}: has {size} entries; expected {len(self.outputs)}, one for each of outputs"
        for key, of_outputs in by_name.items():
            if of_outputs is not None and set(of_outputs) != set(self.outputs):
                names, outputs = (", ".join(shortened(found)) or "nothing" for found in (of_outputs, self.outputs))
                yield f"{key}: is of {names}; expected one for each of outputs: {outputs}"

    @property
    def time_ordered(self) -> bool:
        """Return whether each outer fold trains on the past alone."""
        return self.time_order is not None

    @property
    def is_one_split(self) -> bool:
        """Return whether an official test split was scored once, so that no score is a mean."""
        return self.n_folds == 1 and self.n_repeats == 1

    def result(self, candidate: Candidate) -> CandidateResult:
        """Return what is known of a candidate."""
        return next(found for found in self.candidates if found.candidate == candidate)

    def kept(self) -> Results:
        """Return what the tables of results need."""
        facts = {name: getattr(self, name) for name in Results.model_fields if name != "candidates"}
        return Results(**facts, candidates=tuple(_without_details(found) for found in self.candidates))


def _without_details(found: CandidateResult) -> ScoredCandidate:
    scores = {metric: MeanScore(mean=score.mean, lo=score.lo, hi=score.hi) for metric, score in found.scores.items()}
    return ScoredCandidate(model=found.model, modalities=found.modalities, fusion=found.fusion, rank=found.rank, scores=scores)


DOCUMENT = DocumentSchema(
    name="evaluation",
    path="data/evaluation/{dataset}/evaluation.json",
    meaning="scores, comparisons and details of every candidate of one data set",
    kinds=(Evaluation,),
)
