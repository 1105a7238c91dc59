"""Common tests of every file under stages/optimizers/ and stages/schedules/; a new optimizer needs its formula in tests/update_rules.py."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from imports import ROOT
from scipy.optimize import minimize
from update_rules import DIRECTIONS, RULES

from stages.contracts.optimizer import Optimizer
from stages.contracts.schedule import Schedule
from stages.foundation.registry import component, names

OPTIMIZERS: dict[str, Optimizer] = {name: component("optimizers", name) for name in names("optimizers")}
SCHEDULES: dict[str, Schedule] = {name: component("schedules", name) for name in names("schedules")}
SEARCHING = [name for name, one in OPTIMIZERS.items() if one.searches_step]
N = 12
EXACT = 1e-12
# optimizer → settings for the tests of formulas, beside the default ones
OTHER_SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.8, "nesterov": True}, "rmsprop": {"decay_rate": 0.9, "eps": 1e-3}, "adadelta": {"decay_rate": 0.95, "eps": 1e-4},
    "adam": {"beta1": 0.5, "beta2": 0.9, "eps": 1e-2}, "adam_uncorrected": {"beta1": 0.5, "beta2": 0.9, "eps": 1e-2},
    "adamw": {"beta1": 0.5, "beta2": 0.9, "weight_decay": 0.3}, "newton": {"damping": 0.7}, "lbfgs": {"history_size": 3},
}  # fmt: skip
# optimizer → (settings, learning rate, steps) that reach a quadratic's minimum; weight decay would move it
REACHES: dict[str, tuple[dict[str, Any], float, int]] = {"adadelta": ({}, 30.0, 2000), "adamw": ({"weight_decay": 0.0}, 0.1, 1500)}
# of 40,000 parameters a matrix of their squared number does not fit
LARGE_N = {"bfgs": 1000}


@dataclass(frozen=True)
class Bowl:
    """Σ log cosh(A·θ − b) + 0.1·Σ θ⁴: strictly convex, no quadratic; its derivatives by hand."""

    matrix: np.ndarray
    shift: np.ndarray

    def loss(self, theta: torch.Tensor) -> torch.Tensor:
        image = torch.from_numpy(self.matrix).to(theta.dtype) @ theta - torch.from_numpy(self.shift).to(theta.dtype)
        return torch.log(torch.cosh(image)).sum() + 0.1 * (theta**4).sum()

    def value(self, theta: np.ndarray) -> float:
        return float(np.log(np.cosh(self.matrix @ theta - self.shift)).sum() + 0.1 * (theta**4).sum())

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        return self.matrix.T @ np.tanh(self.matrix @ theta - self.shift) + 0.4 * theta**3

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        slope = 1 - np.tanh(self.matrix @ theta - self.shift) ** 2
        return (self.matrix.T * slope) @ self.matrix + np.diag(1.2 * theta**2)


def bowl() -> Bowl:
    draw = np.random.default_rng(5)
    return Bowl(draw.normal(size=(N, N)) / np.sqrt(N) + np.eye(N), draw.normal(size=N))


def quadratic() -> tuple[np.ndarray, np.ndarray]:
    """Return a positive definite matrix and the minimum of ½·(θ − minimum)ᵀ·matrix·(θ − minimum)."""
    draw = np.random.default_rng(7)
    root = draw.normal(size=(N, N))
    return root @ root.T / N + np.eye(N), draw.normal(size=N)


class Walk:
    """Parameters in two tensors of unequal shapes, and the closure of a loss of all their values."""

    def __init__(self, loss: Callable[[torch.Tensor], torch.Tensor], start: np.ndarray, dtype: torch.dtype = torch.float64) -> None:
        first, second = np.split(start, [4])
        self.parameters = [torch.tensor(part, dtype=dtype, requires_grad=True) for part in (first, second.reshape(2, -1))]
        self.loss, self.n_calls = loss, 0

    def values(self) -> np.ndarray:
        return np.concatenate([parameter.detach().numpy().ravel() for parameter in self.parameters])

    def closure(self, *, backward: bool = True) -> torch.Tensor:
        self.n_calls += 1
        loss = self.loss(torch.cat([parameter.reshape(-1) for parameter in self.parameters]))
        if backward:
            for parameter in self.parameters:
                parameter.grad = None
            loss.backward()
        return loss

    def steps(self, name: str, settings: dict[str, Any], rates: list[float]) -> Iterator[np.ndarray]:
        """Yield the values after each step."""
        one = OPTIMIZERS[name]
        stepper = one.make(self.parameters, one.settings(**settings), rates[0])
        for rate in rates:
            for group in stepper.param_groups:
                group["lr"] = rate
            stepper.step(self.closure)
            yield self.values()


def decaying(n_steps: int, initial: float = 0.05) -> list[float]:
    return [initial * (1 - step / (2 * n_steps)) for step in range(n_steps)]


def quadratic_loss() -> Callable[[torch.Tensor], torch.Tensor]:
    matrix, minimum = (torch.from_numpy(values) for values in quadratic())
    return lambda theta: 0.5 * (theta - minimum) @ matrix @ (theta - minimum)


def test_optimizers_and_schedules_are_found() -> None:
    assert {"gradient_descent", "sgd", "rmsprop", "adadelta", "adam", "adamw", "newton", "bfgs", "lbfgs"} <= set(OPTIMIZERS)
    assert {"constant", "linear_decay"} <= set(SCHEDULES)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_formula_is_written_a_second_time(name: str) -> None:
    assert name in (DIRECTIONS if name in SEARCHING else RULES), f"write the formula of {name} in tests/update_rules.py"


@pytest.mark.parametrize("kind", ["optimizers", "schedules"])
def test_checking_settings_imports_no_torch(kind: str) -> None:
    code = (f"import sys; from stages.foundation.registry import component, names\n"
            f"assert [component({kind!r}, name).settings() for name in names({kind!r})]; sys.exit('torch' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


CASES = [(name, settings) for name in OPTIMIZERS for settings in ({}, OTHER_SETTINGS.get(name)) if settings is not None]


@pytest.mark.parametrize(("name", "settings"), [case for case in CASES if case[0] not in SEARCHING], ids=str)
def test_a_hundred_steps_are_the_formula(name: str, settings: dict[str, Any]) -> None:
    """Also where the learning rate is another at every step, as a schedule sets it."""
    rates = decaying(100, 1.0 if name == "adadelta" else 0.01)  # short of the minimum, around which rounding grows as steps leap over it
    start, made = np.full(N, 2.0), OPTIMIZERS[name].settings(**settings)
    found = list(Walk(bowl().loss, start).steps(name, settings, rates))
    expected = list(RULES[name](start, bowl().gradient, rates, made))
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT)
    assert np.abs(found[-1] - start).max() > 0.01


@pytest.mark.parametrize(("name", "settings"), [case for case in CASES if case[0] in SEARCHING], ids=str)
def test_a_hundred_steps_have_the_direction_of_the_formula(name: str, settings: dict[str, Any]) -> None:
    """Each step is a multiple of it, to rounding, until nothing is left to gain; the loss never rises by more than rounding."""
    landscape, made = bowl(), OPTIMIZERS[name].settings(**settings)
    points = [np.full(N, 2.0)]
    compared = 0
    for point in Walk(landscape.loss, points[0]).steps(name, {**settings, **({"tol": 1e-15} if name == "newton" else {})}, [1.0] * 100):
        if np.linalg.norm(landscape.gradient(points[-1])) > 1e-6:
            direction, step = DIRECTIONS[name](points, landscape.gradient, landscape.hessian, made), point - points[-1]
            length = (step @ direction) / (direction @ direction)
            assert length > 0
            np.testing.assert_allclose(step, length * direction, rtol=0, atol=EXACT)
            assert landscape.value(point) <= landscape.value(points[-1]) + 1e-4 * length * (landscape.gradient(points[-1]) @ direction)
            compared += 1
        points.append(point)
    assert compared >= 5 and len(points) == 101
    assert np.linalg.norm(landscape.gradient(points[-1])) < 1e-6


@pytest.mark.parametrize("name", ["bfgs", "lbfgs"])
def test_a_step_bends_the_gradient_enough_for_the_next_update(name: str) -> None:
    landscape, points = bowl(), [np.full(N, 2.0)]
    for point in Walk(landscape.loss, points[0]).steps(name, {}, [1.0] * 15):
        points.append(point)
    for a, b in itertools.pairwise(points):
        assert landscape.gradient(b) @ (b - a) >= 0.9 * (landscape.gradient(a) @ (b - a))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_reaches_a_quadratic_s_minimum(name: str) -> None:
    settings, rate, n_steps = REACHES.get(name, ({}, 0.1, 1500))
    made = SCHEDULES["linear_decay"].settings(final=0.0)
    rates = [SCHEDULES["linear_decay"].rate(step, n_steps, rate, made) for step in range(n_steps)]
    _, minimum = quadratic()
    *_, reached = Walk(quadratic_loss(), np.full(N, 2.0)).steps(name, settings, rates)
    np.testing.assert_allclose(reached, minimum, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_bytes_again(name: str) -> None:
    found = [list(Walk(bowl().loss, np.full(N, 2.0)).steps(name, {}, decaying(30))) for _ in range(2)]
    assert np.array(found[0]).tobytes() == np.array(found[1]).tobytes()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_number_of_threads_changes_nothing(name: str) -> None:
    n = LARGE_N.get(name, 40_000)
    draw = np.random.default_rng(3)
    scale, start = torch.from_numpy(draw.uniform(0.5, 2, n)), draw.normal(size=n)

    def loss(theta: torch.Tensor) -> torch.Tensor:
        return torch.log(torch.cosh(scale * theta)).reshape(-1, 100).sum(dim=1).sum()  # short sums, which no threads share

    before, found = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            *_, reached = Walk(loss, start).steps(name, {"max_iter": 5} if name == "newton" else {}, decaying(4))
            found.append(reached.tobytes())
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_are_changed_in_place_and_nothing_else_is(name: str) -> None:
    landscape = bowl()
    kept = (landscape.matrix.copy(), landscape.shift.copy())
    one, walk = OPTIMIZERS[name], Walk(landscape.loss, np.full(N, 2.0))
    unused = torch.ones(3, dtype=torch.float64, requires_grad=True)
    addresses = [parameter.data_ptr() for parameter in walk.parameters]
    settings = one.settings(**({"weight_decay": 0.0} if name == "adamw" else {}))
    stepper = one.make([*walk.parameters, unused], settings, 0.05)
    for _ in range(3):
        before = walk.values()
        loss = stepper.step(walk.closure)
        assert float(loss.detach()) == pytest.approx(landscape.value(before), rel=1e-12)  # the loss before the step
    assert [parameter.data_ptr() for parameter in walk.parameters] == addresses
    assert unused.tolist() == [1, 1, 1]
    assert all(parameter.is_leaf and parameter.requires_grad for parameter in walk.parameters)
    assert np.array_equal(kept[0], landscape.matrix) and np.array_equal(kept[1], landscape.shift)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_single_precision_stays_and_descends(name: str) -> None:
    walk = Walk(bowl().loss, np.full(N, 2.0), torch.float32)
    *_, reached = walk.steps(name, {}, decaying(40, 0.1))
    assert all(parameter.dtype == torch.float32 for parameter in walk.parameters)
    assert np.isfinite(reached).all() and bowl().value(reached.astype(np.float64)) < bowl().value(np.full(N, 2.0))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_critical_point_is_not_left(name: str) -> None:
    settings = {"weight_decay": 0.0} if name == "adamw" else {}
    for reached in Walk(lambda theta: (theta**2).sum(), np.zeros(N)).steps(name, settings, [0.1] * 3):
        assert not reached.any()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_a_method_without_a_step_length_ignores_the_learning_rate(name: str) -> None:
    found = [list(Walk(bowl().loss, np.full(N, 2.0)).steps(name, {}, [rate] * 3)) for rate in (0.01, 0.1)]
    assert (np.array(found[0]).tobytes() == np.array(found[1]).tobytes()) == OPTIMIZERS[name].searches_step


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_mini_batch_rule_looks_at_the_loss_once_per_step(name: str) -> None:
    walk = Walk(bowl().loss, np.full(N, 2.0))
    list(walk.steps(name, {}, [0.05] * 10))
    assert OPTIMIZERS[name].full_batch or walk.n_calls == 10
    assert OPTIMIZERS[name].full_batch or not OPTIMIZERS[name].searches_step


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_says_where_it_is_from(name: str) -> None:
    one = OPTIMIZERS[name]
    assert one.name == name and one.title and one.source


# ---------------------------------------------------------------- single rules
def test_newton_reaches_a_quadratic_s_minimum_in_one_step() -> None:
    (reached,) = Walk(quadratic_loss(), np.full(N, 2.0)).steps("newton", {}, [1.0])
    np.testing.assert_allclose(reached, quadratic()[1], rtol=0, atol=1e-9)


def test_damping_shortens_newton_s_step() -> None:
    matrix, minimum = quadratic()
    (reached,) = Walk(quadratic_loss(), np.full(N, 2.0)).steps("newton", {"damping": 100.0}, [1.0])
    expected = 2.0 - np.linalg.solve(matrix + 100 * np.eye(N), matrix @ (2.0 - minimum))
    np.testing.assert_allclose(reached, expected, rtol=0, atol=1e-9)


def test_newton_leaves_a_saddle_downhill() -> None:
    """θ₀² − θ₁² + θ₁⁴ / 4 has a saddle at 0 and minima at θ₁ = ±√2; the other values do not matter."""
    start = np.zeros(N)
    start[:2] = 0.5, 0.1
    *_, reached = Walk(lambda theta: theta[0] ** 2 - theta[1] ** 2 + theta[1] ** 4 / 4, start).steps("newton", {}, [1.0] * 30)
    assert reached[0] == pytest.approx(0, abs=1e-6) and abs(reached[1]) == pytest.approx(np.sqrt(2), abs=1e-6)


def test_newton_s_step_is_halved_where_it_is_too_long() -> None:
    """Of √(1 + θ²) a full step from θ = 2 leads to −8, where the loss is larger."""
    start = np.full(N, 2.0)
    *_, reached = Walk(lambda theta: torch.sqrt(1 + theta**2).sum(), start).steps("newton", {}, [1.0] * 20)
    np.testing.assert_allclose(reached, 0, atol=1e-9)


def errors_of(name: str, n_steps: int) -> np.ndarray:
    """Return the distance to the minimum after each step on the bowl."""
    *_, minimum = Walk(bowl().loss, np.full(N, 2.0)).steps("newton", {}, [1.0] * 40)
    assert np.linalg.norm(bowl().gradient(minimum)) < 1e-12
    return np.array([np.linalg.norm(point - minimum) for point in Walk(bowl().loss, np.full(N, 2.0)).steps(name, {}, [0.1] * n_steps)])


def test_newton_is_quadratic_bfgs_superlinear_and_gradient_descent_linear() -> None:
    """An error is divided by more and more at each step, or by the same."""
    of = {name: errors_of(name, 200) for name in ("newton", "bfgs", "gradient_descent")}
    ratios = {name: errors[1:] / errors[:-1] for name, errors in ((n, e[e > 1e-11]) for n, e in of.items())}
    near = of["newton"][(of["newton"] < 0.1) & (of["newton"] > 1e-7)]
    assert all(b <= 10 * a**2 for a, b in itertools.pairwise(near)) and len(near) >= 2
    assert np.median(ratios["bfgs"][-4:]) < 0.3 * np.median(ratios["bfgs"][:10])
    assert np.ptp(ratios["gradient_descent"][-20:]) < 0.01


def test_where_the_lecture_s_adam_and_the_paper_s_part() -> None:
    """Of a constant gradient the lecture's step is (1 − β₁ᵏ) / √(1 − β₂ᵏ) of the paper's: 3.16 at first, 1.05 after 2,300 steps."""
    slope = torch.linspace(1, 3, N, dtype=torch.float64)
    of = {name: np.array(list(Walk(lambda theta: slope @ theta, np.zeros(N)).steps(name, {"eps": 1e-300}, [0.01] * 5000)))
          for name in ("adam", "adam_uncorrected")}
    lengths = {name: -np.diff(points, axis=0, prepend=0) for name, points in of.items()}
    k = np.arange(1, 5001)[:, None]
    expected = np.broadcast_to((1 - 0.9**k) / np.sqrt(1 - 0.999**k), (5000, N))
    np.testing.assert_allclose(lengths["adam_uncorrected"] / lengths["adam"], expected, rtol=1e-9)
    assert expected[0, 0] == pytest.approx(np.sqrt(10)) and expected[6, 0] > 6 and expected[2300, 0] < 1.06 and expected[-1, 0] < 1.01


def test_bfgs_starts_again_where_no_step_is_found() -> None:
    """A loss that rises whatever the step is: the parameters stay."""
    walk = Walk(lambda theta: theta.detach().abs().sum() * 1e6 - 1e-3 * theta.sum(), np.zeros(N))
    for reached in walk.steps("bfgs", {}, [1.0] * 3):
        assert not reached.any()


@pytest.mark.parametrize("name", SEARCHING)
def test_is_as_good_as_scipy(name: str) -> None:
    """The minimum of scipy's BFGS, in at most three times its evaluations of the loss."""
    scipys = minimize(bowl().value, np.full(N, 2.0), jac=bowl().gradient, method="BFGS", options={"gtol": 1e-7})
    walk, found = Walk(bowl().loss, np.full(N, 2.0)), np.full(N, 2.0)
    for found in walk.steps(name, {}, [1.0] * 100):
        if np.abs(bowl().gradient(found)).max() < 1e-7:
            break
    np.testing.assert_allclose(found, scipys.x, rtol=0, atol=1e-6)
    assert walk.n_calls <= 3 * scipys.nfev  # the loss is computed again at the start of each step


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0"):
        OPTIMIZERS["sgd"].settings(momentum=0, nesterov=True)


