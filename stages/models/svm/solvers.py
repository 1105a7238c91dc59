"""What an SVM is for a task: how a kernel becomes machines, decisions, scores, probabilities, and arrays to save."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from stages.contracts.problem import Problem
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import Scale, fit_scale
from stages.models.svm.machines import (
    Outputs,
    Pairs,
    decide_outputs,
    decide_pairs,
    fit_temperature,
    sigmoid,
    softmax,
    train_labels,
    train_numbers,
    train_pairs,
)


@dataclass(frozen=True)
class ClassSolver:
    """Classes: machines pair by pair. target: int32, of every row of the problem."""

    target: np.ndarray
    n_outputs: int

    def at(self, rows: np.ndarray) -> Self:
        return replace(self, target=self.target[rows])

    def order(self, rows: np.ndarray) -> np.ndarray:
        return np.argsort(self.target[rows], kind="stable")

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> Pairs:
        return train_pairs(distances, self.target[rows], penalties)

    def decide(self, machines: Pairs, kernel: np.ndarray) -> np.ndarray:
        return decide_pairs(machines, kernel, self.n_outputs)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return decisions

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float:
        return fit_temperature(decisions, self.target[rows])

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray:
        return softmax(temperature * decisions).astype(np.float32)

    def arrays(self, machines: Pairs) -> dict[str, np.ndarray]:
        return {
            "classes": machines.classes,
            "n_support": machines.n_support,
            "dual": machines.dual[0],
            "intercept": machines.intercept[0],
        }

    def machines(self, arrays: Mapping[str, np.ndarray]) -> Pairs:
        support = np.arange(int(arrays["n_support"].sum()))
        return Pairs(arrays["classes"], support, arrays["n_support"], arrays["dual"][None], arrays["intercept"][None])


@dataclass(frozen=True)
class LabelSolver:
    """Labels: a machine each. target: uint8 (n, n_outputs), of every row of the problem."""

    target: np.ndarray

    def at(self, rows: np.ndarray) -> Self:
        return replace(self, target=self.target[rows])

    def order(self, rows: np.ndarray) -> np.ndarray:
        return np.arange(len(rows))

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> Outputs:
        return train_labels(distances, self.target[rows], penalties)

    def decide(self, machines: Outputs, kernel: np.ndarray) -> np.ndarray:
        return decide_outputs(machines, kernel)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return sigmoid(decisions)

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float:
        return 1.0

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray | None:
        return sigmoid(decisions).astype(np.float32)

    def arrays(self, machines: Outputs) -> dict[str, np.ndarray]:
        return {"dual": machines.dual[0], "intercept": machines.intercept[0]}

    def machines(self, arrays: Mapping[str, np.ndarray]) -> Outputs:
        return Outputs(np.arange(len(arrays["dual"])), arrays["dual"][None], arrays["intercept"][None])


@dataclass(frozen=True)
class NumberSolver(LabelSolver):
    """Numbers: a regression machine each, on standardised values. target: float64 (n, n_outputs), NaN where not known."""

    scale: Scale
    epsilon: float

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> Outputs:
        return train_numbers(distances, self.scale.standardised(self.target[rows]), penalties, self.epsilon)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return self.scale.restored(decisions)

    def probabilities(self, decisions: np.ndarray, temperature: float) -> None:
        return None

    def arrays(self, machines: Outputs) -> dict[str, np.ndarray]:
        return {**super().arrays(machines), "target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


class Solver(Protocol):
    """What the three have in common; machines are what the solver itself trained, for every C of `penalties` (float64, ascending).

    at(rows): the solver of these rows alone, numbered from 0. order(rows): their places in the order that `train` wants, int64.
    train(distances, rows, penalties): distances float32 (n, n), squared, of these rows in the feature space.
    decide(machines, kernel): float64 (n_C, n, n_outputs). arrays(machines): those of a single C.
    """

    def at(self, rows: np.ndarray) -> Self: ...

    def order(self, rows: np.ndarray) -> np.ndarray: ...

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> Any: ...

    def decide(self, machines: Any, kernel: np.ndarray) -> np.ndarray: ...

    def scores(self, decisions: np.ndarray) -> np.ndarray: ...

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float: ...

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray | None: ...

    def arrays(self, machines: Any) -> dict[str, np.ndarray]: ...

    def machines(self, arrays: Mapping[str, np.ndarray]) -> Any: ...


def solver_for(problem: Problem, train: np.ndarray, settings: Any) -> Solver:
    """Return the solver of a problem's target form; what it fits to the target is fitted on `train`."""
    if problem.form == "classes":
        return ClassSolver(problem.target, len(problem.outputs))
    if problem.form == "labels":
        return LabelSolver(problem.target)
    return NumberSolver(problem.target, fit_scale(problem.target[train]), settings.epsilon)


def saved_solver(form: TargetForm, n_outputs: int, arrays: Mapping[str, np.ndarray]) -> Solver:
    """Return the solver that turns a saved machine's decisions into answers."""
    nothing = np.zeros(0)
    if form == "classes":
        return ClassSolver(nothing, n_outputs)
    if form == "labels":
        return LabelSolver(nothing)
    return NumberSolver(nothing, Scale(arrays["target_mean"], arrays["target_deviation"]), 0.0)
