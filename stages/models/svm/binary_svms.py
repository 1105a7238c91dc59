"""Binary SVMs of one kernel for every C at once, as plain arrays (smo.py solves them).

Classes have one SVM per pair (`OneVsOneSvms`). Labels have one SVM each, continuous targets one SVR each (`PerOutputSvms`). An SVM is
trained on squared distances in the feature space, float32 (n, n). It decides by kernel values between new rows and its support vectors;
any kernel with these distances gives the same decisions, because each SVM's coefficients sum to 0.
"""

from dataclasses import dataclass

import numpy as np

AHEAD = 1e-3  # of a margin: more than rounding, less than matters to a probability


@dataclass(frozen=True)
class OneVsOneSvms:
    """One SVM per pair of classes, for each of n_C penalties.

    classes: int32 (m,), the class codes in the training rows. support: int64 (n_sv,), the training rows that are a support vector of any
    SVM, grouped by class. n_support: int64 (m,). dual: float64 (n_C, m − 1, n_sv), as libsvm's. intercept: float64 (n_C, m (m − 1) / 2).
    """

    classes: np.ndarray
    support: np.ndarray
    n_support: np.ndarray
    dual: np.ndarray
    intercept: np.ndarray


@dataclass(frozen=True)
class PerOutputSvms:
    """One SVM per label, or one SVR per continuous target, for each of n_C penalties.

    support: int64 (n_sv,), the training rows that are a support vector of any SVM. dual: float64 (n_C, n_sv, n_outputs).
    intercept: float64 (n_C, n_outputs).
    """

    support: np.ndarray
    dual: np.ndarray
    intercept: np.ndarray



def train_one_vs_one(distances: np.ndarray, target: np.ndarray, penalties: np.ndarray) -> OneVsOneSvms:
    """Return the SVMs of class codes (n,), sorted, for every C, ascending."""
    from stages.models.svm.smo import TOLERANCE, solve_pairs

    classes, starts = np.unique(target, return_index=True)
    ends = np.append(starts, len(target))
    dual, intercept = solve_pairs(distances, ends, penalties, TOLERANCE)
    support = np.flatnonzero(dual.any(axis=(0, 1)))
    n_support = np.bincount(np.searchsorted(ends, support, side="right") - 1, minlength=len(classes))
    return OneVsOneSvms(classes, support, n_support, dual[:, :, support], intercept)


def train_per_label(distances: np.ndarray, target: np.ndarray, penalties: np.ndarray) -> PerOutputSvms:
    """Return one SVM per label, uint8 (n, n_outputs), for every C, ascending; a constant label has an intercept only."""
    from stages.models.svm.smo import TOLERANCE, solve_path

    dual, intercept = _zeros(target, penalties)
    for j in range(target.shape[1]):
        holds = target[:, j].astype(np.float64)
        if holds.min() == holds.max():
            intercept[:, j] = 2 * holds[0] - 1
        else:
            dual[:, :, j], intercept[:, j] = solve_path(distances, 2 * holds - 1, holds - 1, holds, penalties, 0.0, TOLERANCE)
    return _supported(dual, intercept)


def train_regression(distances: np.ndarray, target: np.ndarray, penalties: np.ndarray, epsilon: float) -> PerOutputSvms:
    """Return one SVR per standardised target, float64 (n, n_outputs), for every C, ascending; each ignores the rows where it is NaN."""
    from stages.models.svm.smo import TOLERANCE, solve_path, square

    dual, intercept = _zeros(target, penalties)
    for j, values in enumerate(target.T):
        known = np.flatnonzero(~np.isnan(values))
        if len(known) == 0:
            continue
        M, ones = distances if len(known) == len(values) else square(distances, known), np.ones(len(known))
        dual[:, known, j], intercept[:, j] = solve_path(M, values[known], -ones, ones, penalties, epsilon, TOLERANCE)
    return _supported(dual, intercept)


