"""Where training ended: products and extreme eigenvalues against exact Hessians, verdicts on losses whose critical points are known."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, eigsh
from structured_blocks import structured_raw
from test_models import small
from test_networks import TORCH, plain_loss
from toy_evaluation import candidate_result, fold_scores, toy_evaluation
from toy_predictions import TOYS, write_params, write_toy
from toy_problem import metrics_of, toy_folds, toy_problem

from pipelines.publishing.network_values import critical_points
from stages.contracts.candidate import Candidate
from stages.contracts.critical_point import VERDICTS, CriticalPoint
from stages.contracts.documents.critical_point_scores import FoldCriticalPoint
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.network_encoder import InputKind
from stages.contracts.paths import evaluation_path, predictions_dir
from stages.contracts.problem import Problem
from stages.curvature.hessian_products import TorchSurface
from stages.curvature.lanczos import spectrum_ends, unseen_share
from stages.curvature.point_verdict import MOST_ROWS, SMALL, UNSEEN, critical_point, drawn_rows
from stages.evaluate import main as evaluate
from stages.features.feature_blocks import Block
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.prefetch import workers
from stages.foundation.registry import component, names
from stages.model_selection.protocol import LearnerSetup, results
from stages.models import network
from stages.models.mlp.mixed_inputs import dense_inputs
from stages.models.mlp.mlp_surface import MlpSurface
from stages.models.mlp.networks import Network, Shape, TrainingSet, Weights
from stages.models.mlp.output_losses import OutputLoss
from stages.models.network.network_critical_point import surface_of
from stages.models.network.network_settings import NetworkSettings
from stages.reporting.critical_sentences import critical_rows, critical_sentence, spread

LOSSES = ("classes", "labels", "continuous")
N, WIDTHS = 30, (5, 8, 6, 3)  # 131 weights


def toy_network(loss: str, seed: int = 0) -> tuple[Weights, np.ndarray, np.ndarray]:
    """Return weights that were drawn, inputs and targets."""
    rng = np.random.default_rng(seed)
    weights = [(rng.standard_normal((a, b)) / a**0.5, 0.3 * rng.standard_normal(b)) for a, b in pairwise(WIDTHS)]
    numbers = rng.standard_normal((N, 3))
    numbers[rng.random((N, 3)) < 0.2] = np.nan
    targets = {"classes": rng.integers(0, 3, N), "labels": rng.integers(0, 2, (N, 3)).astype(np.float64), "continuous": numbers}
    return weights, rng.standard_normal((N, WIDTHS[0])), targets[loss]


def torch_loss(inputs: np.ndarray, target: np.ndarray, activation: str, loss: str) -> Callable[..., torch.Tensor]:
    """Return the loss as a function of kernels and biases, by torch's own functions."""
    x, y, no_inputs = torch.from_numpy(inputs), torch.from_numpy(target), dense_inputs(inputs[:, :0])
    usual = Network(Shape((), activation), 0.1, 0.0, np.ones(len(x), bool), 0)

    def found(*parameters: torch.Tensor) -> torch.Tensor:
        hidden = x
        for place in range(0, len(parameters), 2):
            hidden = hidden @ parameters[place] + parameters[place + 1]
            hidden = TORCH[activation](hidden) if place < len(parameters) - 2 else hidden
        return plain_loss(TrainingSet(no_inputs, target, hidden.shape[1], loss), usual, hidden, y)

    return found


def exact_hessian(loss: Callable[..., torch.Tensor], parameters: list[torch.Tensor]) -> np.ndarray:
    """Return the Hessian by torch.autograd.functional: float64 (n, n)."""
    blocks = torch.autograd.functional.hessian(loss, tuple(parameters))
    sizes = [parameter.numel() for parameter in parameters]
    return torch.cat([torch.cat([block.reshape(n, -1) for block in row], dim=1) for n, row in zip(sizes, blocks, strict=True)]).numpy()


