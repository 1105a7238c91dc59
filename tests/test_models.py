"""One battery over every file under stages/models/; a new one is covered without editing this test, but for its small grid."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from toy_problem import toy_problem, with_other_test_rows

from stages.contracts.model import FoldResult, Model
from stages.contracts.problem import Problem
from stages.contracts.task import Task
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.train import best_overall, fitting_configs, metrics_of, require_classes, require_memory
from stages.training.saved_model import load_fitted, save_fitted

SMALL = {
    "constant": {},
    "knn": {"k": [1, 3, 7], "distance": ["l1", "l2", "cosine"], "weights": ["uniform", "distance"]},
    "svm": {"kernel": ["linear", "rbf"], "C": [1.0, 10.0], "gamma": [0.5]},
    "mlp": {"width": [8], "depth": [1], "activation": ["relu", "tanh"], "learning_rate": [0.02], "weight_decay": [0.001], "epochs": 30},
}
LEARNED: tuple[Task, ...] = ("multiclass", "multilabel", "regression")
EXCEPTIONS = {("constant", "beats the control"): "it is the control"}


def small(name: str) -> tuple[Model, object]:
    model = component("models", name)
    return model, model.settings(**SMALL.get(name, {}))


@cache
def swept(name: str, task: Task) -> tuple[Problem, tuple[FoldResult, ...]]:
    """Return the toy problem and what a model finds on one core, for all tests that only look at it."""
    model, settings = small(name)
    problem = toy_problem(task=task)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSORIUM_CORES", "1")
        return problem, tuple(model.sweep(problem, settings, model.grid(settings, 0)))


def fused_score(name: str, task: Task) -> float:
    """Return the score on held-out rows that a model reaches from all modalities of the toy problem, mean over folds."""
    problem, results = swept(name, task)
    metric = problem.metrics[problem.select]
    fused = [r for r in results if len(r.subset) == 3]
    return float(np.mean([metric.score(problem.target[r.fold.test], r.prediction, r.scores) for r in fused]))


def test_the_battery_found_models() -> None:
    assert set(SMALL) <= set(names("models"))


@pytest.mark.parametrize("name", names("models"))
class TestModel:
    @pytest.mark.parametrize("task", LEARNED)
    def test_same_seed_same_bytes(self, name: str, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the number of cores."""
        model, settings = small(name)
        _, first = swept(name, task)
        monkeypatch.setenv("SENSORIUM_CORES", "3")
        second = list(model.sweep(toy_problem(task=task), settings, model.grid(settings, 0)))
        for a, b in zip(first, second, strict=True):
            assert (a.scores is None and b.scores is None) or a.scores.tobytes() == b.scores.tobytes()
            assert a.prediction.tobytes() == b.prediction.tobytes()
            assert a.chosen == b.chosen

    @pytest.mark.parametrize("task", LEARNED)
    def test_covers_every_fold_and_subset(self, name: str, task: Task) -> None:
        model, settings = small(name)
        problem, results = swept(name, task)
        assert [(r.fold.index, r.subset) for r in results] == [(f.index, s) for f in problem.folds for s in problem.subsets]
        for result in results:
            n = len(result.fold.test)
            assert result.prediction.shape == ((n,) if task == "multiclass" else (n, 3))
            assert result.prediction.dtype == {"multiclass": np.int32, "multilabel": np.uint8, "regression": np.float64}[task]
            assert np.isfinite(result.prediction).all()
            assert result.inner_scores.keys() == problem.metrics.keys()
            assert result.inner_scores[problem.select].shape == (len(model.grid(settings, 0)), 2)
            if task == "regression":
                assert result.scores is None
                continue
            assert result.scores.shape == (n, 3) and result.scores.dtype == np.float32
            assert result.scores.min() >= 0 and result.scores.max() <= 1
            if task == "multiclass":
                assert result.scores.sum(axis=1) == pytest.approx(1, abs=1e-5)

    def test_two_classes(self, name: str) -> None:
        model, settings = small(name)
        results = list(model.sweep(toy_problem(n_classes=2, labels=("image", "table")), settings, model.grid(settings, 0)))
        assert set(np.concatenate([r.prediction for r in results])) <= {0, 1}

    @pytest.mark.parametrize("task", LEARNED)
    def test_beats_the_control(self, name: str, task: Task, request: pytest.FixtureRequest) -> None:
        if (name, "beats the control") in EXCEPTIONS:
            request.applymarker(pytest.mark.xfail(reason=EXCEPTIONS[name, "beats the control"], strict=True, raises=AssertionError))
        control = fused_score("constant", task)
        assert fused_score(name, task) > control + 0.5 * (1 - control)  # more than half way to a perfect score

    @pytest.mark.parametrize("task", ["binary", *LEARNED])
    def test_says_what_it_can_do_and_does_it(self, name: str, task: Task) -> None:
        model, settings = small(name)
        assert task in model.tasks  # a model that cannot would be refused by `check`, and need another test here
        problem = toy_problem(n_classes=2 if task == "binary" else 3, labels=("image",), task=task)
        assert len(list(model.sweep(problem, settings, model.grid(settings, 0)))) == 3

    def test_test_rows_change_nothing_that_is_learned(self, name: str) -> None:
        model, settings = small(name)
        problem = replace(toy_problem(), folds=toy_problem().folds[:1])
        configs = model.grid(settings, 0)
        with_others = model.sweep(with_other_test_rows(problem), settings, configs)
        for a, b in zip(model.sweep(problem, settings, configs), with_others, strict=True):
            assert a.chosen == b.chosen
            for metric in a.inner_scores:
                assert a.inner_scores[metric].tobytes() == b.inner_scores[metric].tobytes()

    @pytest.mark.parametrize("task", LEARNED)
    def test_saves_loads_and_predicts_the_same(self, name: str, task: Task, tmp_path) -> None:
        model, settings = small(name)
        problem = toy_problem(task=task)
        subset = problem.subsets[-1]
        config = model.grid(settings, problem.seed)[0]
        fitted = model.fit(problem, subset, config, settings)
        save_fitted(tmp_path / "a", fitted, problem, {"model": name, "subset": list(subset), "features": {}})
        save_fitted(tmp_path / "b", fitted, problem, {"model": name, "subset": list(subset), "features": {}})
        assert (tmp_path / "a" / "arrays.npz").read_bytes() == (tmp_path / "b" / "arrays.npz").read_bytes()
        loaded, about = load_fitted(tmp_path / "a")
        matrices = {label: problem.blocks[label].encoded(problem.training_rows()).matrix for label in subset}
        before, after = model.predict(fitted, matrices), model.predict(loaded, matrices)
        assert before[0].tolist() == after[0].tolist()
        assert (before[1] is None) == (after[1] is None) == (task == "regression")
        assert task == "regression" or before[1].tobytes() == after[1].tobytes()
        assert (about["task"], about["outputs"]) == (task, list(problem.outputs))

    def test_grid_is_not_empty_and_unique(self, name: str) -> None:
        model, settings = small(name)
        configs = model.grid(settings, 0)
        assert configs
        assert len({repr(config) for config in configs}) == len(configs)

    def test_the_best_overall_is_in_the_grid(self, name: str) -> None:
        model, settings = small(name)
        problem = toy_problem()
        subset, config = best_overall(list(model.sweep(problem, settings, model.grid(settings, 0))), problem.metrics["accuracy"])
        assert subset in problem.subsets
        assert 0 <= config < len(model.grid(settings, 0))


