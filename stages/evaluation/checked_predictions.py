"""Match predictions with the splits: one prediction for every test row of every fold, with the target that the splits have.

Nothing that train computed is trusted: targets come from the splits, metrics from targets, predictions and probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import CLEAN, EARLY, Candidate, parsed_combination
from stages.contracts.task import OUTPUT_NOUNS, TargetForm
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values


@dataclass(frozen=True)
class TestFold:
    """The test rows of one outer fold. rows: int64, sorted numbers into `Splits.ids`."""

    repeat: int
    fold: int
    rows: np.ndarray
    n_train: int


@dataclass(frozen=True)
class Splits:
    """The test folds of all samples. `targets` (n,) or (n, n_outputs), as in stages.contracts.Problem, and `groups` belong to `ids`.

    times: of the samples; None unless each fold trains on the past alone. Samples before the first test fold are then in none.
    """

    ids: pa.Array
    groups: Sequence[str]
    targets: np.ndarray
    folds: tuple[TestFold, ...]
    times: pa.Array | None = None

    @property
    def test_per_train(self) -> float:
        """Return n_test / n_train, mean over folds, by which the variance of their scores is corrected; 0 in time order (no correction)."""
        if self.times is not None:
            return 0.0
        return float(np.mean([fold.rows.size / fold.n_train for fold in self.folds]))


@dataclass(frozen=True)
class FoldPredictions:
    """What a candidate predicts for the test rows of one fold, in row order.

    target, prediction: (n,) codes of classes, or (n, n_outputs); probabilities: (n, n_outputs), None for regression.
    """

    target: np.ndarray
    prediction: np.ndarray
    probabilities: np.ndarray | None

    def take(self, rows: np.ndarray) -> "FoldPredictions":
        """Return the predictions for some rows."""
        chosen = None if self.probabilities is None else self.probabilities[rows]
        return FoldPredictions(self.target[rows], self.prediction[rows], chosen)


ROUNDING = 1e-3  # of probabilities that are sums of float32
BySeed = Sequence[Sequence[FoldPredictions]]  # for each seed, the predictions of every test fold; the seed of the saved model first


@dataclass(frozen=True)
class Expected:
    """What a model's predictions must be like: the form of the targets, the names of the outputs, and the modality combinations."""

    model: str
    form: TargetForm
    outputs: Sequence[str]
    combinations: Sequence[str]


def splits_of(table: pa.Table) -> Splits:
    """Return the test folds of a splits table, by repeat and fold."""
    repeats, folds = column_values(table["repeat"]), column_values(table["fold"])
    inner = column_values(table["inner"])
    first = table.filter(pa.array(repeats == repeats.min()))
    ids = first["sample_id"].combine_chunks()
    position = _positions(table["sample_id"], ids)
    found = []
    for repeat in np.unique(repeats):
        for fold in np.unique(folds[(repeats == repeat) & (folds >= 0)]):
            of_repeat = repeats == repeat
            rows = np.sort(position[of_repeat & (folds == fold)])
            found.append(TestFold(int(repeat), int(fold), rows, int(np.count_nonzero(of_repeat & (inner[:, fold] >= 0)))))
    times = first["time"].combine_chunks() if "time" in table.column_names else None
    return Splits(ids, first["group"].to_pylist(), column_values(first["target"]), tuple(found), times)


