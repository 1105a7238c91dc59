"""Common tests of every folder under stages/models/; a new model needs no edit here but its small grid."""

import importlib
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.naive_bayes import GaussianNB
from toy_control import control_data
from toy_problem import description, metrics_of, time_ordered, toy_problem, with_other_future, with_other_test_rows

from stages.contracts.fitted import Fitted
from stages.contracts.model import Estimator, FoldResult, FoldSweep, Size, Sweep
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.controlling.control_results import control_results
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.model_selection.choice import choose_config
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, best_overall, fit_on, results
from stages.model_selection.saved_estimators import load_estimators
from stages.model_selection.target_forms import FORMS as TARGET_FORMS
from stages.training.limits import fitting_configs, readable, require_memory
from stages.training.prediction import Predictor
from stages.training.read_problem import require_classes
from stages.training.saved_model import load_fitted, save_fitted, write_arrays

SMALL = {
    "knn": {"n_neighbors": [1, 3, 7], "metric": ["manhattan", "euclidean", "cosine"], "weights": ["uniform", "distance"]},
    "svm": {"kernel": ["linear", "rbf"], "C": [1.0, 10.0], "gamma": [0.5]},
    "mlp": {
        "hidden_layer_sizes": [[8]], "activation": ["relu", "tanh"], "learning_rate_init": [0.02], "weight_decay": [0.001], "max_iter": 30,
        "batch_size": 16,
    },
    "network": {
        "width": [16], "learning_rate_init": [0.02, 0.005], "weight_decay": [0.001], "dropout": [0.0], "modality_dropout": [0.0],
        "batch_size": 16, "max_iter": 25, "n_iter_no_change": 6,
    },
    "linear": {"C": [0.1, 1, 10]},
    "random_forest": {"n_estimators": 6, "max_features": [0.3], "min_samples_leaf": [1]},
    "hist_gradient_boosting": {"max_iter": [5, 10]},
}  # fmt: skip
POOL = ThreadPoolExecutor(1)
FORMS = {"image": "dense", "text": "sparse", "table": "table"}  # of the toy problem's blocks
LEARNED: tuple[str, ...] = ("multiclass", "multilabel", "regression")
BEATS, FAR, HELD_OUT = "beats the baseline", "far from zero", "learns no held-out row"
# of models whose configurations start from one another's solution, how far a solver may stop from where it does alone: share of the
# targets' deviation, and of a fold's rows
SOLVED = {"linear": 0.05, "svm": 0.01}
EXCEPTIONS = {
    ("hist_gradient_boosting", f"{BEATS} regression"): "leaves of 20 rows, of which there are 60",
    **dict.fromkeys([(name, f"{HELD_OUT} {task}") for name in ("mlp", "network") for task in LEARNED],
                    "a network stops at the epoch that is best on these rows"),
    **dict.fromkeys([("hist_gradient_boosting", f"{HELD_OUT} {task}") for task in LEARNED[:2]], "leaves of 20 rows, of which there are 60"),
    ("random_forest", FAR): "of splits that are equally good but for rounding either may be taken",
}


def small(name: str) -> tuple[Sweep, Any]:
    model = as_sweep(component("models", name))
    return model, model.settings(**SMALL.get(name, {}))


def problem_for(model: Sweep, **facts: Any) -> Problem:
    """Return the toy problem, of those of its blocks that the model reads."""
    modalities = facts.pop("modalities", tuple(name for name, form in FORMS.items() if form in model.encodings))
    return toy_problem(modalities=modalities, **facts)


@cache
def swept(name: str, task: str) -> tuple[Problem, tuple[FoldResult, ...]]:
    """Return the toy problem and what a model finds on one core, for all tests that only look at it."""
    model, settings = small(name)
    problem = problem_for(model, task=task)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSORIUM_CORES", "1")
        return problem, tuple(results(LearnerSetup(model, settings), problem, model.grid(settings, 0)))


def readable_combinations(model: Sweep, problem: Problem) -> tuple[tuple[str, ...], ...]:
    return tuple(some for some in problem.combinations if all(FORMS[name] in model.encodings for name in some))


def fused_score(name: str, task: str) -> float:
    """Return the score on held-out rows that a model reaches from all modalities of the toy problem, mean over folds."""
    problem, reached = swept(name, task)
    metric = problem.metrics[problem.scoring]
    fused = [r for r in reached if r.modalities == problem.combinations[-1]]
    return float(np.mean([metric.score(problem.target[r.fold.test], r.prediction, r.probabilities) for r in fused]))


