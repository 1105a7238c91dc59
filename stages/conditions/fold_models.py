"""All models of one outer fold, fitted again, and what they predict of clean, corrupted and incomplete test samples.

A sample that lacks a modality is answered by what is there:
    early    by the model of the other modalities, as every combination is trained
    late     by the other members: their mean, or their weighted mean with weights that sum to 1 again; where a combiner has learned of all
             members, by the mean of the others
    nothing  by the class shares of the training rows, or the targets' means
The chosen way is, on each outer fold, the one that was chosen there.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.conditions.refits import Answers, ConfigGrid, Place, Refit, Training
from stages.conditions.trained_folds import FoldKey, Trained
from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.fusion import EarlyFusion, Fusion, LateFusion
from stages.contracts.model import Config, FoldResult
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Raw
from stages.foundation.errors import InputError
from stages.model_selection.late_fusion import FittedFusion, fitted_fusion, members_of
from stages.model_selection.protocol import LearnerSetup, fusible
from stages.model_selection.target_forms import FORMS
from stages.model_selection.weighted_fusion import weighting_of

Combination = tuple[str, ...]
Member = tuple[str, Combination]  # way of fusing, modalities; of a single modality `early`
HALF = 0.5  # a label is predicted without any modality if so many training rows have it


@dataclass(frozen=True)
class LateModel:
    """fitted: of all members. of_others: by the modality that is missing, the weights of the members, float64 (n_members,)."""

    fitted: FittedFusion
    of_others: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class FoldModels:
    """The models of one outer fold of the whole problem.

    refits: of single modalities and of early fusion. late: of late fusion. chosen: by combination, the way that was chosen.
    """

    problem: Problem
    fold: Fold
    refits: Mapping[Member, Refit]
    late: Mapping[Member, LateModel]
    chosen: Mapping[Combination, str]

    def test_rows(self, modalities: Combination) -> np.ndarray:
        """Return the test rows that have all of a combination's modalities: int64, sorted."""
        rows = self.problem.complete(modalities)
        return self.fold.test if rows is None else self.fold.test[rows[self.fold.test]]

    def places(self, inner: Combination, outer: Combination) -> np.ndarray:
        """Return where the test rows of a combination are among those of some of its modalities."""
        return np.searchsorted(self.test_rows(inner), self.test_rows(outer))

    def predicted(self, raws: Mapping[str, Raw], known: Mapping[str, np.ndarray], name: str | None = None) -> "FoldAnswers":
        """Return the answers of all models, or of those that see a modality.

        Args:
            raws: of each modality, the raw features of the test rows that have it.
            known: what `FoldAnswers.members` has of the modalities whose features are clean.
            name: the modality whose features are others; None: of all models.
        """
        found: dict[Member, Answers] = {}
        members = dict(known)
        for (way, modalities), refit in self.refits.items():
            if name is None or name in modalities:
                scores = refit.scores({one: self._taken(raws[one], one, modalities) for one in refit.states})
                found[way, modalities] = refit.answers(scores)
                if len(modalities) == 1:
                    members[modalities[0]] = fusible(scores)
        for (way, modalities), late in self.late.items():
            if name is None or name in modalities:
                found[way, modalities] = late.fitted.predicted(self._stacked(members, modalities))
        return self._with_chosen(found, members)

    def without(self, clean: "FoldAnswers", name: str, absent: np.ndarray) -> "FoldAnswers":
        """Return the answers where some samples lack a modality; of the combinations that have it.

        Args:
            absent: bool (n_test,), which of the fold's test rows lack it.
        """
        found: dict[Member, Answers] = {}
        for (way, modalities), answers in clean.by_member.items():
            if name in modalities and way != CHOSEN:
                lacks = absent[np.searchsorted(self.fold.test, self.test_rows(modalities))]
                found[way, modalities] = mixed(answers, self._of_others(clean, (way, modalities), name), lacks)
        return self._with_chosen(found, clean.members)

    def _of_others(self, clean: "FoldAnswers", member: Member, name: str) -> Answers:
        """Return the answers for the test rows of a combination if all of them lack a modality."""
        way, modalities = member
        others = tuple(one for one in modalities if one != name)
        if member in self.refits and name not in self.refits[member].states:  # weight 0
            return clean.by_member[member]
        if not others:
            return self._prior(len(self.test_rows(modalities)))
        if member in self.late:
            late = self.late[member]
            return late.fitted.decided(np.einsum("m,nmo->no", late.of_others[name], self._stacked(clean.members, modalities)))
        prediction, probabilities = clean.by_member[way if len(others) > 1 else EARLY, others]
        rows = self.places(others, modalities)
        return prediction[rows], None if probabilities is None else probabilities[rows]

    def _prior(self, n_rows: int) -> Answers:
        """Return what the training rows' targets alone tell."""
        form, target = FORMS[self.problem.form], self.problem.target[self.fold.train]
        shares = np.tile(form.expected(target, len(self.problem.outputs)), (n_rows, 1))
        decided = form.decide(shares, np.full(shares.shape[1], HALF) if self.problem.form == "labels" else None)
        return decided, shares.astype(np.float32) if form.has_probabilities else None

    def _taken(self, raw: Raw, name: str, modalities: Combination) -> Raw:
        places = self.places((name,), modalities)
        return raw if len(places) == len(self.test_rows((name,))) else raw.taken(places)

    def _stacked(self, members: Mapping[str, np.ndarray], modalities: Combination) -> np.ndarray:
        return np.stack([members[name][self.places((name,), modalities)] for name in modalities], axis=1)

    def _with_chosen(self, found: dict[Member, Answers], members: Mapping[str, np.ndarray]) -> "FoldAnswers":
        chosen = {(CHOSEN, modalities): found[way, modalities] for modalities, way in self.chosen.items() if (way, modalities) in found}
        return FoldAnswers(found | chosen, members)


