"""A run's numbers as MLflow's metrics: name, value, step."""

import re
from collections.abc import Mapping, Sequence

from pipelines.publishing.network_values import critical_points, representation_points
from pipelines.publishing.record import Point
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, FoldScores, SeedSpread

# of probabilities, on the dashboard under one heading
RELIABILITY = {
    "ece": "ece", "ece_corrected": "ece_corrected", "lo": "ece_lo", "hi": "ece_hi", "ece_by_chance": "ece_by_chance", "brier": "brier",
    "reliability": "brier_reliability", "resolution": "brier_resolution", "uncertainty": "brier_uncertainty",
    "within_bins": "brier_within_bins",
}  # fmt: skip


def run_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return a run's metrics: intervals, also on samples that have every modality, values per outer fold, per label or target, of
    probabilities, curves, notes, inner sweeps over whole numbers, the learning curve, bias and variance, scores of noisy samples.
    """
    points = score_points(result.scores, evaluation) + complete_points(evaluation, result)
    for metric, values in (result.by_output or {}).items():
        named = zip(metric_names(evaluation.outputs), values, strict=True)
        # of one label there is nothing to be macro about
        points += [(f"{metric.removeprefix('macro_')}/{name}", value, 0) for name, value in named if value is not None]
    points += reliability_points(result)
    for name, of_folds in result.curves.items():
        for fold, curve in enumerate(of_folds):
            key = f"curve/{name}" if evaluation.is_one_split else f"curve/{name}/fold {fold}"
            points += [(key, value, step) for step, value in enumerate(curve, start=1) if value is not None]
    points += [(name, value, 0) for name, value in result.notes.items() if value is not None]
    points += seed_points(result.seeds, evaluation.primary.name) + critical_points(evaluation, result)
    for name, sweep in result.sweeps.items():
        whole = [point for point in sweep if isinstance(point.value, int) and not isinstance(point.value, bool)]
        points += [(f"inner/by_{name}", point.mean, point.value) for point in whole if point.mean is not None]
    points += growth_points(evaluation, result) + capacity_points(evaluation, result) + condition_points(evaluation, result)
    return points + representation_points(evaluation, result)


def complete_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return `complete/<metric>` of a run with its interval, on the samples that have every modality, where some lack one."""
    points: list[Point] = []
    for metric in evaluation.metrics if result.complete else ():
        score = (result.complete or {})[metric.name]
        points += with_ends(f"complete/{metric.name}", (score.mean, score.lo, score.hi), 0)
    return points


def absent_points(evaluation: Evaluation) -> list[Point]:
    """Return how many samples lack each modality, `absent/<modality>`, and `n_complete`, where some lack one."""
    if evaluation.incomplete is None:
        return []
    points = [(f"absent/{name}", float(n), 0) for name, n in evaluation.incomplete.absent.items()]
    return [*points, ("n_complete", float(evaluation.incomplete.n_complete), 0)]


def growth_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return the learning curve of a run, with a step per number of training rows, and what twice the rows would bring."""
    points: list[Point] = []
    for curve in (curve for curve in evaluation.learning_curves if curve.candidate == result.candidate):
        for point in curve.points:
            points += with_ends(f"learning_curve/{evaluation.primary.name}", (point.mean, point.lo, point.hi), point.n_train)
        if curve.twice is not None:
            points += with_ends("learning_curve/gain_by_twice_the_rows", (curve.twice.mean, curve.twice.lo, curve.twice.hi), 0)
    return points


def with_ends(name: str, values: Sequence[float | None], step: int) -> list[Point]:
    """Return a mean and the ends of its interval, without those that are undefined."""
    return [(f"{name}_{part}", value, step) for part, value in zip(("mean", "lo", "hi"), values, strict=True) if value is not None]


def capacity_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return bias and variance of a run by its parameter: the value is the step, if it is a whole number, else its place."""
    points: list[Point] = []
    for study in (study for study in evaluation.bias_variance if study.candidate == result.candidate):
        whole = all(isinstance(point.value, int) and not isinstance(point.value, bool) for point in study.points)
        for place, point in enumerate(study.points):
            step = point.value if whole else place
            points += [(f"bias_variance/{part}_by_{study.parameter}", value, step)
                       for part, value in (("bias", point.mean_bias), ("variance", point.mean_variance))]
    return points


