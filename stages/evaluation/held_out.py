"""Lay predictions beside the splits that they must answer: every held-out row once, with the target that the splits know.

Nothing that train computed is trusted: targets come from the splits, metrics from targets, predictions and probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.task import TargetForm
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values


@dataclass(frozen=True)
class TestFold:
    """Rows that one outer fold holds out. rows: int64, sorted numbers into `Protocol.ids`."""

    repeat: int
    fold: int
    rows: np.ndarray
    n_train: int


@dataclass(frozen=True)
class Protocol:
    """Who is held out when. `targets` (n,) or (n, n_outputs), as in stages.contracts.Problem, and `groups` belong to `ids`."""

    ids: pa.Array
    groups: Sequence[str]
    targets: np.ndarray
    folds: tuple[TestFold, ...]

    @property
    def test_per_train(self) -> float:
        """Return n_test / n_train, mean over folds."""
        return float(np.mean([fold.rows.size / fold.n_train for fold in self.folds]))


@dataclass(frozen=True)
class Outcome:
    """What a model said of the rows of one fold, in row order.

    target, prediction: (n,) codes of classes, or (n, n_outputs); scores: (n, n_outputs), None of continuous targets.
    """

    target: np.ndarray
    prediction: np.ndarray
    scores: np.ndarray | None

    def take(self, rows: np.ndarray) -> "Outcome":
        """Return the outcome of some rows."""
        return Outcome(self.target[rows], self.prediction[rows], None if self.scores is None else self.scores[rows])


@dataclass(frozen=True)
class Expected:
    """What predictions must be like: the form, the names of its classes, labels or numbers, and the subsets of modalities."""

    form: TargetForm
    outputs: Sequence[str]
    combinations: Sequence[str]


def protocol_of(splits: pa.Table) -> Protocol:
    """Return the outer folds of a splits table, by repeat and fold."""
    repeats, folds = column_values(splits["repeat"]), column_values(splits["fold"])
    inner = column_values(splits["inner"])
    first = splits.filter(pa.array(repeats == repeats.min()))
    ids = first["sample_id"].combine_chunks()
    position = _positions(splits["sample_id"], ids)
    found = []
    for repeat in np.unique(repeats):
        for fold in np.unique(folds[(repeats == repeat) & (folds >= 0)]):
            of_repeat = repeats == repeat
            rows = np.sort(position[of_repeat & (folds == fold)])
            found.append(TestFold(int(repeat), int(fold), rows, int(np.count_nonzero(of_repeat & (inner[:, fold] >= 0)))))
    return Protocol(ids, first["group"].to_pylist(), column_values(first["target"]), tuple(found))


def outcomes_of(predictions: pa.Table, protocol: Protocol, expected: Expected, path: Path) -> dict[str, list[Outcome]]:
    """Return the outcomes of each subset, one per fold of the protocol.

    Raises:
        InputError: if a held-out row is missing, stands twice or was not held out, or a target, prediction or score is impossible.
    """
    names = predictions["modalities"].combine_chunks()
    row = _positions(predictions["sample_id"], protocol.ids)
    repeat, fold = column_values(predictions["repeat"]), column_values(predictions["fold"])
    scores = None if expected.form == "continuous" else column_values(predictions["probabilities"])
    said = Outcome(column_values(predictions["target"]), column_values(predictions["prediction"]), scores)
    result: dict[str, list[Outcome]] = {}
    for subset in expected.combinations:
        of_subset = np.asarray(pc.equal(names, subset).to_pylist(), dtype=bool)
        result[subset] = []
        for test in protocol.folds:
            where = f"{path}: modalities {subset!r}, repeat {test.repeat}, fold {test.fold}"
            here = np.flatnonzero(of_subset & (repeat == test.repeat) & (fold == test.fold))
            here = here[np.argsort(row[here], kind="stable")]
            _check_rows(row[here], test.rows, protocol.ids, where)
            outcome = said.take(here)
            _check_targets(outcome.target, protocol.targets[test.rows], where)
            _check_answers(outcome, expected, where)
            result[subset].append(outcome)
    return result


def _positions(ids: pa.ChunkedArray, known: pa.Array) -> np.ndarray:
    """Return the position of each id in `known`, -1 where it is not there."""
    return column_values(pc.fill_null(pc.index_in(ids, value_set=known), -1)).astype(np.int64)


def _check_rows(found: np.ndarray, expected: np.ndarray, ids: pa.Array, where: str) -> None:
    if np.array_equal(found, expected):
        return
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    if missing.size:
        what = f"{missing.size} of {expected.size} held-out rows have no prediction, first {ids[int(missing[0])].as_py()!r}"
    elif extra.size:
        name = repr(ids[int(extra[0])].as_py()) if extra[0] >= 0 else "one that splits do not know"
        what = f"{extra.size} rows were not held out, first {name}"
    else:
        what = "a row stands twice"
    raise InputError(f"{where}: {what}; predictions and splits are of different runs: run `dvc repro`")


def _check_targets(target: np.ndarray, truth: np.ndarray, where: str) -> None:
    if target.shape != truth.shape:
        raise InputError(f"{where}: targets have the shape {target.shape}, those of the splits {truth.shape}; run `dvc repro`")
    differ = (target != truth) & ~(np.isnan(target) & np.isnan(truth)) if target.dtype.kind == "f" else target != truth
    if differ.any():
        raise InputError(f"{where}: {np.count_nonzero(differ)} targets differ from those of the splits; run `dvc repro`")


def _check_answers(outcome: Outcome, expected: Expected, where: str) -> None:
    prediction, scores, n_outputs = outcome.prediction, outcome.scores, len(expected.outputs)
    if prediction.shape != outcome.target.shape or (scores is not None and scores.shape != (len(prediction), n_outputs)):
        raise InputError(f"{where}: predictions or scores are not of {n_outputs} {expected.form}; run `dvc repro`")
    if expected.form == "continuous":
        if not np.isfinite(prediction).all():
            raise InputError(f"{where}: {np.count_nonzero(~np.isfinite(prediction))} predictions are not finite numbers; mend the model")
        return
    top = 1 if expected.form == "labels" else n_outputs - 1
    if prediction.size and not 0 <= prediction.min() <= prediction.max() <= top:
        what = "0 or 1 for each label" if expected.form == "labels" else f"class codes 0 to {top}"
        raise InputError(f"{where}: predictions must be {what}, found {prediction.min()} to {prediction.max()}")
    if scores is not None and not np.isfinite(scores).all():
        raise InputError(f"{where}: {np.count_nonzero(~np.isfinite(scores))} scores are not finite numbers; mend the model")

