"""Targets of form `classes`: one name per row, encoded as a code."""

from collections import Counter

import pyarrow as pa

from stages.contracts.task import TargetEncoding
from stages.foundation.errors import InputError
from stages.targets.output_names import check_counts, missing_rows, sorted_outputs


def check_classes(target: pa.ChunkedArray, remedy: str, unknown: str = "refuse") -> None:
    """Raise InputError unless there are two classes or more, with two samples each."""
    counts = Counter(target.to_pylist())
    if len(counts) < 2:
        named = f" ({next(iter(counts))!r})" if counts else ""
        raise InputError(f"{len(counts)} class in the target{named}, so there is nothing to predict; {remedy}")
    check_counts(counts, "class", remedy)


def encode_classes(target: pa.ChunkedArray) -> tuple[pa.Array, list[str]]:
    """Return codes, int32 (n,), and the names of the classes."""
    values = target.to_pylist()
    outputs = sorted_outputs(set(values))
    code_of = {name: code for code, name in enumerate(outputs)}
    return pa.array([code_of[name] for name in values], pa.int32()), outputs


def strata_of_classes(target: pa.ChunkedArray) -> list[str]:
    """Return the class of each row."""
    return [str(name) for name in target.to_pylist()]


def check_sampled_classes(whole: pa.ChunkedArray, sampled: pa.ChunkedArray, where: str) -> None:
    """Accept every sample of rows: it is stratified by class, so no class is lost."""


CLASSES = TargetEncoding(
    form="classes",
    arrow_type="int32",
    missing=missing_rows,
    check=check_classes,
    encode=encode_classes,
    sampling_strata=strata_of_classes,
    check_sample=check_sampled_classes,
)