def hinge(loss: str, outputs: torch.Tensor, target: torch.Tensor, margin: float) -> torch.Tensor:
    """Return the sum over wrong classes of max(0, Δ + z − z of the right one), or the mean over labels of max(0, Δ − yz), y = ±1."""
    if loss == "labels":
        return (margin - (2 * target - 1) * outputs).clamp(min=0).mean()
    gaps = (outputs - outputs.gather(1, target[:, None]) + margin).clamp(min=0)
    return (gaps.sum(dim=1) - margin).mean()  # without that of the right class


@pytest.mark.parametrize("loss", ["classes", "labels"])
@pytest.mark.parametrize("sparse", [False, True])
def test_hinges_and_sparse_inputs_agree_with_torch(loss: str, sparse: bool) -> None:
    weights, inputs, target = toy_network(loss)
    x, y = torch.from_numpy(inputs), torch.from_numpy(target)
    parameters = [torch.tensor(values, requires_grad=True) for layer in weights for values in layer]

    def outputs() -> torch.Tensor:
        hidden = torch.tanh(torch.tanh(x @ parameters[0] + parameters[1]) @ parameters[2] + parameters[3])
        return hidden @ parameters[4] + parameters[5]

    by_torch = TorchSurface(lambda: hinge(loss, outputs(), y, 0.7), parameters, n_rows=N, scale=1.0)
    ours = MlpSurface(weights, sp.csr_array(inputs) if sparse else inputs, "tanh", OutputLoss(loss, target, "hinge", 0.7))
    vector = np.random.default_rng(1).standard_normal(len(ours.point))
    assert ours.loss(ours.point) == pytest.approx(by_torch.loss(by_torch.point), rel=1e-12)
    assert ours.gradient() == pytest.approx(by_torch.gradient(), abs=1e-12)
    assert ours.product(vector) == pytest.approx(by_torch.product(vector), abs=1e-10)


def test_the_largest_hinge_by_hand() -> None:
    """Two wrong classes lack 0.5 and 1.5 of the margin: the loss is 1.5, and falls with that class's output alone."""
    loss, outputs = OutputLoss("classes", np.array([0]), "hinge_max"), np.array([[1.0, 0.5, 1.5]])
    assert loss.value(outputs) == 1.5 and OutputLoss("classes", np.array([0]), "hinge").value(outputs) == 2.0
    assert loss.slope(outputs).tolist() == [[-1, 0, 1]] and not loss.product(outputs, np.ones((1, 3))).any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", list(TORCH))
def test_products_and_extreme_eigenvalues_are_those_of_the_exact_hessian(activation: str, loss: str) -> None:
    weights, inputs, target = toy_network(loss)
    of_parameters = torch_loss(inputs, target, activation, loss)
    parameters = [torch.tensor(values, requires_grad=True) for layer in weights for values in layer]
    exact = exact_hessian(of_parameters, parameters)
    eigenvalues = np.linalg.eigvalsh(exact)
    by_torch = TorchSurface(lambda: of_parameters(*parameters), parameters, n_rows=N, scale=1.0)
    ours = MlpSurface(weights, inputs, activation, OutputLoss(loss, target))
    assert ours.point.tolist() == by_torch.point.tolist() and ours.gradient() == pytest.approx(by_torch.gradient(), abs=1e-12)
    moved = ours.point + 0.1
    assert ours.loss(moved) == pytest.approx(by_torch.loss(moved), rel=1e-12)
    vector = np.random.default_rng(1).standard_normal(len(exact))
    for surface in (ours, by_torch):
        assert surface.product(vector) == pytest.approx(exact @ vector, abs=1e-10)
        found = spectrum_ends(surface.product, len(exact), seed=3, most=500)
        for pair, eigenvalue in ((found.least, eigenvalues[0]), (found.greatest, eigenvalues[-1])):
            assert pair.value == pytest.approx(eigenvalue, rel=1e-4)
            assert abs(pair.value - eigenvalue) <= pair.error + 1e-12 * abs(eigenvalue)
            assert exact @ pair.vector == pytest.approx(eigenvalue * pair.vector, abs=2 * pair.error + 1e-9)
        assert (found.values < -1e-3).sum() <= (eigenvalues < -1e-3).sum()  # no estimate lies outside what is there


