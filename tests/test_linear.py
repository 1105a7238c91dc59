"""The linear models: losses and penalties against plain loops, linear programs and scikit-learn, and the protocol with all of them."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import approx_fprime, linprog, minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Perceptron, Ridge
from sklearn.svm import SVC
from test_models import description
from toy_problem import toy_problem

from pipelines.publishing.model_code import predicting_files, requirements
from stages.contracts.model import FoldResult
from stages.contracts.problem import Problem
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.models.linear.linear_estimators import ROUNDED, LinearClassifier, LinearRegressor
from stages.models.linear.penalized_fit import Limits, Regularizer, minimized, objective
from stages.models.linear.score_losses import hinge_loss, in_capped_simplex, log_loss, squared_loss
from stages.training.limits import fitting_configs
from stages.training.saved_model import load_fitted, save_fitted

MODEL = component("models", "linear")
SWEEP = as_sweep(MODEL)
TIGHT = {"max_iter": 20_000, "tol": 1e-8}
ALL_LOSSES = {"loss": ["log", "hinge", "hinge_max", "perceptron", "squared"], "penalty": [1, 1.5, 2, "elastic"], "C": [1.0, 10.0],
              "max_iter": 2000}  # fmt: skip


def blobs(n: int = 60, n_classes: int = 3, d: int = 5, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return overlapping classes; the last feature is noise."""
    draw = np.random.default_rng(seed)
    codes = np.arange(n) % n_classes
    X = draw.normal(size=(n, d))
    X[:, :-1] += 1.2 * draw.normal(size=(n_classes, d - 1))[codes]
    return X, codes


# ---------------------------------------------------------------- losses
def hinge_by_loops(scores: np.ndarray, codes: np.ndarray, margin: float, *, of_maximum: bool) -> float:
    total = 0.0
    for row, y in zip(scores, codes, strict=True):
        gaps = [max(0.0, row[j] - row[y] + margin) for j in range(len(row)) if j != y]
        total += max(gaps) if of_maximum else sum(gaps)
    return total


def test_losses_by_hand() -> None:
    """Scores 2, 1, 3 with class 0 right: 1 below it by 1, the other above it by 1. Δ = 1.5: gaps 0.5 and 2.5."""
    scores, codes = np.array([[2.0, 1.0, 3.0]]), np.array([0])
    assert log_loss(codes)(scores)[0] == pytest.approx(np.log(np.exp(2) + np.exp(1) + np.exp(3)) - 2)
    assert hinge_loss(codes, 1.5, 1e-9, of_maximum=False)(scores)[0] == pytest.approx(3.0)
    assert hinge_loss(codes, 1.5, 1e-9, of_maximum=True)(scores)[0] == pytest.approx(2.5)
    value, slopes = squared_loss(np.array([1.0]))(np.array([[3.0]]))
    assert (value, slopes.tolist()) == (2.0, [[2.0]])


@pytest.mark.parametrize("of_maximum", [False, True])
def test_a_rounded_hinge_is_below_the_hinge_by_at_most_half_its_width(of_maximum: bool) -> None:
    draw = np.random.default_rng(2)
    for margin, width in itertools.product((0.5, 1.0, 3.0), (1e-6, 0.1, 0.5)):
        for _ in range(20):
            scores, codes = draw.normal(size=(1, 4)), draw.integers(0, 4, 1)
            found = hinge_loss(codes, margin, width, of_maximum=of_maximum)(scores)[0]
            exact = hinge_by_loops(scores, codes, margin, of_maximum=of_maximum)
            assert -1e-12 <= exact - found <= width / 2 * (1 if of_maximum else 3) + 1e-12


@pytest.mark.parametrize("name", ["log", "hinge", "hinge_max", "squared"])
def test_slopes_are_those_of_differences(name: str) -> None:
    draw = np.random.default_rng(3)
    codes, scores = draw.integers(0, 4, 7), draw.normal(size=(7, 1 if name == "squared" else 4))
    loss = {"log": log_loss(codes), "hinge": hinge_loss(codes, 1.0, 0.3, of_maximum=False), "squared": squared_loss(codes * 1.0),
            "hinge_max": hinge_loss(codes, 1.0, 0.3, of_maximum=True)}[name]  # fmt: skip
    numeric = approx_fprime(scores.ravel(), lambda flat: loss(flat.reshape(scores.shape))[0], 1e-7)
    np.testing.assert_allclose(loss(scores)[1].ravel(), numeric, atol=1e-5)


