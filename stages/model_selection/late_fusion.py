"""Late fusion of one outer fold: a way's configurations are scored on the inner folds by the members' out-of-fold scores.

Nothing is trained but, in ways that learn, the combiner. A combiner that learns is fitted on the other inner folds wherever its scores
are compared, and on all of them for the test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from stages.contracts.fitted import CalibrationMethod
from stages.contracts.fusion import LateFusion
from stages.contracts.model import Config, FoldResult, MemberScores, SeededPrediction
from stages.contracts.problem import Fold, Problem
from stages.foundation.parallel import each
from stages.model_selection.choice import best_of, choose_config
from stages.model_selection.fitted_fusion import FittedFusion as FittedFusion
from stages.model_selection.fitted_fusion import decision_arrays, fused_scores
from stages.model_selection.fold_predictions import predictions_of
from stages.model_selection.protocol import calibrator_of
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each


@dataclass(frozen=True)
class Members:
    """The members' scores on the samples that have all of a combination's modalities.

    fold: its training rows are those with out-of-fold scores. out_of_fold: float64 (n, n_members, n_outputs). test: by seed, the problem's
    own first, float64 (n_test, n_members, n_outputs).
    """

    fold: Fold
    out_of_fold: np.ndarray
    test: Mapping[int, np.ndarray]


def members_of(fold: Fold, found: Sequence[FoldResult]) -> Members:
    """Return the scores of the single modalities' results, in their order, on a combination's fold."""
    members = [_kept(result.member) for result in found]
    rows = members[0].rows
    for member in members[1:]:
        rows = np.intersect1d(rows, member.rows, assume_unique=True)
    rows = rows[np.isin(rows, fold.train, assume_unique=True)]
    of_members = [member.out_of_fold[np.searchsorted(member.rows, rows)] for member in members]
    inner = members[0].inner[np.searchsorted(members[0].rows, rows)]
    seeds = list(dict.fromkeys(seed for member in members for seed in member.test))
    places = [np.searchsorted(result.fold.test, fold.test) for result in found]

    def of_seed(seed: int) -> np.ndarray:
        # a member that draws no random numbers is fitted once
        tested = [member.test.get(seed, next(iter(member.test.values()))) for member in members]
        return np.stack([scores[place] for scores, place in zip(tested, places, strict=True)], axis=1)

    known = Fold(fold.repeat, fold.index, rows, fold.test, inner, fold.n_inner)
    return Members(known, np.stack(of_members, axis=1), {seed: of_seed(seed) for seed in seeds})


def late_result(
    problem: Problem, fusion: LateFusion, settings: Any, modalities: tuple[str, ...], members: Members, calibration: CalibrationMethod
) -> FoldResult:
    """Return the result of one way of late fusion."""
    fold = members.fold
    configs = fusion.grid(modalities, settings)
    decisions = np.stack(each(partial(_out_of_fold, problem, fusion, members), configs))
    inner_scores = choose_config(problem, fold, predictions_of(problem, decisions)).scores
    usable = fusion.usable(configs, members.out_of_fold, problem.target[fold.train], problem.form)
    chosen = best_of(inner_scores[problem.scoring], usable, problem.metrics[problem.scoring])
    fitted = _fitted(problem, fusion, configs[chosen], members, decisions[chosen], calibration)

    def predicted(seed: int) -> SeededPrediction:
        return SeededPrediction(seed, *fitted.predicted(members.test[seed]))

    first, *others = map(predicted, members.test)
    return FoldResult(
        fold=fold, modalities=modalities, inner_scores=inner_scores, chosen=chosen, prediction=first.prediction,
        probabilities=first.probabilities, reseeded=tuple(others), calibration=calibration, configs=configs, fusion=fusion.name,
        decision_arrays=decision_arrays(fitted.thresholds, fitted.calibrator), usable=usable,
    )  # fmt: skip


def fitted_fusion(
    problem: Problem, fusion: LateFusion, config: Config, members: Members, calibration: CalibrationMethod
) -> FittedFusion:
    """Return one configuration of a way of late fusion, fitted to the members' out-of-fold scores."""
    # its own out-of-fold scores, a combiner per inner fold, are for thresholds and calibrators alone
    is_used = needs_thresholds(problem) or calibration != "none"
    decisions = _out_of_fold(problem, fusion, members, config) if is_used else None
    return _fitted(problem, fusion, config, members, decisions, calibration)


def _fitted(
    problem: Problem, fusion: LateFusion, config: Config, members: Members, decisions: np.ndarray | None, calibration: CalibrationMethod
) -> FittedFusion:
    """Return a fitted configuration whose fused out-of-fold scores are `decisions`, float64 (n, n_outputs); None: nothing needs them."""
    fold = members.fold
    combine = fusion.fit(config, members.out_of_fold, problem.target[fold.train], problem.form)
    if decisions is None:
        return FittedFusion(problem.form, combine, None, None)
    thresholds = thresholds_of_each(problem, fold, predictions_of(problem, decisions[None]))[0] if needs_thresholds(problem) else None
    return FittedFusion(problem.form, combine, thresholds, calibrator_of(problem, fold, fused_scores(problem.form, decisions), calibration))


def _out_of_fold(problem: Problem, fusion: LateFusion, members: Members, config: Mapping[str, Any]) -> np.ndarray:
    """Return a configuration's out-of-fold fused scores of the training rows: float64 (n, n_outputs)."""
    fold, target, scores = members.fold, problem.target[members.fold.train], members.out_of_fold
    if not fusion.learns:
        return fusion.fit(config, scores, target, problem.form)(scores)
    found = np.empty((len(scores), scores.shape[2]))
    for inner in range(fold.n_inner):
        out = fold.inner == inner
        if out.any():
            # a single inner fold (time order) leaves nothing to learn from but itself
            kept = ~out if not out.all() else out
            found[out] = fusion.fit(config, scores[kept], target[kept], problem.form)(scores[out])
    return found


def _kept(member: MemberScores | None) -> MemberScores:
    assert member is not None, "late fusion needs results with the scores of their members"
    return member