@pytest.mark.parametrize("kind", ["flat", "terms", "grid", "sequence", "table", "set", "graph", "words"])
def test_of_every_kind_of_input_the_extreme_eigenvalues_are_those_of_the_products(kind: InputKind) -> None:
    """The peer is scipy's ARPACK; second differences of the loss along an eigenvector are its eigenvalue."""
    point, surface = trained_surface(kind)
    n, rng = point.n_weights, np.random.default_rng(1)
    first, second = rng.standard_normal((2, n))
    assert first @ surface.product(second) == pytest.approx(second @ surface.product(first), rel=1e-8, abs=1e-8)
    matrix = LinearOperator((n, n), matvec=lambda vector: surface.product(vector.ravel()), dtype=np.float64)
    for which, value, error in (("SA", point.hessian_min, point.hessian_min_error), ("LA", point.hessian_max, point.hessian_max_error)):
        (eigenvalue,), vectors = eigsh(matrix, k=1, which=which, tol=1e-7, v0=first, maxiter=10_000)
        assert value == pytest.approx(eigenvalue, rel=1e-4 if n <= SMALL else 1e-2, abs=error + 1e-10 * point.hessian_max)
    losses = [surface.loss(surface.point + step * vectors[:, 0]) for step in (-1e-4, 0, 1e-4)]
    assert (losses[0] - 2 * losses[1] + losses[2]) / 1e-8 == pytest.approx(eigenvalue, rel=0.05)
    assert point.n_rows == len(toy_folds(40)[0].train)


def trained_surface(kind: InputKind) -> tuple[Any, TorchSurface]:
    """Return the critical point of a small network with the first encoder that reads a kind, and its surface."""
    encoder = "cnn" if kind == "grid" else next(
        name for name in names("network_encoders") if kind in component("network_encoders", name).reads and name != "cnn")
    raw, n = structured_raw(kind), 40
    modality = raw.structure.modality if raw.structure else "vector"
    target = np.random.default_rng(0).integers(0, 3, n).astype(np.int32)
    block = Block("a", raw, {"max_categories": 5, "min_documents": 1, "max_terms": 100, "idf": True, "sublinear": True})
    problem = Problem({"a": block}, target, "classes", ("x", "y", "z"), toy_folds(n)[:1], (("a",),), metrics_of("classes", target),
                      "accuracy", 0)  # fmt: skip
    settings = NetworkSettings(encoders={modality: (encoder,)}, width=(2,), max_iter=2, with_features=(False,), critical_points=True)
    with workers() as pool:
        ((sweep,),) = network.run(problem, settings, network.grid(settings, 0)[:1], pool)
        point = sweep.refit(0, problem.seed)().critical_point()
        trained, parts = sweep._refit(0, problem.seed).result(), [part.part for part in sweep._parts(0)]
    stored = {name: values.astype(np.float64) for name, values in trained.network.weights.arrays().items()}
    exact = network.FusedNetwork(parts, 2, 3, network.StackedWeights([], stored=stored))
    for values in exact.weights.tensors.values():
        values.requires_grad_()
    return point, surface_of(exact, sweep._data(0), problem.folds[0].train)


# ---------------------------------------------------------------- verdicts
def quadratic(*curvatures: float, at: float = 0.0) -> Any:
    """Return the surface 1 + ½ Σ cᵢxᵢ², at a point whose coordinates are all `at`."""
    diagonal = np.array(curvatures)
    return SimpleNamespace(point=np.full(len(diagonal), at), n_rows=7, scale=1.0, product=lambda vector: diagonal * vector,
                           loss=lambda x: 1 + 0.5 * float(diagonal @ x**2), gradient=diagonal * at)  # fmt: skip


@pytest.mark.parametrize(("curvatures", "verdict", "n_negative"), [
    ((2.0, 1.0), "minimum", 0), ((2.0, -2.0), "saddle", 1), ((4.0, 3.0, -1.0, -2.0), "saddle", 2), ((1.0, 0.0), "minimum", 0),
    ((1.0, -5e-5), "minimum", 0), ((1.0, -2e-4), "saddle", 1),
])  # fmt: skip
def test_of_quadratics_the_verdict_is_that_of_their_curvatures(curvatures: tuple[float, ...], verdict: str, n_negative: int) -> None:
    surface = quadratic(*curvatures)
    found = critical_point(surface, 0.0, seed=1)
    assert (found.verdict, found.n_negative, found.n_rows) == (verdict, n_negative, 7)
    assert (found.hessian_min, found.hessian_max) == pytest.approx((min(curvatures), max(curvatures)), rel=1e-9, abs=1e-12)
    least = min(curvatures)  # along it the loss changes by ½ · least · length²: most after a step of length 1, or after the shortest
    assert found.loss_change == pytest.approx(0.5 * least if least < 0 else 0.5e-6 * least, rel=1e-6, abs=1e-12)


