"""The evaluation protocol: nested cross-validation over outer folds and modality combinations.

For every outer fold and modality combination, the grid is scored on the inner folds. The best configuration is refitted on all outer
training rows and predicts the outer test rows; a seeded model is refitted with several seeds (refit_seeds.py). No choice uses an outer
score. Of a large problem the grid is scored on a sample of the training rows (tuning_sample.py). Probabilities are calibrated, if at all,
on the inner folds of the chosen configuration.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from stages.contracts.candidate import CHOSEN
from stages.contracts.fitted import CalibrationMethod, Fitted, Scores
from stages.contracts.metric import Scoring
from stages.contracts.model import Config, FoldResult, FoldSweep, MemberScores, SeededPrediction, Sweep, TestScores
from stages.contracts.problem import Fold, Problem
from stages.foundation.parallel import each
from stages.foundation.prefetch import prefetched, workers
from stages.model_selection.calibrator_fitting import fit_calibrator
from stages.model_selection.calibrators import Calibrator, calibrated
from stages.model_selection.choice import Choice, best_of, choose, choose_config
from stages.model_selection.fitted_fusion import decision_arrays
from stages.model_selection.fitted_fusion import fusible as fusible
from stages.model_selection.target_forms import FORMS
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each
from stages.model_selection.tuning_sample import fitting, separately_tuned, tuned_rows, tuning_problem


@dataclass(frozen=True)
class _Pending:
    """A fold and combination whose configuration is chosen and whose refits are running; refits: by seed, the problem's own first."""

    fold: Fold
    modalities: tuple[str, ...]
    choice: Choice
    refits: Mapping[int, Callable[[], TestScores]]
    out_of_fold: Scores | None
    member: MemberScores | None


@dataclass(frozen=True)
class _Wanted:
    """What is done with a chosen configuration's out-of-fold scores of the training rows: kept, calibrated on, fused late, or nothing.

    critical_points: whether networks' points of the loss are looked at.
    """

    calibration: CalibrationMethod
    out_of_fold: bool = False
    members: bool = False
    critical_points: bool = False


@dataclass(frozen=True)
class LearnerSetup:
    """A model as it is trained.

    tuning_rows: the most training rows on which configurations are compared; None: all.
    more_seeds: with which the chosen configuration is refitted, too. It is chosen, and labels' thresholds are fitted, with the problem's
    own seed alone.
    calibration: of the probabilities of classes and labels; other targets have none.
    critical_points: whether results of networks say what is known of the point of the loss where their training ended.
    """

    model: Sweep
    settings: Any
    tuning_rows: int | None = None
    more_seeds: Sequence[int] = ()
    calibration: CalibrationMethod = "none"
    critical_points: bool = False

    def calibration_of(self, problem: Problem) -> CalibrationMethod:
        """Return how the model's probabilities are calibrated; targets without probabilities are not."""
        return self.calibration if FORMS[problem.form].has_probabilities else "none"


Runs = Callable[[Problem, list[Config]], Iterator[Sequence[FoldSweep]]]


def results(
    learner: LearnerSetup, problem: Problem, configs: list[Config], *, out_of_fold: bool = False, members: bool = False
) -> Iterator[FoldResult]:
    """Yield a model's result on every outer fold and modality combination, in the order of the problem.

    Combinations that share their samples follow one another.

    Args:
        out_of_fold: whether to keep the chosen configuration's scores of the training rows.
        members: whether single modalities' results keep what late fusion needs of them.
    """
    wanted = _Wanted(learner.calibration_of(problem), out_of_fold, members, learner.critical_points)
    tuning_rows = learner.tuning_rows
    with workers() as pool:

        def run(problem: Problem, configs: list[Config]) -> Iterator[Sequence[FoldSweep]]:
            return learner.model.run(problem, learner.settings, configs, pool)

        for whole in problem.parts():
            # fewer samples have all modalities of a combination than one of them: not every configuration fits
            of_part = configs if whole.folds is problem.folds else fitting(learner.model, whole, configs, tuning_rows)
            parts = separately_tuned(whole, tuning_rows)
            for part in parts:
                tuned, sample = tuning_problem(part, tuning_rows), tuned_rows(part, tuning_rows)
                most = tuning_rows if tuned is not part or len(parts) > 1 else None  # the same of all folds, also of small ones
                refit = partial(_whole, part, run, of_part) if tuned is not part else _same
                # each step starts before the previous one's result is consumed, so no core is idle while a configuration is refitted
                batches = prefetched(run(tuned, of_part))
                seeds = (part.seed, *learner.more_seeds)
                for pending in prefetched(map(partial(_start, tuned, sample, refit, wanted, seeds), batches)):
                    yield from (replace(_result(part, one, wanted, tuning_rows=most), configs=of_part) for one in pending)


