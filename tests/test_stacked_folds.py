"""Inner folds that are fitted as one: the same solutions as one by one, and only where they are few rows of classes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression
from toy_problem import time_ordered, toy_problem

from stages.contracts.model import Config, FoldResult, InnerFits
from stages.contracts.problem import Problem
from stages.foundation.registry import component
from stages.model_selection import stacked_folds
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results
from stages.models.linear.stacked_path import FoldStack, extrapolated, out_of_fold_path

MODEL = component("models", "linear")
DENSE = (("image",), ("table",), ("image", "table"))
TIGHT = {"max_iter": 20_000, "tol": 1e-8}


def inner_fits(n_classes: int = 3, n: int = 90, n_inner: int = 3) -> InnerFits:
    """Return overlapping classes; some rows are in no inner fold."""
    draw = np.random.default_rng(1)
    codes = (np.arange(n) % n_classes).astype(np.int32)
    rows = (draw.normal(size=(n, 5)) + 1.2 * draw.normal(size=(n_classes, 5))[codes]).astype(np.float32)
    return InnerFits(rows, codes, draw.integers(0, n_inner + 1, n).astype(np.int16), n_inner, n_classes)


def dense_problem(task: str = "multiclass", **given: Any) -> Problem:
    return replace(toy_problem(task=task, **given), combinations=DENSE)


def swept(problem: Problem, settings: Any = None) -> list[FoldResult]:
    settings = settings or MODEL.settings(C=[0.1, 1])
    model = as_sweep(MODEL)
    return list(results(LearnerSetup(model, settings), problem, MODEL.grid(settings, 0)))


@pytest.fixture
def stacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which each path that is fitted as one adds its number of configurations."""
    found: list[int] = []
    path = MODEL.stacked_path
    assert path is not None

    def counted(configs: Sequence[Config], fits: InnerFits) -> Iterator[np.ndarray]:
        found.append(len(configs))
        return path(configs, fits)

    monkeypatch.setattr(f"{__name__}.MODEL", replace(MODEL, stacked_path=counted))
    return found


def test_a_path_goes_on_in_a_straight_line() -> None:
    first, second = np.array([1.0, 0.0]), np.array([2.0, 4.0])
    assert extrapolated([0.0, 2.0], [first, second], 3.0).tolist() == [2.5, 6.0]
    assert extrapolated([2.0], [first, second], 3.0) is second and extrapolated([], [first], 3.0) is first
    assert extrapolated([2.0, 2.0], [first, second], 3.0) is second


@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_folds_at_once_are_logistic_regression_fold_by_fold(n_classes: int) -> None:
    fits = inner_fits(n_classes)
    path = [0.1, 0.1, 3.0, 10.0]
    for C, scores in zip(path, out_of_fold_path([{"C": C, **TIGHT} for C in path], fits), strict=True):
        for inner in range(fits.n_inner):
            out = fits.inner == inner
            alone = LogisticRegression(C=C, **TIGHT).fit(fits.rows[~out].astype(np.float64), fits.codes[~out])
            expected = alone.decision_function(fits.rows[out])
            found = scores[out, 1] if n_classes == 2 else scores[out] - scores[out].mean(axis=1, keepdims=True)
            np.testing.assert_allclose(found, expected if n_classes == 2 else expected - expected.mean(axis=1, keepdims=True), atol=1e-4)
        assert not scores[fits.inner == fits.n_inner].any()


@pytest.mark.parametrize("n_classes", [2, 4])
def test_slopes_are_those_of_the_sum(n_classes: int) -> None:
    stack = FoldStack.of(inner_fits(n_classes, n=40))
    whole, at = stack.objective(0.7), np.random.default_rng(2).normal(size=int(np.prod(stack.shape)))
    np.testing.assert_allclose(whole(at)[1], approx_fprime(at, lambda values: whole(values)[0], 1e-7), atol=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_protocol_finds_the_same_with_and_without(task: str, stacked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    problem = dense_problem(task, n_classes=2 if task == "binary" else 3)
    as_one = swept(problem, MODEL.settings(**TIGHT))
    assert stacked == [4] * len(as_one)
    monkeypatch.setattr(stacked_folds, "MOST_SCORES", 0)
    for one, alone in zip(as_one, swept(problem, MODEL.settings(**TIGHT)), strict=True):
        assert one.modalities == alone.modalities and one.chosen == alone.chosen
        assert one.prediction.tobytes() == alone.prediction.tobytes()
        for name, scores in one.inner_scores.items():
            np.testing.assert_allclose(scores, alone.inner_scores[name], atol=0.05)
    assert len(stacked) == len(as_one)


def test_the_bytes_do_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORIUM_CORES", "1")
    first = swept(dense_problem(), MODEL.settings())
    monkeypatch.setenv("SENSORIUM_CORES", "3")
    for a, b in zip(first, swept(dense_problem(), MODEL.settings()), strict=True):
        assert a.prediction.tobytes() == b.prediction.tobytes() and a.chosen == b.chosen
        assert all(a.inner_scores[name].tobytes() == b.inner_scores[name].tobytes() for name in a.inner_scores)


@pytest.mark.parametrize(("settings", "n_paths"), [
    ({"loss": ["log"], "penalty": [2]}, 1), ({"loss": ["log", "hinge"]}, 0), ({"penalty": [2, 1]}, 0), ({"optimizer": ["lbfgs"]}, 0),
])  # fmt: skip
def test_only_logistic_regression_is_fitted_as_one(settings: dict[str, Any], n_paths: int, stacked: list[int]) -> None:
    problem = dense_problem()
    swept(replace(problem, folds=problem.folds[:1], combinations=DENSE[:1]), MODEL.settings(C=[0.1, 1], max_iter=2000, **settings))
    assert stacked == [2] * n_paths


def test_sparse_rows_other_targets_and_folds_that_lack_a_class_are_fitted_one_by_one(stacked: list[int]) -> None:
    swept(replace(toy_problem(), combinations=(("image",), ("text",))))
    for task in ("multilabel", "regression"):
        swept(replace(dense_problem(task), combinations=DENSE[:1]))
    problem = dense_problem()
    fold = problem.folds[0]
    codes = problem.target[fold.train]
    inner = np.where(codes == 0, 2, np.arange(len(codes)) % 2).astype(np.int16)  # the last inner fold trains on no row of class 0
    swept(replace(problem, folds=(replace(fold, inner=inner, n_inner=3),)))
    assert not stacked


def test_time_ordered_folds_are_fitted_as_one(stacked: list[int]) -> None:
    found = swept(time_ordered(dense_problem()), MODEL.settings())
    assert len(found) == len(stacked)
    assert all((one.inner_scores["accuracy"].max() > 0.5) for one in found)
