"""Shared sweeps of SVMs and networks equal a plain loop on random small problems, for every task, modality combination and layout of folds.

tests/test_neighbours.py does the same for kNN, which is exact. SVMs are compared with libsvm's, networks with torch's: one at a time, for
each configuration, inner fold and modality combination. Both stop within a tolerance of the optimum or sum in another order, so held-out
rows whose two best scores differ by less may be predicted either way.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from random_problem import random_problem
from sklearn.svm import SVC, SVR
from test_networks import plain_training
from test_sweeps import fused

from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold, Problem
from stages.features import projection
from stages.features.early_fusion import encode_fold
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.target_forms import FORMS
from stages.models import mlp, svm
from stages.models.mlp.losses import loss_for
from stages.models.mlp.mixed_inputs import mixed_inputs
from stages.models.mlp.mlp_fold_sweep import _seed
from stages.models.mlp.networks import Network, Schedule, Shape, TrainingSet, outputs_of

TASKS: tuple[str, ...] = ("binary", "multiclass", "multilabel", "regression")
NEAR = 5e-3  # in units of scores, or standard deviations of targets
ScoreRows = Callable[[int, np.ndarray, np.ndarray], np.ndarray]  # (configuration, training rows, other rows) → scores (n, n_outputs)


def bounds(problem: Problem, fold: Fold, name: str, scores: np.ndarray, out: np.ndarray) -> tuple[float, float]:
    """Return a metric's smallest and largest value on the held-out rows `out`, as near ties may go either way; scores: of all rows."""
    target = problem.target[fold.train]
    metric = problem.metrics[name].bound_to(target)
    if problem.form == "continuous":
        value = metric.score(target[out], scores[out], None)
        slack = 10 * NEAR * max(1.0, abs(value))
        return value - slack, value + slack
    ordered = np.sort(scores, axis=1)
    near = ordered[:, -1] - ordered[:, -2] < NEAR
    value, n_near = metric.score(target[out], FORMS[problem.form].decide(scores, None)[out], None), int((near & out).sum())
    slack = 1e-9 if n_near == 0 else 1.0
    return value - slack, value + slack


def compare(problem: Problem, result: FoldResult, configs: list[dict[str, Any]], score_rows: ScoreRows) -> int:
    """Compare every metric of every configuration and inner fold; return the number of comparisons with narrow bounds.

    Labels are not compared here: thresholds are fitted on the probabilities of held-out rows, and equally good ones may differ much. The
    caller compares the chosen configuration's predictions of the test rows.
    """
    if problem.form == "labels":
        return 0
    fold, train = result.fold, result.fold.train
    compared = 0
    for i in range(len(configs)):
        held_out = np.empty((len(train), len(problem.outputs)))
        for j in range(int(fold.inner.max()) + 1):
            out = fold.inner == j
            held_out[out] = score_rows(i, ~out, out)
        for name, found in result.inner_scores.items():
            for j in range(found.shape[1]):
                low, high = bounds(problem, fold, name, held_out, fold.inner == j)
                assert low <= found[i, j] <= high, (name, configs[i], j)
                compared += high - low < 1
    return compared


