"""Configurations of a large problem are compared on a sample of its training rows; the chosen one has all of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toy_problem import toy_problem

from stages.contracts.problem import Problem
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.model_selection.tuning_sample import FEWEST, tuning_problem, tuning_sample
from stages.models import knn
from stages.models.knn import KnnSettings
from stages.models.knn.fold_index import candidates

MODELS: dict[str, dict[str, Any]] = {
    "knn": {"n_neighbors": (1, 5), "metric": ("euclidean", "cosine")},
    "linear": {"C": (0.1, 10.0)},
    "mlp": {"hidden_layer_sizes": ((8,),), "activation": ("relu",), "max_iter": 5},
    "svm": {"C": (1.0,), "gamma": (0.3,)},
}
TASKS = ("multiclass", "multilabel", "regression")


def swept(name: str, problem: Problem, settings: dict[str, Any], **options: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    model = as_sweep(component("models", name))
    declared = model.settings.model_validate(settings)
    configs = model.grid(declared, 0)
    return configs, list(results(LearnerSetup(model, declared, **options), problem, configs))


def test_a_small_problem_is_its_own_tuning_problem() -> None:
    problem = toy_problem()
    assert tuning_problem(problem, None) is problem
    assert tuning_problem(problem, 90) is problem
    assert tuning_problem(problem, 89) is not problem


@pytest.mark.parametrize("task", TASKS)
def test_the_sample_keeps_rows_folds_and_features_together(task: str) -> None:
    problem = toy_problem(n=200, task=task)
    tuned = tuning_problem(problem, 120)
    sample = tuning_sample(problem, np.arange(200), 120)
    assert len(tuned.target) == len(sample) and abs(len(sample) - 120) <= 2
    assert np.array_equal(tuned.target, problem.target[sample], equal_nan=task == "regression")
    for name, block in tuned.blocks.items():
        whole, some = (b.encoded(rows).matrix for b, rows in ((problem.blocks[name], sample), (block, np.arange(len(sample)))))
        assert np.allclose(*(m if isinstance(m, np.ndarray) else m.toarray() for m in (whole[sample], some)))
    for fold, of_sample in zip(problem.folds, tuned.folds, strict=True):
        assert (of_sample.repeat, of_sample.index) == (fold.repeat, fold.index)
        rows = sample[of_sample.train]
        assert set(rows) == set(sample) & set(fold.train.tolist())
        assert np.array_equal(of_sample.inner, fold.inner[np.searchsorted(fold.train, rows)])  # groups are not split
        assert len(of_sample.test) == 0


def test_classes_keep_their_shares_and_rare_ones_some_rows() -> None:
    target = np.repeat([0, 1, 2, 3], [6000, 3000, 980, 20]).astype(np.int32)
    problem = replace(toy_problem(), target=target)
    counts = np.bincount(target[tuning_sample(problem, np.arange(10_000), 1000)])
    assert counts.tolist() == [600, 300, 98, 20]  # 20 of the last class are all, where its share is 2
    counts = np.bincount(target[tuning_sample(problem, np.arange(10_000), 100)])
    assert counts.tolist() == [60, FEWEST, FEWEST, 20]
    assert np.array_equal(tuning_sample(problem, np.arange(10_000), 100), tuning_sample(problem, np.arange(10_000), 100))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", MODELS)
def test_the_chosen_configuration_is_trained_and_tested_on_all_rows(name: str, task: str) -> None:
    """Its predictions are those of a grid that holds it alone, without a sample."""
    problem = toy_problem(n=150, task=task, modalities=("image", "table"))
    configs, found = swept(name, problem, MODELS[name], tuning_rows=100)
    assert [(result.fold, result.modalities) for result in found] == [(f, m) for f in problem.folds for m in problem.combinations]
    model = as_sweep(component("models", name))
    settings = model.settings.model_validate(MODELS[name])
    for result in found:
        assert result.tuning_rows == 100
        alone = replace(problem, folds=(result.fold,), combinations=(result.modalities,))
        (expected,) = results(LearnerSetup(model, settings), alone, [configs[result.chosen]])
        if problem.form != "labels":  # their thresholds are fitted on the sample
            assert np.array_equal(result.prediction, expected.prediction)
        if result.probabilities is not None:
            assert np.array_equal(result.probabilities, expected.probabilities)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("tuning_rows", [None, 100])
def test_above_exact_rows_neighbors_are_searched_in_a_sample(task: str, tuning_rows: int | None) -> None:
    """The same predictions as by kNN on folds with these training rows alone, of the saved model too."""
    problem = toy_problem(n=180, task=task, modalities=("image",))
    settings = KnnSettings(n_neighbors=(3,), metric=("euclidean",), exact_rows=100)
    configs = knn.approximated(knn.grid(settings, 0), settings, problem)
    assert [config["approximation"] for config in configs] == ["neighbors among 100 training rows"]
    assert knn.approximated(configs, KnnSettings(exact_rows=1000), problem) == configs
    for fold in problem.folds:
        alone = replace(problem, folds=(fold,))
        (found,) = results(LearnerSetup(knn.MODEL, settings, tuning_rows=tuning_rows), alone, configs)
        searched = candidates(problem, fold, 100)
        assert len(searched) == pytest.approx(100, abs=8) and set(searched) <= set(fold.train)
        few = replace(alone, folds=(fold.restricted(np.isin(np.arange(180), np.concatenate([searched, fold.test]))),))
        exact = KnnSettings(n_neighbors=(3,), metric=("euclidean",))
        (expected,) = results(LearnerSetup(knn.MODEL, exact), few, knn.grid(exact, 0))
        if task != "multilabel":  # their thresholds are fitted on all training rows
            assert np.allclose(found.prediction, expected.prediction)
        assert len(found.prediction) == len(fold.test)
    final = problem.final_fold()
    fitted = fit_on(LearnerSetup(knn.MODEL, settings), problem, final, ("image",), configs[0])
    assert len(fitted.arrays["target"]) == len(candidates(problem, final, 100)) < len(final.train)


def test_configurations_are_chosen_by_the_sample_alone() -> None:
    problem = toy_problem(n=150, modalities=("image",))
    _, found = swept("knn", problem, MODELS["knn"], tuning_rows=100)
    _, of_sample = swept("knn", tuning_problem(problem, 100), MODELS["knn"])
    for result, expected in zip(found, of_sample, strict=True):
        assert result.chosen == expected.chosen
        assert np.array_equal(result.inner_scores[problem.scoring], expected.inner_scores[problem.scoring])


def test_a_result_records_its_sample() -> None:
    problem = toy_problem(n=150, modalities=("image",))
    _, (sampled, *_) = swept("linear", problem, {"C": (1.0,)}, tuning_rows=100)
    _, (whole, *_) = swept("linear", problem, {"C": (1.0,)}, tuning_rows=150)
    assert sampled.described({"C": 1}) == {"C": 1, "tuning_rows": 100}
    assert whole.described({"C": 1}) == {"C": 1}
