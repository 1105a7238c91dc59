"""The interface of a component under stages/models/: a `Sweep`, or an `Estimator` that the protocol turns into one.

The protocol (stages/model_selection/protocol.py) owns the evaluation: outer folds, modality combinations, inner folds, choice of a
configuration, thresholds, refit and predictions are implemented there once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from stages.contracts.candidate import EARLY
from stages.contracts.critical_point import CriticalPoint
from stages.contracts.fitted import CalibrationMethod, Fitted, Scores
from stages.contracts.linear_reading import LinearReading
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.contracts.task import TARGET_FORMS, TargetForm

Config = dict[str, Any]
Encoding = Literal["dense", "sparse", "table"]
ENCODINGS: tuple[Encoding, ...] = ("dense", "sparse", "table")


@dataclass(frozen=True)
class TestScores:
    """The scores of an outer fold's test rows by a configuration that is refitted on its training rows.

    curves: name → value per step of the refit.
    notes: name → a share of the test rows that helps to judge the scores.
    critical_point: of a network, computes what is known of the point of its loss; None: not a network, or not wanted.
    """

    scores: Scores
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: Mapping[str, float] = field(default_factory=dict)
    critical_point: Callable[[], CriticalPoint] | None = None


class FoldSweep(Protocol):
    """A grid on one outer fold and one modality combination."""

    @property
    def fold(self) -> Fold: ...

    @property
    def modalities(self) -> tuple[str, ...]: ...

    def inner_predictions(self) -> np.ndarray:
        """Return every configuration's out-of-fold predictions of the training rows; of rows that are not `fold.validated`, anything.

        Classes: int32 (n_configs, n_train), codes. Labels: float32, targets: float64 (n_configs, n_train, n_outputs), decisions.
        """
        ...

    def out_of_fold(self, config: int) -> Scores:
        """Return one configuration's out-of-fold scores of the training rows; of rows that are not `fold.validated`, anything."""
        ...

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        """Start to fit a configuration on all training rows; the returned function waits for it and scores the test rows.

        seed: of what the fit draws, in place of `Problem.seed`, whose fit is the one that `fitted` returns. What is not seeded ignores it.
        """
        ...

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        """Return a configuration fitted on all training rows, for saving; seed: of its random draws, None: the problem's."""
        ...


@dataclass(frozen=True)
class Size:
    """The size of a problem, known before its features are read: the input of a model's memory estimate."""

    n_rows: int
    n_blocks: int
    form: TargetForm = "classes"
    n_outputs: int = 2
    n_folds: int = 5  # outer folds of all repeats
    n_values: float | None = None  # values per row in all features files; None: 1,000 per block
    n_sparse: int = 0  # number of sparse blocks
    n_inner: int = 3  # inner folds of each outer fold
    tuning_rows: int | None = None  # most rows on which configurations are compared; None: all
    n_seeds: int = 1  # refits of each outer fold
    n_trained: int | None = None  # modality combinations; None: all

    @property
    def n_tuned(self) -> int:
        """Return the number of rows on which configurations are compared."""
        return self.n_rows if self.tuning_rows is None else min(self.n_rows, self.tuning_rows)

    @property
    def n_combinations(self) -> int:
        return 2**self.n_blocks - 1 if self.n_trained is None else self.n_trained


def never(n_train: int) -> bool:
    """Return that a fit on so many training rows draws no random numbers."""
    return False


def always(n_train: int) -> bool:
    """Return that a fit on so many training rows draws random numbers."""
    return True


def no_config(config: Mapping[str, Any]) -> bool:
    """Return that a configuration is no linear model."""
    return False


def every_config(configs: list[Config], settings: Any, problem: Problem) -> list[Config]:
    """Return the configurations unchanged: nothing is approximated."""
    return configs


