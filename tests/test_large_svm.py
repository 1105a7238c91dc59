"""Support vector machines above `exact_rows`: named as approximate, equal to liblinear where linear, near the exact ones where RBF."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.svm import LinearSVC, LinearSVR
from toy_problem import description, toy_problem

from stages.contracts.model import Size
from stages.contracts.problem import Problem
from stages.features.early_fusion import encode_fold
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.model_selection.target_forms import FORMS
from stages.models import svm
from stages.models.svm import approximation
from stages.models.svm.approximation import landmark_distances, linear_features, nystroem_features
from stages.models.svm.primal import PrimalProblem, train_primal
from stages.training.limits import fitting_configs, require_memory
from stages.training.saved_model import load_fitted, save_fitted

PENALTIES = np.array([0.1, 1.0, 30.0])


def large(problem: Problem, **settings: object) -> tuple[svm.SvmSettings, list[dict]]:
    """Return settings that treat a toy problem as large, and the approximated configurations."""
    chosen = svm.SvmSettings(**{"exact_rows": 2, "landmarks": 60, "C": (0.3, 3.0), "gamma": (0.3, 1.0), **settings})
    return chosen, fitting_configs("toy", svm.MODEL, chosen, problem)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("tube", [None, 0.1])
def test_primal_svms_equal_those_of_liblinear(tube: float | None, is_sparse: bool) -> None:
    """Liblinear's intercept costs something; with a great `intercept_scaling` next to nothing."""
    rng = np.random.default_rng(0)
    n = 200
    X = rng.standard_normal((n, 8)) * (rng.random((n, 8)) < 0.5)
    score = X[:, 0] - X[:, 1] + 0.3 * rng.standard_normal(n) + 0.5
    target = np.where(score > 0, 1.0, -1.0) if tube is None else score
    used = np.arange(n) % 3 != 0
    features = X.astype(np.float32)
    shape = (n, len(PENALTIES))
    primal = PrimalProblem(sp.csr_array(features) if is_sparse else features, np.broadcast_to(target[:, None], shape),
                        np.broadcast_to(used[:, None], shape), PENALTIES, tube)  # fmt: skip
    _, _, decisions = train_primal(primal)
    for C, found in zip(PENALTIES, decisions.T, strict=True):
        common = {"C": C, "dual": False, "tol": 1e-8, "intercept_scaling": 100, "max_iter": 10_000}
        if tube is None:
            expected = LinearSVC(**common).fit(X[used], target[used]).decision_function(X)
        else:
            plain = LinearSVR(loss="squared_epsilon_insensitive", epsilon=tube, **common)
            expected = plain.fit(X[used], target[used]).predict(X)
        assert found == pytest.approx(expected, abs=5e-3)


def test_svms_do_not_depend_on_the_others_in_their_group() -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((150, 5)).astype(np.float32)
    target = np.where(X[:, :1] + 0.5 * rng.standard_normal((150, 40)) > 0, 1.0, -1.0)
    used, C = rng.random((150, 40)) < 0.7, np.logspace(-1, 2, 40)
    _, _, together = train_primal(PrimalProblem(X, target, used, C, None))
    for j in (0, 31, 32, 39):
        _, _, alone = train_primal(PrimalProblem(X, target[:, [j]], used[:, [j]], C[[j]], None))
        assert alone[:, 0] == pytest.approx(together[:, j], abs=2e-3)


def test_nystroem_of_all_rows_is_the_kernel() -> None:
    problem = toy_problem(n=60)
    blocks, rows = encode_fold(problem.blocks, np.arange(60)), np.arange(60)
    modalities = problem.combinations[-1]
    scales = [s / 3 for s in blocks.scales(modalities, "euclidean")]
    distances = landmark_distances([blocks.encoded[modality].matrix for modality in modalities], scales, rows)
    assert distances == pytest.approx(blocks.squared(modalities) / 3, abs=1e-6)
    axes, _ = nystroem_features(("rbf", 0.7), distances, rows, rows)
    norms = (axes.values**2).sum(axis=1)
    apart = norms[:, None] + norms - 2 * axes.values @ axes.values.T
    assert apart == pytest.approx(2 - 2 * np.exp(-0.7 * distances), abs=1e-4)


