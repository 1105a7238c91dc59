"""Every candidate predicts every test row: a sample that lacks modalities is predicted by what it has.

The same model and the same way of fusing answers, of the modalities of the combination that the sample has (`Problem.answered_by`), as they
are trained and chosen on the same outer fold; a way that imputes answers itself. A sample that has none of them is predicted by the
training rows' targets alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from stages.contracts.candidate import way_of
from stages.contracts.model import FoldResult, SeededPrediction
from stages.contracts.problem import Fold, Problem
from stages.model_selection.prior_answer import prior_answer

Key = tuple[int, int, tuple[str, ...], str]  # repeat, outer fold, combination, way of fusing


def answered(problem: Problem, found: Sequence[FoldResult]) -> Iterator[FoldResult]:
    """Yield each result with predictions of all test rows of its outer fold.

    Args:
        found: the results of every trained combination, each on the samples that have all of its modalities.
    """
    folds = {(fold.repeat, fold.index): fold for fold in problem.folds}
    by_key = {_key(result, result.modalities): result for result in found}
    for result in found:
        fold = folds[result.fold.repeat, result.fold.index]
        if len(result.fold.test) == len(fold.test):
            yield result
        else:
            yield _with_all_rows(problem, fold, result, by_key)


def _key(result: FoldResult, modalities: tuple[str, ...]) -> Key:
    """Return of which result the modalities' predictions are, for samples that lack others of a result; one modality is not fused."""
    return result.fold.repeat, result.fold.index, modalities, way_of(modalities, result.fusion)


def _with_all_rows(problem: Problem, fold: Fold, result: FoldResult, by_key: Mapping[Key, FoldResult]) -> FoldResult:
    is_own = np.isin(fold.test, result.fold.test)
    # places among the fold's test rows, and what is predicted for them by each seed
    parts = [(np.flatnonzero(is_own), {refit.seed: refit for refit in refits_of(problem, result)})]
    others = np.flatnonzero(~is_own)
    for modalities, places in problem.answered_by(result.modalities, fold.test[others]).items():
        if modalities:
            other = by_key[_key(result, modalities)]
            rows = np.searchsorted(other.fold.test, fold.test[others[places]])
            parts.append((others[places], {refit.seed: _taken(refit, rows) for refit in refits_of(problem, other)}))
        else:
            shares = prior_answer(problem.form, problem.target[fold.train], len(problem.outputs), len(places))
            prior = SeededPrediction(problem.seed, *shares)
            parts.append((others[places], {refit.seed: prior for refit in refits_of(problem, result)}))
    whole = [_joined(refit, [(places, of_seed[refit.seed]) for places, of_seed in parts], len(fold.test))
             for refit in refits_of(problem, result)]  # fmt: skip
    return replace(result, fold=replace(result.fold, test=fold.test), prediction=whole[0].prediction, probabilities=whole[0].probabilities,
                   reseeded=tuple(whole[1:]))  # fmt: skip


def refits_of(problem: Problem, result: FoldResult) -> list[SeededPrediction]:
    """Return the predictions of each seed, the problem's own first."""
    return [SeededPrediction(problem.seed, result.prediction, result.probabilities), *result.reseeded]


def _taken(refit: SeededPrediction, rows: np.ndarray) -> SeededPrediction:
    return SeededPrediction(refit.seed, refit.prediction[rows], None if refit.probabilities is None else refit.probabilities[rows])


def _joined(refit: SeededPrediction, parts: Sequence[tuple[np.ndarray, SeededPrediction]], n: int) -> SeededPrediction:
    prediction = np.empty((n, *refit.prediction.shape[1:]), refit.prediction.dtype)
    probabilities = None if refit.probabilities is None else np.empty((n, refit.probabilities.shape[1]), np.float32)
    for places, part in parts:
        prediction[places] = part.prediction
        if probabilities is not None and part.probabilities is not None:
            probabilities[places] = part.probabilities
    return SeededPrediction(refit.seed, prediction, probabilities)
