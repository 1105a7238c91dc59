"""Turn what a data set says of its target into codes, labels and numbers, and refuse targets that cannot be learned."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.task import Task
from stages.foundation.errors import InputError
from stages.foundation.tables import fixed_lists

MAX_CLASSES = 1000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")  # narrower than float(), which also takes "nan" and "infinity"
CLASSES = ("binary", "multiclass")


def missing_targets(target: pa.ChunkedArray, task: Task) -> np.ndarray:
    """Return which rows have no target at all: bool (n,). Of numbers some may be known."""
    if task == "regression":
        return np.isnan(numbers_of(target)).all(axis=1)
    return np.asarray(pc.is_null(target).to_pylist(), dtype=bool)


def numbers_of(target: pa.ChunkedArray) -> np.ndarray:
    """Return a struct column of numbers as float64 (n, n_outputs), NaN where null."""
    whole = target.combine_chunks()
    return np.stack([np.from_dlpack(pc.fill_null(field.cast(pa.float64()), float("nan"))) for field in whole.flatten()], axis=1)


def check_target(target: pa.ChunkedArray, task: Task, remedy: str, *, unknown: str = "refuse") -> None:
    """Raise InputError where a target cannot be learned and tested; `remedy` says where to mend it.

    Every class, and every label, needs two samples: one to train on and one to test on. Numbers must vary, and must be known unless
    `unknown` is "mask".
    """
    if task == "regression":
        _check_numbers(target, remedy, unknown)
        return
    values = target.to_pylist()
    counts = Counter(values) if task in CLASSES else Counter(label for labels in values for label in set(labels))
    what = "class" if task in CLASSES else "label"
    if (len(counts) < 2 and task in CLASSES) or not counts:
        named = f" ({next(iter(counts))!r})" if counts else ""
        raise InputError(f"{len(counts)} {what} in the target{named}, so there is nothing to predict; {remedy}")
    if len(counts) > MAX_CLASSES:
        raise InputError(f"{len(counts)} different values in the target, more than {MAX_CLASSES}: is it a name or a number? For numbers "
                         f"use task regression; {remedy}")
    if task == "binary" and len(counts) != 2:
        named = ", ".join(repr(name) for name in sorted_outputs(set(counts))[:5])
        raise InputError(f"{len(counts)} classes in a binary target ({named}, …); use task multiclass, or {remedy}")
    lonely = sorted(label for label, count in counts.items() if count < 2)
    if lonely:
        if 2 * len(lonely) > len(counts) and all(_NUMBER.fullmatch(label) for label in counts):
            remedy += "; or, if these are numbers, use task regression"
        raise InputError(f"{what} {lonely[0]!r} has one sample ({len(lonely)} such); each needs at least two, one to train on and one to "
                         f"test on, so merge it into another or leave it out: {remedy}")


def _check_numbers(target: pa.ChunkedArray, remedy: str, unknown: str) -> None:
    numbers = numbers_of(target)
    for name, values in zip(target.type.names, numbers.T, strict=True):
        if np.isinf(values).any():
            raise InputError(f"target {name!r} is infinite in row {int(np.flatnonzero(np.isinf(values))[0])}; {remedy}")
        gaps = np.flatnonzero(np.isnan(values))
        if len(gaps) and unknown == "refuse":
            raise InputError(f"target {name!r} is not known in {len(gaps)} of {len(values)} rows, the first is row {gaps[0]}; "
                             f"learn from the others with `unknown_targets: mask`, or {remedy}")
        if len(np.unique(values[~np.isnan(values)])) < 2:
            raise InputError(f"target {name!r} has one value in all rows, so there is nothing to predict; {remedy}")


def encode_target(target: pa.ChunkedArray, task: Task) -> tuple[pa.Array, list[str]]:
    """Return the target in the form of stages/contracts/, and the names of its classes, labels or numbers."""
    if task == "regression":
        return fixed_lists(numbers_of(target)), list(target.type.names)
    values = target.to_pylist()
    if task == "multilabel":
        outputs = sorted_outputs({label for labels in values for label in labels})
        place = {label: i for i, label in enumerate(outputs)}
        holds = np.zeros((len(values), len(outputs)), dtype=np.uint8)
        for row, labels in enumerate(values):
            holds[row, [place[label] for label in labels]] = 1
        return fixed_lists(holds), outputs
    outputs = sorted_outputs(set(values))
    code_of = {label: code for code, label in enumerate(outputs)}
    return pa.array([code_of[label] for label in values], pa.int32()), outputs


def sorted_outputs(labels: set[str]) -> list[str]:
    """Return the labels sorted: as numbers if all are numbers ("2" before "10"), else as text."""
    if all(_NUMBER.fullmatch(label) for label in labels):
        return sorted(labels, key=lambda label: (float(label), label))
    return sorted(labels)


def sampling_strata(table: pa.Table, task: Task) -> np.ndarray:
    """Return what a sample of rows should have its share of: string (n,), the class and the part of an official split."""
    parts: list[Sequence[Any]] = []
    if task in CLASSES:
        parts.append(table["target"].to_pylist())
    if "split" in table.column_names:
        parts.append(table["split"].to_pylist())
    return np.asarray(["\0".join(map(str, part)) for part in zip(*parts, strict=True)] if parts else [""] * len(table), dtype=np.str_)


def described(name: str, task: Task, outputs: Sequence[str]) -> Mapping[str, Any]:
    """Return what the metadata say of a target; of two classes the task is binary, whatever was declared."""
    exact = ("binary" if len(outputs) == 2 else "multiclass") if task in CLASSES else task
    return {"name": name, "task": exact, "outputs": list(outputs)}
