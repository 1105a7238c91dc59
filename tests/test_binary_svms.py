"""The SVM solver compared with libsvm: the same optimum, the conditions of optimality, the same decisions."""

import itertools

import numpy as np
import pytest
from sklearn.svm import SVC, SVR

from stages.models.svm.binary_svms import (
    AHEAD,
    decide_one_vs_one,
    decide_per_output,
    fit_temperature,
    softmax,
    summed_margins,
    train_one_vs_one,
    train_per_label,
    train_regression,
)
from stages.models.svm.kernels import feature_distances, kernel_values
from stages.models.svm.smo import TOLERANCE, solve_path
from stages.models.svm.solvers import ClassSolver

PENALTIES = np.array([0.1, 1.0, 10.0, 100.0])
KERNELS = [("linear", None), ("rbf", 0.3), ("rbf", 3.0)]


def random_rows(n: int, seed: int, noise: float = 0.5, n_columns: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, their squared distances (mean 1, as in the sweep), and a noisy score of each."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_columns))
    X[n // 2] = X[0]  # a row twice
    X /= np.sqrt(2 * n_columns)
    squared = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    return X, squared, 3 * X[:, 0] + 4 * X[:, 1] * X[:, 2] + noise * rng.standard_normal(n)


def kernel_matrix(kernel: tuple[str, float | None], squared: np.ndarray) -> np.ndarray:
    """Return −½M, float64: it has the same decisions and objective as the kernel."""
    return -0.5 * squared if kernel[1] is None else np.expm1(-kernel[1] * squared)


def objective(beta: np.ndarray, y: np.ndarray, K: np.ndarray, tube: float = 0.0) -> float:
    return float(y @ beta - tube * np.abs(beta).sum() - 0.5 * beta @ K @ beta)


def violation(beta: np.ndarray, y: np.ndarray, K: np.ndarray, low: np.ndarray, high: np.ndarray, tube: float = 0.0) -> float:
    """Return the violation of the optimality conditions by the steepest pair."""
    slope = y - K @ beta
    rise = np.where(beta < high, np.where(beta < 0, slope + tube, slope - tube), -np.inf)
    fall = np.where(beta > low, np.where(beta > 0, slope - tube, slope + tube), np.inf)
    return float(rise.max() - fall.min())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n", "noise"), [(30, 0.1), (90, 1.0), (420, 0.7)])
def test_two_classes_reach_the_optimum_of_libsvm(n: int, noise: float, kernel: tuple[str, float | None]) -> None:
    """420 rows are enough for shrinking; overlapping classes and C = 100 for Newton steps."""
    X, squared, score = random_rows(n, seed=n, noise=noise)
    y = np.where(score > 0.2, 1.0, -1.0)
    K = kernel_matrix(kernel, squared)
    high = (y + 1) / 2
    found, intercepts = solve_path(feature_distances(kernel, squared, np.arange(n)), y, high - 1, high, PENALTIES, 0.0, TOLERANCE)
    for C, beta, intercept in zip(PENALTIES, found, intercepts, strict=True):
        assert (beta >= C * (high - 1)).all() and (beta <= C * high).all()
        assert abs(beta.sum()) < 1e-11 * C * n
        assert violation(beta, y, K, C * (high - 1), C * high) < 1.5 * TOLERANCE + 1e-7 * C * n  # float32
        libsvm = SVC(C=C, kernel=kernel[0], gamma=kernel[1] or 1.0, tol=1e-6).fit(X, y)
        theirs = np.zeros(n)
        theirs[libsvm.support_] = libsvm.dual_coef_[0]
        assert objective(beta, y, K) == pytest.approx(objective(theirs, y, K), rel=1e-6)
        assert K @ beta + intercept == pytest.approx(libsvm.decision_function(X), abs=2e-3)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5])
