"""A score as a mean over rows: what each row adds to a metric, so that scores get standard errors and pairs of models paired tests.

For a mean over rows (accuracy, Hamming loss, log-loss, Q²) a row's value is its own score. For the others it is the score plus the row's
influence: the first-order effect on the metric of counting the row more often. A metric without a closed form here gets the values by
leaving out blocks of rows (jackknife), so that a new metric needs no line in this file.

Source: Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6 (influence function, infinitesimal jackknife); for the
area under the ROC curve DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837.
"""

from collections.abc import Callable

import numpy as np

from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions
from stages.metric_inputs.label_ranks import LabelRanks, label_ranks, ranking_losses, ranking_precisions, top_errors
from stages.scoring.known_values import mean_where_known, varies

N_BLOCKS = 200  # most blocks that are left out one at a time
EPSILON = float(np.finfo(np.float64).eps)  # to which log-loss clips probabilities
Values = Callable[[FoldPredictions], np.ndarray]


def row_values(metric: Metric, predicted: FoldPredictions, blocks: np.ndarray, score: float) -> np.ndarray:
    """Return values of rows whose mean is `score`: float64 (n,); NaN where it is undefined.

    Args:
        metric: bound to the data set's targets; its score of these predictions is `score`.
        predicted: of one test fold.
        blocks: int (n,), the group of each row: what the jackknife leaves out together.
    """
    if np.isnan(score):
        return np.full(len(predicted.target), np.nan)
    if metric.name == "q2":
        return _of_errors(metric, predicted)
    compute = _CLOSED_FORMS.get(metric.name)
    return _left_out(metric, predicted, blocks, score) if compute is None else compute(predicted)


def row_losses(predicted: FoldPredictions, scale: np.ndarray | None) -> np.ndarray:
    """Return how wrong each row's prediction is: float64 (n,), to count the rows on which one model is closer than another.

    Classes: 1 if wrong. Labels: the share of wrong labels. Continuous targets: the mean squared error in units of `scale`, the variances of
    the targets, over the known ones (NaN if there is none).
    """
    if scale is not None:
        errors = _squared_errors(predicted) / np.where(scale > 0, scale, np.nan)
        known = ~np.isnan(errors)
        total = np.where(known, errors, 0.0).sum(axis=1)
        return np.divide(total, known.sum(axis=1), out=np.full(len(errors), np.nan), where=known.any(axis=1))
    wrong = predicted.target != predicted.prediction
    return np.asarray(wrong if wrong.ndim == 1 else wrong.mean(axis=1), dtype=np.float64)


# ---------------------------------------------------------------- classes and labels
def _accuracy(predicted: FoldPredictions) -> np.ndarray:
    return np.asarray(predicted.target == predicted.prediction, dtype=np.float64)


def _subset_accuracy(predicted: FoldPredictions) -> np.ndarray:
    return np.asarray((predicted.target == predicted.prediction).all(axis=1), dtype=np.float64)


def _hamming_loss(predicted: FoldPredictions) -> np.ndarray:
    return np.asarray((predicted.target != predicted.prediction).mean(axis=1))


def _balanced_accuracy(predicted: FoldPredictions) -> np.ndarray:
    target, hit = predicted.target, predicted.target == predicted.prediction
    counts = np.bincount(target)
    recall = np.bincount(target, weights=hit) / np.maximum(counts, 1)
    n_present = np.count_nonzero(counts)
    return np.asarray(recall.sum() / n_present + (hit - recall[target]) * len(target) / (n_present * counts[target]))


def _micro_f1(predicted: FoldPredictions) -> np.ndarray:
    true, chosen = predicted.target != 0, predicted.prediction != 0
    return _f1((true & chosen).sum(axis=1), true.sum(axis=1) + chosen.sum(axis=1))