def constant_score(task: str) -> float:
    """Return the score of the control `constant` on the same rows."""
    data = control_data(toy_problem(task=task))
    metric = data.problem.metrics[data.problem.scoring]
    found = control_results(component("controls", "constant"), data, None)
    assert not isinstance(found, str)
    return float(np.mean([metric.score(data.problem.target[r.fold.test], r.prediction, r.probabilities) for r in found]))


# what computes configurations together; an estimator without a path is the plain loop itself
SHARING = [name for name in names("models") if isinstance(found := component("models", name), Sweep) or found.path is not None]


def plain_sweep(model: Sweep, problem: Problem, result: FoldResult, settings: Any, config: dict[str, Any]) -> FoldSweep:
    """Return the sweep of one configuration alone on the fold and combination of a result."""
    alone = replace(problem, folds=(result.fold,), combinations=(result.modalities,))
    ((sweep,),) = model.run(alone, settings, [config], POOL)
    return sweep


def expect_failure(request: pytest.FixtureRequest, name: str, check: str) -> None:
    if (name, check) in EXCEPTIONS:
        request.applymarker(pytest.mark.xfail(reason=EXCEPTIONS[name, check], strict=True, raises=AssertionError))


def test_models_are_found() -> None:
    assert set(SMALL) <= set(names("models"))


@pytest.mark.parametrize("name", SHARING)
@pytest.mark.parametrize("task", ["binary", *LEARNED])
@pytest.mark.parametrize("in_time", [False, True], ids=["drawn", "in time"])
def test_a_sweep_equals_the_plain_protocol(name: str, task: str, in_time: bool) -> None:
    """The plain protocol: one fold, combination and configuration at a time, so that nothing is shared."""
    model, settings = small(name)
    problem = problem_for(model, task=task, n_classes=2 if task == "binary" else 3)
    problem = time_ordered(problem) if in_time else problem
    configs = fitting_configs("toy", model, settings, problem)
    shared = list(results(LearnerSetup(model, settings), problem, configs, out_of_fold=True))
    some = {problem.combinations[0], problem.combinations[-1]}
    tolerance, scale = SOLVED.get(name, 1e-6), np.nanstd(problem.target) if task == "regression" else 1.0
    for result in (r for r in shared if r.fold.index == 1 and r.modalities in some):
        alone = [plain_sweep(model, problem, result, settings, config) for config in configs]
        predictions = np.stack([sweep.inner_predictions()[0] for sweep in alone])
        choice = choose_config(problem, result.fold, predictions)
        for metric, scores in choice.scores.items():
            of_targets = metric in ("mae", "rmse")  # in the targets' units
            np.testing.assert_allclose(result.inner_scores[metric], scores, rtol=0, atol=tolerance * (scale if of_targets else 1))
        assert choice.config == result.chosen
        found = TARGET_FORMS[problem.form].decide(alone[choice.config].refit(0, problem.seed)().scores.decisions, choice.thresholds)
        kept = TARGET_FORMS[problem.form].kept(result.out_of_fold.decisions)  # of the training rows, by the chosen configuration
        kept, predictions = kept[result.fold.validated], predictions[:, result.fold.validated]
        assert np.abs(result.prediction.astype(np.float64) - found).mean() <= tolerance * scale
        assert np.abs(kept.astype(np.float64) - predictions[choice.config]).mean() <= tolerance * scale


