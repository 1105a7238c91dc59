"""The fitted model of a combination in a way of fusing, as it is saved: of one outer fold, as it was evaluated, or of all training rows.

Of all training rows, the combination, the way and its configuration are those with the best mean inner score over all outer folds. A late
way's members are then fitted as the best models of their modalities, and its combiner is fitted on their out-of-fold scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.fitted import Fitted
from stages.contracts.fusion import EarlyFusion, Fusion, ImputedFusion, LateFusion
from stages.contracts.model import Config, FoldResult, MemberScores
from stages.contracts.problem import Fold, Problem
from stages.model_selection.choice import best_of
from stages.model_selection.fitted_fusion import combiner_arrays, decision_arrays
from stages.model_selection.imputed_fusion import imputed_problem
from stages.model_selection.late_fusion import Members, fitted_fusion, members_of
from stages.model_selection.protocol import LearnerSetup, best_config, best_overall, fit_on, member_scores, swept_alone, with_decisions
from stages.model_selection.weighted_fusion import Place, Weighting, weighting_of

Combination = tuple[str, ...]


@dataclass(frozen=True)
class FusedModel:
    """A fitted model of a combination.

    way: of fusing. config: the way's, with that of the model where one model sees all. rows: int64, those that encoders are fitted on.
    sees: the modalities whose blocks it encodes itself; none of late fusion. members: the models of late fusion, of a modality each.
    """

    modalities: Combination
    way: str
    config: Config
    fitted: Fitted
    rows: np.ndarray
    sees: Combination
    members: tuple["FusedModel", ...] = ()

    @property
    def read(self) -> Combination:
        """Return the modalities that it reads: a block of weight 0 is not."""
        return tuple(name for member in self.members for name in member.read) or self.sees


@dataclass(frozen=True)
class TrainedLearner:
    """What train has found of one learner. ways: of fusing, each with its settings. results: of every fold, combination and way."""

    learner: LearnerSetup
    problem: Problem
    ways: Mapping[Fusion, Any]
    results: Sequence[FoldResult]

    def way(self, name: str) -> Fusion:
        return next(way for way in self.ways if way.name == name)

    def at(self, place: Place, fusion: str) -> FoldResult:
        """Return the result of a way of fusing at an outer fold and combination."""
        return next(found for found in self.results if (found.fusion, place_of(found)) == (fusion, place))

    def of(self, modalities: Combination, fusion: str) -> list[FoldResult]:
        """Return the results of a combination and way of fusing on all outer folds."""
        return [found for found in self.results if (found.modalities, found.fusion) == (modalities, fusion)]

    def best_alone(self, modalities: Combination) -> Config:
        """Return the best configuration of a modality, or of equal weights, over all outer folds."""
        found = self.of(modalities, EARLY)
        return dict(found[0].configs[best_config(found, self.problem.metrics[self.problem.scoring])[0]])


def place_of(result: FoldResult) -> Place:
    """Return the outer fold and combination of a result."""
    return result.fold.repeat, result.fold.index, result.modalities


def final_model(trained: TrainedLearner) -> FusedModel:
    """Return the model of all training rows."""
    problem = trained.problem
    best = best_overall(trained.results, problem.metrics[problem.scoring])
    config = dict(trained.of(best.modalities, best.fusion)[0].configs[best.config])
    if best.fusion == EARLY:
        return _final_alone(trained, best.modalities, config)
    way = trained.way(best.fusion)
    if isinstance(way, EarlyFusion):
        return _final_weighted(trained, way, best.modalities, config)
    if isinstance(way, ImputedFusion):
        return _final_alone(trained, best.modalities, config, way)
    return _final_late(trained, way, best.modalities)


def _final_alone(trained: TrainedLearner, modalities: Combination, config: Config, way: ImputedFusion | None = None) -> FusedModel:
    """Return the model of equal weights, of the samples that have all modalities or, if the way imputes, one of them."""
    part = trained.problem.part(modalities) if way is None else imputed_problem(trained.problem, modalities)
    fold, name = part.final_fold(), EARLY if way is None else way.name
    return FusedModel(modalities, name, config, fit_on(trained.learner, part, fold, modalities, config), fold.train, modalities)


def _final_weighted(trained: TrainedLearner, way: Fusion, modalities: Combination, config: Config) -> FusedModel:
    configs = {names: trained.best_alone(names) for names in (modalities, *((name,) for name in modalities))}
    weighting = _weighting(modalities, config, configs)
    part = weighting.weighted(trained.problem.part(modalities))
    fold = part.final_fold()
    fitted = fit_on(trained.learner, part, fold, weighting.modalities, weighting.config)
    return FusedModel(modalities, way.name, weighting.config | config, fitted, fold.train, weighting.modalities)


def _final_late(trained: TrainedLearner, way: LateFusion, modalities: Combination) -> FusedModel:
    """Return the late model whose configuration is the best over all outer folds of those that its members' scores allow."""
    learner, part = trained.learner, trained.problem.part(modalities)
    fitted = [_final_member(trained, name) for name in modalities]
    members = members_of(part.final_fold(), [_as_result(model, member) for model, member in fitted])
    found = trained.of(modalities, way.name)
    configs = [dict(config) for config in found[0].configs]
    scores = np.hstack([result.inner_scores[part.scoring] for result in found])
    usable = way.usable(configs, members.out_of_fold, part.target[members.fold.train], part.form)
    config = configs[best_of(scores, usable, part.metrics[part.scoring])]
    fusion = fitted_fusion(part, way, config, members, learner.calibration_of(part))
    decisions = decision_arrays(fusion.thresholds, fusion.calibrator)
    return _late(way, modalities, config, members, Fitted(combiner_arrays(way, fusion.combine) | decisions, {}), [one for one, _ in fitted])