def test_regression_reaches_the_optimum_of_libsvm(epsilon: float, kernel: tuple[str, float | None]) -> None:
    n = 150
    X, squared, score = random_rows(n, seed=3, noise=0.4)
    y = (score - score.mean()) / score.std()
    K, ones = kernel_matrix(kernel, squared), np.ones(n)
    found, intercepts = solve_path(feature_distances(kernel, squared, np.arange(n)), y, -ones, ones, PENALTIES, epsilon, TOLERANCE)
    for C, beta, intercept in zip(PENALTIES[:3], found, intercepts, strict=False):
        assert np.abs(beta).max() <= C and abs(beta.sum()) < 1e-11 * C * n
        assert violation(beta, y, K, -C * ones, C * ones, epsilon) < 1.5 * TOLERANCE + 1e-7 * C * n
        libsvm = SVR(C=C, kernel=kernel[0], gamma=kernel[1] or 1.0, epsilon=epsilon, tol=1e-6).fit(X, y)
        theirs = np.zeros(n)
        theirs[libsvm.support_] = libsvm.dual_coef_[0]
        assert objective(beta, y, K, epsilon) == pytest.approx(objective(theirs, y, K, epsilon), rel=1e-6)
        assert K @ beta + intercept == pytest.approx(libsvm.predict(X), abs=2e-3)


def test_a_long_search_ends_at_the_tolerance_of_libsvm() -> None:
    """Rows of two inseparable classes, in few dimensions, at a large C: libsvm takes millions of steps to reach 1e-4."""
    n, C = 1200, 100.0
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3)) / np.sqrt(6)
    squared = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    y = np.where(rng.random(n) < 0.2, 1.0, -1.0)
    high = (y + 1) / 2
    found, intercepts = solve_path(squared.astype(np.float32), y, high - 1, high, PENALTIES, 0.0, TOLERANCE)
    K, beta = -0.5 * squared, found[-1]
    assert violation(beta, y, K, C * (high - 1), C * high) < 1e-3 + 1e-7 * C * n
    libsvm = SVC(C=C, kernel="linear").fit(X, y)
    assert (np.sign(K @ beta + intercepts[-1]) == libsvm.predict(X)).mean() > 0.99


def test_every_search_ends() -> None:
    """libsvm itself takes more than 10 s on these rows at this C; a smaller violation takes minutes."""
    n, C = 1500, 100.0
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 5))
    y = np.where(0.3 * X[:, 0] + rng.normal(size=n) > 1, 1.0, -1.0)
    squared, high = ((X[:, None] - X[None]) ** 2).sum(axis=2), (y + 1) / 2
    found, (intercept,) = solve_path(squared.astype(np.float32), y, high - 1, high, np.array([C]), 0.0, TOLERANCE)
    K, (beta,) = -0.5 * squared, found
    assert (beta >= C * (high - 1)).all() and (beta <= C * high).all() and abs(beta.sum()) < 1e-11 * C * n
    dual = objective(beta, y, K)
    primal = 0.5 * beta @ K @ beta + C * np.maximum(0, 1 - y * (K @ beta + intercept)).sum()
    assert 0 <= primal - dual < 1e-3 * primal


@pytest.mark.parametrize("seed", range(4))
def test_a_path_ends_where_each_penalty_alone_does(seed: int) -> None:
    _, squared, score = random_rows(80, seed)
    y = np.where(score > 0, 1.0, -1.0)
    high = (y + 1) / 2
    M = feature_distances(("rbf", 1.0), squared, np.arange(80))
    together, _ = solve_path(M, y, high - 1, high, PENALTIES, 0.0, TOLERANCE)
    for C, beta in zip(PENALTIES, together, strict=True):
        (alone,), _ = solve_path(M, y, high - 1, high, np.array([C]), 0.0, TOLERANCE)
        K = -0.5 * M.astype(np.float64)
        assert objective(beta, y, K) == pytest.approx(objective(alone, y, K), rel=1e-6)
        assert K @ beta - (K @ beta).mean() == pytest.approx(K @ alone - (K @ alone).mean(), abs=1e-3)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("kernel", KERNELS)