def test_away_from_critical_points_nothing_is_said() -> None:
    """A step along −g in f = ½(2x² + y²) gains ‖g‖² / 2c: 10⁻⁶ of the loss is the most that counts as nothing."""
    for at, verdict in ((1e-4, "minimum"), (1e-2, "undetermined")):
        surface = quadratic(2.0, 1.0, at=at)
        found = critical_point(surface, float(np.linalg.norm(surface.gradient)), seed=1)
        assert found.gradient_limit == pytest.approx((2 * 2.0 * 1e-6) ** 0.5) and found.verdict == verdict


def test_a_loss_that_is_not_finite_has_no_verdict() -> None:
    surface = quadratic(1.0, 1.0)
    for change in ({"loss": lambda x: float("inf")}, {"product": lambda v: v * np.nan}):
        found = critical_point(SimpleNamespace(**vars(surface) | change), 0.0, seed=1)
        assert found.verdict == "undetermined" and np.isnan([found.hessian_min, found.hessian_max, found.loss_change]).all()
        document = FoldCriticalPoint(repeat=0, fold=0, **vars(found))
        assert document.hessian_min is None and not document.gradient_is_large


def test_logistic_regression_ends_at_a_minimum_where_newtons_steps_end_and_not_before() -> None:
    rng = np.random.default_rng(2)
    inputs = rng.standard_normal((200, 4))
    target = (inputs[:, 0] + rng.standard_normal(200) > 0).astype(np.int64)
    loss, weights, verdicts = OutputLoss("classes", target), [(np.zeros((4, 2)), np.zeros(2))], []
    for _ in range(8):
        surface = MlpSurface(weights, inputs, "identity", loss)
        gradient = surface.gradient()
        verdicts.append(critical_point(surface, float(np.linalg.norm(gradient)), seed=1).verdict)
        matrix = np.stack([surface.product(unit) for unit in np.eye(len(gradient))])
        moved = surface.point - np.linalg.pinv(matrix, hermitian=True) @ gradient
        weights = [(moved[:8].reshape(4, 2), moved[8:])]
    assert verdicts[0] == "undetermined" and verdicts[-1] == "minimum"


def test_twin_neurons_are_a_saddle() -> None:
    """The best network of one neuron, its neuron doubled and the outgoing weight shared, is a critical point of networks of two.

    Fukumizu & Amari 2000, Neural Networks 13, 317, theorem 3: here a saddle whatever the shares, as the matrix of that theorem has
    eigenvalues of both signs.
    """
    inputs = np.linspace(-2, 2, 41)[:, None]
    target = np.tanh(2 * inputs - 1) + np.tanh(2 * inputs + 1) - 0.8 * np.tanh(inputs * 4)
    loss = OutputLoss("continuous", target)

    def network_at(vector: np.ndarray) -> MlpSurface:
        return MlpSurface([(vector[:1].reshape(1, 1), vector[1:2]), (vector[2:3].reshape(1, 1), vector[3:])], inputs, "tanh", loss)

    best = minimize(lambda vector: network_at(vector).loss(vector), np.array([1.0, 0.1, 1.0, 0.0]), method="BFGS",
                    jac=lambda vector: network_at(vector).gradient(), options={"gtol": 1e-10}).x  # fmt: skip
    assert verdict_of(network_at(best)).verdict == "minimum"
    kernel, bias, last, shift = best[:1].reshape(1, 1), best[1:2], best[2:3].reshape(1, 1), best[3:]
    for share in (0.5, 1.5):
        twins = [(np.hstack([kernel, kernel]), np.hstack([bias, bias])), (np.vstack([share * last, (1 - share) * last]), shift)]
        surface = MlpSurface(twins, inputs, "tanh", loss)
        found = verdict_of(surface)
        exact = np.linalg.eigvalsh(np.stack([surface.product(unit) for unit in np.eye(7)]))
        assert (found.hessian_min, found.hessian_max) == pytest.approx((exact[0], exact[-1]), rel=1e-4)
        assert found.verdict == "saddle" and found.loss_change < 0 and found.n_negative == (exact < -1e-4 * exact[-1]).sum() >= 1