def _same(sweep: FoldSweep, config: int) -> tuple[FoldSweep, int]:
    """Return the sweep on which the configuration was chosen: it has all rows."""
    return sweep, config


def _whole(problem: Problem, run: Runs, configs: list[Config], sweep: FoldSweep, config: int) -> tuple[FoldSweep, int]:
    """Return the sweep of the chosen configuration alone, on all rows of the fold, and its index there."""
    fold = next(fold for fold in problem.folds if (fold.repeat, fold.index) == (sweep.fold.repeat, sweep.fold.index))
    ((whole,),) = run(replace(problem, folds=(fold,), combinations=(sweep.modalities,)), [configs[config]])
    return whole, 0


def _start(
    problem: Problem, sample: np.ndarray | None, refitted: Callable[[FoldSweep, int], tuple[FoldSweep, int]], wanted: _Wanted,
    seeds: Sequence[int], batch: Sequence[FoldSweep],
) -> list[_Pending]:  # fmt: skip
    """Choose the configuration of each fold sweep and start its refits, one with each seed.

    sample: the rows of `problem` in the whole one; None: all. refitted: returns the sweep, and the index of the configuration in it, that
    is refitted.
    """

    def start(tuned: FoldSweep) -> _Pending:
        choice = choose_config(problem, tuned.fold, tuned.inner_predictions())
        sweep, config = refitted(tuned, choice.config)
        pending = _refitting(sweep, config, choice, wanted, seeds)
        if wanted.members and len(sweep.modalities) == 1:
            kept = pending.out_of_fold
            scores = kept if kept is not None and sweep is tuned else tuned.out_of_fold(choice.config)
            pending = replace(pending, member=member_scores(tuned.fold, sample, scores))
        return pending

    return _each_of_several(start, batch)


def _refitting(sweep: FoldSweep, config: int, choice: Choice, wanted: _Wanted, seeds: Sequence[int]) -> _Pending:
    """Start the refits of a fold sweep's configuration, one with each seed."""
    kept = sweep.out_of_fold(config) if wanted.out_of_fold or wanted.calibration != "none" else None
    if len(sweep.fold.test):
        refits = _each_of_several(partial(sweep.refit, config), seeds)
    else:  # no test row has all modalities: others answer
        refits = [partial(_no_scores, sweep, config)] * len(seeds)
    return _Pending(sweep.fold, sweep.modalities, choice, dict(zip(seeds, refits, strict=True)), kept, None)


def _no_scores(sweep: FoldSweep, config: int) -> TestScores:
    """Return the scores of no row, of the width of the configuration's others."""
    scores = sweep.out_of_fold(config)
    return TestScores(Scores(scores.decisions[:0], None if scores.probabilities is None else scores.probabilities[:0]))


def member_scores(fold: Fold, sample: np.ndarray | None, scores: Scores) -> MemberScores:
    """Return the out-of-fold scores of a fold's validated rows; those of the test rows are still missing.

    Args:
        sample: the rows of the fold's problem in the whole one; None: all.
    """
    rows = fold.train[fold.validated]
    return MemberScores(rows if sample is None else sample[rows], fold.inner[fold.validated], fusible(scores)[fold.validated], {})


def refitted_result(
    learner: LearnerSetup, problem: Problem, sweep: FoldSweep, config: int, choice: Choice, *, compared_on: int | None
) -> FoldResult:
    """Return the result of a fold sweep's configuration whose choice is made, refitted with each seed. compared_on: as `tuning_rows`."""
    wanted = _Wanted(learner.calibration_of(problem), critical_points=learner.critical_points)
    pending = _refitting(sweep, config, choice, wanted, (problem.seed, *learner.more_seeds))
    return _result(problem, pending, wanted, tuning_rows=compared_on)


