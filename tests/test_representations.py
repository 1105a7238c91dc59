"""What networks represent samples by, as features: nothing of a tested row reaches the network, and a hidden layer can help kNN."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_models import small
from toy_problem import metrics_of, time_ordered, toy_folds, toy_problem

from stages.contracts.model import Sweep
from stages.contracts.problem import Problem
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.prefetch import workers
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results, swept_alone
from stages.models import mlp
from stages.representations.network_representations import FoldRepresentations, NetworkRepresentations, place_of, without_inner
from stages.representations.representation_results import studied_combinations
from stages.representations.represented_sweep import learner_of

NETWORKS = ("mlp", "network")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with workers() as found:
        yield found


def three_inner(problem: Problem) -> Problem:
    """Return the problem with its first outer fold, of three inner folds, and its last combination."""
    folds = toy_folds(len(problem.target), n_inner=3)[:1]
    return replace(problem, folds=folds, combinations=problem.combinations[-1:])


def representations_by(name: str, problem: Problem) -> NetworkRepresentations:
    """Return a network's representations with its first configuration everywhere."""
    model, settings = small(name)
    config = model.approximated(model.grid(settings, 0), settings, problem)[0]
    places = [place_of(fold, modalities) for fold in problem.folds for modalities in problem.combinations]
    return NetworkRepresentations(model, settings, dict.fromkeys(places, config))


def found_by(name: str, problem: Problem, pool: ThreadPoolExecutor) -> FoldRepresentations:
    return representations_by(name, problem).of(problem, problem.folds[0], problem.combinations[0], pool)


# ---------------------------------------------------------------- folds
def test_without_an_inner_fold_the_others_are_numbered_anew() -> None:
    fold = toy_problem().folds[0]
    fold = replace(fold, inner=(np.arange(len(fold.train)) % 5).astype(np.int16), n_inner=4)  # code 4: in no inner fold
    for code in range(4):
        found = without_inner(fold, code)
        assert found.test.tolist() == fold.train[fold.inner == code].tolist() and found.n_inner == 3
        assert set(found.train) == set(fold.train) - set(found.test)
        kept = fold.inner[fold.inner != code]
        assert found.inner.tolist() == [one - (one > code) for one in kept] and set(found.inner) == {0, 1, 2, 3}
        assert len(found.train[~found.validated]) == (fold.inner == 4).sum()


def test_networks_need_three_inner_folds_and_combinations_that_train_fused_early() -> None:
    problem = toy_problem()
    place = place_of(problem.folds[0], ("image",))
    said = studied_combinations(problem, {place: {}}, "all")
    assert said == "a network without one inner fold needs two others: expected 3 inner folds or more, found 2"
    assert "found 1" in str(studied_combinations(time_ordered(problem), {place: {}}, "all"))
    enough = replace(problem, folds=toy_folds(90, n_inner=3))
    configs: dict[Any, Any] = {place_of(enough.folds[0], modalities): {} for modalities in (("image",), ("image", "text"))}
    assert studied_combinations(enough, {}, "all") == "train has fused no combination early"
    of_all, largest = (studied_combinations(enough, configs, which) for which in ("all", "largest"))
    assert isinstance(of_all, Problem) and of_all.combinations == (("image",), ("image", "text"))
    assert isinstance(largest, Problem) and largest.combinations == (("image", "text"),)


# ---------------------------------------------------------------- leaks
@pytest.mark.parametrize("name", NETWORKS)
def test_neither_test_rows_nor_validation_rows_reach_the_network(name: str, pool: ThreadPoolExecutor) -> None:
    """Other features and targets of rows that a network does not train on leave its representation of the others as it is."""
    problem = three_inner(toy_problem(modalities=("image",)))
    fold = problem.folds[0]
    before = found_by(name, problem, pool)

    def changed(rows: np.ndarray) -> FoldRepresentations:
        target, values = problem.target.copy(), problem.blocks["image"].raw.values.copy()
        target[rows], values[rows] = (target[rows] + 1) % 3, 9.0
        return found_by(name, replace(problem, target=target, blocks={"image": Block("image", Dense(values), {})}), pool)

    after = changed(fold.test)
    assert after.outer[fold.train].tobytes() == before.outer[fold.train].tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(after.inner, before.inner, strict=True))
    for code in range(fold.n_inner):
        held_out, others = fold.train[fold.inner == code], fold.train[fold.inner != code]
        after = changed(held_out)
        assert after.inner[code][others].tobytes() == before.inner[code][others].tobytes()
        assert not np.array_equal(after.inner[(code + 1) % 3][others], before.inner[(code + 1) % 3][others])  # which trains on them
        assert not before.inner[code][fold.test].any()


def test_the_representation_is_the_hidden_layer_of_the_network_that_train_scores(pool: ThreadPoolExecutor) -> None:
    problem = three_inner(toy_problem(modalities=("image",)))
    network, fold = representations_by("mlp", problem), problem.folds[0]
    found = network.of(problem, fold, ("image",), pool).outer
    config = next(iter(network.configs.values()))
    learner = LearnerSetup(network.model, network.settings)
    with swept_alone(learner, problem, fold, ("image",), config) as sweep:
        fitted, scores = sweep.fitted(0), sweep.refit(0, problem.seed)().scores
    place = fitted.state["n_layers"] - 1
    last = found[fold.test] @ fitted.arrays[f"weight/{place}"] + fitted.arrays[f"bias/{place}"]
    assert np.exp(last - np.logaddexp.reduce(last, axis=1, keepdims=True)) == pytest.approx(scores.probabilities, abs=1e-5)
    assert found.shape == (90, config["hidden_layer_sizes"][-1]) and found.dtype == np.float32


