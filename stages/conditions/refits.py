"""Fit a configuration again as train fitted it on one outer fold, in a form that predicts other samples than those of the features files.

Train keeps the models of outer folds on request only (`train.keep`); a refit of the chosen configurations costs a small part of the grid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, MemberScores, Sweep
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Raw, State
from stages.features.structures import model_input
from stages.foundation.prefetch import workers
from stages.model_selection.calibrators import Calibrator, calibrated
from stages.model_selection.fitted_fusion import fused_scores
from stages.model_selection.protocol import LearnerSetup, calibrator_of, member_scores
from stages.model_selection.target_forms import FORMS
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each
from stages.model_selection.tuning_sample import separately_tuned, tuned_rows, tuning_problem
from stages.model_selection.weighted_fusion import Weighting

Answers = tuple[np.ndarray, np.ndarray | None]  # predictions in the target's form; probabilities float32 (n, n_outputs), None of targets


@dataclass(frozen=True)
class Place:
    """An outer fold of a combination's samples. part: their problem, with all folds that were tuned together."""

    part: Problem
    fold: Fold

    @classmethod
    def of(cls, problem: Problem, fold: Fold, modalities: tuple[str, ...], tuning_rows: int | None) -> "Place":
        """Return the place of a fold of the whole problem among the samples that have all of a combination's modalities."""
        for part in separately_tuned(problem.part(modalities), tuning_rows):
            for own in part.folds:
                if (own.repeat, own.index) == (fold.repeat, fold.index):
                    return cls(part, own)
        raise ValueError(f"the problem has no fold {fold.index} of repeat {fold.repeat}")

    def weighted(self, weighting: Weighting) -> "Place":
        """Return the same place with blocks of other weights."""
        return Place(weighting.weighted(self.part), self.fold)


@dataclass(frozen=True)
class Refit:
    """A model that sees its modalities side by side. states: of the encoders, by modality, fitted on the fold's training rows."""

    model: Sweep
    fitted: Fitted
    states: Mapping[str, State]
    problem: Problem
    calibrator: Calibrator | None

    def scores(self, raws: Mapping[str, Raw]) -> Scores:
        """Return the scores of n samples by the raw features of all of the model's modalities; not calibrated."""
        structured = self.model.reads_structure
        inputs = {name: model_input(raws[name], state, structured=structured) for name, state in self.states.items()}
        if not next(getattr(one, "matrix", one).shape[0] for one in inputs.values()):  # no test row has all modalities
            return fused_scores(self.problem.form, np.empty((0, len(self.problem.outputs))))
        return self.model.predict(self.fitted, inputs)

    def answers(self, scores: Scores) -> Answers:
        """Return what scores decide."""
        decided = FORMS[self.problem.form].decide(scores.decisions, self.fitted.arrays.get("thresholds"))
        return decided, calibrated(scores, self.calibrator).probabilities


@dataclass(frozen=True)
class ConfigGrid:
    """The configurations of a model, in the order that the sweep numbers. path: as of an `Estimator`; None: each is fitted by itself."""

    configs: Sequence[Config]
    path: str | None = None

    def until(self, index: int) -> list[Config]:
        """Return a configuration behind those from whose solutions its own was reached on the inner folds."""
        chosen, path = self.configs[index], self.path
        if path is None:
            return [chosen]
        return [*(config for config in self.configs[:index] if {**config, path: chosen[path]} == chosen), chosen]


@dataclass(frozen=True)
class Training:
    """The training of a configuration at a place: the refits, and what late fusion needs of its out-of-fold scores.

    configs: as `ConfigGrid.until` returns them, that configuration last.
    """

    learner: LearnerSetup
    place: Place
    modalities: tuple[str, ...]
    configs: Sequence[Config]

    @cached_property
    def _tuned(self) -> tuple[Problem, Fold]:
        """Return the problem and fold on which configurations were compared."""
        part = tuning_problem(self.place.part, self.learner.tuning_rows)
        return part, next(fold for fold in part.folds if (fold.repeat, fold.index) == (self.place.fold.repeat, self.place.fold.index))

    def refit(self, *, with_member: bool) -> tuple[dict[int, Refit], MemberScores | None]:
        """Return the model by seed and, if wanted, its out-of-fold scores; those of the test rows are not among them."""
        (tuned, own), part, member, chosen = self._tuned, self.place.part, None, len(self.configs) - 1
        with workers() as pool:

            def swept(problem: Problem, fold: Fold) -> FoldSweep:
                alone = replace(problem, folds=(fold,), combinations=(self.modalities,))
                ((sweep,),) = self.learner.model.run(alone, self.learner.settings, list(self.configs), pool)
                return sweep

            whole = swept(part, self.place.fold)
            seeds = (part.seed, *self.learner.more_seeds)
            fitted = [whole.fitted(chosen, seed) for seed in seeds]
            compared = whole if tuned is part or not (with_member or needs_thresholds(part)) else swept(tuned, own)
            if needs_thresholds(part):
                thresholds = thresholds_of_each(tuned, own, compared.inner_predictions()[[chosen]])[0]
                fitted = [replace(one, arrays={**one.arrays, "thresholds": thresholds}) for one in fitted]
            calibrator = None
            if (method := self.learner.calibration_of(part)) != "none":
                calibrator = calibrator_of(part, self.place.fold, whole.out_of_fold(chosen), method)
            if with_member:
                member = member_scores(own, tuned_rows(part, self.learner.tuning_rows), compared.out_of_fold(chosen))
        blocks = {name: part.blocks[name] for name in self.modalities}
        states = {name: block.raw.fit(self.place.fold.train, block.settings) for name, block in blocks.items()}
        refits = {seed: Refit(self.learner.model, one, states, part, calibrator) for seed, one in zip(seeds, fitted, strict=True)}
        return refits, member
