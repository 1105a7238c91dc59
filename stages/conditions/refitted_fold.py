"""Fit all models of one outer fold again: every way of fusing on every modality combination, with every seed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stages.conditions.fold_models import Combination, FoldModels, Member, key_of
from stages.conditions.refits import ConfigGrid, Place, Refit, Training
from stages.conditions.trained_folds import FoldKey, Trained
from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.fusion import EarlyFusion, Fusion, ImputedFusion, LateFusion
from stages.contracts.model import Config, FoldResult
from stages.contracts.problem import Fold, Problem
from stages.foundation.errors import InputError
from stages.model_selection.imputed_fusion import imputed_problem
from stages.model_selection.late_fusion import FittedFusion, fitted_fusion, members_of
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.weighted_fusion import weighting_of

BySeed = Mapping[int, Refit]


@dataclass(frozen=True)
class RefittedFold:
    """An outer fold of a trained model.

    learner: more_seeds: those of the refits next to the problem's own. ways: of fusing, each with its settings.
    """

    learner: LearnerSetup
    problem: Problem
    fold: Fold
    grid: ConfigGrid
    ways: Mapping[Fusion, Any]
    trained: Trained
    _refits: dict[Member, BySeed] = field(default_factory=dict, init=False, repr=False)
    _config_of: dict[Combination, Config] = field(default_factory=dict, init=False, repr=False)
    _results: dict[str, FoldResult] = field(default_factory=dict, init=False, repr=False)  # of single modalities, for late fusion

    def models(self) -> dict[int, FoldModels]:
        """Return the models that train chose, by seed, the problem's own first.

        Raises:
            InputError: if params.yaml has another grid, or train has not written something.
        """
        several = [modalities for modalities in self.problem.combinations if len(modalities) > 1]
        is_early = any(isinstance(way, EarlyFusion | ImputedFusion) for way in self.ways)
        for modalities in self.problem.combinations:
            if is_early or len(modalities) == 1:
                self._fit_alone(modalities)
        for way in self.ways if several else ():
            if isinstance(way, EarlyFusion) and way.name != EARLY:
                for modalities in several:
                    self._refits[way.name, modalities] = self._weighted(way, modalities)
            elif isinstance(way, ImputedFusion):
                for modalities in several:
                    self._refits[way.name, modalities] = self._imputed(way, modalities)
        late = {(way.name, modalities): self._late(way, modalities)
                for way in self.ways if isinstance(way, LateFusion) for modalities in several}  # fmt: skip
        chosen = {modalities: str(self.trained.at(self._key(modalities, CHOSEN)).settings["fusion"])
                  for modalities in several if len(self.ways) > 1}  # fmt: skip
        imputing = frozenset(way.name for way in self.ways if isinstance(way, ImputedFusion))
        return {seed: FoldModels(self.problem, self.fold, {member: refits[seed] for member, refits in self._refits.items()}, late, chosen,
                                 imputing) for seed in self.seeds}  # fmt: skip

    @property
    def seeds(self) -> Sequence[int]:
        """Return the seeds of the refits."""
        return (self.problem.seed, *self.learner.more_seeds)

    def _key(self, modalities: Combination, way: str) -> FoldKey:
        return key_of(modalities, way, self.fold)

    def _fit_alone(self, modalities: Combination) -> None:
        """Fit the model of a single modality, or of blocks side by side with equal weights."""
        place = Place.of(self.problem, self.fold, modalities, self.learner.tuning_rows)
        configs = self._configs_at(self._key(modalities, EARLY))
        self._config_of[modalities] = configs[-1]
        is_late = any(isinstance(way, LateFusion) for way in self.ways) and len(self.problem.combinations) > 1
        refits, member = Training(self.learner, place, modalities, configs).refit(with_member=is_late and len(modalities) == 1)
        self._refits[EARLY, modalities] = refits
        if member is not None:
            self._results[modalities[0]] = FoldResult(place.fold, modalities, {}, 0, place.fold.test, None, member=member)

    def _configs_at(self, key: FoldKey) -> list[Config]:
        """Return the configuration that was chosen, behind those before it on its path."""
        known = self.trained.at(key)
        # by its settings: where few samples have all modalities, some configurations are left out, and those left have other numbers
        index = next((i for i, config in enumerate(self.grid.configs) if json.loads(json.dumps(config)) == known.settings), None)
        if index is None:
            raise InputError(f"{self.trained.folder / 'sweep.arrow'}: configuration {known.config}, {known.settings}, is not that of the "
                             "grid in params.yaml; run `dvc repro`")
        return self.grid.until(index)

    def _imputed(self, way: ImputedFusion, modalities: Combination) -> BySeed:
        """Return the models of all samples that have one of the modalities; where every sample has all, equal weights'."""
        if self.problem.complete(modalities) is None:
            return self._refits[EARLY, modalities]
        place = Place.of(imputed_problem(self.problem, modalities), self.fold, modalities, self.learner.tuning_rows)
        configs = self._configs_at(self._key(modalities, way.name))
        return Training(self.learner, place, modalities, configs).refit(with_member=False)[0]

    def _weighted(self, way: EarlyFusion, modalities: Combination) -> BySeed:
        """Return the models of the weights that were chosen; of equal ones, and of one modality alone on the same rows, they are fitted."""
        weights = self.trained.at(self._key(modalities, way.name)).settings["modality_weights"]
        weighting = weighting_of(modalities, np.array([weights[name] for name in modalities]), self._config_of)
        place = Place.of(self.problem, self.fold, modalities, self.learner.tuning_rows)
        if weighting.is_equal:
            return self._refits[EARLY, modalities]
        if len(weighting.modalities) == 1:
            alone = Place.of(self.problem, self.fold, weighting.modalities, self.learner.tuning_rows)
            if np.array_equal(alone.fold.train, place.fold.train):
                return self._refits[EARLY, weighting.modalities]
        of_weights = Training(self.learner, place.weighted(weighting), weighting.modalities, [weighting.config])
        return of_weights.refit(with_member=False)[0]

    def _late(self, way: LateFusion, modalities: Combination) -> FittedFusion:
        place = Place.of(self.problem, self.fold, modalities, self.learner.tuning_rows)
        config = dict(self.trained.at(self._key(modalities, way.name)).settings)
        if weights := config.get("modality_weights"):
            # the sweep has them by name in the order of the alphabet, and the way takes them in that of the modalities
            config["modality_weights"] = {name: weights[name] for name in modalities}
        members = members_of(place.fold, [self._results[name] for name in modalities])
        return fitted_fusion(self.problem, way, config, members, self.learner.calibration_of(self.problem))
