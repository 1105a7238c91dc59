"""What is said before a large problem is trained on: an estimate of the time near measured ones, and each approximation."""

from dataclasses import replace
from typing import Any

import pytest
from test_large_svm import large
from toy_problem import toy_problem

from stages.contracts.model import Size, Sweep
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.models.svm import SvmSettings
from stages.training.estimates import ABOVE_ROWS, announced, duration

ESTIMATED = ("knn", "mlp", "svm")
GRID: dict[str, dict[str, Any]] = {
    "knn": {"n_neighbors": range(1, 51), "metric": ("manhattan", "euclidean")},
    "mlp": {"hidden_layer_sizes": ((16,), (64,), (16, 16), (64, 64)), "n_iter": 12, "n_components": 64, "max_iter": 40},
    "svm": {},
}
# docs/performance.md (growth: 784 columns, 10 classes, 1 outer and 5 inner folds; processor seconds: wall × 2 cores)
GROWTH = {("knn", 20_000): 47.6, ("knn", 50_000): 290.0, ("svm", 2_000): 2.9, ("svm", 5_000): 12.3, ("svm", 20_000): 78.4,
          ("mlp", 20_000): 5.2, ("mlp", 50_000): 13.4}  # fmt: skip


def model_of(name: str) -> tuple[Sweep, Any]:
    model = as_sweep(component("models", name))
    return model, model.settings.model_validate(GRID[name])


def seconds(name: str, size: Size) -> float:
    model, settings = model_of(name)
    assert model.processor_s is not None
    return model.processor_s(size, settings)


@pytest.mark.parametrize(("name", "n_rows"), GROWTH)
def test_estimates_are_near_the_measured_growth(name: str, n_rows: int) -> None:
    size = Size(n_rows, 1, n_outputs=10, n_folds=1, n_values=784.0, n_inner=5)
    assert 1 / 2.5 < seconds(name, size) / GROWTH[name, n_rows] < 2.5


@pytest.mark.parametrize("name", ESTIMATED)
def test_more_work_takes_longer(name: str) -> None:
    size = Size(20_000, 2, n_values=100.0)
    for more in ({"n_rows": 25_000}, {"n_folds": 10}, {"n_blocks": 3}):
        assert seconds(name, replace(size, **more)) > seconds(name, size)
    by_rows = [seconds(name, replace(size, n_rows=n)) for n in range(10_001, 500_000, 7_000)]
    assert by_rows == sorted(by_rows)
    sampled = replace(size, n_rows=200_000, tuning_rows=30_000)
    assert seconds(name, sampled) < seconds(name, replace(sampled, tuning_rows=None)) / 2
    by_rows = [seconds(name, replace(sampled, n_rows=n)) for n in range(40_000, 500_000, 7_000)]
    assert by_rows == sorted(by_rows)


@pytest.mark.parametrize("name", ESTIMATED)
def test_a_small_problem_is_trained_without_a_word(name: str) -> None:
    model, settings = model_of(name)
    configs = model.grid(settings, 0)
    assert list(announced(model, Size(ABOVE_ROWS, 1, tuning_rows=30_000), settings, configs)) == []
    (line,) = announced(model, Size(ABOVE_ROWS + 1, 1, tuning_rows=30_000), settings, configs)
    assert f"n = 10,001, {len(configs)} configurations, 5×3 folds" in line and line.startswith("about ")


def test_a_model_without_an_estimate_names_its_sample_only() -> None:
    model = as_sweep(component("models", "linear"))
    (line,) = announced(model, Size(200_000, 1, tuning_rows=30_000), model.settings(), [{}])
    assert line == ("n = 200,000 > train.tuning_rows 30,000: configurations are compared on a seeded sample of 30,000 rows; the chosen one "
                    "is trained and tested on all")


def test_approximations_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORIUM_CORES", "2")
    problem = toy_problem(n_classes=2, task="binary")
    _, configs = large(problem)
    settings = SvmSettings(exact_rows=10_000)
    lines = list(announced(component("models", "svm"), Size(23_486, 2, n_values=50.0), settings, configs))
    assert lines[:2] == ["n = 23,486: approximated, linear: squared hinge",
                         "n = 23,486: approximated, rbf: nystroem of 60 rows, squared hinge"]
    assert lines[2].startswith("about ") and " on 2 cores (n = 23,486, 6 configurations, 5×3 folds, 3 modality combinations)" in lines[2]


@pytest.mark.parametrize(("value", "text"), [(0.2, "1 s"), (4.4, "4 s"), (44, "40 s"), (100, "2 min"), (240, "4 min"), (9000, "2.5 h")])
def test_durations_are_rough(value: float, text: str) -> None:
    assert duration(value) == text


def test_networks_of_sparse_columns_need_memory_for_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """AdamW keeps weights, two moments and a gradient of each network at work in float32; BFGS a matrix of all weights."""
    monkeypatch.setenv("SENSORIUM_CORES", "2")
    model = component("models", "mlp")
    size = Size(1000, 1, n_values=100.0, n_sparse=1, n_outputs=2)

    def memory(**given: Any) -> float:
        return model.memory_bytes(size, model.settings(hidden_layer_sizes=((64,),), **given))

    more = 64 * (3000 - 1000)  # weights of 2,000 more columns
    assert memory(n_terms=3000) - memory(n_terms=1000) >= 2 * 4 * 4 * more
    assert memory(n_terms=3000, optimizer=("bfgs",)) > 2 * 8 * (64 * 3000) ** 2
    assert memory(n_terms=1000, optimizer=("lbfgs",)) > memory(n_terms=1000)
    sparse = model.processor_s(size, model.settings())
    assert sparse > model.processor_s(replace(size, n_sparse=0), model.settings())
