"""Match predictions with the splits: one prediction for every test row of every fold, with the target that the splits have.

Nothing that train computed is trusted: targets come from the splits, metrics from targets, predictions and probabilities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import CLEAN, EARLY, Candidate, parsed_combination
from stages.contracts.checked import shortened
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
    present: bool (n,), which samples have a modality, of each that some lack.
    """

    ids: pa.Array
    groups: Sequence[str]
    targets: np.ndarray
    folds: tuple[TestFold, ...]
    times: pa.Array | None = None
    present: Mapping[str, np.ndarray] = field(default_factory=dict)

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
    """What a model's predictions must be like: the form of the targets, the names of the outputs, and the modality combinations.

    seeds: of the refits, that of the saved model first; none: those of the file, as they stand there.
    """

    model: str
    form: TargetForm
    outputs: Sequence[str]
    combinations: Sequence[str]
    seeds: Sequence[int] = ()


@dataclass(frozen=True)
class FileRows:
    """The rows of a file of predictions, which are matched with test folds.

    row: int64 (n,), numbers into `Splits.ids`, -1 where there is no such sample. keys: by column, the texts and numbers that tell one
    prediction of a sample from the others. matched: bool (n,), the rows that a test fold has asked for so far.
    """

    path: Path
    splits: Splits
    expected: Expected
    row: np.ndarray
    keys: Mapping[str, np.ndarray]
    predicted: FoldPredictions
    matched: np.ndarray

    @classmethod
    def of(cls, table: pa.Table, splits: Splits, expected: Expected, path: Path, *keys: str) -> "FileRows":
        """Return the rows of a table. keys: further columns that tell predictions apart, next to modalities, repeat and fold."""
        texts = {name: _texts(table[name]) for name in ("modalities", *keys) if pa.types.is_string(table.schema.field(name).type)}
        numbers = {name: column_values(table[name]) for name in ("repeat", "fold", *keys) if name not in texts}
        has_probabilities = "probabilities" in table.column_names  # a learning curve has none
        probabilities = column_values(table["probabilities"]) if has_probabilities else None
        predicted = FoldPredictions(column_values(table["target"]), column_values(table["prediction"]), probabilities)
        row = _positions(table["sample_id"], splits.ids)
        return cls(path, splits, expected, row, texts | numbers, predicted, np.zeros(len(row), bool))

    def where(self, **values: Any) -> np.ndarray:
        """Return which rows have these values of keys: bool (n,)."""
        found = np.ones(len(self.row), bool)
        for name, value in values.items():
            found &= self.keys[name] == value
        return found

    def of_fold(self, mine: np.ndarray, test: TestFold, what: str) -> FoldPredictions:
        """Return the predictions for a test fold among some rows, in row order; what: they are of, for a message.

        Raises:
            InputError: if a test row has no prediction or two, another row has one, or a target, prediction or probability is impossible.
        """
        where = f"{self.path}: {what}"
        here = np.flatnonzero(mine & self.where(repeat=test.repeat, fold=test.fold))
        here = here[np.argsort(self.row[here], kind="stable")]
        _check_rows(self.row[here], test.rows, self.splits.ids, where)
        found = self.predicted.take(here)
        _check_targets(found.target, self.splits.targets[test.rows], where)
        _check_predictions(found, self.expected, where)
        self.matched[here] = True
        return found

    def refuse_unmatched(self, mine: np.ndarray) -> None:
        """Raise InputError if some rows are of no test fold that was asked for: of an unknown combination, repeat, fold or seed."""
        left = np.flatnonzero(mine & ~self.matched)
        if left.size:
            first = ", ".join(f"{name} {self.keys[name].tolist()[left[0]]!r}" for name in self.keys)
            folds = [f"{test.repeat}/{test.fold}" for test in self.splits.folds]
            raise InputError(f"{self.path}: {left.size} rows are of no candidate, seed and test fold that there is, first row {left[0]}: "
                             f"{first}; expected modalities {', '.join(map(repr, self.expected.combinations))} on repeat/fold "
                             f"{', '.join(shortened(folds))}; run `dvc repro`")


def splits_of(table: pa.Table, incomplete: Sequence[str] = ()) -> Splits:
    """Return the test folds of a splits table, by repeat and fold; incomplete: the modalities of its metadata that some samples lack."""
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
    masks = column_values(first["present"]).T.astype(bool) if incomplete else ()
    present = dict(zip(incomplete, masks, strict=True))
    return Splits(ids, first["group"].to_pylist(), column_values(first["target"]), tuple(found), times, present)


def predictions_by_candidate(
    predictions: pa.Table, splits: Splits, expected: Expected, path: Path, *, condition: str = CLEAN
) -> dict[Candidate, list[list[FoldPredictions]]]:
    """Return each candidate's predictions of samples in one condition, by seed (that of the saved model first), one per test fold.

    Raises:
        InputError: if a test row has no prediction of a seed or two, another row has one, some predictions are of another combination,
            seed or fold, or a target, prediction or probability is impossible.
    """
    rows = FileRows.of(predictions, splits, expected, path, "fusion", "seed", "condition")
    those = rows.where(condition=condition)
    # of no row, every one is missing
    seeds = expected.seeds or list(dict.fromkeys(rows.keys["seed"][those].tolist())) or [0]
    found: dict[Candidate, list[list[FoldPredictions]]] = {}
    for name in expected.combinations:
        for way in dict.fromkeys(rows.keys["fusion"][rows.where(modalities=name)].tolist()) or (EARLY,):
            of_way = those & rows.where(modalities=name, fusion=way)
            by_seed = [(seed, of_way & rows.where(seed=seed)) for seed in seeds]
            found[Candidate(expected.model, parsed_combination(name), way)] = [
                [rows.of_fold(mine, test, f"modalities {name!r}, repeat {test.repeat}, fold {test.fold}"
                              + (f", seed {seed}" if len(seeds) > 1 else "")) for test in splits.folds]
                for seed, mine in by_seed
            ]  # fmt: skip
    rows.refuse_unmatched(those)
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
        raise InputError(f"{where}: predictions must be {what}, found {prediction.min()} to {prediction.max()}; fix the model")
    if probabilities is not None and not np.isfinite(probabilities).all():
        raise InputError(f"{where}: {np.count_nonzero(~np.isfinite(probabilities))} probabilities are not finite numbers; fix the model")
    if probabilities is not None and probabilities.size and not -ROUNDING <= probabilities.min() <= probabilities.max() <= 1 + ROUNDING:
        found_ends = f"{probabilities.min():g} to {probabilities.max():g}"
        raise InputError(f"{where}: probabilities must be from 0 to 1, found {found_ends}; fix the model")


