"""A run's numbers as MLflow's metrics: name, value, step."""

import re
from collections.abc import Mapping, Sequence

from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, FoldScores

Point = tuple[str, float, int]  # metric, value, step


def run_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return a run's metrics: intervals, values per outer fold, per label or target, curves, notes, inner sweeps over whole numbers."""
    points = score_points(result.scores, evaluation)
    for metric, values in (result.by_output or {}).items():
        named = zip(metric_names(evaluation.outputs), values, strict=True)
        # of one label there is nothing to be macro about
        points += [(f"{metric.removeprefix('macro_')}/{name}", value, 0) for name, value in named if value is not None]
    for name, of_folds in result.curves.items():
        for fold, curve in enumerate(of_folds):
            key = f"curve/{name}" if evaluation.is_one_split else f"curve/{name}/fold {fold}"
            points += [(key, value, step) for step, value in enumerate(curve, start=1) if value is not None]
    points += [(name, value, 0) for name, value in result.notes.items() if value is not None]
    for name, sweep in result.sweeps.items():
        whole = [point for point in sweep if isinstance(point.value, int) and not isinstance(point.value, bool)]
        points += [(f"inner/by_{name}", point.mean, point.value) for point in whole if point.mean is not None]
    return points


def score_points(scores: Mapping[str, FoldScores], evaluation: Evaluation) -> list[Point]:
    """Return `<metric>_mean`, `_lo`, `_hi`, then `fold/<metric>` with a step per outer fold; what is undefined is omitted.

    The metrics are in the report's order, which is the dashboard's: the one that ranks first.
    """
    there = [(metric.name, scores[metric.name]) for metric in evaluation.metrics]
    points = [(f"{name}_{part}", value, 0) for name, score in there
              for part, value in (("mean", score.mean), ("lo", score.lo), ("hi", score.hi)) if value is not None]
    return points + [(f"fold/{name}", value, step) for name, score in there for step, value in enumerate(score.folds) if value is not None]


def gap_points(evaluation: Evaluation) -> list[Point]:
    """Return what each leak in the protocol adds to a score: `gap/<control> <model> <modalities>`, `_lo` and `_hi`; MLflow takes no +."""
    points: list[Point] = []
    for gap in evaluation.protocol_gaps:
        (name,) = metric_names([f"{gap.control} {gap.model} {'+'.join(gap.modalities)}"])
        for part, value in (("", gap.difference), ("_lo", gap.lo), ("_hi", gap.hi)):
            if value is not None:
                points.append((f"gap/{name}{part}", value, 0))
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