@pytest.mark.parametrize("name", NETWORKS)
def test_of_several_modalities_there_is_one_representation(name: str, pool: ThreadPoolExecutor) -> None:
    problem = three_inner(toy_problem())
    network = representations_by(name, problem)
    found = network.of(problem, problem.folds[0], ("image", "text", "table"), pool)
    width = found.outer.shape[1]
    config = next(iter(network.configs.values()))
    assert width == (3 * config["width"] if name == "network" else config["hidden_layer_sizes"][-1])
    assert len(found.inner) == 3 and all(one.shape == found.outer.shape for one in found.inner)
    assert network.of(problem, problem.folds[0], ("image", "text", "table"), pool) is found  # of all learners


# ---------------------------------------------------------------- learners
def hidden_parity(n: int = 240, n_noise: int = 12) -> Problem:
    """Return exclusive or of two signs among columns of noise, in which neighbors tell little."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((n, 2 + n_noise)).astype(np.float32)
    target = ((values[:, 0] > 0) ^ (values[:, 1] > 0)).astype(np.int32)
    values[:, :2] *= 1.5
    return Problem({"a": Block("a", Dense(values), {})}, target, "classes", ("same", "other"), toy_folds(n, n_inner=3)[:2], (("a",),),
                   metrics_of("classes", target), "accuracy", 0)  # fmt: skip


def accuracy(model: Sweep, settings: Any, problem: Problem) -> float:
    found = results(LearnerSetup(model, settings), problem, model.grid(settings, 0))
    return float(np.mean([(result.prediction == problem.target[result.fold.test]).mean() for result in found]))


def test_a_hidden_layer_helps_neighbors_where_most_columns_are_noise() -> None:
    problem, knn = hidden_parity(), as_sweep(component("models", "knn"))
    settings = knn.settings(n_neighbors=[1, 5, 15], metric=["euclidean"])
    of_network = mlp.MlpSettings(hidden_layer_sizes=[[32]], activation=["relu"], learning_rate_init=[0.01], weight_decay=[0.1],
                                 n_components=None, max_iter=150, n_iter_no_change=30, batch_size=32, critical_points=False)  # fmt: skip
    (config,) = mlp.grid(of_network, 0)
    network = NetworkRepresentations(mlp.MODEL, of_network, {place_of(fold, ("a",)): config for fold in problem.folds})
    raw, hidden = accuracy(knn, settings, problem), accuracy(learner_of(knn, network), settings, problem)
    assert raw < 0.75 and hidden > raw + 0.1


@pytest.mark.parametrize("learner", ["knn", "svm"])
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_learners_of_every_task_give_the_same_bytes_on_any_number_of_cores(
    learner: str, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = three_inner(toy_problem(modalities=("image",), task=task))
    model, settings = small(learner)
    found = []
    for cores in ("1", "3"):
        monkeypatch.setenv(CORES_VARIABLE, cores)
        wrapped = learner_of(model, representations_by("mlp", problem))
        (result,) = results(LearnerSetup(wrapped, settings), problem, model.grid(settings, 0))
        assert result.inner_scores[problem.scoring].shape == (len(model.grid(settings, 0)), 3)
        assert np.isfinite(result.inner_scores[problem.scoring]).all() and result.modalities == ("image",)
        found.append((result.chosen, result.prediction.tobytes(), result.inner_scores[problem.scoring].tobytes()))
    assert found[0] == found[1]


def test_a_learner_that_is_tuned_on_a_sample_is_refitted_on_the_representation_of_all_rows() -> None:
    problem = three_inner(toy_problem(modalities=("image",)))
    knn = as_sweep(component("models", "knn"))
    settings, predictions = knn.settings(n_neighbors=[1], metric=["euclidean"]), []
    for tuning_rows in (None, 40):
        learner = learner_of(knn, representations_by("mlp", problem))
        (result,) = results(LearnerSetup(learner, settings, tuning_rows), problem, knn.grid(settings, 0))
        predictions.append(result.prediction.tolist())
    assert predictions[0] == predictions[1]


def test_configurations_are_scored_on_what_their_inner_networks_have_not_seen(pool: ThreadPoolExecutor) -> None:
    """The inner score of one neighbor is that of 1-NN by hand, from each inner fold's own representation."""
    problem = three_inner(toy_problem(modalities=("image",)))
    knn, fold = as_sweep(component("models", "knn")), problem.folds[0]
    settings, network = knn.settings(n_neighbors=[1], metric=["euclidean"]), representations_by("mlp", problem)
    (result,) = results(LearnerSetup(learner_of(knn, network), settings), problem, knn.grid(settings, 0))
    found = network.of(problem, fold, ("image",), pool)
    for code, values in enumerate(found.inner):
        train, held_out = fold.train[fold.inner != code], fold.train[fold.inner == code]
        distances = np.linalg.norm(values[held_out][:, None].astype(float) - values[train][None], axis=2)
        right = (problem.target[train][distances.argmin(axis=1)] == problem.target[held_out]).mean()
        assert result.inner_scores["accuracy"][0, code] == pytest.approx(right)
    distances = np.linalg.norm(found.outer[fold.test][:, None].astype(float) - found.outer[fold.train][None], axis=2)
    assert result.prediction.tolist() == problem.target[fold.train][distances.argmin(axis=1)].tolist()