def test_decisions_of_classes_are_those_of_libsvm(n_classes: int, kernel: tuple[str, float | None]) -> None:
    n, n_train = 140, 100
    X, squared, score = random_rows(n, seed=n_classes)
    target = np.searchsorted(np.quantile(score, np.linspace(0, 1, n_classes + 1)[1:-1]), score).astype(np.int32)
    train, test = np.arange(n_train), np.arange(n_train, n)
    train = train[np.argsort(target[train], kind="stable")]
    svms = train_one_vs_one(feature_distances(kernel, squared, train), target[train], PENALTIES)
    decisions = decide_one_vs_one(svms, kernel_values(kernel, squared, test, train[svms.support]), n_classes)
    for C, values in zip(PENALTIES, decisions, strict=True):
        libsvm = SVC(C=C, kernel=kernel[0], gamma=kernel[1] or 1.0, tol=1e-6, break_ties=True).fit(X[train], target[train])
        expected = libsvm.decision_function(X[test])
        expected = np.stack([-expected, expected], axis=1) if n_classes == 2 else expected
        near = np.sort(expected, axis=1)
        clear = near[:, -1] - near[:, -2] > 0.01
        assert clear.mean() > 0.9
        assert (values.argmax(axis=1) == libsvm.predict(X[test]))[clear].all()
        if n_classes == 2:
            assert values == pytest.approx(expected, abs=2e-3)


def test_a_class_without_rows_is_never_predicted() -> None:
    _, squared, _ = random_rows(40, 0)
    target = np.repeat([1, 4], 20).astype(np.int32)
    svms = train_one_vs_one(feature_distances(("rbf", 1.0), squared, np.arange(40)), target, PENALTIES)
    decisions = decide_one_vs_one(svms, kernel_values(("rbf", 1.0), squared, np.arange(40), svms.support), 5)
    assert set(decisions.argmax(axis=2).ravel()) <= {1, 4}
    alone = train_one_vs_one(feature_distances(("linear", None), squared, np.arange(9)), np.full(9, 3, dtype=np.int32), PENALTIES)
    assert (decide_one_vs_one(alone, np.zeros((7, 0)), 5).argmax(axis=2) == 3).all()


def test_constant_labels_and_constant_or_unknown_targets() -> None:
    _, squared, score = random_rows(50, 1)
    rows = np.arange(50)
    M = feature_distances(("rbf", 1.0), squared, rows)
    labels = np.stack([score > 0, score > -99, score > 99], axis=1).astype(np.uint8)
    svms = train_per_label(M, labels, PENALTIES)
    decisions = decide_per_output(svms, kernel_values(("rbf", 1.0), squared, rows, svms.support))
    assert (decisions[:, :, 1] == 1).all() and (decisions[:, :, 2] == -1).all()
    assert ((decisions[-1, :, 0] > 0) == labels[:, 0]).mean() > 0.9
    targets = np.stack([score, np.where(rows < 25, score, np.nan), np.full(50, np.nan), np.zeros(50)], axis=1)
    found = train_regression(M, targets, PENALTIES, 0.1)
    decisions = decide_per_output(found, kernel_values(("rbf", 1.0), squared, rows, found.support))
    alone = train_regression(np.ascontiguousarray(M[:25, :25]), targets[:25, 1:2], PENALTIES, 0.1)
    expected = decide_per_output(alone, kernel_values(("rbf", 1.0), squared, rows, alone.support))
    assert decisions[:, :, 1] == pytest.approx(expected[:, :, 0], abs=1e-12)
    assert (decisions[:, :, 2:] == 0).all()


def test_rows_that_are_the_same_but_for_their_class() -> None:
    squared = np.zeros((6, 6))
    y = np.array([1.0, -1.0, 1.0, -1.0, 1.0, 1.0])
    high = (y + 1) / 2
    found, intercepts = solve_path(squared.astype(np.float32), y, high - 1, high, PENALTIES, 0.0, TOLERANCE)
    assert np.isfinite(found).all() and np.abs(intercepts).max() <= 1


def of_many_classes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated rows of eight classes that overlap: some rows lie close to one class's mean, others between several."""
    means = 2.0 * np.random.default_rng(99).normal(size=(8, 6))
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 8, n)
    return means[target] + rng.gamma(1.0, 1.5, (n, 1)) * rng.normal(size=(n, 6)), target


