"""Numbers of a network's run as MLflow's metrics: where training ended, and what its representation brings to other learners."""

from pipelines.publishing.record import Point
from stages.contracts.critical_point import VERDICTS
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation


def critical_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return where the training of a run's networks ended, with a step per outer fold: `critical_point/gradient_norm`, `/hessian_min`,
    `/hessian_max`; and of how many the verdict is minimum, saddle or undetermined.
    """
    points = [(f"critical_point/{name}", value, found.repeat * evaluation.n_folds + found.fold)
              for name in ("gradient_norm", "hessian_min", "hessian_max")
              for found in result.critical_points if (value := getattr(found, name)) is not None]
    verdicts = [found.verdict for found in result.critical_points]
    return points + [(f"critical_point/n_{name}", float(verdicts.count(name)), 0) for name in VERDICTS if verdicts]


def representation_points(evaluation: Evaluation, result: CandidateResult) -> list[Point]:
    """Return of a network's run `representation/<learner>/<metric>`, `…/raw` and their difference with its interval, by learner."""
    points: list[Point] = []
    for one in (one for one in evaluation.representations if one.candidate == result.candidate):
        named = {evaluation.primary.name: one.represented.mean, "raw": one.raw.mean, "difference": one.difference, "difference_lo": one.lo,
                 "difference_hi": one.hi}
        points += [(f"representation/{one.learner}/{name}", value, 0) for name, value in named.items() if value is not None]
    return points
