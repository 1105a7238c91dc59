"""Calibration of probabilities: scikit-learn's on the same out-of-fold probabilities, better where it must be, saved, and without leaks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from toy_problem import description, metrics_of, toy_folds, toy_problem

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Estimator, FoldResult
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.design import Design
from stages.evaluation.reliability import reliability
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.registry import component
from stages.model_selection.calibrator_fitting import fit_calibrator
from stages.model_selection.calibrators import Calibrator, calibrated, saved_calibrator
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.training.saved_model import load_fitted, save_fitted

METHODS = ("temperature", "sigmoid", "isotonic")
# counts every column as evidence of its own: over-confident where columns say the same
NAIVE = as_sweep(Estimator("naive", Settings, lambda config, form, seed: GaussianNB()))
LINEAR = component("models", "linear")


def problem_of(X: np.ndarray, y: np.ndarray) -> Problem:
    """Return a problem of classes with one dense block."""
    target, outputs = y.astype(np.int32), tuple(f"class {code}" for code in range(int(y.max()) + 1))
    blocks = {"image": Block("image", Dense(X.astype(np.float32)), {})}
    return Problem(blocks, target, "classes", outputs, toy_folds(len(y)), (("image",),), metrics_of("classes", target), "accuracy", 0)


def over_confident(n: int = 900, n_classes: int = 3) -> Problem:
    """Return a synthetic problem of which naive Bayes sees each of four columns six times."""
    X, y = make_classification(n, 4, n_informative=4, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1, class_sep=0.7, flip_y=0.1,
                               random_state=0)
    return problem_of(np.tile(X, 6) + 0.1 * np.random.default_rng(0).normal(size=(n, 24)), y)


def error_and_loss(problem: Problem, found: list[FoldResult]) -> tuple[float, float]:
    """Return the calibration error and the log-loss of all test rows."""
    rows = np.concatenate([result.fold.test for result in found])
    folds = [FoldPredictions(problem.target[one.fold.test], one.prediction, one.probabilities) for one in found]
    of_fold = np.repeat(np.arange(len(found)), [len(one.prediction) for one in found])
    each = np.arange(len(rows))
    design = Design(rows, each, of_fold, len(found), len(rows), 0.5, 0.95, each % 1000)
    probabilities = normalised(np.concatenate([result.probabilities for result in found]))
    measured = reliability(folds, design)
    assert measured is not None
    return measured.ece, float(log_loss(problem.target[rows], probabilities))


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(30, random_state=0)


def normalised(probabilities: np.ndarray) -> np.ndarray:
    """Return float32 probabilities as float64 that sum to 1."""
    p = probabilities.astype(np.float64)
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("make", "n_classes"), [(lambda: LogisticRegression(C=0.01), 2), (forest, 2), (forest, 3)])
def test_probabilities_are_those_of_calibrated_classifier_cv(method: str, make, n_classes: int) -> None:
    """With one exception, as it takes the decision function or probability itself: the sigmoid of a forest, and what lies between steps."""
    X, y = make_classification(600, 6, n_informative=4, n_classes=n_classes, n_clusters_per_class=1, flip_y=0.2, random_state=1)
    inner = np.arange(400) % 3
    out_of_fold = cross_val_predict(make(), X[:400], y[:400], cv=PredefinedSplit(inner), method="predict_proba")
    problem = problem_of(X[:400], y[:400])
    calibrator = fit_calibrator(method, problem, problem.target, out_of_fold)
    fitted = make().fit(X[:400], y[:400])
    ours = calibrator.apply(fitted.predict_proba(X[400:]))
    theirs = CalibratedClassifierCV(make(), method=method, cv=PredefinedSplit(inner), ensemble=False).fit(X[:400], y[:400])
    expected = theirs.predict_proba(X[400:])
    if isinstance(fitted, LogisticRegression):
        assert ours == pytest.approx(expected, abs=2e-2 if method == "isotonic" else 1e-5)
    elif method != "sigmoid":
        assert ours == pytest.approx(expected, abs=1e-6)
    else:
        plain = log_loss(y[400:], normalised(np.clip(fitted.predict_proba(X[400:]), 1e-7, 1)))
        assert log_loss(y[400:], normalised(ours)) < min(plain, log_loss(y[400:], expected) + 0.08)
    assert ours.sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_over_confidence_is_corrected_and_predictions_stay(method: str, n_classes: int) -> None:
    problem = over_confident(n_classes=n_classes)
    before, after = (list(results(LearnerSetup(NAIVE, Settings(), calibration=one), problem, [{}])) for one in ("none", method))
    (error, loss), (corrected, less) = error_and_loss(problem, before), error_and_loss(problem, after)
    assert error > 0.1 and corrected < error / 2, (error, corrected)
    assert less < 0.75 * loss, (loss, less)
    for a, b in zip(before, after, strict=True):
        assert a.prediction.tobytes() == b.prediction.tobytes() and a.chosen == b.chosen
        assert (a.described({}), b.described({})) == ({}, {"calibration": method})
        assert b.out_of_fold is None
        if method == "temperature":
            assert np.array_equal(b.probabilities.argmax(axis=1), a.probabilities.argmax(axis=1))


@pytest.mark.parametrize("method", METHODS)
def test_real_data_of_which_naive_bayes_is_too_sure(method: str) -> None:
    """569 tumours (Breast Cancer Wisconsin, with scikit-learn): thirty measures that say much the same."""
    data = load_breast_cancer()
    problem = problem_of(data.data, data.target)
    (error, loss), (corrected, less) = (
        error_and_loss(problem, list(results(LearnerSetup(NAIVE, Settings(), calibration=one), problem, [{}]))) for one in ("none", method))
    assert corrected < error and less < 0.6 * loss, (error, corrected, loss, less)


@pytest.mark.parametrize("method", METHODS)
def test_test_rows_change_nothing(method: str) -> None:
    problem = over_confident()
    problem = replace(problem, folds=problem.folds[:1])
    (fold,) = problem.folds
    target = problem.target.copy()
    target[fold.test] = (target[fold.test] + 1) % 3
    (before,), (after,) = (list(results(LearnerSetup(NAIVE, Settings(), calibration=method), replace(problem, target=values), [{}]))
                           for values in (problem.target, target))
    assert before.probabilities.tobytes() == after.probabilities.tobytes()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("name", ["linear", "knn"])
def test_the_saved_model_predicts_what_was_evaluated(method: str, task: str, name: str, tmp_path: Path) -> None:
    model = as_sweep(component("models", name))
    settings = model.settings(**({"C": (1.0,)} if name == "linear" else {"n_neighbors": (5,), "metric": ("euclidean",)}))
    problem = toy_problem(n_classes=2 if task == "binary" else 3, modalities=("image", "text"), task=task)
    problem = replace(problem, folds=problem.folds[:1], combinations=problem.combinations[-1:])
    (config,) = model.grid(settings, 0)
    (plain,), (result,) = (list(results(LearnerSetup(model, settings, calibration=one), problem, [config])) for one in ("none", method))
    assert result.probabilities.tobytes() != plain.probabilities.tobytes()
    for folder in ("a", "b"):
        fitted = fit_on(LearnerSetup(model, settings, calibration=method), problem, result.fold, result.modalities, config)
        about = replace(description(name, result.modalities, config), calibration=method)
        save_fitted(tmp_path / folder, fitted, problem, about, rows=result.fold.train)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    loaded, known = load_fitted(tmp_path / "a")
    assert known.calibration == method
    encoded = {modality: problem.blocks[modality].encoded(result.fold.train).matrix[result.fold.test] for modality in result.modalities}
    calibrator = saved_calibrator(known.calibration, loaded.arrays, is_of_classes=problem.form == "classes")
    scores = calibrated(model.predict(loaded, encoded), calibrator)
    assert scores.probabilities == pytest.approx(result.probabilities, abs=1e-4)


def test_without_the_setting_a_model_is_saved_as_before(tmp_path: Path) -> None:
    problem = toy_problem(modalities=("image",))
    model, config = as_sweep(LINEAR), {"C": 1.0, "max_iter": 200, "tol": 1e-3}
    fitted = fit_on(LearnerSetup(model, model.settings()), problem, problem.folds[0], ("image",), config)
    save_fitted(tmp_path, fitted, problem, description("linear", ("image",), config), rows=problem.folds[0].train)
    assert b"calibration" not in (tmp_path / "model.json").read_bytes()
    loaded, about = load_fitted(tmp_path)
    assert about.calibration == "none" and saved_calibrator(about.calibration, loaded.arrays, is_of_classes=True) is None


@pytest.mark.parametrize("method", METHODS)
def test_what_no_row_shows_stays_as_it_is(method: str) -> None:
    """A label that every row has, and a class without a row, among the rows that calibrate."""
    generator = np.random.default_rng(0)
    labels = toy_problem(task="multilabel")
    target = np.stack([np.ones(60), generator.random(60) < 0.5, np.zeros(60)], axis=1).astype(np.uint8)
    p = generator.uniform(0.1, 0.9, (60, 3))
    found = fit_calibrator(method, labels, target, p).apply(p)
    assert found[:, [0, 2]] == pytest.approx(p[:, [0, 2]], abs=1e-6) and np.abs(found[:, 1] - p[:, 1]).max() > 0.02
    classes = toy_problem()
    codes = generator.integers(0, 2, 60).astype(np.int32)  # none of the third
    p /= p.sum(axis=1, keepdims=True)
    found = fit_calibrator(method, classes, codes, p).apply(np.vstack([p, [0, 0, 1], [1, 0, 0]]))
    assert np.isfinite(found).all() and found.sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_rows_does_not_matter(method: str) -> None:
    problem, generator = toy_problem(), np.random.default_rng(3)
    p, codes = generator.dirichlet(np.ones(3), 300), generator.integers(0, 3, 300).astype(np.int32)
    order = generator.permutation(300)
    a, b = fit_calibrator(method, problem, codes, p), fit_calibrator(method, problem, codes[order], p[order])
    assert a.apply(p) == pytest.approx(b.apply(p), abs=1e-5)


def test_calibrated_probabilities_stay() -> None:
    """Of 20,000 rows whose probabilities are true, the temperature is 1 and the sigmoid the identity, but for chance."""
    problem, generator = toy_problem(), np.random.default_rng(4)
    p = generator.dirichlet(np.ones(3), 20_000)
    codes = (generator.random(20_000)[:, None] > np.cumsum(p, axis=1)).sum(axis=1).astype(np.int32)
    temperature = fit_calibrator("temperature", problem, codes, p).arrays["inverse_temperature"]
    sigmoid = fit_calibrator("sigmoid", problem, codes, p).arrays
    assert temperature == pytest.approx([1], abs=0.03)
    assert sigmoid["slope"] == pytest.approx(np.ones(3), abs=0.05) and sigmoid["intercept"] == pytest.approx(np.zeros(3), abs=0.05)


def test_a_temperature_is_the_exponent_of_probabilities() -> None:
    """First principles: with 1 / T = 2, (0.8, 0.2) becomes (0.64, 0.04) / 0.68; a label's odds of 4 become 16."""
    scores = Scores(np.zeros((1, 2)), np.array([[0.8, 0.2]], dtype=np.float32))
    classes = Calibrator("temperature", True, {"inverse_temperature": np.array([2.0])})
    labels = Calibrator("temperature", False, {"inverse_temperature": np.array([2.0, 2.0])})
    assert calibrated(scores, classes).probabilities == pytest.approx(np.array([[0.64, 0.04]]) / 0.68)
    assert calibrated(scores, labels).probabilities == pytest.approx(np.array([[16 / 17, 1 / 17]]))


def test_targets_have_nothing_to_calibrate() -> None:
    problem = toy_problem(modalities=("image",), task="regression")
    model = as_sweep(LINEAR)
    settings = model.settings(C=(1.0,))
    learner = LearnerSetup(model, settings, calibration="sigmoid")
    found = list(results(learner, problem, model.grid(settings, 0)))
    assert all(result.probabilities is None and result.calibration == "none" for result in found)
    fitted: Fitted = fit_on(learner, problem, problem.folds[0], ("image",), model.grid(settings, 0)[0])
    assert not [name for name in fitted.arrays if name.startswith("calibration/")]