@pytest.mark.parametrize("penalty", [1.0, 1.001, 1.01, 1.05, 1.1, 1.2, 1.5])
@pytest.mark.parametrize("C", [1e-4, 1e-3, 1e-2])
def test_a_strong_penalty_leaves_the_offset(penalty: float, C: float) -> None:
    """The slope of |w|ᵖ is steep next to 0 for p next to 1; with weights of about 0 the offset is the logarithm of the classes' odds, 9."""
    X, y = np.random.default_rng(0).normal(size=(100, 3)), (np.arange(100) % 10 != 0).astype(int)
    found = LinearClassifier(penalty=penalty, C=C, tol=1e-6).fit(X, y)
    assert np.abs(found.coef_).max() < 3e-3 and found.intercept_[0] == pytest.approx(np.log(9), abs=0.01)


@pytest.mark.parametrize("penalty", [1.01, 1.1, 1.5])
def test_powers_next_to_1_reach_the_least_objective(penalty: float) -> None:
    """No other weights are better: Powell's method, which uses no slopes, starts where ours ends and goes on."""
    X, y = blobs(n_classes=2)
    found = LinearClassifier(penalty=penalty, C=0.3, tol=1e-8, max_iter=20_000).fit(X, y)

    def whole(values: np.ndarray) -> float:
        scores = (2 * y - 1) * (X @ values[:-1] + values[-1])
        return float(0.3 * np.logaddexp(0, -scores).sum() + (np.abs(values[:-1]) ** penalty).sum() / penalty)

    ours = np.append(found.coef_.ravel(), found.intercept_)
    better = minimize(whole, ours, method="Powell", options={"xtol": 1e-10, "ftol": 1e-14, "maxiter": 20_000})
    assert whole(ours) <= better.fun * (1 + 1e-6)


def test_a_solver_that_gives_up_says_so() -> None:
    """An objective whose slopes are wrong has no step that lowers it: that is not convergence."""
    wrong = minimized(lambda x: (float(x @ x), -2 * x), np.array([1.0, 2.0]), Limits(50, 1e-6))
    assert not wrong.converged
    right = minimized(lambda x: (float(x @ x), 2 * x), np.array([1.0, 2.0]), Limits(50, 1e-6))
    assert right.converged and right.values == pytest.approx([0, 0], abs=1e-6)


def test_a_descent_that_diverges_predicts_without_features_and_says_so() -> None:
    X, y = blobs(n_classes=2)
    with pytest.warns(ConvergenceWarning, match="sgd diverged.*a learning_rate below 10 may help"):
        found = LinearClassifier(descent={"optimizer": "sgd", "learning_rate": 10.0}, C=1e-3, max_iter=400).fit(X, y)
    assert not found.coef_.any() and np.isfinite(found.predict_proba(X)).all()


@pytest.mark.parametrize("penalty", [1.2, 1.5])
def test_newton_moves_where_the_penalty_has_no_second_derivative(penalty: float) -> None:
    X, y = blobs(n_classes=2)
    found = LinearClassifier(penalty=penalty, descent={"optimizer": "newton"}, max_iter=30).fit(X, y)
    assert found.coef_.any() and found.score(X, y) >= LinearClassifier(penalty=penalty).fit(X, y).score(X, y) - 0.05


def test_the_capped_simplex_is_met_at_the_nearest_point() -> None:
    draw = np.random.default_rng(4)
    for values in draw.normal(scale=0.8, size=(30, 4)):
        nearest = minimize(lambda a, z=values: ((a - z) ** 2).sum(), np.full(4, 0.25), bounds=[(0, None)] * 4, tol=1e-14,
                           constraints={"type": "ineq", "fun": lambda a: 1 - a.sum()}, method="SLSQP")  # fmt: skip
        np.testing.assert_allclose(in_capped_simplex(values[None])[0], nearest.x, atol=1e-6)


