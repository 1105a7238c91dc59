"""How much a leak in the protocol would add to a score: the same learner on the same rows, tested with it and without it.

The folds of the two protocols may differ, so that scores of folds are not paired; groups are: what each group's rows add to one mean score
and to the other. A group's rows depend on one another, so the groups are the units of the standard error, of the t and of the sign-flip
test. What is fitted is taken as it is: the interval speaks of other groups, not of other training sets.

Source: Liang & Zeger 1986, Biometrika 73, 13 (standard errors of clusters); for the degrees of freedom see pooled.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtr

from stages.contracts.candidate import parsed_combination
from stages.contracts.documents.control_findings import ProtocolGap
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir, splits_path
from stages.contracts.tables.leaking_table import HONEST, LEAKING, LeakingMetadata
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.comparisons import verdict
from stages.evaluation.pooled import degrees_of_freedom
from stages.evaluation.row_values import row_values
from stages.evaluation.scores import MetricScores
from stages.evaluation.sign_flips import sign_flip
from stages.evaluation.statistics import ROUNDING, Spread, holm
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_described


def protocol_gaps(dataset: str, metric: Metric, splits: Splits, confidence: float) -> tuple[ProtocolGap, ...]:
    """Return the gaps of all leaking controls of a data set.

    Args:
        metric: bound to the data set's targets, the one that ranks.
    Raises:
        InputError: if predictions were chosen by another metric, or are of samples that are not in the splits.
    """
    found: list[ProtocolGap] = []
    for path in sorted(controls_dir(dataset).glob("*/leaking.arrow")):
        table, about = read_described(path, LeakingMetadata)
        if about.scoring != metric.name:
            raise InputError(f"{path}: scoring: expected {metric.name!r}, which ranks, found {about.scoring!r}; run `dvc repro`")
        measured = [_measured(table, name, metric, splits, path, confidence) for name in about.combinations]
        corrected = holm([gap["p"] for gap in measured])
        for name, gap, p_corrected in zip(about.combinations, measured, corrected, strict=True):
            gain = gap["difference"] if metric.greater_is_better else -gap["difference"]
            found.append(ProtocolGap(control=about.control, model=about.model, what=about.what, modalities=parsed_combination(name), **gap,
                                     p_corrected=p_corrected, verdict=verdict(gain, p_corrected, None, confidence)))
    return tuple(found)


def _measured(table: pa.Table, combination: str, metric: Metric, splits: Splits, path: Path, confidence: float) -> dict[str, Any]:
    """Return scores, difference, interval and p of one combination."""
    of_arm = [arm_scores(_folds(table, protocol, combination, splits, path), metric, splits) for protocol in (HONEST, LEAKING)]
    honest, leaking = (scores.mean for scores, _ in of_arm)
    return {"honest": honest, "leaking": leaking, **paired_groups(*(sums for _, sums in of_arm), confidence=confidence)}


Folds = list[tuple[np.ndarray, FoldPredictions]]  # row numbers into Splits.ids, and the predictions for them


def _folds(table: pa.Table, protocol: str, combination: str, splits: Splits, path: Path) -> Folds:
    """Return the folds of one protocol, with the targets that the splits have: nothing of the file but its predictions is trusted."""
    mine = table.filter(pc.and_(pc.equal(table["protocol"], protocol), pc.equal(table["modalities"], combination)))
    places = pc.index_in(mine["sample_id"].combine_chunks(), value_set=splits.ids)
    if places.null_count:
        raise InputError(f"{path}: its samples are not those of {splits_path(path.parts[-4])}; run `dvc repro`")
    rows, predictions = column_values(places), column_values(mine["prediction"])
    keys = np.stack([column_values(mine["repeat"]), column_values(mine["fold"])], axis=1)
    found = []
    for key in np.unique(keys, axis=0):
        here = np.flatnonzero((keys == key).all(axis=1))
        found.append((rows[here], FoldPredictions(splits.targets[rows[here]], predictions[here], None)))
    return found


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