def verdict_of(surface: MlpSurface) -> CriticalPoint:
    return critical_point(surface, float(np.linalg.norm(surface.gradient())), seed=1)


# ---------------------------------------------------------------- eigenvalues of other matrices
def test_invariant_subspaces_are_left() -> None:
    """A first vector has no part outside some eigenspaces of a matrix with equal eigenvalues; all of its ends are found."""
    for diagonal in (np.zeros(6), np.ones(6), np.array([3.0] * 5 + [-1.0])):
        found = spectrum_ends(lambda vector, d=diagonal: d * vector, 6, seed=0, most=6)
        assert (found.least.value, found.greatest.value) == pytest.approx((diagonal.min(), diagonal.max()), abs=1e-12)


def test_the_error_holds_after_few_products() -> None:
    rng = np.random.default_rng(5)
    half = rng.standard_normal((300, 300))
    matrix = half + half.T
    eigenvalues = np.linalg.eigvalsh(matrix)
    for most in (10, 20, 40):
        found = spectrum_ends(lambda vector: matrix @ vector, 300, seed=2, most=most)
        assert eigenvalues[0] <= found.least.value + 1e-9 and found.greatest.value <= eigenvalues[-1] + 1e-9
        assert np.abs(eigenvalues - found.least.value).min() <= found.least.error
        assert np.linalg.norm(matrix @ found.least.vector - found.least.value * found.least.vector) == pytest.approx(found.least.error)


def test_how_far_an_end_may_lie_unseen() -> None:
    """By hand for 2,000 dimensions and 80 products: ln(1.648 · √2000 / 0.001) = 11.207, (11.207 / 159)² = 0.004968, of 1 − 2 · 0.004968."""
    assert unseen_share(2000, 80) == pytest.approx(0.0050180, rel=1e-3)
    assert unseen_share(500, 500) == 0 and unseen_share(10**6, 80) < UNSEEN < unseen_share(2000, 50) and unseen_share(10**6, 5) == np.inf


@pytest.mark.parametrize("seed", range(5))
def test_a_negative_eigenvalue_of_a_large_matrix_is_found_or_within_the_error(seed: int) -> None:
    """Half of the eigenvalues are 0, as of networks with more weights than rows: a residual says nothing of what lies further out."""
    random = np.random.default_rng(seed)
    for least in (-1.5e-4, -1e-3, -4e-3, -2e-2):
        diagonal = np.concatenate([np.zeros(1000), random.random(998), [1.0, least]])
        surface = SimpleNamespace(point=np.zeros(2000), n_rows=7, scale=1.0, product=lambda vector, d=diagonal: d * vector,
                                  loss=lambda x, d=diagonal: 1 + 0.5 * float(d @ x**2))  # fmt: skip
        found = critical_point(surface, 0.0, seed=seed)
        assert least <= found.hessian_min + 1e-12 and found.hessian_min - least <= found.hessian_min_error
        assert found.verdict == "saddle" or least >= -UNSEEN, "no minimum where more than what may be unseen is below 0"


# ---------------------------------------------------------------- the protocol, documents and pages
def test_rows_are_drawn_once_and_all_of_few() -> None:
    assert drawn_rows(MOST_ROWS, 1).tolist() == list(range(MOST_ROWS))
    found = drawn_rows(5000, 1)
    assert len(np.unique(found)) == MOST_ROWS and (np.diff(found) > 0).all()
    assert found.tolist() == drawn_rows(5000, 1).tolist() != drawn_rows(5000, 2).tolist()