@pytest.mark.parametrize("penalty", [1.0, 1.3, 2.0, 3.0, "elastic"])
def test_penalties_by_their_formula(penalty: Any) -> None:
    weights, share = np.array([[0.5, -2.0, 0.0]]), 0.25
    regularizer = Regularizer(penalty, 0.3, share)
    value, slopes = regularizer.smooth(weights)
    total = value + regularizer.l1 * np.abs(weights).sum()
    p = penalty
    expected = 0.3 * 2.5 + 0.7 / 2 * 4.25 if p == "elastic" else (0.5**p + 2.0**p) / p
    assert total == pytest.approx(share * expected)
    numeric = approx_fprime(weights.ravel() + 1e-3, lambda w: regularizer.smooth(w)[0], 1e-8)
    np.testing.assert_allclose(regularizer.smooth(weights.ravel() + 1e-3)[1], numeric, atol=1e-5)
    assert slopes.shape == weights.shape
    assert regularizer.exact_zeros == (p in (1.0, "elastic"))


# ---------------------------------------------------------------- against scikit-learn and linear programs
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_logistic_regression_is_scikit_learn_s(n_classes: int, C: float) -> None:
    X, codes = blobs(n_classes=n_classes)
    mine, theirs = LinearClassifier(C=C, **TIGHT).fit(X, codes), LogisticRegression(C=C, max_iter=20_000, tol=1e-8).fit(X, codes)
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    assert mine.predict(X).tolist() == theirs.predict(X).tolist()
    assert mine.coef_.shape == theirs.coef_.shape


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.4])
def test_l1_and_elastic_are_scikit_learn_s_with_the_same_zeros(n_classes: int, ratio: float) -> None:
    X, codes = blobs(n_classes=n_classes, d=12)
    theirs = LogisticRegression(C=0.2, l1_ratio=ratio, solver="saga", max_iter=100_000, tol=1e-9, random_state=0).fit(X, codes)
    penalty = 1.0 if ratio == 1 else "elastic"
    mine = LinearClassifier(C=0.2, penalty=penalty, l1_ratio=ratio, max_iter=20_000, tol=1e-9).fit(X, codes)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=2e-4)
    assert ((mine.coef_ == 0) == (theirs.coef_ == 0)).all() and 0 < (mine.coef_ == 0).mean() < 1


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", ["hinge", "hinge_max"])
@pytest.mark.parametrize("margin", [1.0, 0.5])
def test_hinges_with_l1_reach_the_linear_program_s_minimum(n_classes: int, loss: str, margin: float) -> None:
    """C·Σ hinge + Σ |w| by the simplex method: ours is above by at most what rounding off the kinks allows."""
    X, codes = blobs(n=30, n_classes=n_classes, d=4)
    C, of_maximum = 0.7, loss == "hinge_max"
    exact = linear_program(X, codes, C, margin, of_maximum=of_maximum)
    found = LinearClassifier(loss=loss, penalty=1.0, margin=margin, C=C, max_iter=50_000, tol=1e-8).fit(X, codes)
    scores = np.asarray(found.decision_function(X)).reshape(len(X), -1)
    scores = np.hstack([0 * scores, scores]) if n_classes == 2 else scores
    reached = C * hinge_by_loops(scores, codes, margin, of_maximum=of_maximum) + np.abs(found.coef_).sum()
    allowed = C * len(X) * ROUNDED * margin / 2 * (1 if of_maximum else n_classes - 1)
    assert exact - 1e-6 <= reached <= exact + allowed
    assert reached < exact * 1.01


def linear_program(X: np.ndarray, codes: np.ndarray, C: float, margin: float, *, of_maximum: bool) -> float:
    """Return the least C·Σ hinge + Σ |w|; variables: w⁺, w⁻ (k, d), b (k,), slacks."""
    (n, d), n_classes = X.shape, int(codes.max()) + 1
    k = 1 if n_classes == 2 else n_classes
    wrong = [(i, j) for i in range(n) for j in range(n_classes) if j != codes[i]]
    slack_of = {pair: (pair[0] if of_maximum else place) for place, pair in enumerate(wrong)}
    n_slacks = n if of_maximum else len(wrong)
    rows = []
    for i, j in wrong:  # f_j − f_y + Δ ≤ slack
        w, b = np.zeros((k, d)), np.zeros(k)
        for code, sign in ((j, 1), (codes[i], -1)):
            at = code - 1 if k == 1 else code
            if at >= 0:
                w[at] += sign * X[i]
                b[at] += sign
        slack = np.zeros(n_slacks)
        slack[slack_of[i, j]] = -1
        rows.append(np.concatenate([w.ravel(), -w.ravel(), b, slack]))
    cost = np.concatenate([np.ones(2 * k * d), np.zeros(k), np.full(n_slacks, C)])
    bounds = [(0, None)] * (2 * k * d) + [(None, None)] * k + [(0, None)] * n_slacks
    return float(linprog(cost, A_ub=np.array(rows), b_ub=np.full(len(rows), -margin), bounds=bounds).fun)


