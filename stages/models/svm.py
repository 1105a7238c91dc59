"""Support vector machines: kernel (linear, RBF), C and gamma are swept.

A fold's squared distances are summed once per subset; they serve every gamma, and a Gram matrix serves every C and inner fold.
Fused rows are scaled so that the mean squared distance of two training rows is 1: gamma and C mean the same for every data set.
Labels and numbers have a machine each, over the same Gram matrices. Classes' probabilities are a softmax of the decision values whose
temperature is fitted on the inner folds' held-out rows; labels' scores are sigmoids of the margins, not calibrated.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts import Fitted, Fold, FoldResult, Model, Problem, Settings
from stages.numerics.fusion import FoldBlocks, cross_products, each_subset, encode_fold, squared_norms
from stages.numerics.matrices import pack, unpack
from stages.numerics.outputs import decide as decide_outputs
from stages.numerics.pairwise import squared_distances
from stages.numerics.parallel import each
from stages.numerics.selection import InnerPredictions, product, thresholds_for
from stages.numerics.solvers import Solver, saved_solver, solver_for


class SvmSettings(Settings):
    kernel: tuple[Literal["linear", "rbf"], ...] = Field(("linear", "rbf"), min_length=1, description="any of linear, rbf")
    C: tuple[float, ...] = Field((0.1, 1.0, 10.0, 100.0), min_length=1, description="penalties, each above 0")
    gamma: tuple[float, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="RBF widths, each above 0; the mean squared distance of two rows is 1"
    )

    epsilon: float = Field(0.1, ge=0, description="regression: errors below it cost nothing, in standard deviations of the number")

    @field_validator("C", "gamma")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if min(values) <= 0:
            raise ValueError("every value must be above 0")
        return values


def grid(settings: SvmSettings, seed: int) -> list[dict[str, Any]]:
    """Return kernel × gamma × C, linear and small values first."""
    configs = []
    for kernel in sorted(settings.kernel):
        gammas = [None] if kernel == "linear" else sorted(settings.gamma)
        configs += product(kernel=[kernel], gamma=gammas, C=sorted(settings.C))
    return configs


def sweep(problem: Problem, settings: SvmSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    for fold, blocks, subset in each_subset(problem):
        solver = solver_for(problem, fold.train, settings)
        yield _sweep_subset(problem, fold, blocks, subset, configs, solver)


def _sweep_subset(
    problem: Problem, fold: Fold, blocks: FoldBlocks, subset: tuple[str, ...], configs: list[dict[str, Any]], solver: Solver
) -> FoldResult:
    products, squared = blocks.products(subset) / len(subset), blocks.squared(subset) / len(subset)
    pieces = [(kernel, inner) for kernel in dict.fromkeys(map(_kernel, configs)) for inner in range(int(fold.inner.max()) + 1)]

    def inner_decisions(piece: tuple[tuple[str, float | None], int]) -> dict[int, np.ndarray]:
        kernel, inner = piece
        out = fold.inner == inner
        train, held_out = fold.train[~out], fold.train[out]
        gram, cross = (gram_matrix(kernel, products, squared, rows, train) for rows in (train, held_out))
        found = {}
        for i in (i for i, config in enumerate(configs) if _kernel(config) == kernel):
            machine = solver.train(gram, train, configs[i]["C"])
            found[i] = solver.decide(machine, cross[:, machine.support])
        return found

    inner_predictions = InnerPredictions(problem, fold, len(configs))
    decisions = np.empty((len(configs), len(fold.train), len(problem.outputs)))
    for (_, inner), found in zip(pieces, each(inner_decisions, pieces), strict=True):
        for i, values in found.items():
            decisions[i, fold.inner == inner] = values
            inner_predictions.put(i, fold.inner == inner, solver.scores(values))
    choice = inner_predictions.choose()
    config = configs[choice.config]
    kernel = _kernel(config)
    machine = solver.train(gram_matrix(kernel, products, squared, fold.train, fold.train), fold.train, config["C"])
    values = solver.decide(machine, gram_matrix(kernel, products, squared, fold.test, fold.train[machine.support]))
    prediction = decide_outputs(problem.task, solver.scores(values), choice.thresholds)
    temperature = solver.temperature(decisions[choice.config], fold.train)
    return FoldResult(fold, subset, choice.scores, choice.config, prediction, solver.probabilities(values, temperature))


def gram_matrix(
    kernel: tuple[str, float | None], products: np.ndarray, squared: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return the kernel between `rows` and `columns`, from inner products or squared distances of all: float64 (n_rows, n_columns)."""
    _, gamma = kernel
    if gamma is None:
        return products[np.ix_(rows, columns)]
    values = squared[np.ix_(rows, columns)]
    values *= -gamma
    return np.exp(values, out=values)


def _kernel(config: Mapping[str, Any]) -> tuple[str, float | None]:
    return config["kernel"], config["gamma"]


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: SvmSettings) -> Fitted:
    """Return the machine of every training row with its support vectors; crossed held-out rows give temperature and thresholds."""
    rows = problem.training_rows()
    blocks = encode_fold({label: problem.blocks[label] for label in subset}, rows)
    products, squared = blocks.products(subset) / len(subset), blocks.squared(subset) / len(subset)
    kernel, solver = _kernel(config), solver_for(problem, rows, settings)

    def held_out(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        train, test = pair
        machine = solver.train(gram_matrix(kernel, products, squared, train, train), train, config["C"])
        return solver.decide(machine, gram_matrix(kernel, products, squared, test, train[machine.support]))

    machine = solver.train(gram_matrix(kernel, products, squared, rows, rows), rows, config["C"])
    arrays = {**solver.arrays(machine), "scales": np.array(blocks.scales(subset, "l2")) / len(subset)}
    for label in subset:
        arrays |= pack(f"support/{label}", blocks.encoded[label].matrix[rows[machine.support]])
    state = {"config": dict(config), "subset": list(subset), "task": problem.task, "n_outputs": len(problem.outputs)}
    if problem.task != "regression":
        pairs = problem.crossed()
        crossed, tested = np.vstack(each(held_out, pairs)), np.concatenate([test for _, test in pairs])
        state["temperature"] = solver.temperature(crossed, tested)
        thresholds = thresholds_for(problem, problem.target[tested], solver.scores(crossed))
        arrays |= {} if thresholds is None else {"thresholds": thresholds}
    return Fitted(arrays, state)


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    state, arrays = fitted.state, fitted.arrays
    support = [unpack(f"support/{label}", arrays) for label in state["subset"]]
    queries, scales = [matrices[label] for label in state["subset"]], list(arrays["scales"])
    products = cross_products(queries, support, scales)
    squared = squared_distances(products, squared_norms(queries, scales), squared_norms(support, scales))
    kernel = gram_matrix(_kernel(state["config"]), products, squared, np.arange(products.shape[0]), np.arange(products.shape[1]))
    solver = saved_solver(state["task"], state["n_outputs"], arrays)
    values = solver.decide(solver.machine(arrays), kernel)
    prediction = decide_outputs(state["task"], solver.scores(values), arrays.get("thresholds"))
    return prediction, solver.probabilities(values, state.get("temperature", 1.0))


MODEL = Model(
    name="svm",
    settings=SvmSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: 2,
    pairwise_matrices=lambda n_blocks: 2 * n_blocks + 4,  # of each block products and L2; fused of both, and Gram matrices on two cores
)