def condition_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return `condition/<modality>/<corruption>` of a run, step 0 of clean samples, then a step per strength, and `condition_area/…`."""
    points: list[Point] = []
    for found in (found for found in evaluation.robustness if found.candidate == result.candidate):
        for curve in found.curves:
            scores = [found.clean, *(point.mean for point in curve.points)]
            points += [(f"condition/{curve.key}", score, step) for step, score in enumerate(scores) if score is not None]
            points += [] if curve.area is None else [(f"condition_area/{curve.key}", curve.area, 0)]
    return points


def seed_points(seeds: SeedSpread | None, metric: str) -> list[Point]:
    """Return how far scores of refits with other seeds lie apart: `n_seeds`, `<metric>_seed_sd`, `<metric>_seed_range` (on one fold)."""
    if seeds is None:
        return []
    found = {"n_seeds": float(seeds.n_seeds), f"{metric}_seed_sd": seeds.sd, f"{metric}_seed_range": seeds.fold_range}
    return [(name, value, 0) for name, value in found.items() if value is not None]


def score_points(scores: Mapping[str, FoldScores], evaluation: Evaluation) -> list[Point]:
    """Return `<metric>_mean`, `_lo`, `_hi`, then `fold/<metric>` with a step per outer fold; what is undefined is omitted.

    The metrics are in the report's order, which is the dashboard's: the one that ranks first.
    """
    there = [(metric.name, scores[metric.name]) for metric in evaluation.metrics]
    points = [(f"{name}_{part}", value, 0) for name, score in there
              for part, value in (("mean", score.mean), ("lo", score.lo), ("hi", score.hi)) if value is not None]
    return points + [(f"fold/{name}", value, step) for name, score in there for step, value in enumerate(score.folds) if value is not None]


def reliability_points(result: CandidateResult) -> list[Point]:
    """Return `calibration/<measure>` of a candidate with probabilities."""
    if result.reliability is None:
        return []
    measures = {name: getattr(result.reliability, field) for field, name in RELIABILITY.items()}
    return [(f"calibration/{name}", value, 0) for name, value in measures.items() if value is not None]


def gap_points(evaluation: Evaluation) -> list[Point]:
    """Return what each leak in the protocol adds to a score: `gap/<control> <model> <modalities>`, `_lo` and `_hi`; MLflow takes no +."""
    points: list[Point] = []
    for gap in evaluation.protocol_gaps:
        (name,) = metric_names([f"{gap.control} {gap.model} {'+'.join(gap.modalities)}"])
        for part, value in (("", gap.difference), ("_lo", gap.lo), ("_hi", gap.hi)):
            if value is not None:
                points.append((f"gap/{name}{part}", value, 0))
    return points


def share_points(evaluation: Evaluation) -> list[Point]:
    """Return what each modality brings to each learner: `shapley/<metric>/<model> <modality>`, of two `interaction/…`, with `_lo`, `_hi`.

    On the metric that ranks they stand under `shapley/<model> <modality>`, too.
    """
    points: list[Point] = []
    for found in evaluation.contributions:
        places = [f"/{found.metric}", *([""] if found.metric == evaluation.primary.name else [])]
        for kind, shares in (("shapley", found.shares), ("interaction", found.interactions)):
            for share in shares:
                (name,) = metric_names([f"{found.model} {' '.join(share.modalities)}"])
                values = [(part, value) for part, value in (("", share.value), ("_lo", share.lo), ("_hi", share.hi)) if value is not None]
                points += [(f"{kind}{place}/{name}{part}", value, 0) for place in places for part, value in values]
    return points


def metric_names(outputs: Sequence[str]) -> list[str]:
    """Return names that MLflow takes in a metric: other characters become _, and of equal ones the later get a number."""
    seen: dict[str, int] = {}
    found = []
    for output in outputs:
        name = re.sub(r"[^\w.: -]", "_", output, flags=re.ASCII)[:150]
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found
