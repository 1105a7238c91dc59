"""Targets of form `continuous`: one or more values per row, NaN where not known."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.task import TargetEncoding
from stages.foundation.errors import InputError
from stages.foundation.tables import fixed_lists


def values_of(target: pa.ChunkedArray) -> np.ndarray:
    """Return a struct column as float64 (n, n_outputs), NaN where null."""
    whole = target.combine_chunks()
    return np.stack([np.from_dlpack(pc.fill_null(field.cast(pa.float64()), float("nan"))) for field in whole.flatten()], axis=1)


def missing_targets(target: pa.ChunkedArray) -> np.ndarray:
    """Return the rows without a known target: bool (n,)."""
    return np.asarray(np.isnan(values_of(target)).all(axis=1))


def check_continuous(target: pa.ChunkedArray, remedy: str, unknown: str = "refuse") -> None:
    """Raise InputError unless every target is finite, has two different values, and is known in every row (or `unknown` is "mask")."""
    for name, values in zip(target.type.names, values_of(target).T, strict=True):
        if np.isinf(values).any():
            raise InputError(f"target {name!r} is infinite in row {int(np.flatnonzero(np.isinf(values))[0])}; {remedy}")
        gaps = np.flatnonzero(np.isnan(values))
        if len(gaps) and unknown == "refuse":
            raise InputError(f"target {name!r} is not known in {len(gaps)} of {len(values)} rows, the first is row {gaps[0]}; "
                             f"train on the others with `unknown_targets: mask`, or {remedy}")
        if _n_different(values) < 2:
            raise InputError(f"target {name!r} has one value in all rows, so there is nothing to predict; {remedy}")


def encode_continuous(target: pa.ChunkedArray) -> tuple[pa.Array, list[str]]:
    """Return the values, float64 (n, n_outputs), and the names of the targets."""
    return fixed_lists(values_of(target)), list(target.type.names)


def no_strata(target: pa.ChunkedArray) -> None:
    """Return None: rows are not stratified by target."""
    return None


def check_sampled_continuous(whole: pa.ChunkedArray, sampled: pa.ChunkedArray, where: str) -> None:
    """Raise InputError if a target is constant in a sample of rows."""
    for name, values in zip(sampled.type.names, values_of(sampled).T, strict=True):
        if _n_different(values) < 2:
            raise InputError(f"{where}: target {name!r} would not vary; allowed: all, or enough for two values of every target")


def _n_different(values: np.ndarray) -> int:
    return len(np.unique(values[~np.isnan(values)]))


CONTINUOUS = TargetEncoding(
    form="continuous",
    arrow_type="float64[]",
    missing=missing_targets,
    check=check_continuous,
    encode=encode_continuous,
    sampling_strata=no_strata,
    check_sample=check_sampled_continuous,
)