def libsvm_scores(problem: Problem, result: FoldResult, configs: list[dict[str, Any]], epsilon: float) -> tuple[ScoreRows, np.ndarray]:
    """Return the function of libsvm's scores on the fused features, one SVM per output; and its scores of the test rows."""
    fold, target = result.fold, problem.target
    X = fused(problem, fold, result.modalities, "euclidean") / np.sqrt(len(result.modalities))

    def decision_values(i: int, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        config = configs[i]
        plain = {"C": config["C"], "kernel": config["kernel"], "gamma": config["gamma"] or 1.0, "tol": 1e-5}
        if problem.form == "classes":
            found = np.full((len(others), len(problem.outputs)), -1.0)
            known = np.unique(target[rows])
            if len(known) == 1:
                found[:, known] = 0.0
                return found
            values = SVC(break_ties=True, **plain).fit(X[rows], target[rows]).decision_function(X[others])
            if len(known) == 2:
                values = np.stack([-values, values], axis=1)
                if len(problem.outputs) > 2:
                    return _votes(found, known, values)
            found[:, known] = values
            return found
        return np.stack([_output(plain, X, values, rows, others) for values in target.T], axis=1)

    def _votes(found: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
        found[:, known] = (values > 0) + values / (3 * (np.abs(values) + 1))
        return found

    def _output(plain: dict[str, Any], X: np.ndarray, values: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        if problem.form == "labels":
            if values[rows].min() == values[rows].max():
                return np.full(len(others), 1 / (1 + np.exp(1 - 2.0 * values[rows][0])))
            return 1 / (1 + np.exp(-SVC(**plain).fit(X[rows], values[rows]).decision_function(X[others])))
        scale = values[fold.train][~np.isnan(values[fold.train])]
        mean, deviation = scale.mean(), scale.std() or 1.0
        used = rows[~np.isnan(values[rows])]
        svr = SVR(epsilon=epsilon, **plain).fit(X[used], (values[used] - mean) / deviation)
        return svr.predict(X[others]) * deviation + mean

    def score_rows(i: int, used: np.ndarray, out: np.ndarray) -> np.ndarray:
        return decision_values(i, fold.train[used], fold.train[out])

    return score_rows, decision_values(result.chosen, fold.train, fold.test)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", range(4))
def test_svms_equal_those_of_libsvm_one_at_a_time(task: str, seed: int) -> None:
    problem = random_problem(1000 + 100 * TASKS.index(task) + seed, task)
    settings = svm.SvmSettings(kernel=("linear", "rbf"), C=(0.1, 3.0), gamma=(0.3, 2.0))
    configs, compared = svm.grid(settings, 0), 0
    reached = list(results(LearnerSetup(svm.MODEL, settings), problem, configs))
    assert [(r.fold, r.modalities) for r in reached] == [(f, s) for f in problem.folds for s in problem.combinations]
    for result in reached:
        score_rows, expected = libsvm_scores(problem, result, configs, settings.epsilon)
        compared += compare(problem, result, configs, score_rows)
        if problem.form == "classes":
            ordered = np.sort(expected, axis=1)
            clear = ordered[:, -1] - ordered[:, -2] > NEAR
            np.testing.assert_array_equal(result.prediction[clear], expected.argmax(axis=1)[clear])
        elif task == "multilabel":
            assert result.probabilities == pytest.approx(expected, abs=NEAR)
        else:
            assert result.prediction == pytest.approx(expected, abs=NEAR * np.nanstd(problem.target, axis=0).max())
    assert compared > 0 or task == "multilabel"


def torch_scores(
    problem: Problem, modalities: tuple[str, ...], data: TrainingSet, schedule: Schedule, configs: list[dict[str, Any]], fold: Fold,
    best: dict[int, list[int]], i: int, used: np.ndarray, out: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the outputs of torch's network of configuration i for the rows `out`; note its best epoch in `best`."""
    seed = _seed(problem.seed, fold, modalities, "weights", str(int(fold.inner[out][0])))
    network = Network(Shape((5,), "tanh"), configs[i]["learning_rate_init"], 0.01, used, seed)
    found, _ = plain_training(network, data, schedule, _seed(problem.seed, fold, modalities, "order"))
    best.setdefault(i, []).append(found.best_epoch)
    return np.asarray(loss_for(problem, fold.train).restored(found.held_out))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("seed", "components", "terms"), [(0, 4, None), (1, None, 3), (2, 3, 4096)])
def test_networks_equal_those_of_torch_one_at_a_time(task: str, seed: int, components: int | None, terms: int | None) -> None:
    problem = random_problem(2000 + 100 * TASKS.index(task) + seed, task)
    settings = mlp.MlpSettings(hidden_layer_sizes=((5,),), activation=("tanh",), learning_rate_init=(0.01, 0.03), weight_decay=(0.01,),
                               max_iter=6, n_iter_no_change=2, batch_size=16, n_components=components, n_terms=terms)  # fmt: skip
    configs = mlp.grid(settings, 0)
    for result in list(results(LearnerSetup(mlp.MODEL, settings), problem, configs))[::3]:
        fold, modalities = result.fold, result.modalities
        blocks = encode_fold(problem.blocks, fold.train)
        matrices = {name: blocks.encoded[name].matrix for name in modalities}
        X = mixed_inputs(matrices, projection.fit_projections(blocks, modalities, fold.train, components, n_terms=terms), modalities)
        loss = loss_for(problem, fold.train)
        data = TrainingSet(X.taken(fold.train), loss.encoded(problem.target[fold.train]), loss.n_outputs, loss.name)
        best: dict[int, list[int]] = {}
        score_rows = partial(torch_scores, problem, modalities, data, Schedule(6, 16, 2), configs, fold, best)
        compare(problem, result, configs, score_rows)
        best.clear()
        for j in range(int(fold.inner.max()) + 1):
            score_rows(result.chosen, fold.inner != j, fold.inner == j)
        epochs = max(1, round(np.mean(best[result.chosen])))
        seed_of_weights = _seed(problem.seed, fold, modalities, "weights", "refit")
        everything = np.ones(len(fold.train), dtype=bool)
        network = Network(Shape((5,), "tanh"), configs[result.chosen]["learning_rate_init"], 0.01, everything, seed_of_weights)
        order = _seed(problem.seed, fold, modalities, "order", "refit")
        _, parameters = plain_training(network, data, Schedule(epochs, 16, 2), order)
        layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        expected = loss.restored(outputs_of(layers, X.taken(fold.test), "tanh", loss.name))
        shown = result.prediction if task == "regression" else result.probabilities
        assert shown == pytest.approx(expected, abs=NEAR * (np.nanstd(problem.target) if task == "regression" else 1))
