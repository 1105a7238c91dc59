"""Saved models of every way of fusing: a fold's predicts its test rows as the protocol did; the final one is the best on inner folds."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from test_fusions import WAYS, declared
from test_models import SMALL
from toy_problem import time_ordered, toy_problem

from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.fusion import LateFusion
from stages.contracts.model import FoldResult
from stages.contracts.problem import Problem
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.fusions.late_stacked import log_probabilities
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.fitted_fusion import combiner_arrays, loaded_fusion
from stages.model_selection.fused_models import FusedModel, TrainedLearner, final_model, fold_model
from stages.model_selection.fusing import fused_results, trained_combinations
from stages.model_selection.protocol import LearnerSetup, results
from stages.training.prediction import Predictor
from stages.training.prediction_cost import model_size
from stages.training.save_models import Saving, fold_model_dir, save_model, save_models
from stages.training.saved_model import model_files

TASKS = ("binary", "multiclass", "multilabel", "regression")
TRIED = [*product(("knn", "linear", "svm", "mlp"), TASKS), ("random_forest", "multiclass")]  # a forest is saved by skops
NOISE = {"a": 0.5, "b": 0.7, "c": 3.0}  # of each modality


def vectors_problem(task: str, n: int = 90) -> Problem:
    """Return a problem of three modalities of vectors, of which the first is good and the last nearly useless."""
    problem = toy_problem(n=n, n_classes=2 if task == "binary" else 3, modalities=("image",), task=task)
    codes = toy_problem(n=n, n_classes=2 if task == "binary" else 3, modalities=("image",)).target
    rng = np.random.default_rng(3)
    blocks = {name: Block(name, Dense((np.eye(4)[codes] + noise * rng.standard_normal((n, 4))).astype(np.float32)), {})
              for name, noise in NOISE.items()}  # fmt: skip
    combinations = (("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("a", "b", "c"))
    return replace(problem, blocks=blocks, combinations=combinations)


def columns_of(problem: Problem, rows: np.ndarray) -> dict[str, pa.Array]:
    """Return the raw samples: vectors, which features keep as they are."""
    return {name: pa.array(block.raw.values[rows].astype(np.float64).tolist(), pa.list_(pa.float64(), 4))
            for name, block in problem.blocks.items()}  # fmt: skip


def trained(name: str, problem: Problem, ways: tuple[str, ...] = tuple(WAYS), **options: Any) -> TrainedLearner:
    """Return what train finds of a learner."""
    model = as_sweep(component("models", name))
    learner = LearnerSetup(model, model.settings(**SMALL.get(name, {})), **options)
    of = declared(*ways)
    configs = model.grid(learner.settings, 0)
    found = list(results(learner, trained_combinations(problem, of), configs, members=any(isinstance(way, LateFusion) for way in of)))
    return TrainedLearner(learner, problem, of, [*found, *fused_results(learner, problem, of, configs, found)])


def saving(folder: Path, problem: Problem) -> Saving:
    about = {"encoding": "dense", "modality": "vector", "settings": {}}
    features = {name: FeaturesMetadata.model_construct(**about) for name in problem.blocks}
    return Saving("toy", folder, features)


def saved(folder: Path, model: FusedModel, of: TrainedLearner, result: FoldResult) -> Predictor:
    save_model(folder, model, of, saving(folder, of.problem), fusion=result.fusion, as_found=result)
    return Predictor.load(folder)


def assert_predicts(predictor: Predictor, problem: Problem, result: FoldResult) -> None:
    """Hold what a saved model predicts of a fold's test rows against what the protocol did."""
    found = predictor.predict(columns_of(problem, result.fold.test))
    if problem.form == "continuous":
        assert found.predictions == pytest.approx(result.prediction, rel=1e-4, abs=1e-4 * np.nanstd(problem.target))
        return
    assert found.probabilities == pytest.approx(result.probabilities, abs=1e-4)
    if problem.form == "labels":
        assert found.predictions == [[problem.outputs[i] for i in np.flatnonzero(row)] for row in result.prediction]
    else:
        assert found.predictions == [problem.outputs[code] for code in result.prediction]


@pytest.mark.parametrize(("name", "task"), TRIED)
def test_the_model_of_a_fold_predicts_its_test_rows_as_the_protocol_did(name: str, task: str, tmp_path: Path) -> None:
    """Every way of fusing, calibrated probabilities, configurations compared on a sample, and two seeds, of which the first is saved."""
    problem = vectors_problem(task)
    found = trained(name, problem, calibration="sigmoid", tuning_rows=48, more_seeds=(11,))
    assert {result.fusion for result in found.results} == {*WAYS, CHOSEN}
    for result in found.results:
        if result.fold.index == 0:
            folder = fold_model_dir(tmp_path, result)
            assert_predicts(saved(folder, fold_model(found, result), found, result), problem, result)


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_so_it_does_where_samples_lack_modalities_and_in_time_order(task: str, tmp_path: Path) -> None:
    whole = vectors_problem(task)
    present = np.random.default_rng(2).random(len(whole.target)) < 0.8
    lacking = replace(whole, blocks=whole.blocks | {"b": replace(whole.blocks["b"], present=present)})
    for number, problem in enumerate((lacking, time_ordered(whole))):
        found = trained("linear", problem, (*WAYS, "early_imputed"))
        for result in found.results:
            folder = fold_model_dir(tmp_path / str(number), result)
            assert_predicts(saved(folder, fold_model(found, result), found, result), problem, of_complete_rows(problem, result))


