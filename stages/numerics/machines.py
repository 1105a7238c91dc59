"""Support vector machines on precomputed kernels, kept as plain arrays; libsvm (by scikit-learn) solves them.

Classes are told apart pair by pair (Machine). Labels have a machine each, and so have numbers (support vector regression); one machine
per output is kept as weights of the training rows (Machines).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Machine:
    """A trained one-against-one SVM.

    classes: int32 (m,), the class codes that it knows. support: int64 (n_sv,), training rows, grouped by class.
    n_support: int32 (m,). dual: float64 (m − 1, n_sv). intercept: float64 (m (m − 1) / 2,).
    """

    classes: np.ndarray
    support: np.ndarray
    n_support: np.ndarray
    dual: np.ndarray
    intercept: np.ndarray


def train_machine(gram: np.ndarray, target: np.ndarray, C: float) -> Machine:
    """Return the SVM of a Gram matrix (n, n) and class codes (n,)."""
    from sklearn.svm import SVC

    classes = np.unique(target)
    if len(classes) == 1:
        nothing = np.zeros(0)
        return Machine(classes, nothing.astype(np.int64), np.zeros(1, dtype=np.int32), np.zeros((0, 0)), nothing)
    svc = SVC(C=C, kernel="precomputed", cache_size=200).fit(gram, target)
    # scikit-learn turns both signs of a binary problem round; _dual_coef_ and _intercept_ are libsvm's own
    return Machine(classes, svc.support_.astype(np.int64), svc.n_support_, np.asarray(svc._dual_coef_), np.asarray(svc._intercept_))


def decide(machine: Machine, kernel: np.ndarray, n_classes: int) -> np.ndarray:
    """Return each class's decision value: won pairs plus a confidence within (−⅓, ⅓), the greatest wins.

    Args:
        machine: as trained.
        kernel: float64 (n, n_sv), rows against the machine's support vectors.
    Returns:
        float64 (n, n_classes); with two classes the margin and its opposite; a class the machine does not know gets −1.
    Source: scikit-learn's `decision_function_shape="ovr"` with `break_ties=True`.
    """
    m = len(machine.classes)
    total = np.zeros((len(kernel), m))
    votes = np.zeros((len(kernel), m))
    ends = np.concatenate([[0], np.cumsum(machine.n_support)])
    pair = 0
    for i in range(m):
        for j in range(i + 1, m):
            a, b = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
            value = kernel[:, a] @ machine.dual[j - 1, a] + kernel[:, b] @ machine.dual[i, b] + machine.intercept[pair]
            pair += 1
            total[:, i] += value
            total[:, j] -= value
            votes[:, i] += value > 0
            votes[:, j] += value <= 0
    decisions = np.full((len(kernel), n_classes), -1.0)
    decisions[:, machine.classes] = total if m == n_classes == 2 else votes + total / (3 * (np.abs(total) + 1))
    return decisions


def fit_temperature(decisions: np.ndarray, target: np.ndarray) -> float:
    """Return the a > 0 that minimises the log-loss of softmax(a · decisions) on held-out rows.

    One number keeps the predicted class; more would have to be learned from the same few rows.
    Source: Guo et al., On Calibration of Modern Neural Networks, 2017 (temperature scaling).
    """
    from scipy.optimize import minimize_scalar

    def loss(log_a: float) -> float:
        return float(-np.log(np.maximum(softmax(np.exp(log_a) * decisions)[np.arange(len(target)), target], 1e-300)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 1e-6}).x))


def softmax(values: np.ndarray) -> np.ndarray:
    """Return exp(values) / Σ exp(values) along the last axis, in float64."""
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Machines:
    """One machine per label or number: the decision is kernel @ dual + intercept.

    dual: float64 (n, n_outputs), of every training row, 0 where it is no support vector. intercept: float64 (n_outputs,).
    """

    dual: np.ndarray
    intercept: np.ndarray

    @property
    def support(self) -> np.ndarray:
        """Return the rows that some machine needs: int64, sorted."""
        return np.flatnonzero(self.dual.any(axis=1))


def train_label_machines(gram: np.ndarray, target: np.ndarray, C: float) -> Machines:
    """Return a machine per label of a Gram matrix (n, n) and labels uint8 (n, n_outputs); one that all rows share decides alone."""
    from sklearn.svm import SVC

    dual, intercept = np.zeros(target.shape), np.zeros(target.shape[1])
    for j, holds in enumerate(target.T):
        if holds.min() == holds.max():
            intercept[j] = 1.0 if holds[0] else -1.0
            continue
        svc = SVC(C=C, kernel="precomputed", cache_size=200).fit(gram, holds)
        dual[svc.support_, j], intercept[j] = np.asarray(svc.dual_coef_)[0], svc.intercept_[0]
    return Machines(dual, intercept)


def train_number_machines(gram: np.ndarray, target: np.ndarray, C: float, epsilon: float) -> Machines:
    """Return a regression machine per number of a Gram matrix (n, n) and standardised numbers (n, n_outputs), NaN left out."""
    from sklearn.svm import SVR

    dual, intercept = np.zeros(target.shape), np.zeros(target.shape[1])
    for j, values in enumerate(target.T):
        known = np.flatnonzero(~np.isnan(values))
        if len(known) == 0:
            continue
        inside = gram if len(known) == len(values) else gram[np.ix_(known, known)]
        svr = SVR(C=C, epsilon=epsilon, kernel="precomputed", cache_size=200).fit(inside, values[known])
        dual[known[svr.support_], j], intercept[j] = np.asarray(svr.dual_coef_)[0], svr.intercept_[0]
    return Machines(dual, intercept)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−values)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * values))