@pytest.mark.parametrize("loss", ["hinge", "hinge_max"])
def test_of_two_classes_both_hinges_are_the_linear_svm(loss: str) -> None:
    X, codes = blobs(n_classes=2)
    svm = SVC(kernel="linear", C=0.5, tol=1e-8).fit(X, codes)
    found = LinearClassifier(loss=loss, C=0.5, **TIGHT).fit(X, codes)
    least, reached = (0.5 * (one.coef_**2).sum() + 0.5 * np.maximum(0, 1 - np.where(codes, 1, -1) * one.decision_function(X)).sum()
                      for one in (svm, found))  # fmt: skip
    assert least * (1 - 1e-6) <= reached <= least * 1.005  # the rounded kinks cost a little
    np.testing.assert_allclose(found.decision_function(X), svm.decision_function(X), atol=0.03)  # along the flat bottom it may differ


def test_a_margin_is_a_scale_of_the_scores() -> None:
    """With w = Δ·v the objective is Δ² times that of margin 1 and C / Δ."""
    X, codes = blobs()
    wide = LinearClassifier(loss="hinge", margin=4.0, C=2.0, **TIGHT).fit(X, codes)
    unit = LinearClassifier(loss="hinge", margin=1.0, C=0.5, **TIGHT).fit(X, codes)
    np.testing.assert_allclose(wide.coef_, 4 * unit.coef_, atol=1e-3)


@pytest.mark.parametrize("penalty", [1.2, 1.5, 3.0, 4.0])
@pytest.mark.parametrize("loss", ["log", "hinge", "squared"])
def test_other_powers_reach_a_point_without_slope(penalty: float, loss: str) -> None:
    X, codes = blobs()
    model = LinearRegressor(penalty=penalty, C=0.5, **TIGHT) if loss == "squared" else LinearClassifier(
        loss=loss, penalty=penalty, C=0.5, **TIGHT)  # fmt: skip
    model.fit(X, codes * 1.0 if loss == "squared" else codes)
    of_scores = {"log": log_loss(codes), "hinge": hinge_loss(codes, 1.0, ROUNDED, of_maximum=False), "squared": squared_loss(codes * 1.0)}
    whole = objective(X, of_scores[loss], Regularizer(penalty, 0.5, 1 / (0.5 * len(X))), model.coef_.shape)
    value, slopes = whole(np.concatenate([model.coef_.ravel(), model.intercept_]))
    assert np.abs(slopes).max() < 1e-5
    draw = np.random.default_rng(0)
    for _ in range(20):  # convex: nothing nearby is lower
        other = np.concatenate([model.coef_.ravel(), model.intercept_])
        assert whole(other + 0.05 * draw.normal(size=other.shape))[0] > value


def test_squared_errors_are_ridge_lasso_and_elastic_net() -> None:
    X, codes = blobs(n=40, d=8)
    y, C = codes + 0.3 * X[:, 0], 0.3
    expected = {2.0: Ridge(1 / C), 1.0: Lasso(1 / (C * 40), tol=1e-10, max_iter=10_000),
                "elastic": ElasticNet(1 / (C * 40), l1_ratio=0.7, tol=1e-10, max_iter=10_000)}  # fmt: skip
    for penalty, theirs in expected.items():
        mine = LinearRegressor(penalty=penalty, l1_ratio=0.7, C=C, **TIGHT).fit(X, y)
        np.testing.assert_allclose(mine.predict(X), theirs.fit(X, y).predict(X), atol=1e-6)
        assert ((mine.coef_ == 0) == (theirs.coef_ == 0)).all()
        assert (mine.coef_ == 0).any() == (penalty != 2.0)


@pytest.mark.parametrize("penalty", [1.0, 1.5, 2.0, "elastic"])
@pytest.mark.parametrize("loss", ["log", "hinge_max", "squared"])
def test_a_path_of_penalties_ends_where_each_penalty_does_alone(loss: str, penalty: Any) -> None:
    X, codes = blobs(d=8)
    kind: Any = LinearRegressor if loss == "squared" else LinearClassifier
    given = {"penalty": penalty, **TIGHT, **({} if loss == "squared" else {"loss": loss})}
    path = kind(warm_start=True, **given)
    for C in (0.05, 0.5, 5.0):
        path.set_params(C=C).fit(X, codes)
        alone = kind(C=C, **given).fit(X, codes)
        np.testing.assert_allclose(path.coef_, alone.coef_, atol=3e-2 if loss == "hinge_max" else 2e-3)
        assert loss == "hinge_max" or ((path.coef_ == 0) == (alone.coef_ == 0)).all()  # whose minimum is flat


