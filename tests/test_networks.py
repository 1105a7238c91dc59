"""A network learns what torch's AdamW with automatic gradients learns, alone or with other networks, on any number of cores."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from toy_problem import toy_problem

from stages.features import projection
from stages.features.early_fusion import encode_fold
from stages.features.projection import fit_projection
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.prefetch import prefetched, workers
from stages.model_selection.protocol import LearnerSetup, results
from stages.models import mlp
from stages.models.mlp import descent
from stages.models.mlp.epoch_orders import EpochOrders
from stages.models.mlp.losses import loss_for
from stages.models.mlp.mixed_inputs import MixedInputs, dense_inputs, mixed_inputs
from stages.models.mlp.mlp_fold_sweep import _seed, mean_curve
from stages.models.mlp.networks import (
    ACTIVATIONS,
    Network,
    Schedule,
    Shape,
    TrainedNetwork,
    TrainingSet,
    initial_weights,
    outputs_of,
    train_network,
)

TORCH = {"relu": torch.relu, "tanh": torch.tanh, "logistic": torch.sigmoid, "softplus": torch.nn.functional.softplus,
         "identity": lambda x: x}  # fmt: skip
FORMS = ("classes", "labels", "continuous")


def plain_loss(data: TrainingSet, network: Network, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean loss over rows, as torch's own functions have it; hinges as sums and maxima of a loop over classes."""
    loss, margin, zero = data.loss_of(network), network.margin, torch.zeros(())
    if loss == "log" and data.form == "classes":
        return torch.nn.functional.cross_entropy(outputs, target)
    if loss == "log":
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, target)
    if data.form == "labels":
        sides = zip(outputs.ravel(), target.ravel(), strict=True)
        return torch.stack([torch.maximum(zero, margin - (f if y > 0 else -f)) for f, y in sides]).mean()
    if loss.startswith("hinge"):
        rows = [[torch.maximum(zero, f[j] - f[y] + margin) for j in range(len(f)) if j != y] for f, y in zip(outputs, target, strict=True)]
        return torch.stack([max(row) if loss == "hinge_max" else sum(row) for row in rows]).mean()
    known = ~torch.isnan(target)
    errors = torch.where(known, outputs - torch.nan_to_num(target), 0.0) ** 2
    return (errors.sum(dim=1) / known.sum(dim=1).clamp(min=1)).mean()


def plain_training(network: Network, data: TrainingSet, schedule: Schedule, order_seed: int) -> tuple[TrainedNetwork, list]:
    """Train one network with automatic gradients and torch.optim.AdamW; return what it ended as and its last parameters."""
    X = torch.from_numpy(np.hstack([data.inputs.dense, data.inputs.sparse.toarray()]))
    y, used = torch.from_numpy(data.target), torch.from_numpy(network.used)
    initial = initial_weights(network.shape, X.shape[1], data.n_outputs, network.seed, data.inputs.sparse.shape[1])
    layers = [(torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)) for w, b in initial]
    optimizer = torch.optim.AdamW([p for layer in layers for p in layer], lr=network.rate, weight_decay=network.decay)

    def outputs_for(x: torch.Tensor) -> torch.Tensor:
        for weight, bias in layers[:-1]:
            x = TORCH[network.shape.activation](x @ weight + bias)
        return x @ layers[-1][0] + layers[-1][1]

    orders, found = np.vstack(list(EpochOrders(order_seed, len(y), schedule.epochs).chunks())), TrainedNetwork(np.empty(0))
    for epoch in range(1, schedule.epochs + 1):
        for batch in torch.from_numpy(orders[epoch - 1]).long().split(schedule.batch):
            rows = batch[used[batch]]
            optimizer.zero_grad()
            (plain_loss(data, network, outputs_for(X[rows]), y[rows]) if len(rows) else 0 * layers[0][0].sum()).backward()
            if not len(rows):
                for parameter in (p for layer in layers for p in layer):
                    parameter.grad = torch.zeros_like(parameter)
            optimizer.step()
        judged = ~used if not used.all() else used
        with torch.no_grad():
            outputs = outputs_for(X[judged])
            loss = float(plain_loss(data, network, outputs, y[judged]))
        if used.all():
            found.train_loss.append(loss)
            continue
        found.held_out_loss.append(loss)
        if loss < found.best_loss:
            read = {"classes": lambda o: torch.softmax(o, dim=1), "labels": torch.sigmoid, "continuous": lambda o: o}[data.form]
            found.best_epoch, found.best_loss, found.held_out = epoch, loss, read(outputs).numpy()
        if epoch - found.best_epoch >= schedule.patience:
            break
    return found, [p.detach().numpy() for layer in layers for p in layer]


