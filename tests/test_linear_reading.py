"""Linear models read: weights, margins and support vectors agree with scikit-learn, and weights in a feature's own unit decide the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC, SVR
from toy_problem import toy_problem
from toy_samples import features_metadata

from stages.contracts.linear_reading import LinearFunctions, Margin
from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.features.early_fusion import FoldBlocks, encode_fold, fused_matrix_of
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.features.table_transformers import category_columns, encode_categories, fit_categories
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, swept_alone
from stages.models.svm.linear_geometry import APPROXIMATED, TUBE
from stages.weight_reading.chosen_config import best_linear
from stages.weight_reading.estimator_functions import estimator_functions
from stages.weight_reading.feature_columns import dense_names, deviations, feature_columns, in_own_units
from stages.weight_reading.margin_facts import margin_facts, places_of, shown_places, slack_of
from stages.weight_reading.weight_rows import ends_of, largest

SVM, LINEAR = (as_sweep(component("models", name)) for name in ("svm", "linear"))
ALL = ("image", "text", "table")


def svm_config(C: float) -> Config:
    return {"kernel": "linear", "gamma": None, "C": C}


def read_svm(problem: Problem, modalities: tuple[str, ...], C: float, **settings: Any) -> Any:
    with swept_alone(LearnerSetup(SVM, SVM.settings(**settings)), problem, problem.final_fold(), modalities, svm_config(C)) as sweep:
        return SVM.read(sweep)


def blocks_of(problem: Problem) -> FoldBlocks:
    return encode_fold(problem.blocks, problem.final_fold().train)


def fused(problem: Problem, modalities: tuple[str, ...]) -> np.ndarray:
    """Return the fused rows that models see, computed without them: dense, float64."""
    blocks = blocks_of(problem)
    scales = np.array(blocks.scales(modalities, "euclidean")) / len(modalities)
    rows = fused_matrix_of([blocks.encoded[name].matrix for name in modalities], scales)
    return rows.toarray() if sp.issparse(rows) else np.asarray(rows)


def values_of(functions: LinearFunctions, problem: Problem) -> np.ndarray:
    """Return the functions' values of all rows, from the encoded blocks: float64 (n, n_functions)."""
    encoded = blocks_of(problem).encoded
    return sum((np.asarray(encoded[name].matrix @ weights) for name, weights in functions.weights.items()), functions.intercepts[None])


def cloud(distance: float, n: int = 80) -> Problem:
    """Return two clouds of points of five coordinates, in random order, whose centers are so far apart."""
    generator = np.random.default_rng(4)
    target = generator.permutation(np.arange(n) % 2).astype(np.int32)
    values = generator.normal(size=(n, 5)) + distance * np.array([1, 1, 0, 0, 0]) * target[:, None]
    problem = toy_problem(n=n, n_classes=2, modalities=("image",))
    return replace(problem, blocks={"image": Block("image", Dense(values.astype(np.float32)), {})}, target=target)