@pytest.mark.parametrize("name", names("models"))
class TestModel:
    @pytest.mark.parametrize("task", LEARNED)
    def test_same_seed_same_bytes(self, name: str, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the number of cores."""
        model, settings = small(name)
        _, first = swept(name, task)
        monkeypatch.setenv("SENSORIUM_CORES", "3")
        second = list(results(LearnerSetup(model, settings), problem_for(model, task=task), model.grid(settings, 0)))
        for a, b in zip(first, second, strict=True):
            assert (a.probabilities is None and b.probabilities is None) or a.probabilities.tobytes() == b.probabilities.tobytes()
            assert a.prediction.tobytes() == b.prediction.tobytes()
            assert a.chosen == b.chosen

    @pytest.mark.parametrize("task", LEARNED)
    def test_covers_every_fold_and_combination(self, name: str, task: str) -> None:
        model, settings = small(name)
        problem, reached = swept(name, task)
        assert [(r.fold.index, r.modalities) for r in reached] == [(f.index, s) for f in problem.folds for s in problem.combinations]
        for result in reached:
            n = len(result.fold.test)
            assert result.prediction.shape == ((n,) if task == "multiclass" else (n, 3))
            assert result.prediction.dtype == {"multiclass": np.int32, "multilabel": np.uint8, "regression": np.float64}[task]
            assert np.isfinite(result.prediction).all()
            assert result.inner_scores.keys() == problem.metrics.keys()
            assert result.inner_scores[problem.scoring].shape == (len(model.grid(settings, 0)), 2)
            if task == "regression":
                assert result.probabilities is None
                continue
            assert result.probabilities.shape == (n, 3) and result.probabilities.dtype == np.float32
            assert result.probabilities.min() >= 0 and result.probabilities.max() <= 1
            if task == "multiclass":
                assert result.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)

    def test_a_combination_is_trained_and_tested_on_the_samples_that_have_it(self, name: str) -> None:
        """What stands in the place of the others' features changes nothing; combinations without the modality use every sample."""
        model, settings = small(name)
        problem = problem_for(model, modalities=("table", "image"))
        present = np.arange(len(problem.target)) % 4 != 1
        image = problem.blocks["image"]
        values = np.where(present[:, None], image.raw.values, np.float32(1e3))
        found = []
        for raw in (image.raw, replace(image.raw, values=values)):
            blocks = {**problem.blocks, "image": replace(image, raw=raw, present=present, _shared={})}
            found.append(list(results(LearnerSetup(model, settings), replace(problem, blocks=blocks), model.grid(settings, 0))))
        assert {r.modalities for r in found[0]} == set(problem.combinations)
        for first, second in zip(*found, strict=True):
            fold = problem.folds[first.fold.index]
            expected = fold.test if "image" not in first.modalities else fold.test[present[fold.test]]
            assert first.fold.test.tolist() == expected.tolist() and len(first.prediction) == len(expected)
            assert present[first.fold.train].all() == ("image" in first.modalities)
            assert first.prediction.tobytes() == second.prediction.tobytes()
        alone = next(r for r in swept(name, "multiclass")[1] if r.modalities == ("table",))
        assert next(r for r in found[0] if r.modalities == ("table",)).prediction.tobytes() == alone.prediction.tobytes()

    @pytest.mark.parametrize("task", LEARNED)
    def test_a_held_out_row_is_not_learned(self, name: str, task: str, request: pytest.FixtureRequest) -> None:
        """Other targets of an inner fold's rows, of the same mean and variance, change nothing that is predicted of these rows."""
        expect_failure(request, name, f"{HELD_OUT} {task}")
        model, settings = small(name)
        problem = problem_for(model, task=task)
        fold = problem.folds[0]
        out = fold.inner == 0
        target = problem.target.copy()
        target[fold.train[out]] = np.roll(target[fold.train[out]], 1, axis=0)
        assert not np.array_equal(target, problem.target, equal_nan=task == "regression")
        configs = fitting_configs("toy", model, settings, problem)
        result = FoldResult(fold, problem.combinations[-1], {}, 0, np.zeros(0), None)
        before, after = (
            [plain_sweep(model, whole, result, settings, config).inner_predictions()[0] for config in configs]
            for whole in (problem, replace(problem, target=target))
        )
        for first, second in zip(before, after, strict=True):
            assert first[out].tobytes() == second[out].tobytes()
        assert any((first[~out] != second[~out]).any() for first, second in zip(before, after, strict=True))

    @pytest.mark.parametrize("task", LEARNED)
    def test_in_time_order_the_future_changes_nothing(self, name: str, task: str) -> None:
        """Other features and targets after a fold's test block change neither its inner scores nor its predictions, bytes included."""
        model, settings = small(name)
        problem = time_ordered(toy_problem(task=task))
        problem = replace(problem, combinations=readable_combinations(model, problem))
        later = with_other_future(problem, 1)
        configs = fitting_configs("toy", model, settings, problem)
        for most in (None, 31):  # compared on all rows, or on a sample
            before, after = (list(results(LearnerSetup(model, settings, tuning_rows=most), whole, configs, out_of_fold=True))
                             for whole in (problem, later))
            past = [(a, b) for a, b in zip(before, after, strict=True) if a.fold.index < 2]
            assert len(past) == 2 * len(problem.combinations)
            for a, b in past:
                assert a.chosen == b.chosen and a.prediction.tobytes() == b.prediction.tobytes()
                assert a.probabilities is None or a.probabilities.tobytes() == b.probabilities.tobytes()
                assert a.inner_scores[problem.scoring].tobytes() == b.inner_scores[problem.scoring].tobytes()
                validated = a.fold.validated
                assert a.out_of_fold.decisions[validated].tobytes() == b.out_of_fold.decisions[validated].tobytes()
            last = [(a, b) for a, b in zip(before, after, strict=True) if a.fold.index == 2]
            assert any(a.prediction.tobytes() != b.prediction.tobytes() for a, b in last)

    @pytest.mark.parametrize("task", LEARNED)
    def test_in_time_order_a_final_model_is_chosen_for_the_latest_block_and_trained_on_all_rows(self, name: str, task: str) -> None:
        model, settings = small(name)
        problem = time_ordered(problem_for(model, task=task))
        fold = problem.final_fold()
        assert fold.train.tolist() == list(range(len(problem.target))) and not len(fold.test)
        assert fold.train[fold.validated].tolist() == problem.folds[-1].test.tolist() and fold.n_inner == 1
        configs = fitting_configs("toy", model, settings, problem)
        fitted = fit_on(LearnerSetup(model, settings), problem, fold, problem.combinations[-1], configs[0])
        matrices = {modality: problem.blocks[modality].encoded(fold.train).matrix for modality in problem.combinations[-1]}
        decisions = model.predict(fitted, matrices).decisions
        assert decisions.shape == (len(problem.target), 3) and np.isfinite(decisions).all()
        assert ("thresholds" in fitted.arrays) == (task == "multilabel")

    def test_two_classes(self, name: str) -> None:
        model, settings = small(name)
        problem = problem_for(model, n_classes=2, modalities=("image", "table"))
        reached = list(results(LearnerSetup(model, settings), problem, model.grid(settings, 0)))
        assert set(np.concatenate([r.prediction for r in reached])) <= {0, 1}

    @pytest.mark.parametrize("task", LEARNED)
    def test_beats_the_baseline(self, name: str, task: str, request: pytest.FixtureRequest) -> None:
        expect_failure(request, name, f"{BEATS} {task}")
        baseline = constant_score(task)
        assert fused_score(name, task) > baseline + 0.5 * (1 - baseline)  # more than half way to a perfect score

    @pytest.mark.parametrize("task", ["binary", *LEARNED])
    def test_predicts_every_target_form_that_it_declares(self, name: str, task: str) -> None:
        model, settings = small(name)
        # a model that cannot would be refused by `check`, and need another test here
        assert component("tasks", task).form in model.target_forms
        problem = toy_problem(n_classes=2 if task == "binary" else 3, modalities=("image",), task=task)
        assert len(list(results(LearnerSetup(model, settings), problem, model.grid(settings, 0)))) == 3

    def test_test_rows_change_nothing_that_is_learned(self, name: str) -> None:
        model, settings = small(name)
        problem = toy_problem()
        problem = replace(problem, folds=problem.folds[:1], combinations=readable_combinations(model, problem))
        configs = model.grid(settings, 0)
        others = replace(with_other_test_rows(problem), combinations=problem.combinations)
        with_others = results(LearnerSetup(model, settings), others, configs)
        for a, b in zip(results(LearnerSetup(model, settings), problem, configs), with_others, strict=True):
            assert a.chosen == b.chosen
            for metric in a.inner_scores:
                assert a.inner_scores[metric].tobytes() == b.inner_scores[metric].tobytes()

    @pytest.mark.parametrize("task", LEARNED)
    def test_saves_loads_and_predicts_the_same(self, name: str, task: str, tmp_path) -> None:
        model, settings = small(name)
        problem = problem_for(model, task=task)
        modalities = problem.combinations[-1]
        config = model.grid(settings, problem.seed)[0]
        for folder in ("a", "b"):
            fitted = fit_on(LearnerSetup(model, settings), problem, problem.final_fold(), modalities, config)
            save_fitted(tmp_path / folder, fitted, problem, description(name, modalities, config))
        for path in sorted((tmp_path / "a").iterdir()):
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
        loaded, about = load_fitted(tmp_path / "a")
        matrices = {modality: problem.blocks[modality].encoded(problem.training_rows()).matrix for modality in modalities}
        before, after = model.predict(fitted, matrices), model.predict(loaded, matrices)
        assert before.decisions.tolist() == after.decisions.tolist()
        assert (before.probabilities is None) == (after.probabilities is None) == (task == "regression")
        assert task == "regression" or before.probabilities.tobytes() == after.probabilities.tobytes()
        assert (about.form, about.outputs) == (problem.form, problem.outputs)

    @pytest.mark.parametrize("task", LEARNED)
    def test_the_saved_model_predicts_what_the_sweep_predicted(self, name: str, task: str, tmp_path) -> None:
        """Fitted on a fold's training rows, saved and loaded, it scores the fold's test rows as the protocol did."""
        model, settings = small(name)
        problem, reached = swept(name, task)
        result = next(r for r in reached if r.modalities == problem.combinations[-1])
        config = model.grid(settings, problem.seed)[result.chosen]
        fitted = fit_on(LearnerSetup(model, settings), problem, result.fold, result.modalities, config)
        about = description(name, result.modalities, config)
        save_fitted(tmp_path, fitted, problem, about, rows=result.fold.train)
        encoded = {modality: problem.blocks[modality].encoded(result.fold.train).matrix[result.fold.test] for modality in result.modalities}
        scores = model.predict(load_fitted(tmp_path)[0], encoded)
        if task == "regression":
            assert scores.decisions == pytest.approx(result.prediction, rel=1e-4, abs=1e-4 * np.nanstd(problem.target))
        else:
            assert scores.probabilities == pytest.approx(result.probabilities, abs=1e-4)

    def test_grid_is_not_empty_and_unique(self, name: str) -> None:
        model, settings = small(name)
        configs = model.grid(settings, 0)
        assert configs
        assert len({repr(config) for config in configs}) == len(configs)

    def test_the_best_overall_is_in_the_grid(self, name: str) -> None:
        model, settings = small(name)
        problem, reached = swept(name, "multiclass")
        combination, _, config = best_overall(reached, problem.metrics["accuracy"])
        assert combination in problem.combinations
        assert 0 <= config < len(model.grid(settings, 0))


@pytest.mark.parametrize("name", [name for name in names("models") if name != "mlp"])
def test_targets_far_from_zero_keep_their_precision(name: str, request: pytest.FixtureRequest) -> None:
    """Seconds since 1970 that differ little: predictions in single precision would be off by up to a minute."""
    expect_failure(request, name, FAR)
    model, settings = small(name)
    problem = toy_problem(modalities=("table",), task="regression")
    near = np.nan_to_num(problem.target[:, :1])
    found = []
    for start in (0.0, 1.7e9):
        moved = replace(problem, target=near + start, outputs=("time",), metrics=metrics_of("continuous", near))
        found.append(np.vstack([r.prediction - start for r in results(LearnerSetup(model, settings), moved, model.grid(settings, 0))]))
    assert found[0] == pytest.approx(found[1], abs=0.02 * near.std())


def test_the_best_overall_is_found_where_a_fold_defines_no_score() -> None:
    """A metric of one fold may be undefined (no target known, or all constant): the others decide."""
    problem = toy_problem(modalities=("image", "table"))
    of_image, of_table, of_both = [[0.1, np.nan], [0.2, np.nan]], [[0.5, 0.6], [0.9, 0.9]], [[0.9, 0.9], [0.1, 0.1]]
    scores = dict(zip(problem.combinations, (of_image, of_table, of_both), strict=True))
    reached = [FoldResult(problem.folds[0], s, {"accuracy": np.array(v)}, 0, np.zeros(0), None) for s, v in scores.items()]
    assert best_overall(reached, problem.metrics["accuracy"]) == (("table",), "early", 1)


def test_the_saved_knn_knows_the_rows_that_it_stores(tmp_path) -> None:
    """A row at distance 0 votes alone."""
    problem = toy_problem()
    model = component("models", "knn")
    for distance in ("manhattan", "euclidean", "cosine"):
        config = {"metric": distance, "weights": "distance", "n_neighbors": 5}
        fitted = fit_on(LearnerSetup(model, model.settings()), problem, problem.final_fold(), problem.combinations[-1], config)
        rows = problem.training_rows()
        matrices = {modality: problem.blocks[modality].encoded(rows).matrix for modality in problem.combinations[-1]}
        assert model.predict(fitted, matrices).decisions.argmax(axis=1).tolist() == problem.target.tolist()


def test_configurations_that_need_more_rows_than_there_are_are_skipped(capsys) -> None:
    model, problem = component("models", "knn"), toy_problem()  # 30 rows in the smallest inner training set
    kept = fitting_configs("toy", model, model.settings(n_neighbors=[3, 30, 31], metric=["euclidean"]), problem)
    assert [config["n_neighbors"] for config in kept] == [30, 3]
    output = capsys.readouterr().out
    assert "knn toy: 1 of 3 configurations need more rows and are skipped: the smallest training fold of 'toy' has 30" in output
    with pytest.raises(InputError, match=r"models\.knn: every configuration needs more .* has 30 rows, and the least that one needs is 31"):
        fitting_configs("toy", model, model.settings(n_neighbors=[31, 40], metric=["euclidean"]), problem)


def test_one_class_is_refused() -> None:
    problem = replace(toy_problem(), outputs=("only",), target=np.zeros(90, dtype=np.int32))
    with pytest.raises(InputError, match="of one class"):
        require_classes(problem, "toy")


def test_more_rows_than_fit_in_memory_are_refused_with_the_most_that_fit() -> None:
    with pytest.raises(InputError, match=r"datasets\.toy\.rows: knn on 10000000 rows needs .* set rows to at most \d+"):
        require_memory("toy", component("models", "knn"), Size(10_000_000, 2), component("models", "knn").settings())
    require_memory("toy", component("models", "knn"), Size(1_000, 2), component("models", "knn").settings())


@pytest.mark.parametrize("kind", [
    "numpy.memmap", "os.system", "sklearn.base.clone", "sklearn.no_such", "builtins.eval", "stages.models.linear.penalized_fit.Limits",
    "stages.models.linear.linear_estimators.ElasticNet", "stages.models.no_such.Kind", "stages.foundation.errors.InputError",
])  # fmt: skip
def test_a_saved_state_that_is_not_an_estimator_is_refused(kind: str, tmp_path) -> None:
    """A model's file may come from elsewhere: nothing but an estimator of scikit-learn is made of it."""
    model, settings = small("linear")
    problem = toy_problem(modalities=("image",))
    fitted = fit_on(LearnerSetup(model, settings), problem, problem.final_fold(), ("image",), model.grid(settings, 0)[0])
    changed = replace(fitted, state={**fitted.state, "members": [{**fitted.state["members"][0], "class": kind}]})
    with pytest.raises(InputError, match=f"holds '{kind}', which is not a scikit-learn estimator"):
        model.predict(changed, {"image": problem.blocks["image"].raw.values})


@pytest.mark.parametrize(
    "name", ["sklearn.utils._testing.assert_run_python_script_without_output", "sklearn.utils.validation.column_or_1d"]
)
def test_a_saved_function_is_refused_though_it_is_scikit_learns(name: str) -> None:
    """Called as an analyzer, the first one runs the text that it is given; the second shows that its module is not the reason."""
    from sklearn.feature_extraction.text import CountVectorizer
    from skops.io import dumps

    module, _, function = name.rpartition(".")
    raw = dumps(CountVectorizer(analyzer=getattr(importlib.import_module(module), function)))
    fitted = Fitted({}, {"form": "classes", "n_outputs": 2, "members": [{"file": "estimator_0.skops"}]}, {"estimator_0.skops": raw})
    with pytest.raises(InputError, match=re.escape(f"estimator_0.skops: holds the type {name!r}")):
        load_estimators(fitted)


def saved(folder: Path, name: str = "linear", modality: str = "image") -> Path:
    """Save a small model of the toy problem; return its folder."""
    problem = toy_problem(modalities=(modality,))
    model, settings = small(name)
    config = model.grid(settings, 0)[0]
    fitted = fit_on(LearnerSetup(model, settings), problem, problem.final_fold(), (modality,), config)
    save_fitted(folder, fitted, problem, description(name, (modality,), config))
    return folder


def change_model(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Rewrite model.json as `change` leaves it."""
    document = json.loads((folder / "model.json").read_text())
    change(document)
    (folder / "model.json").write_text(json.dumps(document))


def change_arrays(folder: Path, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    """Rewrite arrays.npz as `change` leaves it."""
    with np.load(folder / "arrays.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    write_arrays(folder / "arrays.npz", arrays)


RETRAIN = r".*; train the model again(: `dvc repro -f train@toy-\w+`| \(`dvc repro -f train@<data set>-<model>`\))$"


@pytest.mark.parametrize(("damage", "message"), [
    (lambda f: change_model(f, lambda d: d.update(files=["/etc/hostname"])),
     r"model\.json: files: '/etc/hostname' is not a name of a file in that folder"),
    (lambda f: change_model(f, lambda d: d.update(files=["estimator_0.skops"])), r"estimator_0\.skops: not found; expected the file that"),
    (lambda f: change_model(f, lambda d: d.update(features={})), r"model\.json: features: is of nothing; expected of modalities: image"),
    (lambda f: change_model(f, lambda d: d["encoders"]["image"].update(arrays=["mean"])),
     r"model\.json: encoders\.image\.arrays: 'encoder/image/mean' is not among arrays"),
    (lambda f: change_model(f, lambda d: d.update(form="foo")), r"form: expected 'classes', 'labels' or 'continuous', found 'foo'"),
    (lambda f: (f / "arrays.npz").unlink(), r"arrays\.npz: not found; expected the file that model\.json describes"),
    (lambda f: (f / "arrays.npz").write_bytes((f / "arrays.npz").read_bytes()[:-40]), r"arrays\.npz: damaged or cut off \(BadZipFile\)"),
    (lambda f: (f / "arrays.npz").write_bytes(b""), r"arrays\.npz: damaged or cut off \(EOFError\)"),
    (lambda f: change_arrays(f, lambda a: a.update(scale=a.pop("scales"))),
     r"arrays\.npz: array 'scale': found shape \[1\], expected none, as in model\.json"),
    (lambda f: change_arrays(f, lambda a: a.pop("scales")), r"arrays\.npz: array 'scales': found none, expected shape \[1\], as in"),
    (lambda f: change_arrays(f, lambda a: a.update({"estimator/0/coef_": a["estimator/0/coef_"][:, :2]})),
     r"array 'estimator/0/coef_': found shape \[3, 2\], expected shape \[3, 6\], as in"),
])  # fmt: skip
def test_a_saved_model_whose_files_do_not_fit_together_is_refused(damage: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    folder = saved(tmp_path)
    load_fitted(folder)
    damage(folder)
    with pytest.raises(InputError, match=message + RETRAIN):
        load_fitted(folder)


@pytest.mark.parametrize(("name", "damage", "message"), [
    ("linear", lambda f: change_model(f, lambda d: d["state"]["members"][0]["params"].update(CC=1)),
     r"/model\.json: state: 'CC' is no parameter of sklearn\.\S+; expected some of .*\bC\b"),
    ("linear", lambda f: change_model(f, lambda d: d["state"].pop("members")), r"/model\.json: state: 'members' is missing; expected by"),
    ("random_forest", lambda f: (f / "estimator_0.skops").write_bytes(b"PK"),
     r"/estimator_0\.skops: damaged or cut off \(BadZipFile\); expected a file of skops"),
    ("linear", lambda f: change_model(f, lambda d: d["features"]["table"]["settings"].update(colour="red")),
     r"/model\.json: features\.table\.settings: colour: unknown key"),
])  # fmt: skip
def test_a_model_that_cannot_be_made_of_its_files_is_refused_with_the_file(
    name: str, damage: Callable[[Path], Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path, name, "table")
    damage(folder)
    if "settings" not in message:
        monkeypatch.setattr(Predictor, "_encoded", lambda self, modality, columns: np.zeros((2, 7)))
    with pytest.raises(InputError, match=f"^{re.escape(str(folder))}{message}.*; train the model again"):
        Predictor.load(folder).predict({"table": pa.array([{"x": 1.0}])})


def test_an_estimator_that_cannot_read_sparse_features_is_told_where_to_say_so() -> None:
    class NoSettings(Settings):
        pass

    model = Estimator("dense_only", NoSettings, lambda config, form, seed: GaussianNB())
    message = r"stages/models/dense_only/: the estimator cannot .* of text, which are sparse .*; declare .*: encodings=\('dense', 'table'\)"
    with pytest.raises(InputError, match=message):
        list(results(LearnerSetup(as_sweep(model), NoSettings()), toy_problem(modalities=("text",)), [{}]))


def test_a_model_that_does_not_predict_the_targets_form_is_not_applicable() -> None:
    problem = toy_problem(modalities=("image",), task="regression")
    model = replace(as_sweep(component("models", "linear")), target_forms=("classes", "labels"))
    assert readable(model, problem, {"image": "dense"}) == "it predicts classes and labels, and the targets are continuous"
