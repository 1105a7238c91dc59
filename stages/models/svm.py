"""Support vector machines: kernel (linear, RBF), C and gamma are swept.

A fold's squared distances are summed once per subset; they serve every gamma, and a Gram matrix serves every C and inner fold.
Fused rows are scaled so that the mean squared distance of two training rows is 1: gamma and C mean the same for every data set.
Probabilities are a softmax of the decision values whose temperature is fitted on the inner folds' held-out rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts import Fitted, Fold, FoldResult, Model, Problem, Settings
from stages.numerics.fusion import FoldBlocks, cross_products, encode_fold, squared_norms
from stages.numerics.machines import Machine, decide, fit_temperature, softmax, train_machine
from stages.numerics.matrices import pack, unpack
from stages.numerics.pairwise import squared_distances
from stages.numerics.parallel import each
from stages.numerics.selection import choose, product, score_inner


class SvmSettings(Settings):
    kernel: tuple[Literal["linear", "rbf"], ...] = Field(("linear", "rbf"), min_length=1, description="any of linear, rbf")
    C: tuple[float, ...] = Field((0.1, 1.0, 10.0, 100.0), min_length=1, description="penalties, each above 0")
    gamma: tuple[float, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="RBF widths, each above 0; the mean squared distance of two rows is 1"
    )

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


def sweep(problem: Problem, settings: SvmSettings) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    configs = grid(settings, problem.seed)
    for fold in problem.folds:
        blocks = encode_fold(problem.blocks, fold.train)
        for subset in problem.subsets:
            yield _sweep_subset(problem, fold, blocks, subset, configs)


def _sweep_subset(
    problem: Problem, fold: Fold, blocks: FoldBlocks, subset: tuple[str, ...], configs: list[dict[str, Any]]
) -> FoldResult:
    target = problem.target[fold.train]
    products, squared = blocks.products(subset) / len(subset), blocks.squared(subset) / len(subset)
    pieces = [(kernel, inner) for kernel in dict.fromkeys(map(_kernel, configs)) for inner in range(int(fold.inner.max()) + 1)]

    def inner_decisions(piece: tuple[tuple[str, float | None], int]) -> dict[int, np.ndarray]:
        kernel, inner = piece
        out = fold.inner == inner
        train, held_out = fold.train[~out], fold.train[out]
        gram, cross = (gram_matrix(kernel, products, squared, rows, train) for rows in (train, held_out))
        found = {}
        for i in (i for i, config in enumerate(configs) if _kernel(config) == kernel):
            machine = train_machine(gram, target[~out], configs[i]["C"])
            found[i] = decide(machine, cross[:, machine.support], len(problem.classes))
        return found

    decisions = np.empty((len(configs), len(target), len(problem.classes)))
    for (_, inner), found in zip(pieces, each(inner_decisions, pieces), strict=True):
        for i, values in found.items():
            decisions[i, fold.inner == inner] = values
    scores = score_inner(target, decisions.argmax(axis=2).astype(np.int32), fold.inner, problem.select)
    chosen = choose(scores, problem.select)
    kernel = _kernel(configs[chosen])
    machine = train_machine(gram_matrix(kernel, products, squared, fold.train, fold.train), target, configs[chosen]["C"])
    values = decide(machine, gram_matrix(kernel, products, squared, fold.test, fold.train[machine.support]), len(problem.classes))
    probabilities = softmax(fit_temperature(decisions[chosen], target) * values)
    return FoldResult(fold, subset, scores, chosen, values.argmax(axis=1).astype(np.int32), probabilities.astype(np.float32))


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
    """Return the machine of every training row, its support vectors, and a temperature from crossed held-out rows."""
    rows = problem.training_rows()
    blocks = encode_fold({label: problem.blocks[label] for label in subset}, rows)
    products, squared = blocks.products(subset) / len(subset), blocks.squared(subset) / len(subset)
    kernel = _kernel(config)

    def machine_of(train: np.ndarray) -> Machine:
        return train_machine(gram_matrix(kernel, products, squared, train, train), problem.target[train], config["C"])

    def held_out(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        train, test = pair
        machine = machine_of(train)
        return decide(machine, gram_matrix(kernel, products, squared, test, train[machine.support]), len(problem.classes))

    pairs = problem.crossed()
    decisions = np.vstack(each(held_out, pairs))
    machine = machine_of(rows)
    arrays = {
        "classes": machine.classes,
        "n_support": machine.n_support,
        "dual": machine.dual,
        "intercept": machine.intercept,
        "scales": np.array(blocks.scales(subset, "l2")) / len(subset),
    }
    for label in subset:
        arrays |= pack(f"support/{label}", blocks.encoded[label].matrix[rows[machine.support]])
    temperature = fit_temperature(decisions, problem.target[np.concatenate([test for _, test in pairs])])
    state = {"config": dict(config), "subset": list(subset), "temperature": temperature, "n_classes": len(problem.classes)}
    return Fitted(arrays, state)


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return classes and probabilities of new rows."""
    state, arrays = fitted.state, fitted.arrays
    support = [unpack(f"support/{label}", arrays) for label in state["subset"]]
    queries, scales = [matrices[label] for label in state["subset"]], list(arrays["scales"])
    products = cross_products(queries, support, scales)
    squared = squared_distances(products, squared_norms(queries, scales), squared_norms(support, scales))
    n_sv = int(arrays["n_support"].sum())
    machine = Machine(arrays["classes"], np.arange(n_sv), arrays["n_support"], arrays["dual"], arrays["intercept"])
    kernel = gram_matrix(_kernel(state["config"]), products, squared, np.arange(len(products)), np.arange(n_sv))
    values = decide(machine, kernel, state["n_classes"])
    return values.argmax(axis=1).astype(np.int32), softmax(state["temperature"] * values).astype(np.float32)


MODEL = Model(
    name="svm",
    settings=SvmSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    smallest_training_set=lambda settings: 2,
    pairwise_matrices=lambda n_blocks: 2 * n_blocks + 4,  # of each block products and L2; fused of both, and Gram matrices on two cores
)