def toy_data(form: str, n: int = 57, d: int = 5, seed: int = 0) -> TrainingSet:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)).astype(np.float32)
    inputs = dense_inputs(X)
    if form == "classes":
        return TrainingSet(inputs, (X[:, 0] + rng.standard_normal(n) > 0).astype(np.int64) + (X[:, 1] > 0.5), 3, form)
    values = (X[:, :3] + rng.standard_normal((n, 3))).astype(np.float32)
    if form == "labels":
        return TrainingSet(inputs, (values > 0).astype(np.float32), 3, form)
    values.ravel()[::7] = np.nan
    values[4] = np.nan
    return TrainingSet(inputs, values, 3, form)


def with_terms(data: TrainingSet, share: float, n_dense: int = 5, n_terms: int = 40) -> TrainingSet:
    """Return the data with the first of its dense columns, and sparse ones, of whose values `share` are not 0."""
    rng, shape = np.random.default_rng(3), (len(data.inputs), n_terms)
    values = np.where(rng.random(shape) < share, rng.uniform(0.2, 1, shape), 0).astype(np.float32)
    return replace(data, inputs=MixedInputs(np.ascontiguousarray(data.inputs.dense[:, :n_dense]), sp.csr_array(values)))


def assert_as_torch(network: Network, data: TrainingSet, schedule: Schedule, seed: int, *, rel: float = 1e-4) -> None:
    """Assert that a network with early stopping learns what the plain loop learns."""
    found = train_network(network, data, schedule, EpochOrders(seed, 57, schedule.epochs))
    expected, _ = plain_training(network, data, schedule, seed)
    assert found.best_epoch == expected.best_epoch
    assert found.held_out_loss == pytest.approx(expected.held_out_loss, rel=rel)
    assert found.best_loss == pytest.approx(expected.best_loss, rel=rel)
    assert found.held_out == pytest.approx(expected.held_out, abs=2 * rel)


@pytest.mark.parametrize(("form", "activation", "widths"), list(itertools.product(FORMS, ACTIVATIONS, ((7,), (7, 3, 10)))))
def test_a_network_learns_what_torch_learns(form: str, activation: str, widths: tuple[int, ...]) -> None:
    data, schedule = toy_data(form), Schedule(epochs=14, batch=16, patience=3)
    for inner in range(3):
        assert_as_torch(Network(Shape(widths, activation), 0.03, 0.05, np.arange(57) % 3 != inner, 5 + inner), data, schedule, 11)


@pytest.mark.parametrize(("form", "loss"), [(form, loss) for form in FORMS[:2] for loss in ("hinge", "hinge_max")])
@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_a_hinge_learns_what_torch_learns(form: str, loss: str, margin: float) -> None:
    """Where gradients of ±1/m cancel, what rounding leaves is a step to Adam: hence the wider tolerance."""
    network = Network(Shape((7, 4), "tanh"), 0.01, 0.05, np.arange(57) % 3 != 1, 5, loss, margin)
    assert_as_torch(network, toy_data(form), Schedule(epochs=10, batch=16, patience=3), 11, rel=2e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("share", "n_dense", "decay"), [(0.02, 5, 0.05), (0.2, 0, 10.0), (1.0, 2, 0.0)])
def test_sparse_columns_learn_what_dense_ones_learn(form: str, share: float, n_dense: int, decay: float) -> None:
    """Steps that a column has missed are made up for exactly: torch takes each of them. Of 0.02, most columns miss most steps."""
    data, schedule = with_terms(toy_data(form), share, n_dense), Schedule(epochs=12, batch=5, patience=12)
    network = Network(Shape((7, 3), "tanh"), 0.03, decay, np.arange(57) % 3 != 0, 5)
    assert_as_torch(network, data, schedule, 11, rel=1e-3)  # float32, summed in another order: how far apart depends on the processor
    slow = replace(network, used=np.ones(57, dtype=bool), rate=0.001)
    found = train_network(slow, data, Schedule(3, 5, 3), EpochOrders(11, 57, 3))
    _, parameters = plain_training(slow, data, Schedule(3, 5, 3), 11)
    for part, other in zip([p for layer in found.weights for p in layer], parameters, strict=True):
        assert part == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [1, 20, 1000])