def _zeros(target: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((len(penalties), *target.shape)), np.zeros((len(penalties), target.shape[1]))


def _supported(dual: np.ndarray, intercept: np.ndarray) -> PerOutputSvms:
    support = np.flatnonzero(dual.any(axis=(0, 2)))
    return PerOutputSvms(support, dual[:, support], intercept)


def decide_one_vs_one(svms: OneVsOneSvms, kernel: np.ndarray, n_classes: int) -> np.ndarray:
    """Return each class's decision value: the number of pairs won plus a confidence in (−⅓, ⅓); the largest is predicted.

    Args:
        kernel: float64 (n, n_sv), rows against the support vectors.
    Returns:
        float64 (n_C, n, n_classes); with two classes the margin and its negative; −1 for a class without training rows.
    Source: scikit-learn's `decision_function_shape="ovr"` with `break_ties=True`.
    """
    n_penalties, m, n = len(svms.dual), len(svms.classes), len(kernel)
    decisions = np.full((n_penalties, n, n_classes), -1.0)
    if m == 1:
        decisions[:, :, svms.classes] = 0.0
        return decisions
    ends = np.concatenate([[0], np.cumsum(svms.n_support)])
    # sums over each class's support vectors, since a pair depends on its two classes only: (m, n, n_C, m − 1)
    sums = np.zeros((m, n, n_penalties, m - 1))
    for a in range(m):
        coefficients = svms.dual[:, :, ends[a] : ends[a + 1]].reshape(n_penalties * (m - 1), svms.n_support[a])
        sums[a] = (kernel[:, ends[a] : ends[a + 1]] @ coefficients.T).reshape(n, n_penalties, m - 1)
    first, second = np.triu_indices(m, 1)  # the pairs, in libsvm's order
    values = sums[first, :, :, second - 1] + sums[second, :, :, first] + svms.intercept.T[:, None, :]
    is_first, is_second = np.eye(m)[first], np.eye(m)[second]
    total = np.tensordot(values, is_first - is_second, axes=(0, 0))
    won = (values > 0).astype(np.float64)
    votes = np.tensordot(won, is_first, axes=(0, 0)) + np.tensordot(1 - won, is_second, axes=(0, 0))
    of_known = total if m == n_classes == 2 else votes + total / (3 * (np.abs(total) + 1))
    decisions[:, :, svms.classes] = of_known.transpose(1, 0, 2)
    return decisions


def summed_margins(decisions: np.ndarray) -> np.ndarray:
    """Return each class's margins summed over its pairs, which `decide_one_vs_one` (of more than two classes) hides behind the votes.

    Votes are whole numbers that hardly tell a clear winner from a narrow one: softmax of them states nearly one and the same probability
    for all rows. The predicted class, with the largest decision, gets the largest margin; a class without training rows one below all.

    Args:
        decisions: float64 (n, n_classes), of one C.
    """
    known = decisions > -0.5  # a class without training rows has −1
    confidence = decisions - np.round(decisions)
    margins = 3 * confidence / (1 - 3 * np.abs(confidence))
    margins = np.where(known, margins, margins.min(axis=1, keepdims=True, where=known, initial=0.0) - 1)
    places = np.arange(len(margins)), decisions.argmax(axis=1)
    others = margins.copy()
    others[places] = -np.inf
    margins[places] = np.maximum(margins[places], others.max(axis=1) + AHEAD)
    return margins


def decide_per_output(svms: PerOutputSvms, kernel: np.ndarray) -> np.ndarray:
    """Return the decision values of rows against the support vectors: float64 (n_C, n, n_outputs)."""
    return np.asarray(kernel @ svms.dual + svms.intercept[:, None, :])


def fit_temperature(decisions: np.ndarray, target: np.ndarray) -> float:
    """Return the a in [e⁻⁴, e⁴] that minimises the log-loss of softmax(a · decisions) on held-out rows.

    A single parameter keeps the predicted class and can be fitted on few rows. The loss is convex in a: Newton's method, with bisection
    where a step would leave the interval.
    Source: Guo et al., On Calibration of Modern Neural Networks, 2017 (temperature scaling).
    """
    own = decisions[np.arange(len(target)), target][:, None]
    excess = decisions - own
    low, high, a = np.exp(-4.0), np.exp(4.0), 1.0
    for _ in range(100):
        weights = softmax(a * decisions)
        means = (weights * excess).sum(axis=1)
        slope, curvature = means.mean(), ((weights * excess**2).sum(axis=1) - means**2).mean()
        low, high = (low, a) if slope > 0 else (a, high)
        step = a - slope / curvature if curvature > 0 else np.inf
        new = step if low < step < high else 0.5 * (low + high)
        if abs(new - a) <= 1e-9 * a:
            break
        a = new
    return float(a)


def softmax(values: np.ndarray) -> np.ndarray:
    """Return exp(values) / Σ exp(values) along the last axis, in float64."""
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−values)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * values))
