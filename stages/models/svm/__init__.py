"""Support vector machines: kernel (linear, RBF), C and gamma are swept.

A fold's squared distances are summed once per subset; they serve every gamma, C and inner fold, and linear kernels too.
One piece of work is a kernel and an inner fold: its matrix is made once for every pair of classes and every C.
Fused rows are scaled so that the mean squared distance of two training rows is 1: gamma and C mean the same for every data set.
Labels and numbers have a machine each, over the same Gram matrices. Classes' probabilities are a softmax of the decision values whose
temperature is fitted on the inner folds' held-out rows; labels' scores are sigmoids of the margins, not calibrated.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts.model import Fitted, FoldResult, Model, Size
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.features.early_fusion import FoldBlocks, cross_products, each_subset, encode_fold, squared_norms
from stages.features.matrices import pack, unpack
from stages.features.pairwise import squared_distances
from stages.foundation.parallel import each, n_cores
from stages.model_selection.choice import InnerPredictions, product, thresholds_for
from stages.model_selection.decisions import decide as decide_outputs
from stages.models.svm.kernels import Kernel, by_kernel, feature_distances, kernel_of, kernel_values, reordered
from stages.models.svm.large_svm import approximation, decisions_of, fit_large, sweep_subset
from stages.models.svm.solvers import Solver, saved_solver, solver_for

LARGE_BYTES_PER_ROW = 6000  # of each core, while it trains machines in the primal


class SvmSettings(Settings):
    kernel: tuple[Literal["linear", "rbf"], ...] = Field(("linear", "rbf"), min_length=1, description="any of linear, rbf")
    C: tuple[float, ...] = Field((0.1, 1.0, 10.0, 100.0), min_length=1, description="penalties, each above 0")
    gamma: tuple[float, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="RBF widths, each above 0; the mean squared distance of two rows is 1"
    )

    epsilon: float = Field(0.1, ge=0, description="regression: errors below it cost nothing, in standard deviations of the number")
    exact_rows: int = Field(10_000, ge=2, description="above so many rows machines are approximated, which their configurations say")
    landmarks: int = Field(500, ge=2, description="rows drawn to approximate an RBF kernel by, where it is approximated")

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


def at_size(configs: list[dict[str, Any]], settings: SvmSettings, problem: Problem) -> list[dict[str, Any]]:
    """Return the configurations as they are, or above `exact_rows` what stands for them."""
    if len(problem.target) <= settings.exact_rows:
        return configs
    return [{**config, "approximation": approximation(config["kernel"], problem, settings.landmarks)} for config in configs]


def sweep(problem: Problem, settings: SvmSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    for fold, blocks, subset in each_subset(problem):
        if "approximation" in configs[0]:
            yield sweep_subset(problem, fold, blocks, subset, configs, settings)
            continue
        solver = solver_for(problem, fold.train, settings)
        yield _sweep_subset(problem, fold, _squared(blocks, subset), subset, configs, solver)


def _squared(blocks: FoldBlocks, subset: tuple[str, ...]) -> np.ndarray:
    """Return squared distances whose mean between two training rows is 1, however many blocks there are: float64 (n, n)."""
    squared = blocks.squared(subset)
    return squared if len(subset) == 1 else squared / len(subset)


def _sweep_subset(
    problem: Problem, fold: Fold, squared: np.ndarray, subset: tuple[str, ...], configs: list[dict[str, Any]], solver: Solver
) -> FoldResult:
    members = by_kernel(configs)
    places = solver.order(fold.train)  # once for all: classes lie together then, and parts of the matrix are nearly contiguous
    rows, inner_of = np.concatenate([fold.train[places], fold.test]), fold.inner[places]
    solver, squared = solver.at(rows), reordered(squared, rows)
    pieces = [(kernel, inner) for kernel in members for inner in range(int(fold.inner.max()) + 1)]

    def inner_decisions(piece: tuple[Kernel, int]) -> np.ndarray:
        kernel, inner = piece
        penalties = np.array([configs[i]["C"] for i in members[kernel]])
        return _decisions(solver, kernel, squared, (np.flatnonzero(inner_of != inner), np.flatnonzero(inner_of == inner)), penalties)

    inner_predictions = InnerPredictions(problem, fold, len(configs))
    decisions = np.empty((len(configs), len(places), len(problem.outputs)))
    for (kernel, inner), found in zip(pieces, each(inner_decisions, pieces), strict=True):
        out = places[inner_of == inner]
        for i, values in zip(members[kernel], found, strict=True):
            decisions[i, out] = values
            inner_predictions.put(i, out, solver.scores(values))
    choice = inner_predictions.choose()
    config, (train, test) = configs[choice.config], np.split(np.arange(len(rows)), [len(places)])
    (values,) = _decisions(solver, kernel_of(config), squared, (train, test), np.array([config["C"]]))
    prediction = decide_outputs(problem.task, solver.scores(values), choice.thresholds)
    temperature = solver.temperature(decisions[choice.config][places], train)
    return FoldResult(fold, subset, choice.scores, choice.config, prediction, solver.probabilities(values, temperature))


def _decisions(
    solver: Solver, kernel: Kernel, squared: np.ndarray, pair: tuple[np.ndarray, np.ndarray], penalties: np.ndarray
) -> np.ndarray:
    """Return what machines of the first rows say of the second ones: float64 (n_C, n, n_outputs)."""
    train, held_out = pair[0][solver.order(pair[0])], pair[1]
    machines = solver.train(feature_distances(kernel, squared, train), train, penalties)
    return solver.decide(machines, kernel_values(kernel, squared, held_out, train[machines.support]))


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: SvmSettings) -> Fitted:
    """Return the machine of every training row with its support vectors; crossed held-out rows give temperature and thresholds."""
    rows = problem.training_rows()
    blocks = encode_fold({label: problem.blocks[label] for label in subset}, rows)
    if "approximation" in config:
        return fit_large(problem, blocks, subset, config, settings)
    squared = np.ascontiguousarray(_squared(blocks, subset))
    kernel, solver, penalties = kernel_of(config), solver_for(problem, rows, settings), np.array([config["C"]])
    ordered = rows[solver.order(rows)]
    machines = solver.train(feature_distances(kernel, squared, ordered), ordered, penalties)
    arrays = {**solver.arrays(machines), "scales": np.array(blocks.scales(subset, "l2")) / len(subset)}
    for label in subset:
        arrays |= pack(f"support/{label}", blocks.encoded[label].matrix[ordered[machines.support]])
    state = {"config": dict(config), "subset": list(subset), "task": problem.task, "n_outputs": len(problem.outputs)}
    if problem.task != "regression":
        pairs = problem.crossed()
        crossed = np.vstack(each(lambda pair: _decisions(solver, kernel, squared, pair, penalties)[0], pairs))
        tested = np.concatenate([test for _, test in pairs])
        state["temperature"] = solver.temperature(crossed, tested)
        thresholds = thresholds_for(problem, problem.target[tested], solver.scores(crossed))
        arrays |= {} if thresholds is None else {"thresholds": thresholds}
    return Fitted(arrays, state)


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    state, arrays = fitted.state, fitted.arrays
    if "approximation" in state["config"]:
        solver, values = decisions_of(fitted, matrices)
    else:
        solver = saved_solver(state["task"], state["n_outputs"], arrays)
        support = [unpack(f"support/{label}", arrays) for label in state["subset"]]
        queries, scales = [matrices[label] for label in state["subset"]], list(arrays["scales"])
        products = cross_products(queries, support, scales)
        squared = squared_distances(products, squared_norms(queries, scales), squared_norms(support, scales))
        kernel = kernel_values(kernel_of(state["config"]), squared, *map(np.arange, squared.shape))
        (values,) = solver.decide(solver.machines(arrays), kernel)
    prediction = decide_outputs(state["task"], solver.scores(values), arrays.get("thresholds"))
    return prediction, solver.probabilities(values, state.get("temperature", 1.0))


def needed_bytes(size: Size, settings: SvmSettings) -> float:
    """Return the memory of the matrices of all pairs of rows; above `exact_rows` of features, landmarks and machines."""
    n = float(size.n_rows)
    if n <= settings.exact_rows:  # of each block products and L2; fused, in another order and in between; each core's own, float32
        return 8 * n**2 * (2 * size.n_blocks + 3 + 0.5 * min(n_cores(), 4))
    n_columns = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    n_configs = len(grid(settings, 0))
    return n * (8 * n_columns + 8 * settings.landmarks + 4 * n_configs * size.n_outputs + LARGE_BYTES_PER_ROW * n_cores())


MODEL = Model(
    name="svm",
    settings=SvmSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: 2,
    at_size=at_size,
    needed_bytes=needed_bytes,
)