@dataclass(frozen=True)
class Sweep:
    """A model whose configurations, folds and modality combinations share work, so it computes a whole grid at once.

    `grid(settings, seed)` lists the configurations, simplest first (ties go to the first).
    `run(problem, settings, configs, pool)` yields batches of fold sweeps, ordered by fold, then by combination. `configs` are the
    configurations of the grid that the data allow; `pool` has a thread per core and outlives all fold sweeps.
    `predict(fitted, matrices)` scores new rows; `matrices` maps each modality of the combination to its encoded block, or with
    `reads_structure` to a `Structured` one (stages/features/structures.py); in `run` that form is `block.raw.structure`.
    `min_samples(config)` is the smallest number of training rows of a configuration.
    `memory_bytes(size, settings)` estimates the memory of `run`, which limits `rows:`.
    `processor_s(size, settings)` estimates the processor seconds of `run`; None: not estimated.
    `approximated(configs, settings, problem)` returns the configurations with which this problem is solved instead; a configuration
    contains its approximation.
    `encodings` are the encodings of features that it reads; the model is not applicable to others.
    `is_seeded(n_train)` returns whether a fit on so many rows draws random numbers, so that refits are repeated with several seeds. A
    sample that the whole grid shares (landmarks, rows that are searched) is one draw, and not repeated.
    `reads_structure`: whether it reads the structured form of samples next to their encoded features.
    `represent(fitted, matrices)` returns what a network represents new rows by, float32 (n, d); None: the model is no network.
    `uses_weights`: whether the blocks' weights change what it learns; a model that learns its own is tried with equal ones alone.
    `is_linear(config)` returns whether a configuration is a linear function of the encoded features, `read(sweep)` what is read of the
    first configuration of a fold sweep, which is one, fitted on all training rows; text: why nothing is.
    """

    name: str
    settings: type[Settings]
    grid: Callable[[Any, int], list[Config]]
    run: Callable[[Problem, Any, list[Config], ThreadPoolExecutor], Iterator[Sequence[FoldSweep]]]
    predict: Callable[[Fitted, Mapping[str, Any]], Scores]
    min_samples: Callable[[Mapping[str, Any]], int] = lambda config: 2
    memory_bytes: Callable[[Size, Any], float] = lambda size, settings: 0.0
    processor_s: Callable[[Size, Any], float] | None = None
    approximated: Callable[[list[Config], Any, Problem], list[Config]] = every_config
    target_forms: tuple[TargetForm, ...] = TARGET_FORMS
    encodings: tuple[Encoding, ...] = ENCODINGS
    is_seeded: Callable[[int], bool] = never
    reads_structure: bool = False
    uses_weights: bool = True
    represent: Callable[[Fitted, Mapping[str, Any]], np.ndarray] | None = None
    is_linear: Callable[[Mapping[str, Any]], bool] = no_config
    read: Callable[[FoldSweep], LinearReading | str] | None = None


@dataclass(frozen=True)
class InnerFits:
    """The inner folds of one outer fold with few rows of classes, whose fits a model may compute as one.

    rows: float32 (n, d), the training rows. codes: int32 (n,), each of n_classes in every fold's training rows. inner: int16 (n,), as of
    a Fold.
    """

    rows: np.ndarray
    codes: np.ndarray
    inner: np.ndarray
    n_inner: int
    n_classes: int


StackedPath = Callable[[Sequence[Config], InnerFits], Iterator[np.ndarray]]


@dataclass(frozen=True)
class Estimator:
    """A model with scikit-learn's interface: fit, and predict_proba or predict. The protocol makes a sweep of it.

    `make(config, form, seed)` returns an unfitted estimator: a regressor for continuous targets, a classifier for the other forms.
    `grid(settings, seed)` lists the configurations, as of a `Sweep`. None: the product of the settings that are lists, in the order of
    their fields; each list is ordered from simple to complex.
    `path` names a setting: configurations that differ only in it are fitted in sequence, each starting from the previous solution
    (the estimator must support `warm_start`).
    `is_seeded(n_train)`: as of a `Sweep`; whether `seed` matters to an estimator that is fitted on so many rows.
    `approximated(configs, settings, problem)`: as of a `Sweep`.
    `stacked_path(configs, fits)` yields the decisions (n, n_classes) of each configuration of a path for the rows that an inner fold holds
    out, all folds computed as one; used for small problems, if `is_stacked(config)` of all configurations.
    `is_linear(config)`: as of a `Sweep`; such an estimator has `coef_` and `intercept_` as scikit-learn's linear models do.
    """

    name: str
    settings: type[Settings]
    make: Callable[[Config, TargetForm, int], Any]
    path: str | None = None
    min_samples: Callable[[Mapping[str, Any]], int] = lambda config: 2
    target_forms: tuple[TargetForm, ...] = TARGET_FORMS
    encodings: tuple[Encoding, ...] = ENCODINGS
    is_seeded: Callable[[int], bool] = never
    grid: Callable[[Any, int], list[Config]] | None = None
    approximated: Callable[[list[Config], Any, Problem], list[Config]] = every_config
    stacked_path: StackedPath | None = None
    is_stacked: Callable[[Mapping[str, Any]], bool] = no_config
    is_linear: Callable[[Mapping[str, Any]], bool] = no_config


