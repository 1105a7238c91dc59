"""Thresholds of labels, fitted on out-of-fold predictions."""

import numpy as np

from stages.contracts.problem import Fold, Problem

THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.05), 2)


def needs_thresholds(problem: Problem) -> bool:
    """Return whether predictions are thresholded decision values: those of labels."""
    return problem.form == "labels"


def thresholds_of_each(problem: Problem, fold: Fold, scores: np.ndarray) -> np.ndarray:
    """Return the labels' thresholds of each configuration's scores (n_configs, n_train, n_outputs): float64 (n_configs, n_outputs).

    They maximise F1 if the metric that chooses the configuration is an F1, else accuracy: F1 needs lower thresholds.
    """
    target, validated = problem.target[fold.train], fold.validated
    if not validated.all():
        target, scores = target[validated], scores[:, validated]
    return fit_thresholds_of_each(target, scores, by_f1="f1" in problem.scoring)


def fit_thresholds(target: np.ndarray, scores: np.ndarray, *, by_f1: bool) -> np.ndarray:
    """Return the best of THRESHOLDS per label: float64 (n_outputs,).

    Args:
        target: uint8 (n, n_outputs). scores: (n, n_outputs), out-of-fold probabilities.
        by_f1: maximise the label's F1, else its accuracy; ties go to the threshold nearest to one half, then to the lower.
    """
    best: np.ndarray = fit_thresholds_of_each(target, np.asarray(scores)[None], by_f1=by_f1)[0]
    return best


def fit_thresholds_of_each(target: np.ndarray, scores: np.ndarray, *, by_f1: bool) -> np.ndarray:
    """Return `fit_thresholds` of each configuration's scores (n_configs, n, n_outputs): float64 (n_configs, n_outputs)."""
    from stages.scoring.compiled_counts import count_labels_above

    truth = np.ascontiguousarray(target.astype(bool))
    n_predicted, hits = count_labels_above(truth, np.ascontiguousarray(scores), THRESHOLDS)
    n_true = truth.sum(axis=0)
    n_rows = n_predicted + n_true
    quality = 2 * hits / np.maximum(n_rows, 1) if by_f1 else (len(truth) - n_rows + 2 * hits) / len(truth)
    preference = np.argsort(np.abs(THRESHOLDS - 0.5), kind="stable")
    best: np.ndarray = THRESHOLDS[preference[np.argmax(np.round(quality[:, preference], 12), axis=1)]]
    return best