@pytest.mark.parametrize("name", [name for name in names("models") if name != "mlp"])
def test_numbers_far_from_zero_lose_nothing(name: str) -> None:
    """Seconds since 1970 that differ by some: an answer of single precision would be off by up to a minute."""
    model, settings = small(name)
    problem = toy_problem(labels=("table",), task="regression")
    near = np.nan_to_num(problem.target[:, :1])
    found = []
    for start in (0.0, 1.7e9):
        moved = replace(problem, target=near + start, outputs=("time",), metrics=metrics_of("regression", near))
        found.append(np.vstack([r.prediction - start for r in model.sweep(moved, settings, model.grid(settings, 0))]))
    assert found[0] == pytest.approx(found[1], abs=0.02 * near.std())


def test_the_best_overall_is_found_where_a_fold_defines_no_score() -> None:
    """A metric of one fold may be undefined (no number known, none that varies): the others decide."""
    problem = toy_problem(labels=("image", "table"))
    of_image, of_table, of_both = [[0.1, np.nan], [0.2, np.nan]], [[0.5, 0.6], [0.9, 0.9]], [[0.9, 0.9], [0.1, 0.1]]
    scores = dict(zip(problem.subsets, (of_image, of_table, of_both), strict=True))
    results = [FoldResult(problem.folds[0], s, {"accuracy": np.array(v)}, 0, np.zeros(0), None) for s, v in scores.items()]
    assert best_overall(results, problem.metrics["accuracy"]) == (("table",), 1)


def test_the_saved_knn_knows_the_rows_that_it_stores(tmp_path) -> None:
    """A row at distance 0 votes alone."""
    problem = toy_problem()
    model = component("models", "knn")
    for distance in ("l1", "l2", "cosine"):
        config = {"distance": distance, "weights": "distance", "k": 5}
        fitted = model.fit(problem, problem.subsets[-1], config, model.settings())
        rows = problem.training_rows()
        matrices = {label: problem.blocks[label].encoded(rows).matrix for label in problem.subsets[-1]}
        assert model.predict(fitted, matrices)[0].tolist() == problem.target.tolist()


def test_configurations_that_need_more_rows_than_there_are_are_left_out(capsys) -> None:
    model, problem = component("models", "knn"), toy_problem()  # 30 rows in the smallest inner training set
    kept = fitting_configs("toy", model, model.settings(k=[3, 30, 31], distance=["l2"]), problem)
    assert [config["k"] for config in kept] == [30, 3]
    said = capsys.readouterr().out
    assert "knn toy: 1 of 3 configurations need more rows and are left out: the smallest training fold of 'toy' has 30" in said
    with pytest.raises(InputError, match=r"models\.knn: every configuration needs more .* has 30 rows, and the least that one needs is 31"):
        fitting_configs("toy", model, model.settings(k=[31, 40], distance=["l2"]), problem)


def test_one_class_is_refused() -> None:
    problem = replace(toy_problem(), outputs=("only",), target=np.zeros(90, dtype=np.int32))
    with pytest.raises(InputError, match="of one class"):
        require_classes(problem, "toy")


def test_more_rows_than_fit_in_memory_are_refused_with_the_most_that_fit() -> None:
    with pytest.raises(InputError, match=r"datasets\.toy\.rows: knn on 10000000 rows needs .* set rows to at most \d+"):
        require_memory("toy", component("models", "knn"), 10_000_000, 2)
    require_memory("toy", component("models", "constant"), 10_000_000, 2)