def _final_member(trained: TrainedLearner, name: str) -> tuple[FusedModel, MemberScores]:
    """Return the model of one modality, and its out-of-fold scores on the inner folds of the final one."""
    learner, part, config = trained.learner, trained.problem.part((name,)), trained.best_alone((name,))
    fold = part.final_fold()
    with swept_alone(learner, part, fold, (name,), config) as sweep:
        model = FusedModel((name,), EARLY, config, with_decisions(learner, part, sweep), fold.train, (name,))
        return model, member_scores(fold, None, sweep.out_of_fold(0))


def _as_result(model: FusedModel, member: MemberScores) -> FoldResult:
    """Return the scores of a final model as late fusion takes them; it has no test rows."""
    nothing = model.rows[:0]
    return FoldResult(Fold(-1, -1, model.rows, nothing, np.empty(0, np.int16), 0), model.modalities, {}, 0, nothing, None, member=member)


def fold_model(trained: TrainedLearner, result: FoldResult) -> FusedModel:
    """Return the model of an outer fold that predicted its test rows, fitted again; of "chosen" that of the way chosen there."""
    if result.fusion == CHOSEN:
        return fold_model(trained, trained.at(place_of(result), result.configs[result.chosen]["fusion"]))
    config = dict(result.configs[result.chosen])
    if result.fusion == EARLY:
        return _fitted_again(trained, result, result.modalities, config)
    way = trained.way(result.fusion)
    alone = [trained.at((result.fold.repeat, result.fold.index, (name,)), EARLY) for name in result.modalities]
    if isinstance(way, EarlyFusion):
        equal = trained.at(place_of(result), EARLY)
        weighting = _weighting(result.modalities, config, {one.modalities: dict(one.configs[one.chosen]) for one in (equal, *alone)})
        return _fitted_again(trained, result, weighting.modalities, weighting.config, weighting)
    if isinstance(way, ImputedFusion):
        return _fitted_again(trained, result, result.modalities, config)
    members = members_of(result.fold, alone)
    target = trained.problem.target[members.fold.train]
    combine = way.fit(config, members.out_of_fold, target, trained.problem.form)
    fitted = Fitted({**combiner_arrays(way, combine), **result.decision_arrays}, {})
    return _late(way, result.modalities, config, members, fitted, [fold_model(trained, one) for one in alone])


def _fitted_again(
    trained: TrainedLearner, result: FoldResult, sees: Combination, config: Config, weighting: Weighting | None = None
) -> FusedModel:
    """Return the refit of a result's configuration, which decides as the result did."""
    imputes = result.fusion != EARLY and isinstance(trained.way(result.fusion), ImputedFusion)
    part = imputed_problem(trained.problem, result.modalities) if imputes else trained.problem.part(result.modalities)
    part = part if weighting is None else weighting.weighted(part)
    with swept_alone(trained.learner, part, result.fold, sees, config) as sweep:
        fitted = sweep.fitted(0)
    fitted = replace(fitted, arrays={**fitted.arrays, **result.decision_arrays})
    recorded = config if weighting is None else {**config, "modality_weights": dict(weighting.weights)}
    return FusedModel(result.modalities, result.fusion, recorded, fitted, result.fold.train, sees)


def _weighting(modalities: Combination, config: Config, config_of: Mapping[Combination, Config]) -> Weighting:
    weights = config["modality_weights"]
    return weighting_of(modalities, np.array([weights[name] for name in modalities]), config_of)


def _late(
    way: Fusion, modalities: Combination, config: Config, members: Members, fitted: Fitted, models: Sequence[FusedModel]
) -> FusedModel:
    weights = config.get("modality_weights", {})
    asked = tuple(model for model in models if weights.get(model.modalities[0], 1) > 0)
    return FusedModel(modalities, way.name, config, fitted, members.fold.train, (), asked)