def _each_of_several(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return the function's result of each item; several are computed in parallel."""
    return each(function, items) if len(items) > 1 else [function(item) for item in items]


def _result(problem: Problem, pending: _Pending, wanted: _Wanted, *, tuning_rows: int | None) -> FoldResult:
    tested = {seed: refit() for seed, refit in pending.refits.items()}
    test, decide = tested[problem.seed], partial(FORMS[problem.form].decide, thresholds=pending.choice.thresholds)
    calibrator = None
    if pending.out_of_fold is not None:
        calibrator = calibrator_of(problem, pending.fold, pending.out_of_fold, wanted.calibration)
    member = pending.member
    if member is not None:
        member = replace(member, test={seed: fusible(found.scores) for seed, found in tested.items()})
    return FoldResult(
        fold=pending.fold,
        modalities=pending.modalities,
        inner_scores=pending.choice.scores,
        chosen=pending.choice.config,
        prediction=decide(test.scores.decisions),
        probabilities=calibrated(test.scores, calibrator).probabilities,
        curves=test.curves,
        notes=test.notes,
        out_of_fold=pending.out_of_fold if wanted.out_of_fold else None,
        tuning_rows=tuning_rows,
        reseeded=tuple(SeededPrediction(seed, decide(other.scores.decisions), calibrated(other.scores, calibrator).probabilities)
                       for seed, other in tested.items() if seed != problem.seed),
        calibration=wanted.calibration,
        member=member,
        decision_arrays=decision_arrays(pending.choice.thresholds, calibrator),
        critical_point=test.critical_point() if wanted.critical_points and test.critical_point is not None else None,
    )


def calibrator_of(problem: Problem, fold: Fold, out_of_fold: Scores, method: CalibrationMethod) -> Calibrator | None:
    """Return the calibrator that a configuration's out-of-fold scores of a fold's training rows give; None if there is nothing to do."""
    if method == "none" or out_of_fold.probabilities is None:
        return None
    return fit_calibrator(method, problem, problem.target[fold.train][fold.validated], out_of_fold.probabilities[fold.validated])


def fit_on(learner: LearnerSetup, problem: Problem, fold: Fold, modalities: tuple[str, ...], config: Config) -> Fitted:
    """Return one configuration fitted on all training rows of a fold, with labels' thresholds and the calibrator fitted on its inner folds.
    """
    with swept_alone(learner, problem, fold, modalities, config) as sweep:
        return with_decisions(learner, problem, sweep)


@contextmanager
def swept_alone(
    learner: LearnerSetup, problem: Problem, fold: Fold, modalities: tuple[str, ...], config: Config
) -> Iterator[FoldSweep]:
    """Provide the fold sweep of one configuration, of one combination on one fold."""
    with workers() as pool:
        ((sweep,),) = learner.model.run(replace(problem, folds=(fold,), combinations=(modalities,)), learner.settings, [config], pool)
        yield sweep


def with_decisions(learner: LearnerSetup, problem: Problem, sweep: FoldSweep) -> Fitted:
    """Return the configuration of a sweep of one, fitted, with labels' thresholds and the calibrator that its inner folds give."""
    fold, fitted, method = sweep.fold, sweep.fitted(0), learner.calibration_of(problem)
    thresholds = thresholds_of_each(problem, fold, sweep.inner_predictions()[:1])[0] if needs_thresholds(problem) else None
    calibrator = None if method == "none" else calibrator_of(problem, fold, sweep.out_of_fold(0), method)
    return replace(fitted, arrays={**fitted.arrays, **decision_arrays(thresholds, calibrator)})


class Best(NamedTuple):
    """What is best over all outer folds. config: its index among those that were compared."""

    modalities: tuple[str, ...]
    fusion: str
    config: int


def best_overall(found: Sequence[FoldResult], metric: Scoring) -> Best:
    """Return combination, way of fusing and configuration with the best mean inner score over all outer folds; outer scores are not used.

    What was chosen among ways on each fold ("chosen") is none of them.
    """
    results: dict[tuple[tuple[str, ...], str], list[FoldResult]] = {}
    for result in sorted(found, key=lambda result: len(result.modalities)):  # ties go to the smallest, then to the first way
        if result.fusion != CHOSEN:
            results.setdefault((result.modalities, result.fusion), []).append(result)
    choices = [best_config(of_one, metric) for of_one in results.values()]
    best = choose(np.stack([scores for _, scores in choices]), greater_is_better=metric.greater_is_better)
    return Best(*list(results)[best], choices[best][0])


def best_config(found: Sequence[FoldResult], metric: Scoring) -> tuple[int, np.ndarray]:
    """Return the configuration with the best mean inner score over outer folds, and its scores, float64 (n_folds · n_inner,).

    It is one of those that could be chosen on most outer folds.

    Args:
        found: the results of one combination and way of fusing.
    """
    scores = np.hstack([result.inner_scores[metric.name] for result in found])
    n_usable = np.sum([np.ones(len(scores)) if result.usable is None else result.usable for result in found], axis=0)
    config = best_of(scores, n_usable == n_usable.max(), metric)
    return config, scores[config]
