"""Networks are trained by every optimizer and schedule; gradients of the compiled loop and of torch are those of the loss."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_networks import toy_data, with_terms
from toy_problem import toy_problem

from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.model_selection.protocol import LearnerSetup, results
from stages.models import mlp
from stages.models.mlp import descent
from stages.models.mlp.epoch_orders import EpochOrders
from stages.models.mlp.mlp_settings import MlpSettings, applicable, grid
from stages.models.mlp.networks import ACTIVATIONS, Network, Schedule, Shape, TrainingSet, UpdateRule, initial_weights, train_network
from stages.models.mlp.torch_training import loss_closure, mean_loss, outputs_for, rows_of

OPTIMIZERS, SCHEDULES = names("optimizers"), names("schedules")
RATES = {"adadelta": 1.0, "gradient_descent": 0.3, "sgd": 0.1}
EVERY = np.ones(57, dtype=bool)
Layers = list[tuple[torch.Tensor, torch.Tensor]]


def compiled_gradient(network: Network, data: TrainingSet, layers: Layers) -> np.ndarray:
    """Return the gradient of the mean loss over all rows by the flat weights, as the compiled loop computes it."""
    inputs, n = data.inputs, len(data.inputs)
    rows = descent.Inputs(inputs.dense, inputs.sparse.indptr, inputs.sparse.indices, inputs.sparse.data)
    sizes = np.array([inputs.n_columns, *network.shape.widths, data.n_outputs])
    weights = np.concatenate([part.detach().numpy().ravel() for layer in layers for part in layer]).astype(np.float32)
    hidden, outputs = np.zeros(n * sum(network.shape.widths), np.float32), np.zeros((n, data.n_outputs), np.float32)
    spare, transposed = np.zeros((2, n * max(network.shape.widths)), np.float32), np.zeros(10_000, np.float32)
    activation, places = descent.ACTIVATIONS[network.shape.activation], np.arange(n)
    descent.forward(weights, sizes, activation, rows, places, hidden, outputs)
    codes = data.target if data.form == "classes" else np.zeros(0, np.int64)
    values = np.zeros((0, 1), np.float32) if data.form == "classes" else data.target
    descent.loss_gradient(outputs, codes, values, descent.LOSSES[data.loss_of(network), data.form], network.margin)
    gradient = np.zeros_like(weights)
    descent.backward(weights, sizes, activation, rows, places, hidden, outputs, spare, transposed, gradient)
    return gradient


def leaves(network: Network, data: TrainingSet) -> Layers:
    """Return initial weights, and biases that are not 0, as float64 leaves."""
    initial = initial_weights(network.shape, data.inputs.n_columns, data.n_outputs, network.seed, data.inputs.sparse.shape[1])
    rng = np.random.default_rng(1)
    pairs = [(weight, rng.normal(0, 0.3, len(bias))) for weight, bias in initial]
    return [tuple(torch.tensor(np.float32(part), dtype=torch.float64, requires_grad=True) for part in pair) for pair in pairs]  # type: ignore[misc]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", descent.LOSSES, ids="-".join)
def test_gradients_are_those_of_finite_differences(activation: str, loss: tuple[str, str]) -> None:
    """Of torch in float64 to 1e-6, and of the compiled loop in float32 to 1e-5; of dense and sparse columns and unequal widths."""
    data = with_terms(toy_data(loss[1]), 0.1, n_terms=12)
    network = Network(Shape((6, 3), activation), 0.01, 0.0, EVERY, 4, loss[0], 0.7)
    layers, rows = leaves(network, data), rows_of(data, EVERY)
    parameters = [part for layer in layers for part in layer]
    loss_closure(network, data, layers, rows)()
    found = np.concatenate([part.grad.numpy().ravel() for part in parameters])

    def value() -> float:
        with torch.no_grad():
            return float(mean_loss(outputs_for(layers, rows, activation), rows.target, data.form, loss[0], 0.7))

    expected, step = [], 1e-6
    for part in parameters:
        flat = part.detach().view(-1)
        for i in range(len(flat)):
            ends = []
            for side in (step, -step):
                flat[i] += side
                ends.append(value())
                flat[i] -= side
            expected.append((ends[0] - ends[1]) / (2 * step))
    assert found == pytest.approx(expected, abs=1e-6)
    assert compiled_gradient(network, data, layers) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_with_every_schedule_learns(optimizer: str, schedule: str) -> None:
    """The loss falls, the same bytes come again, and with early stopping the best epoch's outputs are kept."""
    data = with_terms(toy_data("classes"), 0.1, n_terms=12)
    plan, rule = Schedule(10, 16, 4), UpdateRule(optimizer, {}, schedule)
    network = Network(Shape((6, 4), "tanh"), RATES.get(optimizer, 0.01), 0.001, EVERY, 4, rule=rule)
    found, again = (train_network(network, data, plan, EpochOrders(1, 57, 10)) for _ in range(2))
    assert len(found.train_loss) == found.best_epoch == 10
    assert found.train_loss[-1] < 0.97 * found.train_loss[0]
    assert all(a.tobytes() == b.tobytes() for one, other in zip(found.weights, again.weights, strict=True)
               for a, b in zip(one, other, strict=True))  # fmt: skip
    stopped = train_network(replace(network, used=np.arange(57) % 3 != 0), data, plan, EpochOrders(1, 57, 10))
    assert stopped.best_loss == min(stopped.held_out_loss) == stopped.held_out_loss[stopped.best_epoch - 1]
    target = data.target[np.arange(57) % 3 == 0]
    assert -np.log(stopped.held_out[np.arange(len(target)), target]).mean() == pytest.approx(stopped.best_loss, abs=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("form", ["classes", "labels", "continuous"])
def test_the_compiled_adamw_is_the_one_of_the_optimizers(form: str, schedule: str) -> None:
    """With its defaults spelled out AdamW is trained by torch in float64: weights agree to 1e-5 after 12 steps, losses to 1e-5."""
    data, plan = with_terms(toy_data(form), 0.1, n_terms=12), Schedule(3, 16, 3, planned=5)
    network = Network(Shape((6, 4), "tanh"), 0.003, 0.1, EVERY, 4, rule=UpdateRule("adamw", {}, schedule))
    by_torch = replace(network, rule=UpdateRule("adamw", {"beta1": 0.9}, schedule))
    assert network.rule.is_compiled and not by_torch.rule.is_compiled
    found, expected = (train_network(one, data, plan, EpochOrders(2, 57, 3)) for one in (network, by_torch))
    assert found.train_loss == pytest.approx(expected.train_loss, rel=1e-5)
    for one, other in zip(found.weights, expected.weights, strict=True):
        for part, peer in zip(one, other, strict=True):
            assert part == pytest.approx(peer, abs=1e-5)


def test_a_schedule_goes_over_the_planned_epochs() -> None:
    rule = UpdateRule(schedule="linear_decay")
    whole = list(rule.rates(0.1, 8, 8))
    assert list(rule.rates(0.1, 3, 8)) == whole[:3] and whole[0] == 0.1 and whole[-1] < 0.02


def test_weights_decay_of_full_batch_rules_is_a_penalty() -> None:
    """At its minimum the gradient of the loss is −λ·θ, and of other rules' weights nothing pulls but the rate."""
    data = toy_data("continuous")
    network = Network(Shape((3,), "identity"), 1.0, 0.5, EVERY, 4, rule=UpdateRule("newton"))
    found = train_network(network, data, Schedule(60, 16, 60), EpochOrders(1, 57, 60))
    layers = [(torch.tensor(w, dtype=torch.float64, requires_grad=True), torch.tensor(b, dtype=torch.float64, requires_grad=True))
              for w, b in found.weights]  # fmt: skip
    loss_closure(replace(network, decay=0.0), data, layers, rows_of(data, EVERY))()
    for weight, bias in layers:
        assert weight.grad.numpy() == pytest.approx(-0.5 * weight.detach().numpy(), abs=1e-4)
        assert bias.grad.numpy() == pytest.approx(-0.5 * bias.detach().numpy(), abs=1e-4)


# ---------------------------------------------------------------- settings and the sweep
SMALL: dict[str, Any] = {
    "hidden_layer_sizes": ((5, 3),), "activation": ("tanh",), "learning_rate_init": (0.01, 0.03), "weight_decay": (0.01,), "max_iter": 4,
}  # fmt: skip


def test_a_usual_grid_names_neither_loss_nor_rule() -> None:
    (first, *_) = grid(MlpSettings(**SMALL), 0)
    assert list(first) == ["hidden_layer_sizes", "activation", "weight_decay", "learning_rate_init"]


def test_what_searches_its_step_has_no_learning_rate() -> None:
    settings = MlpSettings(**SMALL, optimizer=("adamw", "lbfgs"), schedule=tuple(SCHEDULES), loss=("log", "hinge"), margin=0.5)
    configs = grid(settings, 0)
    assert len(configs) == 2 * (2 * len(SCHEDULES) + 1)
    of_lbfgs = [config for config in configs if config["optimizer"] == "lbfgs"]
    assert [(config["learning_rate_init"], config["schedule"]) for config in of_lbfgs] == [(None, None)] * 2
    assert {(config["loss"], config["margin"]) for config in configs} == {("log", None), ("hinge", 0.5)}


@pytest.mark.parametrize(("given", "message"), [
    ({"optimizer": ("lbgs",)}, r"no 'lbgs' under stages/optimizers/; there are: adadelta, .*lbfgs"),
    ({"schedule": ("cosine",)}, r"no 'cosine' under stages/schedules/; there are: constant, linear_decay"),
    ({"optimizer_settings": {"sgd": {}}}, r"optimizer_settings\.sgd: it is not in optimizer: adamw"),
    ({"optimizer_settings": {"adamw": {"weight_decay": 1.0}}}, r"adamw\.weight_decay: it is swept by weight_decay"),
    ({"optimizer_settings": {"adamw": {"beta": 1.0}}}, r"optimizer_settings\.adamw\.beta: .*; known are beta1, beta2, eps"),
])  # fmt: skip
def test_unknown_rules_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MlpSettings(**SMALL, **given)


def test_a_loss_that_the_targets_do_not_allow_is_left_out() -> None:
    settings = MlpSettings(**SMALL, loss=("hinge", "squared"))
    configs = grid(settings, 0)
    for task, loss in (("multiclass", "hinge"), ("multilabel", "hinge"), ("regression", "squared")):
        assert {config["loss"] for config in applicable(configs, settings, toy_problem(task=task))} == {loss}
    with pytest.raises(
        InputError, match=r"models\.mlp\.loss: hinge is not a loss of targets that are continuous; add one of squared, auto"
    ):
        of_hinge = MlpSettings(**SMALL, loss=("hinge",))
        applicable(grid(of_hinge, 0), of_hinge, toy_problem(task="regression"))


@pytest.mark.parametrize("n_iter", [1, 3])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_every_form_of_target_has_the_declared_number_of_configurations(task: str, seed: int, n_iter: int) -> None:
    settings = MlpSettings(hidden_layer_sizes=[[4]], activation=["relu", "tanh"], loss=["log", "squared"], n_iter=n_iter)
    assert len(applicable(grid(settings, seed), settings, toy_problem(task=task))) == n_iter


def test_a_loss_that_is_named_and_usual_is_tried_once() -> None:
    settings = MlpSettings(hidden_layer_sizes=[[4]], activation=["relu"], loss=["auto", "log", "squared"], learning_rate_init=[0.01],
                           weight_decay=[0.0])  # fmt: skip
    for task in ("multiclass", "multilabel", "regression"):
        assert [config["loss"] for config in applicable(grid(settings, 0), settings, toy_problem(task=task))] == ["auto"]


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
@pytest.mark.parametrize(
    "given", [{"loss": ("hinge", "hinge_max", "squared")}, {"optimizer": ("sgd", "lbfgs"), "schedule": ("linear_decay",)}]
)
def test_a_sweep_predicts_and_its_saved_network_predicts_the_same(task: str, given: dict[str, Any]) -> None:
    problem = toy_problem(task=task, modalities=("image", "text"))
    settings = MlpSettings(**SMALL, **given, n_components=4)
    configs = applicable(grid(settings, 0), settings, problem)
    (last,) = [r for r in results(LearnerSetup(mlp.MODEL, settings), problem, configs) if r.fold.index == 0 and len(r.modalities) == 2]
    alone = replace(problem, folds=(last.fold,), combinations=(last.modalities,))
    with ThreadPoolExecutor(1) as pool:
        ((sweep,),) = mlp.MODEL.run(alone, settings, configs, pool)
        saved = sweep.fitted(last.chosen)
        expected = sweep.refit(last.chosen, problem.seed)().scores.decisions
    matrices = {name: problem.blocks[name].encoded(last.fold.train).matrix[last.fold.test] for name in last.modalities}
    assert mlp.predict(saved, matrices).decisions == pytest.approx(expected, abs=1e-6)
    assert component("models", "mlp") is mlp.MODEL