def of_complete_rows(problem: Problem, result: FoldResult) -> FoldResult:
    """Return the result for the samples that have all modalities: the way that imputes predicts others too, a saved model does not."""
    rows = problem.complete(result.modalities)
    kept = np.ones(len(result.fold.test), bool) if rows is None else rows[result.fold.test]
    fold = replace(result.fold, test=result.fold.test[kept])
    probabilities = None if result.probabilities is None else result.probabilities[kept]
    return replace(result, fold=fold, prediction=result.prediction[kept], probabilities=probabilities)


def best_by_hand(found: TrainedLearner) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    """Return the combination, way and configuration with the best mean inner score, by a plain loop, of those usable on all folds."""
    scored: dict[Any, list[float]] = {}
    usable = {(one.modalities, one.fusion): [] for one in found.results}
    for one in found.results:
        usable[one.modalities, one.fusion].append(np.ones(len(one.configs), bool) if one.usable is None else one.usable)
    for result in found.results:
        if result.fusion != CHOSEN:
            for index, config in enumerate(result.configs):
                if not all(mask[index] for mask in usable[result.modalities, result.fusion]):
                    continue
                key = (len(result.modalities), result.modalities, result.fusion, index, json.dumps(config))
                scored.setdefault(key, []).extend(result.inner_scores[found.problem.scoring][index])
    best = max(np.mean(scores) for scores in scored.values())
    tied = [key for key, scores in scored.items() if np.isclose(np.mean(scores), best, rtol=0, atol=1e-12)]
    smallest = min(tied, key=lambda key: key[0])
    return smallest[1], smallest[2], json.loads(smallest[4])


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("ways", [("early", "late_stacked"), ("late_weighted",), ("early", "early_weighted"), ("early",)])
def test_the_final_model_is_the_best_on_inner_folds_whatever_outer_scores_are(ways: tuple[str, ...], task: str, tmp_path: Path) -> None:
    problem = vectors_problem(task)
    found = trained("linear", problem, ways)
    modalities, way, config = best_by_hand(found)
    model = final_model(found)
    assert (model.modalities, model.way) == (modalities, way)
    if way != "late_weighted":  # whose members, fitted on all rows, may be informed where those of folds are not
        assert {name: model.config.get(name) for name in config} == config
    assert np.array_equal(model.rows, problem.training_rows())
    swapped = [replace(result, prediction=result.prediction[::-1].copy(), probabilities=None, reseeded=()) for result in found.results]
    other = final_model(replace(found, results=swapped))
    assert (other.modalities, other.way, other.config) == (model.modalities, model.way, model.config)
    save_models(found, saving(tmp_path / "a", problem), keep_folds=False)
    save_models(found, saving(tmp_path / "b", problem), keep_folds=False)
    about = Predictor.load(tmp_path / "a").about
    several = len(modalities) > 1 and len(ways) > 1
    assert (about.candidate.fusion, about.way) == ((CHOSEN, way) if several else (way, None))
    files = [path.relative_to(tmp_path / "a") for path in model_files(tmp_path / "a")]
    assert files == [path.relative_to(tmp_path / "b") for path in model_files(tmp_path / "b")]
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    predicted = Predictor.load(tmp_path / "a").predict(columns_of(problem, np.arange(90)))
    assert len(predicted.predictions) == 90