def test_a_network_of_all_rows_ends_with_torchs_weights(form: str, batch: int) -> None:
    data, schedule = toy_data(form), Schedule(epochs=6, batch=batch, patience=1)
    network = Network(Shape((6, 6), "tanh"), 0.01, 0.1, np.ones(57, dtype=bool), 3)
    found = train_network(network, data, schedule, EpochOrders(2, 57, 6))
    expected, parameters = plain_training(network, data, schedule, 2)
    assert found.train_loss == pytest.approx(expected.train_loss, rel=1e-4)
    for part, other in zip([p for layer in found.weights for p in layer], parameters, strict=True):
        assert part == pytest.approx(other, abs=2e-4)
    read = outputs_of(found.weights, data.inputs, "tanh", form)
    assert read.dtype == np.float32 and read.shape == (57, 3)


@pytest.mark.parametrize("form", FORMS)
def test_a_mini_batch_without_training_rows_moves_by_momentum_alone(form: str) -> None:
    data, schedule = toy_data(form), Schedule(epochs=5, batch=3, patience=5)
    network = Network(Shape((4,), "relu"), 0.05, 0.1, np.arange(57) < 9, 3)
    expected, _ = plain_training(network, data, schedule, 2)
    found = train_network(network, data, schedule, EpochOrders(2, 57, 5))
    assert found.held_out_loss == pytest.approx(expected.held_out_loss, rel=1e-4)


def test_a_mean_curve_falls_where_every_curve_falls() -> None:
    """A network that has stopped keeps its last loss; the mean over those left would be 1.5, 2.5, 2."""
    assert mean_curve([[1.0], [2.0, 1.5], [3.0, 2.5, 2.0]]) == [2.0, 5 / 3, 1.5]


def test_other_networks_and_cores_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    data, schedule = toy_data("classes"), Schedule(epochs=12, batch=16, patience=3)
    networks = [Network(Shape((width, width + 2), "tanh"), rate, 0.01, np.arange(57) % 3 != j, j)
                for width in (3, 16) for rate in (0.01, 0.1) for j in range(3)]  # fmt: skip
    alone = [train_network(network, data, schedule, EpochOrders(1, 57, 12)).held_out.tobytes() for network in networks]
    for cores in ("1", "2", "3"):
        monkeypatch.setenv("SENSORIUM_CORES", cores)
        orders = EpochOrders(1, 57, 12)
        with workers() as pool:
            futures = [pool.submit(train_network, network, data, schedule, orders) for network in networks]
            assert [future.result().held_out.tobytes() for future in futures] == alone


def test_orders_generated_in_chunks_train_the_same() -> None:
    data, schedule = toy_data("continuous"), Schedule(epochs=12, batch=16, patience=4)
    network, orders = Network(Shape((6,), "relu"), 0.02, 0.01, np.arange(57) % 3 != 0, 4), EpochOrders(1, 57, 12)
    orders._chunk_epochs = 5
    assert [len(part) for part in orders.chunks()] == [5, 5, 2]
    a, b = (train_network(network, data, schedule, given) for given in (orders, EpochOrders(1, 57, 12)))
    assert (a.held_out.tobytes(), a.held_out_loss, a.best_epoch) == (b.held_out.tobytes(), b.held_out_loss, b.best_epoch)


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_orders_are_permutations_of_their_seed(seed: int) -> None:
    chunks = list(EpochOrders(seed, 2**19, 3).chunks())
    assert [chunk.shape for chunk in chunks] == [(2, 2**19), (1, 2**19)]
    random = np.random.default_rng(seed)
    for order in np.vstack(chunks):
        assert (order == random.permutation(2**19)).all()
    assert np.vstack(chunks)[0].tolist() != np.vstack(chunks)[1].tolist()