@pytest.mark.parametrize("name", ["mlp", "network"])
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_the_protocol_finds_the_same_points_on_any_number_of_cores(name: str, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, settings = small(name)
    settings = settings.model_copy(update={"critical_points": True})
    problem = toy_problem(modalities=("image",), task=task)
    configs, found = model.grid(settings, 0)[:1], []
    for cores in ("1", "3"):
        monkeypatch.setenv(CORES_VARIABLE, cores)
        found.append([result.critical_point for result in results(LearnerSetup(model, settings, critical_points=True), problem, configs)])
    assert found[0] == found[1] and all(point is not None and np.isfinite(point.hessian_min) for point in found[0])
    assert all(point.n_rows == len(fold.train) for point, fold in zip(found[0], problem.folds, strict=True))


def test_test_rows_do_not_matter_and_only_those_who_ask_get_points() -> None:
    model, settings = small("mlp")
    problem = replace(toy_problem(modalities=("image",)), folds=toy_problem().folds[:1])
    changed, test = problem.target.copy(), problem.folds[0].test
    changed[test] = (changed[test] + 1) % 3
    learner, configs = LearnerSetup(model, settings, critical_points=True), model.grid(settings, 0)[:1]
    (first,), (second,) = (list(results(learner, one, configs)) for one in (problem, replace(problem, target=changed)))
    assert first.critical_point == second.critical_point is not None
    without = settings.model_copy(update={"critical_points": False})
    for setup in (LearnerSetup(model, settings), LearnerSetup(model, without, critical_points=True)):
        assert [result.critical_point for result in results(setup, problem, configs)] == [None]


def test_evaluate_writes_what_train_found(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy = TOYS[0]
    write_params([toy])
    write_toy(toy)
    evaluate(toy.dataset)
    evaluation = read_document(evaluation_path(toy.dataset), Evaluation)
    with_points = [found for found in evaluation.candidates if found.critical_points]
    assert {found.model for found in with_points} == {"mlp"} and len(with_points) == len(toy.combinations)
    assert [point.verdict for point in with_points[0].critical_points] == ["minimum", "undetermined", "saddle", "undetermined", "saddle"]
    rows = critical_rows(evaluation)
    assert [row.verdicts for row in rows] == ["1 minimum, 2 undetermined, 2 saddle"] * len(rows)
    assert rows[0].least == "−0.5 (−0.5 to −0.01)" and rows[0].n_weights == "100"
    said = critical_sentence(evaluation)
    assert said.startswith("Training ended at a minimum for 1 of 5 networks, at a saddle for 2. The gradient is too large for a critical")
    assert "The Hessian has clearly negative eigenvalues for 4; a step along the most negative direction lowers the loss for 3 of" in said
    (predictions_dir(toy.dataset, "knn") / "critical_points.arrow").unlink()
    with pytest.raises(InputError, match=r"critical_points\.arrow.*dvc repro"):
        evaluate(toy.dataset)


def test_what_is_published() -> None:
    point = FoldCriticalPoint(
        repeat=0, fold=0, n_weights=9, n_rows=5, loss=0.5, gradient_norm=0.1, gradient_limit=0.2, hessian_min=-1.0, hessian_min_error=0.0,
        hessian_max=2.0, hessian_max_error=0.0, n_negative=1, loss_change=-0.1, verdict="saddle",
    )  # fmt: skip
    other = point.model_copy(update={"fold": 3, "hessian_min": None, "verdict": "undetermined"})
    result = candidate_result(Candidate("mlp", ("text",)), 1, {}).model_copy(update={"critical_points": (point, other)})
    evaluation = toy_evaluation({result.candidate: {"accuracy": fold_scores(0.5)}}, "accuracy")
    assert critical_points(evaluation, result) == [
        ("critical_point/gradient_norm", 0.1, 0), ("critical_point/gradient_norm", 0.1, 3), ("critical_point/hessian_min", -1.0, 0),
        ("critical_point/hessian_max", 2.0, 0), ("critical_point/hessian_max", 2.0, 3),
        *((f"critical_point/n_{name}", float(name != "minimum"), 0) for name in VERDICTS),
    ]  # fmt: skip
    assert critical_points(evaluation, result.model_copy(update={"critical_points": ()})) == []
    assert spread([None]) == "–" and spread([0.123, None]) == "0.12"
