"""How much a leak in the protocol would add to a score: the same learner on the same rows, tested with it and without it.

The folds of the two protocols may differ, so that scores of folds are not paired; groups are: what each group's rows add to one mean score
and to the other. A group's rows depend on one another, so the groups are the units of the standard error, of the t and of the sign-flip
test. What is fitted is taken as it is: the interval speaks of other groups, not of other training sets.

Source: Liang & Zeger 1986, Biometrika 73, 13 (standard errors of clusters); for the degrees of freedom see pooled.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import stdtr

from stages.contracts.candidate import parsed_combination
from stages.contracts.documents.control_findings import ProtocolGap
from stages.contracts.documents.evaluation_document import FEWEST_GROUPS
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir
from stages.contracts.tables.leaking_table import HONEST, LEAKING, LeakingMetadata
from stages.evaluation.checked_predictions import Expected, FileRows, FoldPredictions, Splits, TestFold
from stages.evaluation.comparisons import verdict
from stages.evaluation.pooled import degrees_of_freedom
from stages.evaluation.row_values import row_values
from stages.evaluation.scores import MetricScores
from stages.evaluation.sign_flips import sign_flip
from stages.evaluation.statistics import ROUNDING, Spread, holm
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described


def protocol_gaps(dataset: str, metric: Metric, splits: Splits, confidence: float, expected: Expected) -> tuple[ProtocolGap, ...]:
    """Return the gaps of all leaking controls of a data set.

    Args:
        metric: bound to the data set's targets, the one that ranks.
        expected: form and names of the outputs; the rest is that of each file.
    Raises:
        InputError: if predictions were chosen by another metric, are not of every test row once, or are impossible.
    """
    found: list[ProtocolGap] = []
    for path in sorted(controls_dir(dataset).glob("*/leaking.arrow")):
        table, about = read_described(path, LeakingMetadata)
        if about.scoring != metric.name:
            raise InputError(f"{path}: scoring: expected {metric.name!r}, which ranks, found {about.scoring!r}; run `dvc repro`")
        rows = FileRows.of(table, splits, replace(expected, model=about.model, combinations=about.combinations), path, "protocol")
        folds = [[_folds(rows, protocol, name) for protocol in (HONEST, LEAKING)] for name in about.combinations]
        rows.refuse_unmatched(np.ones(len(table), bool))
        measured = [_measured(of_both, metric, splits, confidence) for of_both in folds]
        corrected = holm([gap["p"] for gap in measured])
        for name, gap, p_corrected in zip(about.combinations, measured, corrected, strict=True):
            gain = gap["difference"] if metric.greater_is_better else -gap["difference"]
            found.append(ProtocolGap(control=about.control, model=about.model, what=about.what, modalities=parsed_combination(name), **gap,
                                     p_corrected=p_corrected, verdict=verdict(gain, p_corrected, None, confidence)))
    return tuple(found)


Folds = list[tuple[np.ndarray, FoldPredictions]]  # row numbers into Splits.ids, and the predictions for them


def _measured(of_both: Sequence[Folds], metric: Metric, splits: Splits, confidence: float) -> dict[str, Any]:
    """Return scores, difference, interval and p of one combination."""
    of_arm = [arm_scores(folds, metric, splits) for folds in of_both]
    honest, leaking = (scores.mean for scores, _ in of_arm)
    gap = paired_groups(*(sums for _, sums in of_arm), confidence=confidence)
    if len(of_arm[0][0].folds) == 1 and gap["n_groups"] < FEWEST_GROUPS:  # as of all scores of one test split
        gap |= dict.fromkeys(("lo", "hi", "p"), float("nan"))
    return {"honest": honest, "leaking": leaking, **gap}


def _folds(rows: FileRows, protocol: str, combination: str) -> Folds:
    """Return the folds of one protocol; those with the leak may hold other rows, but every test row of a repeat is in one of them.

    Raises:
        InputError: if they do not, or a prediction is impossible.
    """
    mine, found = rows.where(protocol=protocol, modalities=combination), []
    for test in rows.splits.folds if protocol == HONEST else _leaking_folds(rows, mine, f"{rows.path}: {protocol}, {combination!r}"):
        what = f"protocol {protocol}, modalities {combination!r}, repeat {test.repeat}, fold {test.fold}"
        found.append((test.rows, rows.of_fold(mine, test, what)))
    return found


def _leaking_folds(rows: FileRows, mine: np.ndarray, where: str) -> Iterator[TestFold]:
    """Yield the test folds with the leak, as they stand in the file: as many as there are, of the same rows of each repeat."""
    folds = rows.splits.folds
    for repeat in dict.fromkeys(test.repeat for test in folds):
        honest = [test for test in folds if test.repeat == repeat]
        drawn = [replace(test, rows=np.unique(rows.row[mine & rows.where(repeat=repeat, fold=test.fold)])) for test in honest]
        empty = [test.fold for test in drawn if not test.rows.size]
        if empty:
            raise InputError(f"{where}, repeat {repeat}, fold {empty[0]}: no test row has a prediction; run `dvc repro`")
        wanted, tested = (np.sort(np.concatenate([test.rows for test in some])) for some in (honest, drawn))
        if not np.array_equal(wanted, tested):
            n_missing, n_others = len(np.setdiff1d(wanted, tested)), len(np.setdiff1d(tested, wanted))
            n_twice = len(tested) - len(np.unique(tested))
            raise InputError(f"{where}, repeat {repeat}: expected each of {len(wanted)} test rows in one fold; {n_missing} are in none, "
                             f"{n_twice} in several, and {n_others} others are there; run `dvc repro`")
        yield from drawn


def arm_scores(folds: Folds, metric: Metric, splits: Splits) -> tuple[MetricScores, tuple[np.ndarray, np.ndarray]]:
    """Return the scores, and what each group adds to their mean: float64 (2, n_groups), sums of values and weights, each fold the same."""
    _, codes = np.unique(np.asarray(splits.groups, dtype=np.str_), return_inverse=True)
    sums, weights, scores, values = np.zeros(codes.max() + 1), np.zeros(codes.max() + 1), [], []
    for rows, predicted in folds:
        scores.append(metric.score(predicted.target, predicted.prediction, None))
        values.append(row_values(metric, predicted, codes[rows], scores[-1]))
    n_defined = sum(not np.isnan(score) for score in scores)
    for (rows, _), score, of_rows in zip(folds, scores, values, strict=True):
        if not np.isnan(score):
            weight = 1 / (n_defined * len(rows))
            sums += np.bincount(codes[rows], weights=of_rows * weight, minlength=len(sums))
            weights += np.bincount(codes[rows], minlength=len(sums)) * weight
    return MetricScores(np.array(scores, dtype=np.float64), np.concatenate(values)), (sums, weights)


def paired_groups(honest: tuple[np.ndarray, np.ndarray], leaking: tuple[np.ndarray, np.ndarray], *, confidence: float) -> dict[str, Any]:
    """Return difference, lo, hi, p and n_groups of two means by what each group adds to them; as `arm_scores` returns it.

    Two tests must agree, as everywhere: p is the larger of that of the t and that of the sign-flip test. NaN where nothing is defined or
    no group differs from another.
    """
    there = (honest[1] > 0) | (leaking[1] > 0)
    sums = [part[there] for part in (honest[0], leaking[0])]
    means = [float(part.sum()) if weights.sum() else float("nan") for part, (_, weights) in zip(sums, (honest, leaking), strict=True)]
    residuals = [part - mean * weights[there] for part, mean, (_, weights) in zip(sums, means, (honest, leaking), strict=True)]
    difference, n = _rounded(means[1] - means[0], np.array(means)), int(there.sum())
    of_groups, added = (_rounded(b - a, np.concatenate(sums)) for a, b in (residuals, sums))
    spread = Spread(float(np.sqrt(n / (n - 1) * (of_groups**2).sum())) if n > 1 else float("nan"), degrees_of_freedom(of_groups))
    nothing = not spread.error > 0 or np.isnan(difference)
    half = float("nan") if nothing else spread.half_width(confidence)
    p_t = float("nan") if nothing else float(2 * stdtr(spread.df, -abs(difference) / spread.error))
    return {"difference": float(difference), "lo": difference - half, "hi": difference + half,
            "p": float(np.maximum(p_t, sign_flip(added))), "n_groups": n}


def _rounded(difference: Any, terms: np.ndarray) -> Any:
    """Return differences without those that are rounding of the terms: of equal predictions in other folds, say."""
    return np.where(np.abs(difference) <= ROUNDING * np.abs(terms).max(initial=0.0), 0.0, difference)[()]