def test_margins_are_those_of_the_pairs() -> None:
    """scikit-learn's pairs, summed by hand; where the votes name another class than the margins, that class is ahead."""
    X, y = of_many_classes(300, 0)
    svc = SVC(C=1.0, kernel="linear", decision_function_shape="ovr", break_ties=True).fit(X, y)
    decisions = svc.decision_function(X)
    svc.decision_function_shape = "ovo"
    expected = np.zeros((300, 8))
    for margin, (first, second) in zip(svc.decision_function(X).T, itertools.combinations(range(8), 2), strict=True):
        expected[:, first] += margin
        expected[:, second] -= margin
    found = summed_margins(decisions)
    agree = expected.argmax(axis=1) == decisions.argmax(axis=1)
    assert 0 < (~agree).sum() < 60, "both kinds of rows are looked at"
    assert found[agree] == pytest.approx(expected[agree], rel=1e-6, abs=2 * AHEAD)
    assert (found.argmax(axis=1) == decisions.argmax(axis=1)).all()
    ahead = np.sort(found[~agree], axis=1)
    assert ahead[:, -1] - ahead[:, -2] == pytest.approx(AHEAD, rel=1e-6)


def test_a_class_without_training_rows_is_behind_all() -> None:
    assert summed_margins(np.array([[2.25, -1.0, 0.9, -0.1]])) == pytest.approx(np.array([[3.0, -3 / 7 - 1, -3 / 7, -3 / 7]]))
    assert summed_margins(np.array([[-1.0, 0.0, -1.0]])).tolist() == [[-1.0, 0.0, -1.0]]


def test_probabilities_tell_clear_rows_from_others_where_votes_do_not() -> None:
    """One temperature on votes states about the same of all rows and is under-confident; on margins it holds."""
    train, inner, test = (of_many_classes(n, seed) for seed, n in enumerate((800, 800, 4000), start=1))
    svc = SVC(C=10.0, decision_function_shape="ovr", break_ties=True).fit(*train)
    solver = ClassSolver(inner[1].astype(np.int32), 8)
    held_out, decisions = svc.decision_function(inner[0]), svc.decision_function(test[0])
    probabilities = solver.probabilities(decisions, solver.temperature(held_out, np.arange(800)))
    of_votes = softmax(fit_temperature(held_out, inner[1]) * decisions)
    right = decisions.argmax(axis=1) == test[1]
    assert (probabilities.argmax(axis=1) == decisions.argmax(axis=1)).all()
    errors = [calibration_error(stated.max(axis=1), right) for stated in (probabilities, of_votes)]
    losses = [-np.log(stated[np.arange(4000), test[1]]).mean() for stated in (probabilities, of_votes)]
    assert errors[0] < 0.06 < 0.1 < errors[1] and losses[0] < 0.9 * losses[1]
    assert of_votes.max(axis=1).mean() < right.mean() - 0.1, "under-confident"


def calibration_error(stated: np.ndarray, right: np.ndarray) -> float:
    """Return the mean distance of what was stated from what held, over ten bins of equal mass."""
    bins = np.array_split(np.argsort(stated, kind="stable"), 10)
    return float(np.mean([abs(stated[rows].mean() - right[rows].mean()) for rows in bins]))


def test_the_temperature_is_the_best_one() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 300)
    for strength in (0.0, 0.3, 2.0):
        decisions = strength * np.eye(4)[target] + rng.standard_normal((300, 4))

        def loss(a: float, decisions: np.ndarray = decisions) -> float:
            return float(-np.log(softmax(a * decisions)[np.arange(300), target]).mean())

        found = fit_temperature(decisions, target)
        assert np.exp(-4) <= found <= np.exp(4)
        assert loss(found) <= min(loss(a) for a in np.exp(np.linspace(-4, 4, 400))) + 1e-9
    assert fit_temperature(np.eye(4)[target], target) == pytest.approx(np.exp(4), rel=1e-6)  # all right: as sure as is allowed
