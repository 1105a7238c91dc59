"""Bias and variance over bootstraps: the parts add up exactly, on predictions by hand and on learners whose answer is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from toy_evaluation import fold_scores, toy_evaluation
from toy_problem import toy_problem

from pipelines.publishing.metric_values import capacity_points as published_points
from stages.bias_variances.bootstraps import Grid, bootstrap, capacity_points
from stages.bias_variances.compared_values import comparable, skipped_values
from stages.bias_variances.decomposed_loss import as_numbers, bias_and_variance, output_weights
from stages.contracts.candidate import Candidate
from stages.contracts.documents.bias_variance_document import BiasVariance, CapacityPoint
from stages.contracts.model import Estimator
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.pages.drawing import figure_style, render
from stages.reporting.growth_figures import capacity_plot

KNN = as_sweep(component("models", "knn"))


# ---------------------------------------------------------------- the decomposition
@pytest.mark.parametrize("form", ["classes", "labels", "continuous"])
def test_bias_and_variance_add_up_to_the_mean_loss(form: str) -> None:
    generator = np.random.default_rng(0)
    if form == "classes":
        target, predicted = generator.integers(0, 4, 50), [generator.integers(0, 4, 50) for _ in range(7)]
        losses = [(one != target).mean() for one in predicted]  # the 0-1 loss: 1 − accuracy
    elif form == "labels":
        target, predicted = generator.integers(0, 2, (50, 4)), [generator.integers(0, 2, (50, 4)) for _ in range(7)]
        losses = [(one != target).mean() for one in predicted]  # the Hamming loss
    else:
        target, predicted = generator.normal(size=(50, 4)) * [1, 10, 100, 0], [generator.normal(size=(50, 4)) for _ in range(7)]
        target[::7, 0] = np.nan
        shares = [np.nanmean((one - target) ** 2, axis=0)[:3] / np.nanvar(target, axis=0)[:3] for one in predicted]
        losses = [share.mean() for share in shares]  # 1 − Q²; a target that is constant has no scale
    bias, variance = bias_and_variance(
        as_numbers(target, form, 4), [as_numbers(one, form, 4) for one in predicted], output_weights(target, form, 4))  # fmt: skip
    assert bias + variance == pytest.approx(np.mean(losses), rel=1e-12)
    assert variance > 0


def test_by_hand() -> None:
    """Predictions a, a, b of class a: m = (2/3, 1/3), variance = ½·(2/9 + 2/9 + 8/9)/2 = 1/3, bias = ½·2/9 − ⅓/3 = 0; loss 1/3."""
    votes = [np.eye(2)[[code]] for code in (0, 0, 1)]
    bias, variance = bias_and_variance(np.eye(2)[[0]], votes, np.full(2, 0.5))
    assert (bias, variance) == pytest.approx((0.0, 1 / 3), abs=1e-12)


def test_few_bootstraps_do_not_bias_the_bias() -> None:
    """Predictions y + 0.5 + noise of variance 1: bias 0.25 and variance 1, for 3 bootstraps as for 30."""
    generator = np.random.default_rng(1)
    for n in (3, 30):
        predicted = [0.5 + generator.normal(size=(40_000, 1)) for _ in range(n)]
        assert bias_and_variance(np.zeros((40_000, 1)), predicted, np.ones(1)) == pytest.approx((0.25, 1.0), abs=0.02)


# ---------------------------------------------------------------- bootstraps
def test_a_bootstrap_draws_whole_groups_of_training_rows_alone() -> None:
    problem = replace(toy_problem(n=120, modalities=("image",)), combinations=(("image",),))
    groups = np.arange(120) // 3  # a group in all three folds: what is drawn is its part among the training rows
    fold = problem.folds[0]
    drawn = bootstrap(problem, fold, groups, 0)
    (own,) = drawn.folds
    values, whole = drawn.blocks["image"].raw.values, problem.blocks["image"].raw.values
    where = {row.tobytes(): number for number, row in enumerate(whole)}
    rows = np.array([where[row.tobytes()] for row in values])
    assert np.array_equal(rows[own.test], fold.test) and set(rows[own.train]) < set(fold.train)
    assert np.array_equal(drawn.target, problem.target[rows])
    assert np.array_equal(own.inner, fold.inner[np.searchsorted(fold.train, rows[own.train])])
    times = np.bincount(rows[own.train], minlength=120)
    for group in np.unique(groups[fold.train]):
        assert len(set(times[np.intersect1d(np.flatnonzero(groups == group), fold.train)])) == 1, "a group is drawn in part"
    assert times.max() > 1 and (times[fold.train] == 0).any()
    other = bootstrap(problem, fold, groups, 1)
    assert not np.array_equal(other.target, drawn.target) or len(other.target) != len(drawn.target)


# ---------------------------------------------------------------- learners
def noisy_problem(n: int = 240) -> Problem:
    """Return simulated data: a class by the sign of one column, wrong of a quarter of the rows, and a column of noise."""
    generator = np.random.default_rng(3)
    values = generator.normal(size=(n, 2)).astype(np.float32)
    flipped = generator.random(n) < 0.25
    target = ((values[:, 0] > 0) ^ flipped).astype(np.int32)
    problem = toy_problem(n=n, n_classes=2, modalities=("image",))
    return replace(problem, blocks={"image": Block("image", Dense(values), {})}, target=target)


def knn_grid(*neighbors: int, **settings: Any) -> Grid:
    declared = KNN.settings(n_neighbors=neighbors, **{"metric": ("euclidean",), "weights": ("uniform",)} | settings)
    return Grid(KNN, declared, KNN.grid(declared, 0), "n_neighbors")


def test_one_neighbor_varies_more_than_fifty() -> None:
    problem = noisy_problem()
    points = {point.value: point for point in capacity_points(knn_grid(1, 50), problem, np.arange(240), 8)}
    assert points[1].mean_variance > 1.5 * points[50].mean_variance > 0
    assert all(len(point.bias) == len(problem.folds) for point in points.values())
    assert 0.2 < points[50].mean_bias < 0.4  # a quarter of the rows is noise, which is counted as bias


class ConstantSettings(Settings):
    C: tuple[float, ...] = (1.0, 2.0)


def test_a_constant_learner_has_no_variance() -> None:
    always = Estimator("always", ConstantSettings, lambda config, form, seed: DummyClassifier(strategy="constant", constant=1))
    model = as_sweep(always)
    problem = noisy_problem(120)
    points = capacity_points(Grid(model, ConstantSettings(), model.grid(ConstantSettings(), 0), "C"), problem, np.arange(120), 4)
    for point in points:
        assert point.variance == (0.0, 0.0, 0.0)
        assert point.bias == pytest.approx([(problem.target[fold.test] != 1).mean() for fold in problem.folds])


def test_a_value_without_a_counterpart_is_skipped_with_its_reason() -> None:
    """A linear kernel has no gamma: its configurations never differ in gamma alone, whatever the inner folds choose."""
    svm = as_sweep(component("models", "svm"))
    settings = svm.settings(kernel=("linear", "rbf"), C=(1.0, 10.0), gamma=(0.1, 1.0))
    whole = svm.grid(settings, 0)
    grid = comparable(Grid(svm, settings, whole, "gamma"))
    assert grid.values == [0.1, 1.0] and {config["kernel"] for config in grid.configs} == {"rbf"} and len(grid.configs) == 4
    (skipped,) = skipped_values(whole, whole, grid, 100)
    assert skipped.value is None and skipped.why == "no configurations differ from those of the other values in gamma alone"
    points = capacity_points(grid, noisy_problem(90), np.arange(90), 3)
    assert all(point.mean_bias > 0 and point.mean_variance > 0 for point in points)


def test_a_value_that_needs_more_rows_is_skipped_and_a_list_is_a_value() -> None:
    grid = knn_grid(1, 5, 80, weights=("uniform", "distance"))
    fitting = [config for config in grid.configs if config["n_neighbors"] < 80]
    compared = comparable(replace(grid, configs=fitting))
    assert compared.configs == fitting and skipped_values(grid.configs, fitting, compared, 64)[0].model_dump() == {
        "value": 80, "why": "needs 80 training rows, and one inner training set has 64"}
    mlp = as_sweep(component("models", "mlp"))
    settings = mlp.settings(hidden_layer_sizes=((4,), (8,)), activation=("relu",), weight_decay=(0.01,), learning_rate_init=(0.01,))
    of_networks = Grid(mlp, settings, mlp.grid(settings, 0), "hidden_layer_sizes")
    assert comparable(of_networks).values == [[4], [8]]


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_labels_and_numbers_too(task: str) -> None:
    problem = toy_problem(n=120, task=task, modalities=("image",))
    points = capacity_points(knn_grid(1, 9, weights=("uniform", "distance")), problem, np.arange(120), 3)
    assert [point.value for point in points] == [9, 1]  # from simple to complex, as the grid has them
    assert all(np.isfinite([*point.bias, *point.variance]).all() for point in points)
    totals = [point.mean_bias + point.mean_variance for point in points]
    assert all(0 < point.mean_variance < total < 1 for point, total in zip(points, totals, strict=True))  # the toy is learned well


def test_the_number_of_cores_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, found = noisy_problem(90), []
    for cores in ("1", "2"):
        monkeypatch.setenv(CORES_VARIABLE, cores)
        found.append(capacity_points(knn_grid(1, 5), problem, np.arange(90) // 2, 3))
    assert found[0] == found[1]


# ---------------------------------------------------------------- document, report, tracking server
STUDY: dict[str, Any] = {
    "dataset": "toy", "model": "knn", "modalities": ("text",), "fusion": "early", "parameter": "n_neighbors", "loss": "share of wrong rows",
    "n_bootstraps": 3, "not_applicable": None,
    "points": (CapacityPoint(value=9, bias=(0.2, 0.3), variance=(0.05, 0.07)),
               CapacityPoint(value=1, bias=(0.1, 0.1), variance=(0.2, 0.1))),
}  # fmt: skip


def test_a_study_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="not_applicable: expected a reason where there is no point"):
        BiasVariance(**STUDY | {"points": ()})
    with pytest.raises(ValueError, match=r"points\.0: bias and variance are not of the same folds"):
        BiasVariance(**STUDY | {"points": (CapacityPoint(value=1, bias=(0.1,), variance=()),)})


def test_a_study_is_drawn_and_published_by_its_parameter() -> None:
    study, candidate = BiasVariance(**STUDY), Candidate("knn", ("text",))
    evaluation = toy_evaluation({candidate: {"accuracy": fold_scores(0.8, 0.8, 0.8)}}, "accuracy", bias_variance=(study,))
    with figure_style():
        plot = capacity_plot(evaluation, study)
        svg = render(plot.figure, "toy/capacity", plot.title)
    assert (plot.kind, plot.title) == ("bias_variance_n_neighbors", "kNN · text: bias and variance")
    assert "total loss" in svg and "how much is unknown" in plot.caption and "mean over outer folds" in plot.caption
    official = evaluation.model_copy(update={"n_folds": 1})
    with figure_style():
        assert official.is_one_split and "training rows, on the official test split;" in capacity_plot(official, study).caption
    points = {(name, step): value for name, value, step in published_points(evaluation, evaluation.result(candidate))}
    assert points == {
        ("bias_variance/bias_by_n_neighbors", 9): 0.25, ("bias_variance/variance_by_n_neighbors", 9): pytest.approx(0.06),
        ("bias_variance/bias_by_n_neighbors", 1): 0.1, ("bias_variance/variance_by_n_neighbors", 1): pytest.approx(0.15),
    }  # fmt: skip
