"""What a component under stages/models/ provides: a `Sweep`, or an `Estimator`, of which the protocol makes one.

The protocol (stages/model_selection/protocol.py) owns the evaluation: outer folds, modality combinations, inner folds, choice of a
configuration, thresholds, refit and prediction rows are written there once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.contracts.task import TARGET_FORMS, TargetForm

Config = dict[str, Any]
Form = Literal["dense", "sparse", "table"]
FORMS: tuple[Form, ...] = ("dense", "sparse", "table")


@dataclass(frozen=True)
class TestScores:
    """What a configuration, refitted on an outer fold's training rows, computes for its test rows.

    curves: name → value per step of the refit.
    """

    scores: Scores
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)


class FoldSweep(Protocol):
    """A whole grid on one outer fold and one modality combination."""

    @property
    def fold(self) -> Fold: ...

    @property
    def modalities(self) -> tuple[str, ...]: ...

    def inner_predictions(self) -> np.ndarray:
        """Return every configuration's predictions of the training rows, each row by a model that held it out.

        Classes: int32 (n_configs, n_train), codes. Labels: float32, targets: float64 (n_configs, n_train, n_outputs), decisions.
        """
        ...

    def out_of_fold(self, config: int) -> Scores:
        """Return the scores of the training rows by one configuration, each row by a model that held it out."""
        ...

    def refit(self, config: int) -> Callable[[], TestScores]:
        """Begin to fit a configuration on all training rows; the function returned waits for it and scores the test rows."""
        ...

    def fitted(self, config: int) -> Fitted:
        """Return a configuration fitted on all training rows, to be saved."""
        ...


@dataclass(frozen=True)
class Size:
    """How large a problem is, as far as is known before its features are read: what a model's memory estimate follows from."""

    n_rows: int
    n_blocks: int
    form: TargetForm = "classes"
    n_outputs: int = 2
    n_folds: int = 5  # outer ones, of all repeats
    n_values: float | None = None  # values per row in all features files; 1,000 per block where not known
    n_sparse: int = 0  # blocks of which only entries other than 0 are kept

    @property
    def n_combinations(self) -> int:
        return 2**self.n_blocks - 1


def every_config(configs: list[Config], settings: Any, problem: Problem) -> list[Config]:
    """Return the configurations as they are: nothing is approximated."""
    return configs


@dataclass(frozen=True)
class Sweep:
    """A model that answers a whole grid for all folds and modality combinations at once, because they share work.

    `grid(settings, seed)` lists the configurations, simplest first (of equally good ones the first is chosen).
    `run(problem, settings, configs, pool)` yields, fold by fold and within a fold combination by combination, batches of fold sweeps;
    `configs` are those of the grid that the data allow; `pool` has a thread per core and outlives all fold sweeps.
    `predict(fitted, matrices)` scores new rows; `matrices` maps each modality of the combination to its encoded block.
    `min_samples(config)` is the fewest training rows with which a configuration makes sense.
    `memory_bytes(size, settings)` estimates the memory of `run`, which bounds `rows:`.
    `approximated(configs, settings, problem)` returns the configurations that stand for the grid's on this problem; what is approximated is
    part of the configuration.
    `forms` are the encodings of features that it reads; it is not applicable to others.
    """

    name: str
    settings: type[Settings]
    grid: Callable[[Any, int], list[Config]]
    run: Callable[[Problem, Any, list[Config], ThreadPoolExecutor], Iterator[Sequence[FoldSweep]]]
    predict: Callable[[Fitted, Mapping[str, Any]], Scores]
    min_samples: Callable[[Mapping[str, Any]], int] = lambda config: 2
    memory_bytes: Callable[[Size, Any], float] = lambda size, settings: 0.0
    approximated: Callable[[list[Config], Any, Problem], list[Config]] = every_config
    target_forms: tuple[TargetForm, ...] = TARGET_FORMS
    forms: tuple[Form, ...] = FORMS
    is_control: bool = False


@dataclass(frozen=True)
class Estimator:
    """A model by scikit-learn, or with its interface: fit, predict, predict_proba. The protocol does the rest.

    `make(config, form, seed)` returns an unfitted estimator: a regressor of continuous targets, a classifier of the other forms.
    The grid is the product of those settings that are lists, in the order of their fields; a list's order is from simple to complex.
    `path` names a setting: configurations that differ in it alone are fitted one after another, each from the last one's solution
    (the estimator must take `warm_start`).
    """

    name: str
    settings: type[Settings]
    make: Callable[[Config, TargetForm, int], Any]
    path: str | None = None
    min_samples: Callable[[Mapping[str, Any]], int] = lambda config: 2
    target_forms: tuple[TargetForm, ...] = TARGET_FORMS
    forms: tuple[Form, ...] = FORMS


Model = Sweep | Estimator


@dataclass(frozen=True)
class FoldResult:
    """What a model reached on one outer fold with one modality combination.

    inner_scores: {metric: float64 (n_configs, n_inner)}. chosen: index of the configuration used.
    prediction: in the target's form. probabilities: float32 (n_test, n_outputs), of classes or labels; None of continuous targets.
    curves: name → value per step, of the refit on all outer training rows.
    out_of_fold: scores of the training rows by the chosen configuration; None unless it is kept.
    """

    fold: Fold
    modalities: tuple[str, ...]
    inner_scores: Mapping[str, np.ndarray]
    chosen: int
    prediction: np.ndarray
    probabilities: np.ndarray | None
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    out_of_fold: Scores | None = None
