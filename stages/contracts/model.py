"""What a component under stages/models/ provides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stages.contracts.problem import Fold
from stages.contracts.settings import Settings
from stages.contracts.task import TASKS, Task


@dataclass(frozen=True)
class FoldResult:
    """What a model found for one outer fold and one subset.

    inner_scores: {metric: float64 (n_configs, n_inner)}; chosen: index of the configuration used.
    prediction: int32 (n_test,), class codes; multilabel: uint8, regression: float64 (n_test, n_outputs).
    scores: float32 (n_test, n_outputs), probabilities of classes or labels; None for regression.
    curves: name → value per step, of the refit on the whole outer training set.
    """

    fold: Fold
    subset: tuple[str, ...]
    inner_scores: Mapping[str, np.ndarray]
    chosen: int
    prediction: np.ndarray
    scores: np.ndarray | None
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A model refitted on all training rows, as arrays and plain JSON: nothing that needs pickle."""

    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Size:
    """How large a problem is, as far as is known before its features are read: what a model's need of memory follows from."""

    n_rows: int
    n_blocks: int
    task: Task = "multiclass"
    n_outputs: int = 2
    n_folds: int = 5  # outer ones, of all repeats
    n_values: float | None = None  # numbers per row in all features files; 1,000 per block where not known
    n_sparse: int = 0  # blocks of which only entries other than 0 are kept

    @property
    def n_subsets(self) -> int:
        return 2**self.n_blocks - 1


@dataclass(frozen=True)
class Model:
    """A learner, or a control: something that looks at no modality, which every learner must beat.

    `grid(settings, seed)` lists the configurations tried, simplest first (ties go to the first).
    `sweep(problem, settings, configs)` yields a FoldResult per outer fold and subset; `configs` are those of the grid that fit the data.
    `fit(problem, subset, config, settings)` refits one configuration on every training row.
    `predict(fitted, matrices)` → (prediction, scores) as in FoldResult; `matrices` maps each label of the subset to its encoded block.
    `tasks` are those that it can do.
    `needed_rows(config)` is the fewest training rows with which a configuration makes sense; those that need more are left out.
    `needed_bytes(size, settings)` is the memory that the sweep needs: what bounds `rows:`.
    `at_size(configs, settings, problem)` gives the configurations that stand for the grid's on this problem: what is approximated says so.
    """

    name: str
    settings: type[Settings]
    grid: Callable[..., list[dict[str, Any]]]
    sweep: Callable[..., Iterator[FoldResult]]
    fit: Callable[..., Fitted]
    predict: Callable[..., tuple[np.ndarray, np.ndarray | None]]
    needed_rows: Callable[[Mapping[str, Any]], int]
    at_size: Callable[..., list[dict[str, Any]]] = lambda configs, settings, problem: configs
    needed_bytes: Callable[[Size, Any], float] = lambda size, settings: 0.0
    tasks: tuple[Task, ...] = TASKS
    is_control: bool = False