def test_a_final_stacking_model_is_scikit_learns_on_out_of_fold_probabilities_of_the_outer_folds(tmp_path: Path) -> None:
    """Its members are each modality's best configuration; the inner folds of the final fold are the outer folds."""
    problem = replace(vectors_problem("multiclass"), combinations=(("a",), ("b",), ("a", "b")))
    found = trained("linear", problem, ("late_stacked",), more_seeds=())
    alone = [result for result in found.results if len(result.modalities) == 1]
    unlike = [replace(one, inner_scores={"accuracy": 0 * one.inner_scores["accuracy"]}) for one in alone]  # so that both together are best
    rest = [result for result in found.results if len(result.modalities) > 1]
    chosen = replace(found, results=[*unlike, *rest])
    model = final_model(chosen)
    assert (model.modalities, model.way) == (("a", "b"), "late_stacked")
    configs = [member.config for member in model.members]
    fold = problem.final_fold()
    probabilities = np.zeros((90, 2, 3))
    for place, (name, config) in enumerate(zip(("a", "b"), configs, strict=True)):
        of_outer = replace(problem, folds=(replace(fold, test=np.arange(2)),), combinations=((name,),))
        (result,) = results(found.learner, of_outer, [config], out_of_fold=True)
        probabilities[:, place] = result.out_of_fold.probabilities
    assert all((fold.inner[outer.test] == outer.index).all() for outer in problem.folds)
    assert np.array_equal(fold.train, np.arange(90))
    stacked = LogisticRegression(C=model.config["C"], solver="newton-cholesky").fit(log_probabilities(probabilities), problem.target)
    save_models(chosen, saving(tmp_path, problem), keep_folds=False)
    predicted = Predictor.load(tmp_path).predict(columns_of(problem, np.arange(90)))
    members = [Predictor.load(tmp_path / "members" / name).predict(columns_of(problem, np.arange(90))).probabilities for name in ("a", "b")]
    expected = stacked.predict_proba(log_probabilities(np.stack(members, axis=1).astype(np.float64)))
    assert predicted.probabilities == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("form", ["classes", "labels", "continuous"])
@pytest.mark.parametrize("name", [name for name in names("fusions") if isinstance(component("fusions", name), LateFusion)])
def test_a_combiner_is_the_same_when_saved_and_loaded(name: str, form: Any) -> None:
    """Also of a single class, and of labels that all rows or none have."""
    way, rng = component("fusions", name), np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(3), size=(60, 2))
    several = {"classes": rng.integers(0, 3, 60), "labels": (rng.random((60, 3)) < [0.0, 0.5, 1.1]).astype(np.uint8),
               "continuous": rng.standard_normal((60, 3))}[form]  # fmt: skip
    for target in (several, np.ones(60, int)) if form == "classes" else (several,):
        for config in way.grid(("a", "b"), way.settings()):
            combine = way.fit(config, scores, target, form)
            arrays = combiner_arrays(way, combine)
            loaded = loaded_fusion(way, config, arrays, form=form, calibration="none")
            assert np.array_equal(loaded.combine(scores), combine(scores))


def test_a_modality_of_weight_zero_is_neither_saved_nor_read(tmp_path: Path) -> None:
    problem = vectors_problem("multiclass")
    found = trained("linear", problem, ("late_weighted", "early", "early_weighted"))
    for way in ("late_weighted", "early_weighted"):
        result = next(one for one in found.results if (one.fusion, one.modalities) == (way, ("a", "b", "c")))
        weights = [config["modality_weights"] for config in result.configs]
        without = next(index for index, one in enumerate(weights) if one["c"] == 0 and 0 < one["a"] < 1)
        forced = replace(result, chosen=without)
        others = [one for one in found.results if one is not result]
        folder = tmp_path / way
        predictor = saved(folder, fold_model(replace(found, results=[*others, forced]), forced), found, forced)
        assert predictor.about.read == ("a", "b") and predictor.about.modalities == ("a", "b", "c")
        assert not (folder / "members" / "c").exists()
        columns = columns_of(problem, result.fold.test)
        columns.pop("c")
        assert len(predictor.predict(columns).predictions) == len(result.fold.test)


def test_members_count_and_a_member_of_another_model_is_refused(tmp_path: Path) -> None:
    problem = vectors_problem("multiclass")
    found = trained("linear", problem, ("late_mean",))
    result = next(one for one in found.results if one.modalities == ("a", "b"))
    predictor = saved(tmp_path, fold_model(found, result), found, result)
    whole, parts = model_size(tmp_path), [model_size(tmp_path / "members" / name) for name in ("a", "b")]
    assert whole.parameters == sum(part.parameters for part in parts) > 0
    assert whole.bytes > sum(part.bytes for part in parts)
    assert [member.about.fusion for member in predictor.members] == [EARLY, EARLY]
    with pytest.raises(InputError, match="column 'b' is missing; this model reads 'b'"):
        predictor.predict({"a": columns_of(problem, result.fold.test)["a"]})
    columns = columns_of(problem, result.fold.test)
    lacking = pa.array([None if row == 2 else value for row, value in enumerate(columns["b"].to_pylist())], columns["b"].type)
    with pytest.raises(InputError, match="column 'b', row 2: the sample lacks it; this model needs 'b' of every sample; leave such"):
        predictor.predict({**columns, "b": lacking})
    (tmp_path / "members" / "a").rename(tmp_path / "members" / "old")
    with pytest.raises(InputError, match=r"members/a/model\.json"):
        Predictor.load(tmp_path)
    (tmp_path / "members" / "b").rename(tmp_path / "members" / "a")
    (tmp_path / "members" / "old").rename(tmp_path / "members" / "b")
    with pytest.raises(InputError, match="is of classes of 'b'; expected classes of 'a'"):
        Predictor.load(tmp_path)