def _macro_f1(predicted: FoldPredictions) -> np.ndarray:
    target, prediction = predicted.target, predicted.prediction
    if target.ndim == 1:
        codes = np.arange(int(max(target.max(), prediction.max())) + 1)
        true, chosen = target[:, None] == codes, prediction[:, None] == codes
    else:
        true, chosen = target != 0, prediction != 0
    occurs = true.any(axis=0) | chosen.any(axis=0)
    if not occurs.any():
        return np.ones(len(target))
    columns = [_f1(true[:, k] & chosen[:, k], true[:, k].astype(int) + chosen[:, k]) for k in np.flatnonzero(occurs)]
    return np.asarray(np.mean(columns, axis=0))


def _f1(hits: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return the values of rows of 2·Σ hits / Σ marks; 1 if nothing is marked."""
    if not marks.any():
        return np.ones(len(hits))
    score = 2 * hits.sum() / marks.sum()
    return np.asarray(score + (2 * hits - score * marks) / marks.mean())


def _log_loss(predicted: FoldPredictions) -> np.ndarray:
    assert predicted.probabilities is not None
    of_truth = predicted.probabilities[np.arange(len(predicted.target)), predicted.target].astype(np.float64)
    return np.asarray(-np.log(np.clip(of_truth, EPSILON, 1 - EPSILON)))


def _roc_auc(predicted: FoldPredictions) -> np.ndarray:
    """Return the values of rows of the mean area over classes or labels (of two classes that of the second), where it is defined."""
    assert predicted.probabilities is not None
    n_outputs, of_classes = predicted.probabilities.shape[1], predicted.target.ndim == 1
    areas = []
    for output in [1] if of_classes and n_outputs == 2 else range(n_outputs):
        holds = predicted.target == output if of_classes else predicted.target[:, output] != 0
        if holds.any() and not holds.all():
            areas.append(_area(holds, predicted.probabilities[:, output].astype(np.float64)))
    return np.asarray(np.mean(areas, axis=0))


def _area(holds: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the values of rows of one area: DeLong's placements of the positive rows among the negative ones, and the reverse."""
    positive, negative = np.sort(score[holds]), np.sort(score[~holds])
    placed = np.empty(len(score))
    placed[holds] = _share_below(score[holds], negative)
    placed[~holds] = 1 - _share_below(score[~holds], positive)
    area = float(placed[holds].mean())
    return np.asarray(area + (placed - area) * np.where(holds, len(score) / positive.size, len(score) / negative.size))


def _share_below(values: np.ndarray, ranked: np.ndarray) -> np.ndarray:
    """Return the share of `ranked` below each value, equal ones counted one half."""
    return np.asarray((np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")) / (2 * ranked.size))


def _average_precision(predicted: FoldPredictions) -> np.ndarray:
    """Return the values of rows of the mean average precision over the labels that a row has."""
    assert predicted.probabilities is not None
    holds = predicted.target != 0
    occurring = np.flatnonzero(holds.any(axis=0))
    return np.asarray(np.mean([_precision(holds[:, k], predicted.probabilities[:, k].astype(np.float64)) for k in occurring], axis=0))


def _precision(holds: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the values of rows of one average precision, the mean over positive rows of the precision at their score.

    A row that counts more often adds its own precision, if it is positive, and moves that of every positive row at or below its score.
    """
    order = np.argsort(-score, kind="stable")
    ranked, positive = -score[order], holds[order].astype(np.float64)
    n_above = np.searchsorted(ranked, ranked, "right")  # rows at or above each row's score
    precision = np.cumsum(positive)[n_above - 1] / n_above
    total = positive.sum()
    average = float((positive * precision).sum() / total)
    first = np.searchsorted(ranked, ranked, "left")
    gained, lost = (_sums_from(positive * part / n_above)[first] for part in (1.0, precision))
    influence = np.empty(len(score))
    influence[order] = positive * (precision - average + gained) - lost
    return average + influence * len(score) / total


def _sums_from(values: np.ndarray) -> np.ndarray:
    """Return the sum of each value and all after it."""
    return np.asarray(np.cumsum(values[::-1])[::-1])


# ---------------------------------------------------------------- continuous targets
def _squared_errors(predicted: FoldPredictions) -> np.ndarray:
    return np.asarray((predicted.target - predicted.prediction.astype(np.float64)) ** 2)


def _mean_over_targets(values: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Return the mean over targets of `values` (n, n_targets), whose known entries have the mean `center`; NaN: unknown.

    An unknown entry adds nothing; the known ones of a target weigh as if they were all rows.
    """
    known = ~np.isnan(values)
    spread = np.where(known, values - center, 0.0) * (len(values) / np.maximum(known.sum(axis=0), 1))
    defined = ~np.isnan(center)
    return np.asarray((center + spread)[:, defined].mean(axis=1))


def _of_errors(metric: Metric, predicted: FoldPredictions) -> np.ndarray:
    """Return the values of rows of Q²; its slope in each target's error is that of the metric, which is linear in it."""
    errors = _squared_errors(predicted)
    center = mean_where_known(errors, ~np.isnan(errors))
    assert metric.by_output is not None
    scores = metric.by_output(predicted.target, predicted.prediction, None)  # 1 − error / variance of the data set
    slope = np.divide(1 - scores, center, out=np.zeros(len(scores)), where=center > 0)
    return _mean_over_targets(1 - errors * slope, np.where(np.isnan(scores), np.nan, 1 - center * slope))


def _mae(predicted: FoldPredictions) -> np.ndarray:
    errors = np.sqrt(_squared_errors(predicted))
    return _mean_over_targets(errors, mean_where_known(errors, ~np.isnan(errors)))


def _rmse(predicted: FoldPredictions) -> np.ndarray:
    errors = _squared_errors(predicted)
    center = mean_where_known(errors, ~np.isnan(errors))
    root = np.sqrt(center)
    return _mean_over_targets(root + (errors - center) / np.where(root > 0, 2 * root, 1.0), root)


def _r2(predicted: FoldPredictions) -> np.ndarray:
    errors, target = _squared_errors(predicted), predicted.target
    known = ~np.isnan(errors)
    deviations = (target - mean_where_known(target, known)) ** 2
    variance = np.where(varies(target), mean_where_known(deviations, known), np.nan)
    share = mean_where_known(errors, known) / variance
    return _mean_over_targets(1 - share - (errors - share * deviations) / variance, 1 - share)


# ---------------------------------------------------------------- any metric
def _left_out(metric: Metric, predicted: FoldPredictions, blocks: np.ndarray, score: float) -> np.ndarray:
    """Return values of rows by leaving out one block at a time; a block without which the metric is undefined counts as the score."""
    n = len(predicted.target)
    _, codes = np.unique(blocks, return_inverse=True)
    codes = codes.ravel() % N_BLOCKS
    influence = np.zeros(n)
    for code in range(int(codes.max()) + 1):
        block = codes == code
        rest = predicted.take(np.flatnonzero(~block))
        if len(rest.target):
            without = metric.score(rest.target, rest.prediction, rest.probabilities)
            if not np.isnan(without):
                influence[block] = (score - without) * (n / np.count_nonzero(block) - 1)
    return score + influence - influence.mean()


def _of_ranks(value: Callable[[LabelRanks], np.ndarray]) -> Values:
    """Return the values of rows of a metric that is a mean over them of a value of each row's ranking of labels."""
    return lambda predicted: value(label_ranks(predicted.target, predicted.probabilities, "a ranking"))


_CLOSED_FORMS: dict[str, Values] = {
    "accuracy": _accuracy,
    "average_precision": _average_precision,
    "balanced_accuracy": _balanced_accuracy,
    "hamming_loss": _hamming_loss,
    "log_loss": _log_loss,
    "macro_f1": _macro_f1,
    "mae": _mae,
    "micro_f1": _micro_f1,
    "one_error": _of_ranks(top_errors),
    "r2": _r2,
    "ranking_loss": _of_ranks(ranking_losses),
    "ranking_precision": _of_ranks(ranking_precisions),
    "rmse": _rmse,
    "roc_auc": _roc_auc,
    "subset_accuracy": _subset_accuracy,
}
