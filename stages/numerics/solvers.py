"""What an SVM is for a task: how a Gram matrix becomes machines, decisions, scores, probabilities, and arrays to save."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stages.contracts import Problem, Task
from stages.numerics.machines import (
    Machine,
    Machines,
    decide,
    fit_temperature,
    sigmoid,
    softmax,
    train_label_machines,
    train_machine,
    train_number_machines,
)
from stages.numerics.outputs import CLASSES, Scale, fit_scale


@dataclass(frozen=True)
class ClassSolver:
    """Classes: machines pair by pair. target: int32, of every row of the problem."""

    target: np.ndarray
    n_outputs: int

    def train(self, gram: np.ndarray, rows: np.ndarray, C: float) -> Machine:
        return train_machine(gram, self.target[rows], C)

    def decide(self, machine: Machine, kernel: np.ndarray) -> np.ndarray:
        return decide(machine, kernel, self.n_outputs)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return decisions

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float:
        return fit_temperature(decisions, self.target[rows])

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray:
        return softmax(temperature * decisions).astype(np.float32)

    def arrays(self, machine: Machine) -> dict[str, np.ndarray]:
        return {name: getattr(machine, name) for name in ("classes", "n_support", "dual", "intercept")}

    def machine(self, arrays: Mapping[str, np.ndarray]) -> Machine:
        support = np.arange(int(arrays["n_support"].sum()))
        return Machine(arrays["classes"], support, arrays["n_support"], arrays["dual"], arrays["intercept"])


@dataclass(frozen=True)
class LabelSolver:
    """Labels: a machine each. target: uint8 (n, n_outputs), of every row of the problem."""

    target: np.ndarray

    def train(self, gram: np.ndarray, rows: np.ndarray, C: float) -> Machines:
        return train_label_machines(gram, self.target[rows], C)

    def decide(self, machine: Machines, kernel: np.ndarray) -> np.ndarray:
        return kernel @ machine.dual[machine.support] + machine.intercept

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return sigmoid(decisions)

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float:
        return 1.0

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray | None:
        return sigmoid(decisions).astype(np.float32)

    def arrays(self, machine: Machines) -> dict[str, np.ndarray]:
        return {"dual": machine.dual[machine.support], "intercept": machine.intercept}

    def machine(self, arrays: Mapping[str, np.ndarray]) -> Machines:
        return Machines(arrays["dual"], arrays["intercept"])


@dataclass(frozen=True)
class NumberSolver(LabelSolver):
    """Numbers: a regression machine each, on standardised values. target: float64 (n, n_outputs), NaN where not known."""

    scale: Scale
    epsilon: float

    def train(self, gram: np.ndarray, rows: np.ndarray, C: float) -> Machines:
        return train_number_machines(gram, self.scale.standardised(self.target[rows]), C, self.epsilon)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return self.scale.restored(decisions)

    def probabilities(self, decisions: np.ndarray, temperature: float) -> None:
        return None

    def arrays(self, machine: Machines) -> dict[str, np.ndarray]:
        return {**super().arrays(machine), "target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


class Solver(Protocol):
    """What the three have in common; a machine is what the solver itself trained."""

    def train(self, gram: np.ndarray, rows: np.ndarray, C: float) -> Any: ...

    def decide(self, machine: Any, kernel: np.ndarray) -> np.ndarray: ...

    def scores(self, decisions: np.ndarray) -> np.ndarray: ...

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float: ...

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray | None: ...

    def arrays(self, machine: Any) -> dict[str, np.ndarray]: ...

    def machine(self, arrays: Mapping[str, np.ndarray]) -> Any: ...


def solver_for(problem: Problem, train: np.ndarray, settings: Any) -> Solver:
    """Return the solver of a problem's task; what it fits to the target is fitted on `train`."""
    if problem.task in CLASSES:
        return ClassSolver(problem.target, len(problem.outputs))
    if problem.task == "multilabel":
        return LabelSolver(problem.target)
    return NumberSolver(problem.target, fit_scale(problem.target[train]), settings.epsilon)


def saved_solver(task: Task, n_outputs: int, arrays: Mapping[str, np.ndarray]) -> Solver:
    """Return the solver that turns a saved machine's decisions into answers."""
    nothing = np.zeros(0)
    if task in CLASSES:
        return ClassSolver(nothing, n_outputs)
    if task == "multilabel":
        return LabelSolver(nothing)
    return NumberSolver(nothing, Scale(arrays["target_mean"], arrays["target_deviation"]), 0.0)