# ---------------------------------------------------------------- margins
@pytest.mark.parametrize("C", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize("distance", [8.0, 1.5], ids=["separable", "overlapping"])
def test_margin_and_support_vectors_agree_with_scikit_learn(distance: float, C: float) -> None:
    problem = cloud(distance)
    X, reading = fused(problem, ("image",)), read_svm(problem, ("image",), C)
    reference = SVC(kernel="linear", C=C, tol=1e-8).fit(X, problem.target)
    (margin,) = reading.margins
    assert 2 / margin.norm == pytest.approx(2 / np.linalg.norm(reference.coef_), rel=1e-3)
    blocks = blocks_of(problem)
    in_fused = reading.functions.weights["image"][:, 0] / np.sqrt(blocks.scales(["image"], "euclidean")[0])
    assert in_fused == pytest.approx(reference.coef_[0], rel=1e-2, abs=1e-3 * margin.norm)
    assert values_of(reading.functions, problem)[:, 0] == pytest.approx(reference.decision_function(X), abs=2e-3)
    assert np.array_equal(margin.rows, np.sort(reference.support_))
    order = np.argsort(reference.support_)
    assert margin.side * margin.alpha == pytest.approx(reference.dual_coef_[0][order], abs=2e-3 * C)
    assert np.array_equal(margin.side, np.where(problem.target[margin.rows] == 1, 1, -1))
    slack = np.maximum(0, 1 - np.where(problem.target == 1, 1, -1) * reference.decision_function(X))
    assert slack_of(margin) == pytest.approx(slack[margin.rows], abs=2e-3)
    free = margin.alpha < C * (1 - 1e-6)
    assert free.any() and np.abs(margin.margin[free] - 1).max() < 1e-3, "a row with a free coefficient is on its plane"
    assert set(places_of(margin)[free]) == {"plane"}


def test_separable_classes_have_no_row_inside_the_margin() -> None:
    problem = cloud(8.0)
    reading = read_svm(problem, ("image",), 1e4)
    (margin,) = reading.margins
    facts = margin_facts(margin, ("no", "yes"))
    side = np.where(problem.target == 1, 1, -1)
    assert (side * values_of(reading.functions, problem)[:, 0]).min() == pytest.approx(1, abs=1e-3)
    assert (facts.positive, facts.negative, facts.n_inside, facts.n_wrong) == ("yes", "no", 0, 0)
    assert facts.n_plus >= 1 and facts.n_minus >= 1 and facts.n_plus + facts.n_minus == len(margin.rows)


def test_overlapping_classes_have_rows_inside_and_beyond_as_counted_from_decisions() -> None:
    problem = cloud(1.5)
    reading = read_svm(problem, ("image",), 10.0)
    facts = margin_facts(reading.margins[0], ("no", "yes"))
    margin = np.where(problem.target == 1, 1, -1) * values_of(reading.functions, problem)[:, 0]
    assert facts.n_wrong == (margin < 0).sum() > 0
    assert facts.n_inside == ((margin >= 0) & (margin < 1 - 1e-3)).sum() > 0


def test_the_margin_of_two_points_is_their_distance() -> None:
    """Two points: the planes go through them; fused, their distance is 1 whatever it was."""
    problem = cloud(1.0, n=8)
    values = np.where(problem.target == 1, 30.0, -20.0)[:, None].astype(np.float32)
    problem = replace(problem, blocks={"image": Block("image", Dense(values), {})})
    (margin,) = read_svm(problem, ("image",), 100.0).margins
    scale = blocks_of(problem).scales(["image"], "euclidean")[0]
    assert 2 / margin.norm == pytest.approx(50 * np.sqrt(scale), rel=1e-4)
    assert np.abs(margin.margin - 1).max() < 1e-3


@pytest.mark.parametrize("modalities", [("image",), ("text",), ALL])
def test_pairs_of_classes_agree_with_a_pair_alone(modalities: tuple[str, ...]) -> None:
    problem = toy_problem()
    X, reading = fused(problem, modalities), read_svm(problem, modalities, 1.0)
    assert [(margin.positive, margin.negative) for margin in reading.margins] == [(0, 1), (0, 2), (1, 2)]
    total = np.zeros((len(X), 3))
    for margin in reading.margins:
        rows = np.flatnonzero(np.isin(problem.target, [margin.positive, margin.negative]))
        reference = SVC(kernel="linear", C=1.0, tol=1e-8).fit(X[rows], problem.target[rows] == margin.positive)
        assert 2 / margin.norm == pytest.approx(2 / np.linalg.norm(reference.coef_), rel=1e-3)
        assert margin.n_rows == len(rows)
        assert np.array_equal(margin.rows, rows[np.sort(reference.support_)])
        total[:, margin.positive] += reference.decision_function(X)
        total[:, margin.negative] -= reference.decision_function(X)
    assert values_of(reading.functions, problem) == pytest.approx(total, abs=5e-3)


def test_labels_have_a_margin_each_and_a_constant_one_none() -> None:
    problem = toy_problem(task="multilabel")
    target = problem.target.copy()
    target[:, 1] = 1
    problem = replace(problem, target=target)
    X, reading = fused(problem, ALL), read_svm(problem, ALL, 1.0)
    assert [(margin.positive, margin.negative) for margin in reading.margins] == [(0, None), (2, None)]
    values = values_of(reading.functions, problem)
    for margin in reading.margins:
        reference = SVC(kernel="linear", C=1.0, tol=1e-8).fit(X, target[:, margin.positive])
        assert 2 / margin.norm == pytest.approx(2 / np.linalg.norm(reference.coef_), rel=1e-3)
        assert values[:, margin.positive] == pytest.approx(reference.decision_function(X), abs=2e-3)


def test_a_regression_has_functions_and_no_margin() -> None:
    problem = toy_problem(task="regression")
    problem = replace(problem, target=np.where(np.isnan(problem.target), 0.0, problem.target))
    X, reading = fused(problem, ALL), read_svm(problem, ALL, 10.0)
    assert (reading.margins, reading.without_margins) == ((), TUBE)
    for place, target in enumerate(problem.target.T):
        reference = SVR(kernel="linear", C=10.0, epsilon=0.1, tol=1e-8).fit(X, (target - target.mean()) / target.std())
        expected = reference.predict(X) * target.std() + target.mean()
        assert values_of(reading.functions, problem)[:, place] == pytest.approx(expected, abs=1e-3 * target.std())


def test_of_an_approximated_svm_nothing_is_read() -> None:
    problem, settings = toy_problem(), SVM.settings(exact_rows=20)
    (config,) = SVM.approximated([svm_config(1.0)], settings, problem)
    with swept_alone(LearnerSetup(SVM, settings), problem, problem.final_fold(), ("image",), config) as sweep:
        assert SVM.read is not None and SVM.read(sweep) == APPROXIMATED


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_the_order_of_rows_decides_nothing(task: str) -> None:
    problem = toy_problem(task=task)
    order = np.random.default_rng(9).permutation(len(problem.target))
    blocks = {name: block.taken(order) for name, block in problem.blocks.items()}
    first, second = (read_svm(one, ALL, 1.0) for one in (problem, replace(problem, target=problem.target[order], blocks=blocks)))
    for a, b in zip(first.margins, second.margins, strict=True):
        mine = np.argsort(order[b.rows])
        assert np.array_equal(a.rows, order[b.rows][mine]) and np.array_equal(places_of(a), places_of(b)[mine])
        assert a.alpha == pytest.approx(b.alpha[mine], abs=1e-3) and a.norm == pytest.approx(b.norm, rel=1e-4)
    for name in ALL:
        assert first.functions.weights[name] == pytest.approx(second.functions.weights[name], abs=1e-3)


def test_where_a_support_vector_lies() -> None:
    margin = Margin(1, 0, 4.0, 2.0, 6, np.arange(6), np.array([1, -1, 1, 1, -1, -1], np.int8),
                    np.array([0.5, 1.9, 2.0, 2.0, 2.0, 2.0]), np.array([1.0, 1.0, 1.0, 0.25, 0.0, -3.0]))
    assert places_of(margin).tolist() == ["plane", "plane", "plane", "inside", "inside", "wrong"]
    assert slack_of(margin).tolist() == [0, 0, 0, 0.75, 1, 4]
    facts = margin_facts(margin, ("a", "b"))
    assert (facts.width, facts.n_plus, facts.n_minus, facts.n_inside, facts.n_wrong) == (0.5, 2, 1, 2, 1)
    ids = ["s0", "s1", "s2", "s3", "s4", "s5"]
    assert list(shown_places(margin, ids, 1)) == [2, 1, 5]
    assert list(shown_places(margin, ids, 2)) == [2, 0, 1, 5, 4]


# ---------------------------------------------------------------- linear models
def read_linear(problem: Problem, modalities: tuple[str, ...], config: Config, **settings: Any) -> tuple[LinearFunctions, Any]:
    """Return the functions of a linear model, and its own decisions of all rows."""
    learner = LearnerSetup(LINEAR, LINEAR.settings(**settings))
    with swept_alone(learner, problem, problem.final_fold(), modalities, config) as sweep:
        fitted = sweep.fitted(0)
    encoded = blocks_of(problem).encoded
    matrices = {name: encoded[name].matrix for name in modalities}
    functions = estimator_functions(fitted, {name: matrix.shape[1] for name, matrix in matrices.items()})
    return functions, LINEAR.predict(fitted, matrices).decisions


SOLVER = {"C": 1.0, "max_iter": 2000, "tol": 1e-8}


@pytest.mark.parametrize("modalities", [("image",), ("text",), ("table",), ALL])
def test_weights_agree_with_logistic_regression(modalities: tuple[str, ...]) -> None:
    problem = toy_problem()
    functions, decisions = read_linear(problem, modalities, SOLVER)
    X = fused(problem, modalities).astype(np.float32)
    reference = LogisticRegression(**SOLVER).fit(X, problem.target)
    blocks = blocks_of(problem)
    scales = np.sqrt(np.array(blocks.scales(modalities, "euclidean")) / len(modalities))
    in_fused = np.vstack([functions.weights[name] / scale for name, scale in zip(modalities, scales, strict=True)])
    # both solve in float32
    assert in_fused == pytest.approx(reference.coef_.T, abs=2e-3)
    assert functions.intercepts == pytest.approx(reference.intercept_, abs=2e-3)
    assert softmax(values_of(functions, problem), axis=1) == pytest.approx(decisions, abs=1e-5)


@pytest.mark.parametrize("n_components", [3, None])
@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel", "regression"])
def test_the_functions_decide_as_the_model_does(task: str, n_components: int | None) -> None:
    """With principal components or without: scales and components are undone."""
    problem = toy_problem(task=task, n_classes=2 if task == "binary" else 3)
    functions, decisions = read_linear(problem, ALL, SOLVER, n_components=n_components)
    values = values_of(functions, problem)
    if task == "binary":
        assert functions.outputs == (1,)
        assert expit(values[:, 0]) == pytest.approx(decisions[:, 1], abs=1e-5)
        return
    assert functions.outputs == (0, 1, 2)
    expected = {"multiclass": lambda v: softmax(v, axis=1), "multilabel": expit, "regression": lambda v: v}[task](values)
    assert expected == pytest.approx(decisions, abs=1e-5 * max(1.0, np.abs(decisions).max()))


def test_ridge_is_read_in_the_units_of_the_targets() -> None:
    problem = toy_problem(task="regression")
    problem = replace(problem, target=np.where(np.isnan(problem.target), 0.0, problem.target))
    functions, _ = read_linear(problem, ("image",), SOLVER)
    X, y = fused(problem, ("image",)), problem.target
    reference = Ridge(1.0).fit(X, (y - y.mean(axis=0)) / y.std(axis=0))
    expected = reference.coef_.T * y.std(axis=0) * np.sqrt(blocks_of(problem).scales(["image"], "euclidean")[0])
    assert functions.weights["image"] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("config", [
    {"loss": "hinge", "margin": 1.0, "penalty": 2.0, **SOLVER}, {"loss": "log", "penalty": 1.0, **SOLVER},
    {"loss": "perceptron", **SOLVER, "C": None},
], ids=lambda config: config["loss"])
def test_other_losses_and_penalties_are_read_too(config: Config) -> None:
    problem = toy_problem()
    functions, decisions = read_linear(problem, ALL, config)
    assert np.array_equal(values_of(functions, problem).argmax(axis=1), decisions.argmax(axis=1))


def test_a_constant_label_has_no_function() -> None:
    problem = toy_problem(task="multilabel")
    target = problem.target.copy()
    target[:, 0] = 0
    functions, decisions = read_linear(replace(problem, target=target), ALL, SOLVER)
    assert functions.outputs == (1, 2)
    assert expit(values_of(functions, problem)) == pytest.approx(decisions[:, 1:], abs=1e-5)


# ---------------------------------------------------------------- features in their own units
def table_rows(problem: Problem) -> np.ndarray:
    """Return the table's columns as they are: numbers imputed by the median, whether one was missing, a column per category."""
    raw, train = problem.blocks["table"].raw, problem.final_fold().train
    missing = np.isnan(raw.numeric)
    numbers = np.where(missing, np.nanmedian(raw.numeric[train], axis=0), raw.numeric)
    marks = missing[:, missing[train].any(axis=0)].astype(float)
    names = [*sorted({raw.categories[0][code] for code in raw.codes[train, 0]} - {None}), None]
    own = np.array([raw.categories[0][code] for code in raw.codes[:, 0]], dtype=object)
    return np.hstack([numbers, marks, np.stack([own == name for name in names], axis=1).astype(float)])


@pytest.mark.parametrize("model", ["linear", "svm"])
def test_weights_of_raw_features_decide_the_same(model: str) -> None:
    problem = toy_problem()
    about = features_metadata("table", encoding="table", shape=[2, 1], names={"numeric": ["age", "price"], "categorical": ["shop"]})
    functions = read_linear(problem, ("table",), SOLVER)[0] if model == "linear" else read_svm(problem, ("table",), 1.0).functions
    train, block = problem.final_fold().train, blocks_of(problem).encoded["table"]
    columns = feature_columns(block.matrix, block.state, about, train)
    assert columns.names == ("age", "price", "price is missing", "shop = a", "shop = b", "shop = d", "shop = missing")
    raw, own = table_rows(problem), in_own_units(functions, {"table": columns})
    assert raw @ own.weights["table"] + own.intercepts == pytest.approx(values_of(functions, problem), abs=1e-9)
    assert columns.deviation == pytest.approx(raw[train].std(axis=0), rel=1e-9)
    assert np.abs(own.weights["table"] - functions.weights["table"]).max() > 0.01, "the units differ, else this shows nothing"


def test_terms_keep_their_indices_and_dense_features_their_places() -> None:
    problem = toy_problem()
    encoded, train = blocks_of(problem).encoded, problem.final_fold().train
    of_text = feature_columns(encoded["text"].matrix, encoded["text"].state, features_metadata("text", encoding="sparse"), train)
    raw = problem.blocks["text"].raw
    assert np.array_equal(of_text.numbers, np.unique(raw.indices))
    dense = encoded["text"].matrix.toarray()
    assert of_text.deviation == pytest.approx(dense[train].std(axis=0), abs=1e-12)
    assert deviations(encoded["text"].matrix, train[:5]) == pytest.approx(dense[train[:5]].std(axis=0), abs=1e-12)
    assert dense_names((2, 2), ["mean", "deviation"]) == ("mean, 0", "mean, 1", "deviation, 0", "deviation, 1")
    assert dense_names((1, 2, 2), ()) == ("0, 0, 0", "0, 0, 1", "0, 1, 0", "0, 1, 1")
    assert dense_names((3,), ()) == ("number 0", "number 1", "number 2")


def test_names_of_categories_are_those_of_the_encoded_columns() -> None:
    codes = np.array([0, 0, 0, 1, 1, 2, 3, 0], np.int32)
    names = ("red", "blue", None, "green")
    fitted = [fit_categories(names, codes)]
    values = np.array([["blue"], ["green"], [None], ["red"]], dtype=object)
    for most in (2, 3, 50):
        columns = category_columns(["shade"], fitted, most)
        found = [columns[place] for place in encode_categories(values, fitted, most).argmax(axis=1)]
        rare = {2: {"blue", "green", None}, 3: {"green", None}, 50: set()}[most]
        assert found == [f"shade = {'rare' if name in rare else name or 'missing'}" for name in ("blue", "green", None, "red")]


# ---------------------------------------------------------------- which configuration, which features
def sweep_table(rows: list[tuple[str, str, int, int, str, float]]) -> pa.Table:
    """Return rows (modalities, fusion, fold, config, settings, score), an inner fold each."""
    names = ("modalities", "fusion", "fold", "config", "settings", "score")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    types = {"fold": pa.int16(), "config": pa.int32()}
    table = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    return pa.table({**table, "repeat": pa.array([0] * len(rows), pa.int16()), "inner": pa.array([0] * len(rows), pa.int16())})


def test_the_best_linear_configuration_is_the_best_over_the_inner_folds() -> None:
    settings = ['{"kernel": "linear", "C": 1, "tuning_rows": 100}', '{"kernel": "linear", "C": 10, "calibration": "sigmoid"}',
                '{"kernel": "rbf", "C": 1}']
    scores = [(0.5, 0.9), (0.6, 0.82), (0.95, 0.95)]
    rows = [("image", "early", fold, config, settings[config], scores[config][fold]) for config in range(3) for fold in range(2)]
    rows += [("image", "late_mean", fold, 1, settings[1], 1.0) for fold in range(2)]
    rows += [("text", "early", fold, 1, settings[1], 1.0) for fold in range(2)]
    metric = toy_problem().metrics["accuracy"]
    for order in (rows, rows[::-1]):
        found = best_linear(sweep_table(order), "image", SVM.is_linear, metric)
        assert found is not None and found.config == {"kernel": "linear", "C": 10} and found.score == pytest.approx(0.71)
    assert best_linear(sweep_table(rows[4:6]), "image", SVM.is_linear, metric) is None
    assert best_linear(sweep_table(rows), "image+text", SVM.is_linear, metric) is None


def test_terms_for_and_against_an_output_are_kept() -> None:
    weights = np.array([[3.0, 0.0], [-1.0, 0.0], [2.0, -5.0], [0.0, 0.0], [-4.0, 0.5]])
    assert ends_of(weights[:, 0], 1).tolist() == [0, 4]
    assert ends_of(weights[:, 0], 9).tolist() == [0, 2, 1, 4]
    assert largest(weights, 1).tolist() == [0, 2, 4]
    assert largest(np.zeros((4, 2)), 3).tolist() == []