# ---------------------------------------------------------------- schedules
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_starts_at_the_initial_rate_and_is_never_negative(name: str) -> None:
    one = SCHEDULES[name]
    assert one.name == name and one.title and one.source
    for n_steps in (1, 2, 7, 1000):
        rates = [one.rate(step, n_steps, 0.3, one.settings()) for step in range(2 * n_steps + 1)]
        assert rates[0] == 0.3 and all(0 <= rate < np.inf for rate in rates)
        assert rates == [one.rate(step, n_steps, 0.3, one.settings()) for step in range(2 * n_steps + 1)]


def test_a_constant_rate() -> None:
    one = SCHEDULES["constant"]
    assert [one.rate(step, 10, 0.2, one.settings()) for step in (0, 5, 9, 100)] == [0.2] * 4


def test_linear_decay_by_hand() -> None:
    """ε₀ = 0.4, ε_τ = 0.1, τ = 8 of 10 steps: at k = 2 a quarter of the way, at 4 half of it; 0.1 from step 8 on."""
    one = SCHEDULES["linear_decay"]
    settings = one.settings(final=0.25, decay_share=0.8)
    found = [one.rate(step, 10, 0.4, settings) for step in (0, 2, 4, 8, 9, 10, 50)]
    np.testing.assert_allclose(found, [0.4, 0.325, 0.25, 0.1, 0.1, 0.1, 0.1], rtol=1e-15)