def test_vectorised_functions_are_close_to_the_exact_ones() -> None:
    x = np.linspace(-86, 87, 200_001, dtype=np.float32)
    found = x.copy()
    descent.exponential(found)
    assert np.abs(found / np.exp(x.astype(np.float64)) - 1).max() < 3e-7
    extreme = np.array([-1e30, -np.inf, 1e30], dtype=np.float32)
    descent.exponential(extreme)
    assert extreme[:2].max() < 1e-37 and np.isfinite(extreme).all()
    x = np.linspace(-12, 12, 20_001, dtype=np.float32)
    assert np.abs(np.array([descent._tanh(value) for value in x]) - np.tanh(x.astype(np.float64))).max() < 4e-7


def test_extreme_outputs_have_finite_losses() -> None:
    codes, values = np.array([0, 1, 0]), np.array([[1.0, 0], [0, 1], [1, 1]], dtype=np.float32)
    outputs = np.array([[300.0, -300], [300, -300], [0, 0]], dtype=np.float32)
    nothing, none = np.zeros((0, 1), dtype=np.float32), np.zeros(0, dtype=np.int64)
    assert descent.loss_and_probabilities(outputs.copy(), codes, nothing, 0, 1.0) == pytest.approx(600 + np.log(2))
    assert descent.loss_and_probabilities(outputs.copy(), none, values, 1, 1.0) == pytest.approx(
        300 + (300 + 2 * np.log(2)) / 2 - 150, rel=1e-6
    )
    many = np.zeros((2, 5000), dtype=np.float32)
    assert descent.loss_and_probabilities(many, none, np.zeros((2, 5000), dtype=np.float32), 1, 1.0) == pytest.approx(
        2 * np.log(2), rel=1e-6
    )


def test_training_that_diverges_keeps_the_untrained_output() -> None:
    network = Network(Shape((4,), "identity"), 10.0, 10.0, np.arange(57) % 2 == 0, 1)
    data = toy_data("continuous")
    data = replace(data, inputs=dense_inputs(data.inputs.dense * np.float32(1e30)))
    found = train_network(network, data, Schedule(9, 8, 3), EpochOrders(1, 57, 9))
    assert (found.best_epoch, found.held_out.tolist(), len(found.held_out_loss)) == (0, np.zeros((28, 3)).tolist(), 3)


# ---------------------------------------------------------------- the sweep
def test_a_sweep_equals_the_plain_loop() -> None:
    """Every configuration, inner fold and modality combination by itself in torch, and the chosen one again on all rows."""
    problem = toy_problem(n=48, modalities=("image", "text"))
    settings = mlp.MlpSettings(hidden_layer_sizes=((6,), (6, 6)), activation=("relu",), learning_rate_init=(0.03,), weight_decay=(0.01,),
                               max_iter=8, n_iter_no_change=2, batch_size=10, n_components=4, n_terms=9)  # fmt: skip
    configs = mlp.grid(settings, 0)
    for result in results(LearnerSetup(mlp.MODEL, settings), problem, configs):
        fold, modalities = result.fold, result.modalities
        blocks = encode_fold(problem.blocks, fold.train)
        matrices = {name: blocks.encoded[name].matrix for name in modalities}
        X = mixed_inputs(matrices, projection.fit_projections(blocks, modalities, fold.train, 4, n_terms=9), modalities)
        target, loss = problem.target[fold.train], loss_for(problem, fold.train)
        data, schedule = TrainingSet(X.taken(fold.train), loss.encoded(target), loss.n_outputs, loss.name), Schedule(8, 10, 2)
        epochs = []
        for i, config in enumerate(configs):
            shape, epochs_of = Shape(tuple(config["hidden_layer_sizes"]), "relu"), []
            for j in range(2):
                network = Network(shape, 0.03, 0.01, fold.inner != j, _seed(problem.seed, fold, modalities, "weights", str(j)))
                found, _ = plain_training(network, data, schedule, _seed(problem.seed, fold, modalities, "order"))
                hits = found.held_out.argmax(axis=1) == target[fold.inner == j]
                assert result.inner_scores["accuracy"][i, j] == pytest.approx(hits.mean())
                epochs_of.append(found.best_epoch)
            epochs.append(max(1, round(np.mean(epochs_of))))
        shape = Shape(tuple(configs[result.chosen]["hidden_layer_sizes"]), "relu")
        network = Network(shape, 0.03, 0.01, np.ones(len(target), dtype=bool), _seed(problem.seed, fold, modalities, "weights", "refit"))
        schedule = Schedule(epochs[result.chosen], 10, 2)
        _, parameters = plain_training(network, data, schedule, _seed(problem.seed, fold, modalities, "order", "refit"))
        layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        assert result.probabilities == pytest.approx(outputs_of(layers, X.taken(fold.test), "relu", "classes"), abs=5e-4)