Model = Sweep | Estimator


@dataclass(frozen=True)
class SeededPrediction:
    """What the chosen configuration predicts for the test rows when it is refitted with another seed; arrays as in `FoldResult`."""

    seed: int
    prediction: np.ndarray
    probabilities: np.ndarray | None


@dataclass(frozen=True)
class MemberScores:
    """The scores of a single modality's model on one outer fold, of which late fusion is made.

    rows: int64 (n,), sorted, the validated training rows on which the configuration was chosen. inner: int16 (n,), their inner folds.
    out_of_fold: float64 (n, n_outputs), probabilities of classes and labels, predictions of continuous targets, not calibrated.
    test: the same of the test rows, float64 (n_test, n_outputs), by seed, the problem's own first.
    """

    rows: np.ndarray
    inner: np.ndarray
    out_of_fold: np.ndarray
    test: Mapping[int, np.ndarray]


@dataclass(frozen=True)
class FoldResult:
    """A model's result on one outer fold with one modality combination, with the problem's own seed.

    inner_scores: {metric: float64 (n_configs, n_inner)}. chosen: index of the chosen configuration.
    prediction: in the target's form. probabilities: float32 (n_test, n_outputs), of classes or labels; None for continuous targets.
    curves: name → value per step, of the refit on all outer training rows.
    notes: name → a share of the test rows that helps to judge the predictions.
    out_of_fold: the chosen configuration's out-of-fold scores of the training rows; None unless they are kept.
    tuning_rows: the most rows of the data set on which configurations were compared (inner_scores); None: all.
    reseeded: predictions of the refits with further seeds.
    calibration: how the probabilities were calibrated.
    configs: those that were compared. fusion: the way of fusing. member: what late fusion needs of a single modality's model, if wanted.
    decision_arrays: labels' thresholds and the calibrator, as a saved model names them. usable: bool (n_configs,), which could be chosen;
    None: all. critical_point: of the refitted network, if it is one.
    """

    fold: Fold
    modalities: tuple[str, ...]
    inner_scores: Mapping[str, np.ndarray]
    chosen: int
    prediction: np.ndarray
    probabilities: np.ndarray | None
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: Mapping[str, float] = field(default_factory=dict)
    out_of_fold: Scores | None = None
    tuning_rows: int | None = None
    reseeded: Sequence[SeededPrediction] = ()
    calibration: CalibrationMethod = "none"
    configs: Sequence[Config] = ({},)
    fusion: str = EARLY
    member: MemberScores | None = None
    decision_arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    usable: np.ndarray | None = None
    critical_point: CriticalPoint | None = None

    def described(self, config: Config) -> Config:
        """Return a configuration as it is recorded: with `tuning_rows`, if it was compared on a sample, and `calibration`, if there is."""
        of_sample = {} if self.tuning_rows is None else {"tuning_rows": self.tuning_rows}
        return {**config, **of_sample, **({} if self.calibration == "none" else {"calibration": self.calibration})}


def config_of(described: Config) -> Config:
    """Return the configuration alone of one that `FoldResult.described` returned."""
    return {name: value for name, value in described.items() if name not in ("tuning_rows", "calibration")}