@pytest.mark.parametrize("penalty", [1.0, 1.5, "elastic"])
@pytest.mark.parametrize("loss", ["log", "hinge", "squared"])
def test_sparse_rows_are_as_dense_ones_and_nothing_is_changed(loss: str, penalty: Any) -> None:
    X, codes = blobs()
    X[X < 0] = 0
    kept = X.copy()
    kind: Any = LinearRegressor if loss == "squared" else LinearClassifier
    given = {"penalty": penalty, **TIGHT, **({} if loss == "squared" else {"loss": loss})}
    dense, sparse = (kind(**given).fit(rows, codes) for rows in (X, scipy.sparse.csr_array(X)))
    np.testing.assert_allclose(dense.coef_, sparse.coef_, atol=1e-4)
    np.testing.assert_allclose(dense.predict(X), sparse.predict(scipy.sparse.csr_array(X)), atol=1e-3)
    assert np.array_equal(X, kept)


def test_zeros_are_many_at_a_large_penalty_and_few_at_a_small_one() -> None:
    X, codes = blobs(d=12)
    shares = [float((LinearClassifier(penalty=1.0, C=C).fit(X, codes).coef_ == 0).mean()) for C in (0.001, 0.1, 1.0, 100.0)]
    assert shares[0] == 1 and shares == sorted(shares, reverse=True) and shares[-1] < 0.4


# ---------------------------------------------------------------- the component
def test_the_default_is_logistic_regression_or_ridge_as_it_has_been() -> None:
    configs = MODEL.grid(MODEL.settings(), 0)
    assert configs == [{"C": C, "max_iter": 200, "tol": 1e-3} for C in (0.1, 1, 10, 100)]
    assert [list(config) for config in configs] == [["C", "max_iter", "tol"]] * 4
    for form in ("classes", "labels"):
        made = MODEL.make(configs[0], form, 0)
        assert type(made) is LogisticRegression and made.get_params() == LogisticRegression(C=0.1, max_iter=200, tol=1e-3).get_params()
    assert MODEL.make(configs[2], "continuous", 0).get_params() == Ridge(0.1).get_params()


def test_several_losses_and_penalties_are_a_product() -> None:
    configs = MODEL.grid(MODEL.settings(loss=["log", "hinge", "perceptron"], penalty=[2, "elastic"], C=[1, 10], margin=2), 0)
    assert len(configs) == 2 * 2 + 2 * 2 + 1
    solver = {"max_iter": 200, "tol": 1e-3}
    assert configs[0] == {"loss": "log", "margin": None, "penalty": 2.0, "l1_ratio": None, "C": 1, **solver}
    assert configs[7] == {"loss": "hinge", "margin": 2.0, "penalty": "elastic", "l1_ratio": 0.5, "C": 10, **solver}
    assert configs[8] == {"loss": "perceptron", "margin": None, "penalty": None, "l1_ratio": None, "C": None, **solver}


@pytest.mark.parametrize(("given", "form", "kind"), [
    ({"loss": ["perceptron"]}, "classes", Perceptron), ({"loss": ["log"]}, "labels", LogisticRegression),
    ({"loss": ["squared"]}, "continuous", Ridge), ({"loss": ["squared"], "penalty": [1]}, "continuous", LinearRegressor),
    ({"loss": ["log"], "penalty": [1]}, "classes", LinearClassifier), ({"penalty": [1.5]}, "continuous", LinearRegressor),
    ({"penalty": [1.5]}, "classes", LinearClassifier), ({"loss": ["hinge"]}, "classes", LinearClassifier),
])  # fmt: skip
def test_scikit_learn_s_estimator_is_taken_where_there_is_one(given: dict[str, Any], form: Any, kind: type) -> None:
    assert type(MODEL.make(MODEL.grid(MODEL.settings(**given), 0)[0], form, 3)) is kind