def predictions_by_candidate(
    predictions: pa.Table, splits: Splits, expected: Expected, path: Path, *, condition: str = CLEAN
) -> dict[Candidate, list[list[FoldPredictions]]]:
    """Return each candidate's predictions of samples in one condition, by seed as they stand in the file, one per test fold.

    Raises:
        InputError: if a test row has no prediction of a seed or two, another row has one, or a target, prediction or probability is
            impossible.
    """
    row = _positions(predictions["sample_id"], splits.ids)
    repeat, fold, seed = (column_values(predictions[name]) for name in ("repeat", "fold", "seed"))
    combination, fusion, conditions = (_texts(predictions[name]) for name in ("modalities", "fusion", "condition"))
    has_probabilities = "probabilities" in predictions.column_names  # a learning curve has none
    probabilities = column_values(predictions["probabilities"]) if has_probabilities else None
    predicted = FoldPredictions(column_values(predictions["target"]), column_values(predictions["prediction"]), probabilities)
    found: dict[Candidate, list[list[FoldPredictions]]] = {}
    for name in expected.combinations:
        for way in dict.fromkeys(fusion[combination == name].tolist()) or (EARLY,):
            candidate = Candidate(expected.model, parsed_combination(name), way)
            mine = (combination == name) & (fusion == way) & (conditions == condition)
            seeds = list(dict.fromkeys(seed[mine].tolist())) or [0]  # of no row, every one is missing
            found[candidate] = [[] for _ in seeds]
            for (of_seed, one), test in product(zip(found[candidate], seeds, strict=True), splits.folds):
                of_several = f", seed {one}" if len(seeds) > 1 else ""
                where = f"{path}: modalities {name!r}, repeat {test.repeat}, fold {test.fold}{of_several}"
                here = np.flatnonzero(mine & (seed == one) & (repeat == test.repeat) & (fold == test.fold))
                here = here[np.argsort(row[here], kind="stable")]
                _check_rows(row[here], test.rows, splits.ids, where)
                of_fold = predicted.take(here)
                _check_targets(of_fold.target, splits.targets[test.rows], where)
                _check_predictions(of_fold, expected, where)
                of_seed.append(of_fold)
    return found


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist(), dtype=object)


def _positions(ids: pa.ChunkedArray, known: pa.Array) -> np.ndarray:
    """Return the position of each id in `known`, -1 where it is not there."""
    return column_values(pc.fill_null(pc.index_in(ids, value_set=known), -1)).astype(np.int64)


def _check_rows(found: np.ndarray, expected: np.ndarray, ids: pa.Array, where: str) -> None:
    if np.array_equal(found, expected):
        return
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    if missing.size:
        what = f"{missing.size} of {expected.size} test rows have no prediction, first {ids[int(missing[0])].as_py()!r}"
    elif extra.size:
        name = repr(ids[int(extra[0])].as_py()) if extra[0] >= 0 else "one that is not in the splits"
        what = f"{extra.size} rows with a prediction are not test rows of this fold, first {name}"
    else:
        what = "a row has two predictions"
    raise InputError(f"{where}: {what}; predictions and splits are of different runs: run `dvc repro`")


def _check_targets(target: np.ndarray, truth: np.ndarray, where: str) -> None:
    if target.shape != truth.shape:
        raise InputError(f"{where}: targets have the shape {target.shape}, those of the splits {truth.shape}; run `dvc repro`")
    differ = (target != truth) & ~(np.isnan(target) & np.isnan(truth)) if target.dtype.kind == "f" else target != truth
    if differ.any():
        raise InputError(f"{where}: {np.count_nonzero(differ)} targets differ from those of the splits; run `dvc repro`")


def _check_predictions(found: FoldPredictions, expected: Expected, where: str) -> None:
    prediction, probabilities, n_outputs = found.prediction, found.probabilities, len(expected.outputs)
    if probabilities is not None and probabilities.shape[1] != n_outputs:  # predictions are as wide as the targets, by their schema
        raise InputError(f"{where}: probabilities are not of {n_outputs} {OUTPUT_NOUNS[expected.form]}; run `dvc repro`")
    if expected.form == "continuous":
        if not np.isfinite(prediction).all():
            raise InputError(f"{where}: {np.count_nonzero(~np.isfinite(prediction))} predictions are not finite numbers; fix the model")
        return
    top = 1 if expected.form == "labels" else n_outputs - 1
    if prediction.size and not 0 <= prediction.min() <= prediction.max() <= top:
        what = "0 or 1 for each label" if expected.form == "labels" else f"class codes 0 to {top}"
        raise InputError(f"{where}: predictions must be {what}, found {prediction.min()} to {prediction.max()}")
    if probabilities is not None and not np.isfinite(probabilities).all():
        raise InputError(f"{where}: {np.count_nonzero(~np.isfinite(probabilities))} probabilities are not finite numbers; fix the model")
    if probabilities is not None and probabilities.size and not -ROUNDING <= probabilities.min() <= probabilities.max() <= 1 + ROUNDING:
        found_ends = f"{probabilities.min():g} to {probabilities.max():g}"
        raise InputError(f"{where}: probabilities must be from 0 to 1, found {found_ends}; fix the model")


