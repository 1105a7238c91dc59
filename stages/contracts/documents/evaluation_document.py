"""What evaluate writes: all that the report and the tracking server show of one data set."""

import json
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Annotated, Any

from pydantic import Field

from stages.contracts.candidate import EARLY, Candidate
from stages.contracts.checked import shortened
from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.documents.bias_variance_document import LOSSES, BiasVariance
from stages.contracts.documents.condition_scores import Robustness, robustness_mistakes
from stages.contracts.documents.control_findings import ProtocolGap, RandomisedTest
from stages.contracts.documents.critical_point_scores import FoldCriticalPoint
from stages.contracts.documents.growth import LearningCurve
from stages.contracts.documents.modality_shares import Contributions
from stages.contracts.documents.reliability_curve import Reliability
from stages.contracts.documents.representation_scores import RepresentedLearner
from stages.contracts.documents.results_document import MeanScore, Results, ScoredCandidate, named, unknown_names
from stages.contracts.quantities import (
    Count,
    CountFromOne,
    Finite,
    Level,
    MaybeNonNegative,
    MaybeShare,
    Share,
    mean_mistakes,
    repeated,
)

ConfigSettings = dict[str, Any]


class FoldScores(MeanScore):
    """A score with its interval. folds: by repeat and outer fold; null where a fold does not define it."""

    folds: tuple[Number, ...]

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from mean_mistakes("mean", self.mean, self.folds)


FEWEST_GROUPS = 20  # of one test split: below, an interval covers less than it says
ENOUGH_FOR_ISOTONIC = 1_000  # rows: scikit-learn's user guide, "Probability calibration", advises against isotonic regression below


class ChosenConfig(Document):
    """The configuration used on one outer fold. inner_score: its mean over the inner folds."""

    repeat: Count
    fold: Count
    config: Count
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

    n_seeds: Annotated[int, Field(ge=2)]
    sd: MaybeNonNegative
    fold_range: MaybeNonNegative


class CandidateResult(ScoredCandidate):
    """All that is known of one candidate. Scores of samples in another condition than clean stand under `robustness`.

    confusion: rows of true, columns of predicted classes. by_output: {metric: mean over folds per label or target}.
    agreement: {target: [[bin of the true value, bin of the predicted one, rows]]}. grid: every configuration. sweeps: by parameter.
    curves: {name: a curve per repeat and outer fold, its values by step}. notes: {name: share of the test rows, mean over outer folds};
    tied_rows: rows whose k-th neighbor is as near as the next. seeds: of a model that is refitted with several; confusion, agreement,
    curves, notes and reliability are of the first. reliability: of probabilities; without the key there are none.
    complete: scores on the samples that have every modality, where some lack one. critical_points: of networks, where training ended.
    """

    scores: Mapping[str, FoldScores]
    complete: Mapping[str, FoldScores] | None = Field(None, exclude_if=lambda value: value is None)
    confusion: tuple[tuple[Count, ...], ...] | None = None
    by_output: dict[str, tuple[Number, ...]] | None = None
    agreement: dict[str, tuple[tuple[Count, Count, CountFromOne], ...]] | None = None
    reliability: Reliability | None = Field(None, exclude_if=lambda value: value is None)
    configs: tuple[ChosenConfig, ...]
    grid: tuple[GridPoint, ...]
    sweeps: dict[str, tuple[SweepPoint, ...]]
    curves: dict[str, tuple[tuple[Number, ...], ...]]
    notes: dict[str, MaybeShare] = Field(default_factory=dict)
    seeds: SeedSpread | None = Field(None, exclude_if=lambda value: value is None)
    critical_points: tuple[FoldCriticalPoint, ...] = Field((), exclude_if=lambda value: not value)

    @property
    def listed_configs(self) -> tuple[ChosenConfig, ...]:
        """Return the configurations with weights in the order of the modalities; in the file they are sorted by name."""
        found = []
        for config in self.configs:
            weights = config.settings.get("modality_weights")
            listed = {"modality_weights": {name: weights[name] for name in self.modalities}} if weights else {}
            found.append(config.model_copy(update={"settings": config.settings | listed}))
        return tuple(found)

    @property
    def fixed_settings(self) -> frozenset[str]:
        """Return the names of the settings that have one value in the whole grid: nothing was chosen there."""
        values: dict[str, set[str]] = {}
        for point in self.grid:
            for name, value in point.settings.items():
                values.setdefault(name, set()).add(json.dumps(value, sort_keys=True))
        return frozenset(name for name, found in values.items() if len(found) == 1)