@dataclass(frozen=True)
class FoldAnswers:
    """by_member: of each way and combination, for its test rows. members: of each modality, the scores that late fusion combines."""

    by_member: Mapping[Member, Answers]
    members: Mapping[str, np.ndarray]


def mixed(answers: Answers, others: Answers, rows: np.ndarray) -> Answers:
    """Return the answers, those of `others` where `rows`, bool (n,), is true."""

    def of_either(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(rows if a.ndim == 1 else rows[:, None], b, a)

    both = answers[1] is not None and others[1] is not None
    return of_either(answers[0], others[0]), of_either(answers[1], others[1]) if both else None  # type: ignore[arg-type]


def fold_models(
    learner: LearnerSetup, problem: Problem, fold: Fold, grid: ConfigGrid, ways: Mapping[Fusion, Any], trained: Trained
) -> FoldModels:
    """Return the models that train chose on an outer fold, fitted again.

    Args:
        ways: the declared ones, each with its settings.
    """
    several = [modalities for modalities in problem.combinations if len(modalities) > 1]
    is_late, is_early = (any(isinstance(way, kind) for way in ways) for kind in (LateFusion, EarlyFusion))
    refits: dict[Member, Refit] = {}
    config_of: dict[Combination, Config] = {}
    results: dict[str, FoldResult] = {}
    for modalities in problem.combinations if is_early else [one for one in problem.combinations if len(one) == 1]:
        place = Place.of(problem, fold, modalities, learner.tuning_rows)
        configs = _configs_at(trained, _key(modalities, EARLY, fold), grid)
        config_of[modalities] = configs[-1]
        refit, member = Training(learner, place, modalities, configs).refit(with_member=is_late and len(modalities) == 1)
        refits[EARLY, modalities] = refit
        if member is not None:
            results[modalities[0]] = FoldResult(place.fold, modalities, {}, 0, place.fold.test, None, member=member)
    for way in ways if several else ():
        if isinstance(way, EarlyFusion) and way.name != EARLY:
            refits |= {(way.name, modalities): _weighted(learner, problem, fold, trained, way, modalities, refits, config_of)
                       for modalities in several}  # fmt: skip
    late = {(way.name, modalities): _late(learner, problem, fold, trained, way, modalities, results)
            for way in ways if isinstance(way, LateFusion) for modalities in several}  # fmt: skip
    chosen = {modalities: str(trained.at(_key(modalities, CHOSEN, fold)).settings["fusion"]) for modalities in several if len(ways) > 1}
    return FoldModels(problem, fold, refits, late, chosen)


def keys_of(models: FoldModels, answers: FoldAnswers) -> Iterator[tuple[FoldKey, np.ndarray, Answers]]:
    """Yield each candidate's key of the fold, its test rows and its answers."""
    for (way, modalities), of_member in answers.by_member.items():
        yield _key(modalities, way, models.fold), models.test_rows(modalities), of_member


def _key(modalities: Combination, way: str, fold: Fold) -> FoldKey:
    return "+".join(modalities), way, fold.repeat, fold.index


def _configs_at(trained: Trained, key: FoldKey, grid: ConfigGrid) -> list[Config]:
    """Return the configuration that was chosen, behind those before it on its path."""
    known = trained.at(key)
    config = grid.configs[known.config] if known.config < len(grid.configs) else {}
    if json.loads(json.dumps(config)) != known.settings:
        raise InputError(f"{trained.folder / 'sweep.arrow'}: configuration {known.config}, {known.settings}, is not that of the grid in "
                         "params.yaml; run `dvc repro`")
    return grid.until(known.config)


def _weighted(
    learner: LearnerSetup, problem: Problem, fold: Fold, trained: Trained, way: EarlyFusion, modalities: Combination,
    refits: Mapping[Member, Refit], config_of: Mapping[Combination, Config],
) -> Refit:  # fmt: skip
    """Return the model of the weights that were chosen; of equal ones, and of one modality alone on the same rows, it is fitted already."""
    weights = trained.at(_key(modalities, way.name, fold)).settings["modality_weights"]
    weighting = weighting_of(modalities, np.array([weights[name] for name in modalities]), config_of)
    place = Place.of(problem, fold, modalities, learner.tuning_rows)
    if weighting.is_equal:
        return refits[EARLY, modalities]
    if len(weighting.modalities) == 1:
        alone = Place.of(problem, fold, weighting.modalities, learner.tuning_rows)
        if np.array_equal(alone.fold.train, place.fold.train):
            return refits[EARLY, weighting.modalities]
    return Training(learner, place.weighted(weighting), weighting.modalities, [weighting.config]).refit(with_member=False)[0]


def _late(
    learner: LearnerSetup, problem: Problem, fold: Fold, trained: Trained, way: LateFusion, modalities: Combination,
    results: Mapping[str, FoldResult],
) -> LateModel:  # fmt: skip
    place = Place.of(problem, fold, modalities, learner.tuning_rows)
    config = dict(trained.at(_key(modalities, way.name, fold)).settings)
    weights = config.get("modality_weights")
    if weights:  # the sweep has them by name in the order of the alphabet, and the way takes them in that of the modalities
        config["modality_weights"] = {name: weights[name] for name in modalities}
    calibration = learner.calibration_of(problem)
    fitted = fitted_fusion(problem, way, config, members_of(place.fold, [results[name] for name in modalities]), calibration)
    of_all = np.array([weights[name] for name in modalities]) if weights else np.ones(len(modalities))
    return LateModel(fitted, {name: _of_others(of_all, place) for place, name in enumerate(modalities)})


def _of_others(weights: np.ndarray, missing: int) -> np.ndarray:
    """Return weights without one member that sum to 1: in the same proportions, or equal where the others have none."""
    others = np.arange(len(weights)) != missing
    kept = np.where(others, weights, 0.0)
    return kept / kept.sum() if kept.sum() > 0 else others / others.sum()
