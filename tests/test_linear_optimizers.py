"""The linear models by optimizers of stages/optimizers/: the same objective, the same minimum, the protocol."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from test_linear import blobs
from test_models import description
from toy_problem import toy_problem

from stages.foundation.registry import component, names
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.models.linear.descended_fit import torch_loss
from stages.models.linear.linear_estimators import LinearClassifier, LinearRegressor
from stages.models.linear.penalized_fit import Regularizer, objective
from stages.models.linear.score_losses import ScoreLoss, hinge_loss, log_loss, squared_loss
from stages.training.saved_model import load_fitted, save_fitted

MODEL = component("models", "linear")
SWEEP = as_sweep(MODEL)
SEARCHING = [name for name in names("optimizers") if component("optimizers", name).searches_step]
WITH_RATE = {name: 0.1 for name in names("optimizers") if name not in SEARCHING} | {"gradient_descent": 1.0, "adadelta": 5.0}


def losses(codes: np.ndarray) -> dict[str, ScoreLoss]:
    return {
        "log": log_loss(codes), "squared": squared_loss(codes * 1.0), "hinge": hinge_loss(codes, 1.5, 0.3, of_maximum=False),
        "hinge_max": hinge_loss(codes, 1.5, 0.3, of_maximum=True),
    }  # fmt: skip


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", ["log", "squared", "hinge", "hinge_max"])
def test_torch_s_losses_are_numpy_s_with_their_slopes(name: str, n_classes: int) -> None:
    draw = np.random.default_rng(6)
    codes = draw.integers(0, n_classes, 20)
    scores = draw.normal(size=(20, 1 if n_classes == 2 or name == "squared" else n_classes))
    whole = np.hstack([np.zeros_like(scores), scores]) if n_classes == 2 and name != "squared" else scores
    value, slopes = losses(codes)[name](whole)
    tensor = torch.tensor(scores, requires_grad=True)
    found = torch_loss(name, 1.5, 0.3)(tensor, torch.from_numpy(codes if name != "squared" else codes * 1.0))
    found.backward()
    assert float(found.detach()) == pytest.approx(value / 20, rel=1e-12)
    assert tensor.grad is not None
    np.testing.assert_allclose(tensor.grad.numpy() * 20, slopes[:, -scores.shape[1] :], atol=1e-12)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", SEARCHING)
def test_second_order_optimizers_reach_the_solver_s_minimum(name: str, n_classes: int, is_sparse: bool) -> None:
    X, codes = blobs(n_classes=n_classes)
    rows = scipy.sparse.csr_array(X) if is_sparse else X
    for given in ({}, {"loss": "hinge", "C": 0.1}, {"penalty": 3.0}) if name != "newton" else ({}, {"penalty": 3.0}):
        solved = LinearClassifier(**given, max_iter=20_000, tol=1e-9).fit(rows, codes)
        found = LinearClassifier(**given, max_iter=500, tol=1e-6, descent={"optimizer": name}).fit(rows, codes)
        np.testing.assert_allclose(found.coef_, solved.coef_, atol=2e-3)
        assert found.n_iter_ < 500


@pytest.mark.parametrize("name", names("optimizers"))
def test_every_optimizer_comes_near_the_minimum(name: str) -> None:
    X, codes = blobs()
    solved = LinearClassifier(C=0.5, max_iter=20_000, tol=1e-9).fit(X, codes)
    whole = objective(X, log_loss(codes), Regularizer(2.0, 0.5, 1 / (0.5 * len(X))), solved.coef_.shape)

    def value(model: LinearClassifier) -> float:
        return whole(np.concatenate([model.coef_.ravel(), model.intercept_]))[0]

    descent = {"optimizer": name, "learning_rate": WITH_RATE.get(name, 1.0), "schedule": "linear_decay",
               "settings": {"weight_decay": 0.0} if name == "adamw" else {}}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it is not there yet
        found = LinearClassifier(C=0.5, max_iter=300, tol=1e-7, descent=descent).fit(X, codes)
    start = np.log(3)
    assert value(solved) - 1e-9 <= value(found) <= value(solved) + 0.02 * (start - value(solved))


def test_an_optimizer_that_is_not_there_yet_says_so() -> None:
    X, codes = blobs()
    with pytest.warns(UserWarning, match="sgd stopped after 3 iterations, before tol="):
        LinearClassifier(max_iter=3, descent={"optimizer": "sgd"}).fit(X, codes)


def test_mini_batches_depend_on_the_seed_alone() -> None:
    X, codes = blobs()

    def weights(seed: int, batch_size: int | None) -> np.ndarray:
        descent = {"optimizer": "adam", "learning_rate": 0.05, "batch_size": batch_size, "seed": seed}
        return LinearClassifier(max_iter=10, tol=1.0, descent=descent).fit(X, codes).coef_

    assert weights(1, 7).tobytes() == weights(1, 7).tobytes()
    assert weights(1, 7).tobytes() != weights(2, 7).tobytes()
    assert weights(1, None).tobytes() == weights(2, None).tobytes()


def test_one_pass_of_mini_batches_by_hand() -> None:
    """Plain steps on the squared error of 5 rows, 2 at a time, in the order that the seed draws, at a rate that falls."""
    draw = np.random.default_rng(8)
    X, y = draw.normal(size=(5, 2)), draw.normal(size=5)
    descent = {"optimizer": "sgd", "settings": {"momentum": 0.0}, "learning_rate": 0.1, "schedule": "linear_decay", "batch_size": 2,
               "seed": 4}  # fmt: skip
    found = LinearRegressor(C=0.5, max_iter=1, descent=descent).fit(X, y)
    w, b, order = np.zeros(2), 0.0, np.random.default_rng([4, 0]).permutation(5)
    for step, rows in enumerate((order[:2], order[2:4], order[4:])):
        errors, rate = X[rows] @ w + b - y[rows], (1 - step / 3) * 0.1 + step / 3 * 0.001
        w, b = w - rate * (X[rows].T @ errors / len(rows) + w / (0.5 * 5)), b - rate * errors.mean()
    np.testing.assert_allclose(found.coef_[0], w, rtol=1e-12)
    np.testing.assert_allclose(found.intercept_[0], b, rtol=1e-12)


def test_configurations_name_what_an_optimizer_uses() -> None:
    configs = MODEL.grid(MODEL.settings(optimizer=[None, "bfgs", "sgd"], learning_rate=[0.1, 1], batch_size=16, C=[1],
                                        optimizer_settings={"sgd": {"momentum": 0.5}}), 0)  # fmt: skip
    keys = ("optimizer", "optimizer_settings", "learning_rate", "schedule", "batch_size")
    assert [tuple(config[key] for key in keys) for config in configs] == [
        (None, None, None, None, None), ("bfgs", None, None, None, None), ("sgd", {"momentum": 0.5}, 0.1, "constant", 16),
        ("sgd", {"momentum": 0.5}, 1, "constant", 16)]  # fmt: skip
    made = MODEL.make(configs[2], "classes", 5)
    assert made.descent == {"optimizer": "sgd", "settings": {"momentum": 0.5}, "learning_rate": 0.1, "schedule": "constant",
                            "batch_size": 16, "seed": 5}  # fmt: skip


@pytest.mark.parametrize(("given", "message"), [
    ({"optimizer": ["adamm"]}, "no 'adamm' under stages/optimizers/; there are: adadelta, adam"),
    ({"schedule": "cosine"}, "no 'cosine' under stages/schedules/; there are: constant, linear_decay"),
    ({"optimizer_settings": {"sgd": {}}}, "optimizer_settings.sgd: it is not in optimizer: null"),
    ({"optimizer": ["sgd"], "optimizer_settings": {"sgd": {"momentun": 1}}},
     r"optimizer_settings\.sgd\.momentun: Extra inputs are not permitted; known are momentum, nesterov"),
    ({"optimizer": ["sgd"], "optimizer_settings": {"sgd": {"momentum": 2}}},
     r"optimizer_settings\.sgd\.momentum: Input should be less than 1"),
    ({"optimizer": ["sgd"], "learning_rate": [0]}, "learning_rate"), ({"batch_size": 0}, "batch_size"),
])  # fmt: skip
def test_bad_settings_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODEL.settings(**given)


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_goes_through_the_protocol(task: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The same bytes on any number of cores; saved and loaded, it predicts the same."""
    settings = MODEL.settings(optimizer=["lbfgs", "adam"], batch_size=32, C=[0.5, 1.0], learning_rate=[0.1], max_iter=40)
    problem = toy_problem(task=task)
    problem = replace(problem, combinations=problem.combinations[-1:])
    configs, found = MODEL.grid(settings, 0), []
    for cores in ("1", "3"):
        monkeypatch.setenv("SENSORIUM_CORES", cores)
        found.append(list(results(LearnerSetup(SWEEP, settings), problem, configs)))
    for a, b in zip(*found, strict=True):
        assert a.prediction.tobytes() == b.prediction.tobytes() and a.chosen == b.chosen
        if task == "multiclass":
            assert (a.inner_scores["accuracy"].mean(axis=1) > 0.75).all()
    for place in (0, 3):
        fitted = fit_on(LearnerSetup(SWEEP, settings), problem, problem.final_fold(), problem.combinations[-1], configs[place])
        save_fitted(tmp_path / str(place), fitted, problem, description("linear", problem.combinations[-1], configs[place]))
        matrices = {name: problem.blocks[name].encoded(problem.training_rows()).matrix for name in problem.combinations[-1]}
        before, after = SWEEP.predict(fitted, matrices), SWEEP.predict(load_fitted(tmp_path / str(place))[0], matrices)
        assert before.decisions.tolist() == after.decisions.tolist()