@pytest.mark.parametrize(("given", "message"), [
    ({"penalty": [0.5]}, "every power must be 1 or more"), ({"loss": ["hings"]}, "loss"), ({"margin": 0}, "margin"),
    ({"l1_ratio": 1.5}, "l1_ratio"), ({"loss": []}, "loss"), ({"C": [0]}, "C"), ({"C": [1, -1]}, "C"), ({"learning_rate": [1e300]}, "rate"),
])  # fmt: skip
def test_bad_settings_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODEL.settings(**given)


@pytest.mark.parametrize(("task", "losses", "add"), [
    ("regression", ["hinge", "log"], "squared, auto"), ("multiclass", ["squared"], "log, hinge, hinge_max, perceptron, auto"),
    ("multilabel", ["squared"], "log, hinge, hinge_max, perceptron, auto"),
])  # fmt: skip
def test_a_loss_that_the_targets_do_not_allow_is_one_clear_error(task: str, losses: list[str], add: str) -> None:
    message = rf"models\.linear\.loss: {', '.join(losses)} is not a loss of targets that are .*; add one of {add}"
    with pytest.raises(InputError, match=message):
        fitting_configs("toy", SWEEP, MODEL.settings(loss=losses), toy_problem(task=task))


def test_one_class_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 2 classes; found only 4"):
        LinearClassifier().fit(np.ones((3, 2)), np.full(3, 4))


def test_an_unfinished_fit_says_so() -> None:
    X, codes = blobs()
    with pytest.warns(UserWarning, match="stopped after 2 iterations, before tol=1e-08; a larger max_iter goes on"):
        LinearClassifier(max_iter=2, tol=1e-8).fit(X, codes)


def swept(task: str, cores: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Problem, list[dict[str, Any]], list[FoldResult]]:
    monkeypatch.setenv("SENSORIUM_CORES", cores)
    problem, settings = toy_problem(task=task, n_classes=2 if task == "binary" else 3), MODEL.settings(**ALL_LOSSES)
    problem = replace(problem, combinations=(problem.combinations[0], problem.combinations[-1]))
    configs = fitting_configs("toy", SWEEP, settings, problem)
    return problem, configs, list(results(LearnerSetup(SWEEP, settings), problem, configs))


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_every_loss_and_penalty_goes_through_the_protocol(task: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The same bytes on any number of cores; each configuration learns; saved and loaded, each predicts the same."""
    problem, configs, first = swept(task, "1", monkeypatch)
    _, _, second = swept(task, "3", monkeypatch)
    assert {config["loss"] for config in configs} == ({"squared"} if task == "regression" else set(ALL_LOSSES["loss"]) - {"squared"})
    for a, b in zip(first, second, strict=True):
        assert a.prediction.tobytes() == b.prediction.tobytes() and a.chosen == b.chosen
        assert a.inner_scores[problem.scoring].tobytes() == b.inner_scores[problem.scoring].tobytes()
    fused = next(r for r in first if r.modalities == problem.combinations[-1])
    if task in ("binary", "multiclass"):
        learns = [config["C"] != 1 for config in configs]  # at a large penalty some weights are all 0
        assert (fused.inner_scores["accuracy"].mean(axis=1)[learns] > 0.75).all()
    by_loss = {(config["loss"], config["penalty"]): config for config in configs}.values()
    learner = LearnerSetup(SWEEP, MODEL.settings(**ALL_LOSSES))
    for place, config in enumerate(by_loss):
        fitted = fit_on(learner, problem, problem.final_fold(), problem.combinations[-1], config)
        save_fitted(tmp_path / str(place), fitted, problem, description("linear", problem.combinations[-1], config))
        matrices = {name: problem.blocks[name].encoded(problem.training_rows()).matrix for name in problem.combinations[-1]}
        before, after = SWEEP.predict(fitted, matrices), SWEEP.predict(load_fitted(tmp_path / str(place))[0], matrices)
        assert before.decisions.tolist() == after.decisions.tolist()
        assert np.isfinite(before.decisions).all()
        if task in ("binary", "multiclass"):
            np.testing.assert_allclose(before.probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_published_linear_model_needs_no_torch() -> None:
    """Only fitting by an optimizer does."""
    files = predicting_files("linear", ["text"])
    assert {"linear_estimators.py", "penalized_fit.py"} <= {path.name for path in files if path.parent.name == "linear"}
    assert not [line for line in requirements(files) if line.startswith("torch")]