def test_each_item_is_begun_before_the_one_before_it_is_used() -> None:
    begun = []
    for item in prefetched(begun.append(i) or i for i in range(3)):  # type: ignore[func-returns-value]
        assert begun == list(range(min(item + 2, 3)))
    assert list(prefetched([])) == []


def test_what_is_queued_is_dropped_when_the_caller_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES_VARIABLE, "1")
    done: list[int] = []
    with pytest.raises(ValueError, match="enough"), workers() as pool:
        first = pool.submit(done.append, 0)
        first.result()
        blocker = pool.submit(__import__("time").sleep, 0.1)
        rest = [pool.submit(done.append, i) for i in range(1, 100)]
        raise ValueError("enough")
    assert blocker.done() and done == [0] and all(future.cancelled() for future in rest)


# ---------------------------------------------------------------- principal components
@pytest.mark.parametrize("shape", [(300, 700), (700, 300), (400, 400)])
@pytest.mark.parametrize("sparse", [False, True])
def test_leading_components_equal_those_of_all(shape: tuple[int, int], sparse: bool) -> None:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random(shape) < 0.05, rng.random(shape) * np.linspace(1, 4, shape[1]), 0).astype(np.float64)
    found = fit_projection(sp.csr_array(dense) if sparse else dense, 20)
    centred = dense - dense.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    assert found.scale == pytest.approx(np.sqrt(20 * len(dense) / (singular[:20] ** 2).sum()), rel=1e-10)
    signs = np.sign((directions[:20].T * found.directions).sum(axis=0))
    assert found.directions == pytest.approx(directions[:20].T * signs, abs=1e-8)
    assert found.apply(dense) == pytest.approx(found.scale * (centred @ found.directions), abs=1e-5)


@pytest.mark.parametrize("n_components", [89, 60])
def test_components_of_fewer_sparse_rows_than_columns_equal_those_of_dense_ones(n_components: int) -> None:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((90, 400)) < 0.1, rng.random((90, 400)), 0)
    found, expected = fit_projection(sp.csr_array(dense), n_components), fit_projection(dense, n_components)
    assert found.scale == pytest.approx(expected.scale, rel=1e-10)
    assert found.directions == pytest.approx(expected.directions, abs=1e-8)


def test_equal_variances_are_all_found() -> None:
    words = sp.csr_array(np.kron(np.eye(100), np.ones((4, 3))))  # 100 groups of rows that share no term
    scale = fit_projection(words, 64).scale
    whole = np.linalg.svd(words.toarray() - words.toarray().mean(axis=0))[1][:64]
    assert scale == pytest.approx(np.sqrt(64 * 400 / (whole**2).sum()), rel=1e-9)


def test_components_are_the_same_bytes_in_any_thread() -> None:
    X = np.random.default_rng(0).standard_normal((600, 500)) @ np.diag(np.linspace(3, 0.1, 500))
    expected = fit_projection(X, 32).directions.tobytes()
    with ThreadPoolExecutor(4) as pool:
        assert {fit.directions.tobytes() for fit in pool.map(lambda _: fit_projection(X, 32), range(8))} == {expected}


@pytest.mark.parametrize("matrix", [np.full((600, 500), 0.3), sp.csr_array((600, 500), dtype=np.float64)])
def test_a_large_constant_block_has_no_components(matrix: np.ndarray) -> None:
    assert fit_projection(matrix, 64).directions.shape == (500, 1)


def test_a_large_block_of_low_rank_has_as_many_components() -> None:
    rng = np.random.default_rng(0)
    low = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 600))
    assert fit_projection(low, 64).directions.shape == (600, 3)


def test_signs_do_not_hang_on_rounding() -> None:
    """Of two columns that mirror each other neither weighs more, but for the last bit."""
    rng = np.random.default_rng(0)
    half = rng.standard_normal((30, 4)) * [4, 3, 2, 1]
    X = np.hstack([half, -half])
    found = [fit_projection(X * (1 + 1e-13 * rng.standard_normal(8)), 4).directions for _ in range(20)]
    assert all(other == pytest.approx(found[0], abs=1e-9) for other in found)