@pytest.mark.parametrize("most", [2000, 10])
def test_distances_of_fused_rows_are_those_of_their_blocks(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotated to their principal axes if they have few columns, else unchanged, and sparse if one block is."""
    monkeypatch.setattr(approximation, "_MAX_ROTATED", most)
    problem = toy_problem(n=60)
    blocks, rows = encode_fold(problem.blocks, np.arange(60)), np.arange(40)
    for modalities in problem.combinations:
        matrices, scales = [blocks.encoded[modality].matrix for modality in modalities], blocks.scales(modalities, "euclidean")
        axes = linear_features(matrices, scales, rows)
        values = axes.values.toarray() if sp.issparse(axes.values) else axes.values
        apart = ((values[:, None].astype(np.float64) - values[None]) ** 2).sum(axis=2)
        assert apart == pytest.approx(blocks.squared(modalities), abs=1e-4)


def test_configurations_name_their_approximation() -> None:
    problem = toy_problem()
    _, configs = large(problem)
    assert {c["approximation"] for c in configs if c["kernel"] == "linear"} == {"squared hinge, one against the rest"}
    assert {c["approximation"] for c in configs if c["kernel"] == "rbf"} == {"nystroem of 60 rows, squared hinge, one against the rest"}
    assert {c["approximation"] for c in large(toy_problem(n_classes=2, task="binary"))[1] if c["gamma"] is None} == {"squared hinge"}
    exact = svm.SvmSettings(exact_rows=90)
    assert fitting_configs("toy", svm.MODEL, exact, problem) == svm.grid(exact, 0)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_the_sweep_is_near_the_exact_one(task: str) -> None:
    """The same bytes on any number of cores, and scores close to those of the exact SVMs."""
    problem = toy_problem(n=150, n_classes=2 if task == "binary" else 3, task=task)
    settings, configs = large(problem)
    score = problem.metrics[problem.scoring].score
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSORIUM_CORES", "1")
        alone = list(results(LearnerSetup(svm.MODEL, settings), problem, configs))
        patch.setenv("SENSORIUM_CORES", "3")
        found = list(results(LearnerSetup(svm.MODEL, settings), problem, configs))
    exact = list(results(LearnerSetup(svm.MODEL, settings), problem, svm.grid(settings, 0)))
    for a, b in zip(alone, found, strict=True):
        assert a.prediction.tobytes() == b.prediction.tobytes() and a.chosen == b.chosen
        assert a.probabilities is None or a.probabilities.tobytes() == b.probabilities.tobytes()
    of_large, of_exact = (np.mean([score(problem.target[r.fold.test], r.prediction, r.probabilities) for r in rs]) for rs in (found, exact))
    assert of_large > of_exact - 0.05
    for result in found:
        assert result.probabilities is None or task == "multilabel" or result.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_rows_of_other_folds_change_nothing_that_is_learned() -> None:
    problem = replace(toy_problem(), folds=toy_problem().folds[:1])
    settings, configs = large(problem)
    target = problem.target.copy()
    target[problem.folds[0].test] = 0
    other = replace(problem, target=target)
    for a, b in zip(*(results(LearnerSetup(svm.MODEL, settings), one, configs) for one in (problem, other)), strict=True):
        assert a.chosen == b.chosen and a.prediction.tobytes() == b.prediction.tobytes()


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_the_refitted_model_is_saved_and_loaded(task: str, kernel: str, tmp_path) -> None:
    problem = toy_problem(n_classes=2 if task == "binary" else 3, task=task)
    settings, configs = large(problem, kernel=(kernel,))
    modalities = problem.combinations[-1]
    fitted = fit_on(LearnerSetup(svm.MODEL, settings), problem, problem.final_fold(), modalities, configs[-1])
    save_fitted(tmp_path, fitted, problem, description("svm", modalities, configs[-1]))
    loaded, about = load_fitted(tmp_path)
    assert "squared" in about.config["approximation"]
    matrices = {name: problem.blocks[name].encoded(problem.training_rows()).matrix for name in modalities}
    before, after = svm.predict(fitted, matrices), svm.predict(loaded, matrices)
    assert before.decisions.tobytes() == after.decisions.tobytes()
    prediction = FORMS[problem.form].decide(before.decisions, fitted.arrays.get("thresholds"))
    assert problem.metrics[problem.scoring].score(problem.target, prediction, before.probabilities) > 0.8


def test_large_data_are_not_refused() -> None:
    """n × n matrices of 200,000 rows would need a thousand gigabytes."""
    require_memory("toy", svm.MODEL, Size(200_000, 1, n_values=100.0), svm.SvmSettings())