class Quarantined(Document):
    """Samples that could not be read and are not used: how many, and their share of all."""

    rows: Count
    share: Share


class ModalityCounts(Document):
    """Samples that lack modalities. absent: by modality, how many lack it. n_complete: how many have every modality."""

    absent: dict[str, CountFromOne]
    n_complete: Count


class TimeOrder(Document):
    """Outer folds that each train on the past alone. untested: rows before the first test block, which are trained on and never tested.

    test_from: the first time of each fold's test block.
    """

    untested: Count
    test_from: tuple[str, ...]


class Evaluation(Results):
    """All that the report and the tracking server show of one data set."""

    title: str = Field(description="of the data set")
    licence: str = Field(description="of the data")
    citation: str = Field(description="of the data")
    group: str = Field(description="what a group is: its samples are never split")
    counts: dict[str, Count] | None = Field(description="rows per class or label; null for regression")
    quarantined: Quarantined = Field(description="samples that could not be read")
    incomplete: ModalityCounts | None = Field(None, exclude_if=lambda value: value is None,
                                                 description="samples that lack modalities; without the key there is none")
    n_groups: CountFromOne = Field(description="groups of samples")
    n_folds: CountFromOne = Field(description="outer folds of a repeat; 1: an official test split")
    fold_names: tuple[str, ...] = Field((), description="of the outer folds, where the data set gives them")
    time_order: TimeOrder | None = Field(None, exclude_if=lambda value: value is None,
                                         description="of outer folds that train on the past alone; without the key they do not")
    n_repeats: CountFromOne = Field(description="of the outer folds")
    n_inner_folds: CountFromOne = Field(description="on which configurations are chosen")
    interval: str = Field(description="method of the intervals")
    confidence: Level = Field(description="level of the intervals")
    combinations: tuple[tuple[str, ...], ...] = Field(description="modality combinations, small ones first")
    not_applicable: dict[str, str] = Field(description="controls and models without candidates, and why")
    n_bins: CountFromOne | None = Field(description="of each axis of `agreement`; null: not regression")
    ranges: dict[str, tuple[Finite, Finite]] | None = Field(
        description="least and greatest true value of each target; null: not regression"
    )
    randomised: tuple[RandomisedTest, ...] = Field((), exclude_if=lambda value: not value,
                                                   description="permuted labels and shuffled pairs, if they are on")
    learning_curves: tuple[LearningCurve, ...] = Field((), exclude_if=lambda value: not value,
                                                       description="scores by numbers of training rows, if params.yaml names models")
    bias_variance: tuple[BiasVariance, ...] = Field((), exclude_if=lambda value: not value,
                                                    description="bias and variance by one parameter, if params.yaml names models")
    representations: tuple[RepresentedLearner, ...] = Field((), exclude_if=lambda value: not value,
                                                            description="kNN and SVM on what networks represent samples by, if params.yaml "
                                                            "names networks")
    protocol_gaps: tuple[ProtocolGap, ...] = Field((), exclude_if=lambda value: not value,
                                                   description="what leaks in the protocol would add to scores, if it is measured")
    contributions: tuple[Contributions, ...] = Field((), exclude_if=lambda value: not value,
                                                     description="what each modality brings to each learner, by the ranking metric first")
    no_contributions: str | None = Field(None, exclude_if=lambda value: value is None,
                                         description="why Shapley values and interactions of several modalities are not computed")
    robustness: tuple[Robustness, ...] = Field((), exclude_if=lambda value: not value,
                                               description="scores of corrupted and incomplete samples, if params.yaml names models")
    isotonic_rows: int | None = Field(None, exclude_if=lambda value: value is None,
                                      description="fewest training rows of an outer fold to which isotonic calibration was fitted, if "
                                      f"below {ENOUGH_FOR_ISOTONIC}")
    best: Candidate = Field(description="the candidate of rank 1")
    candidates: tuple[CandidateResult, ...] = Field(min_length=1, description="by model, then by modality combination, small ones first")

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        candidates = [named(found.candidate) for found in self.candidates]
        yield from unknown_names("best", [named(self.best)], "candidates", candidates)
        yield from unknown_names("not_applicable", self.not_applicable, "models", self.models)
        yield from unknown_names("contributions", [found.metric for found in self.contributions], "metrics", [m.name for m in self.metrics])
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
        yield from self._design_mistakes()
        for place, found in enumerate(self.candidates):
            yield from self._detail_mistakes(f"candidates.{place}", found)
        yield from self._study_mistakes()

    def _design_mistakes(self) -> Iterable[str]:
        """Return in what the facts of the data set and its folds contradict one another, a line each."""
        if self.best not in [found.candidate for found in self.candidates if found.rank == 1]:
            yield f"best: expected the candidate of rank 1, found {named(self.best)}"
        of_folds = {"fold_names": self.fold_names, "time_order.test_from": self.time_order.test_from if self.time_order else ()}
        for key, found in of_folds.items():
            if found and len(found) != self.n_folds:
                yield f"{key}: has {len(found)} entries; expected {self.n_folds}, n_folds"
        incomplete = self.incomplete
        of_absent = {} if incomplete is None else {f"incomplete.absent.{name}": n for name, n in incomplete.absent.items()}
        yield from unknown_names("incomplete.absent", incomplete.absent if incomplete else (), "modalities", self.modalities)
        for key, n in {"n_groups": self.n_groups, **of_absent, **{f"counts.{name}": n for name, n in (self.counts or {}).items()}}.items():
            if n > self.rows.used:
                yield f"{key}: expected at most rows.used, {self.rows.used}, found {n}"
        for name, (least, greatest) in (self.ranges or {}).items():
            if least > greatest:
                yield f"ranges.{name}: expected the least value first, found {least:g} and {greatest:g}"
        seen = {result.modalities for result in self.candidates if result.modalities}
        names = ["+".join(modalities) for modalities in self.combinations]
        if repeated(names) or set(self.combinations) != seen:
            yield f"combinations: expected those of candidates, each once, found {', '.join(shortened(names))}"

    def _detail_mistakes(self, key: str, found: CandidateResult) -> Iterable[str]:
        """Return in what a candidate's details contradict the folds, the metrics and one another, a line each."""
        n_scores, primary = self.n_folds * self.n_repeats, self.primary
        for metric in self.metrics:
            folds = found.scores[metric.name].folds if metric.name in found.scores else None
            if folds is not None and len(folds) != n_scores:
                yield f"{key}.scores.{metric.name}.folds: has {len(folds)} entries; expected {n_scores}, n_folds times n_repeats"
            yield from metric.score_mistakes(f"{key}.scores.{metric.name}.folds", *(folds or ()))
            yield from metric.score_mistakes(f"{key}.by_output.{metric.name}", *(found.by_output or {}).get(metric.name, ()))
            of_complete = (found.complete or {}).get(metric.name)
            yield from metric.score_mistakes(f"{key}.complete.{metric.name}.folds", *(of_complete.folds if of_complete else ()))
        yield from primary.score_mistakes(f"{key}.configs", *(config.inner_score for config in found.configs))
        yield from primary.score_mistakes(f"{key}.grid", *(point.mean for point in found.grid))
        for name, points in found.sweeps.items():
            yield from primary.score_mistakes(f"{key}.sweeps.{name}", *(point.mean for point in points))
        used = sorted((config.repeat, config.fold) for config in found.configs)
        if used and used != list(product(range(self.n_repeats), range(self.n_folds))):
            yield f"{key}.configs: expected one of each repeat and outer fold, {n_scores}, found {len(used)}: {used[0]} to {used[-1]}"
        for name, curves in found.curves.items():
            if len(curves) > n_scores or not all(curves):
                yield f"{key}.curves.{name}: expected at most {n_scores} curves, n_folds times n_repeats, each of one step or more"
        ended = [(point.repeat, point.fold) for point in found.critical_points]
        if repeated(ended) or not set(ended) <= set(product(range(self.n_repeats), range(self.n_folds))):
            yield f"{key}.critical_points: expected at most one of each repeat and outer fold, found {len(ended)}"
        for name, cells in (found.agreement or {}).items():
            if self.n_bins is not None and any(max(cell[:2]) >= self.n_bins for cell in cells):
                yield f"{key}.agreement.{name}: expected bins from 0 to {self.n_bins - 1}, n_bins − 1"
        n_rows = None if found.confusion is None else sum(map(sum, found.confusion))
        if found.confusion is not None and self.candidates[0].confusion is not None:
            of_true = [[sum(counts) for counts in table] for table in (found.confusion, self.candidates[0].confusion)]
            if of_true[0] != of_true[1]:
                yield f"{key}.confusion: expected as many rows of each true class as candidates.0 has, {of_true[1]}, found {of_true[0]}"
        if n_rows is not None and found.reliability is not None and found.reliability.n_rows != n_rows:
            yield f"{key}.reliability.bins: are of {found.reliability.n_rows} rows; expected {n_rows}, those of confusion"

    def _study_mistakes(self) -> Iterable[str]:
        """Return in what curves, studies and controls without a candidate contradict the candidates and folds, a line each."""
        candidates, primary = [named(found.candidate) for found in self.candidates], self.primary
        studied: dict[str, list[tuple[str, ...]]] = {
            "learning_curves": [(named(curve.candidate),) for curve in self.learning_curves],
            "bias_variance": [(study.model,) for study in self.bias_variance],
            "representations": [(one.model, one.learner, *one.modalities) for one in self.representations],
            "randomised": [(test.control, test.what, *test.modalities) for test in self.randomised],
            "protocol_gaps": [(gap.control, *gap.modalities) for gap in self.protocol_gaps],
        }
        for key, names in studied.items():
            yield from (f"{key}: {name} is there twice" for name in repeated(map(" ".join, names)))
        yield from robustness_mistakes(self.robustness, candidates, primary)
        for place, curve in enumerate(self.learning_curves):
            key = f"learning_curves.{place}"
            yield from unknown_names(key, [named(curve.candidate)], "candidates", candidates)
            yield from primary.score_mistakes(f"{key}.points", *(end for point in curve.points for end in (point.mean, point.lo, point.hi)))
        for place, study in enumerate(self.bias_variance):
            key = f"bias_variance.{place}"
            yield from unknown_names(f"{key}.dataset", [study.dataset], "dataset", [self.dataset])
            yield from unknown_names(f"{key}.model", [study.model], "models", self.models)
            yield from unknown_names(f"{key}.modalities", study.modalities, "modalities", self.modalities)
            yield from unknown_names(f"{key}.loss", [study.loss], "losses of these targets", [LOSSES[self.form]])
            for point in study.points:
                if len(point.bias) != self.n_folds * self.n_repeats:
                    yield f"{key}.points: has {len(point.bias)} folds; expected {self.n_folds * self.n_repeats}, n_folds times n_repeats"
        for place, one in enumerate(self.representations):
            key, raw = f"representations.{place}", Candidate(one.learner, one.modalities, EARLY)
            yield from unknown_names(key, [named(one.candidate), named(raw)], "candidates", candidates)
            yield from primary.score_mistakes(f"{key}.represented", *one.represented.folds)
            of_raw = next((found.scores[primary.name].folds for found in self.candidates if found.candidate == raw), None)
            if of_raw is not None and of_raw != one.raw.folds:
                yield f"{key}.raw.folds: expected those of {named(raw)}"
        for place, test in enumerate(self.randomised):
            yield from unknown_names(f"randomised.{place}.modalities", test.modalities, "modalities", self.modalities)
            yield from primary.score_mistakes(f"randomised.{place}", test.observed, test.mean)
        for place, gap in enumerate(self.protocol_gaps):
            yield from unknown_names(f"protocol_gaps.{place}.modalities", gap.modalities, "modalities", self.modalities)
            yield from primary.score_mistakes(f"protocol_gaps.{place}", gap.honest, gap.leaking)
            if gap.n_groups > self.n_groups:
                yield f"protocol_gaps.{place}.n_groups: expected at most n_groups, {self.n_groups}, found {gap.n_groups}"

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
