"""Several files of a modality per sample: each is featurized by itself, and the features of a sample's files are pooled.

Numbers are pooled one by one: a number that is missing (NaN) in some files is pooled over the others. Values are sorted before they are
added, so that the order of the files does not matter. What the modality stores besides (frames, points) is that of all files, in turn.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists
from stages.samples.read import SampleError

Pool = Literal["mean", "max", "first"]
POOLS = "mean, max or first"
FILES_AT_ONCE = 256  # whose features are in memory before they are pooled, about
FILES_KEY, SEVERAL = b"files", b"several"  # in the metadata of a column of samples: each value is a list of files


class PoolableSettings(Settings):
    """Settings of a modality whose features are numbers of one fixed length, so that those of several files can be pooled."""

    pool: Pool | None = Field(None, description=f"own data with several files per sample: {POOLS} of their features (first: as listed)")

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the settings without `pool` where it is not used: most features have none."""
        values: dict[str, Any] = write(self)
        return {name: value for name, value in values.items() if name != "pool" or value is not None}


def pool_of(settings: Settings) -> Pool | None:
    """Return how the features of several files are pooled; None: each sample has one."""
    return settings.pool if isinstance(settings, PoolableSettings) else None


def features_of(modality: Modality[Any], column: pa.Array | pa.ChunkedArray, settings: Settings) -> Features:
    """Return the features of each sample; of a column of lists, with `pool` in the settings, those of the files of a list as one.

    Raises:
        SampleError: naming the samples that cannot be read, each file of which must be readable.
    """
    pool = pool_of(settings)
    if pool is None:
        return modality.featurize(column, settings)
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_list(lists.type):
        raise InputError(f"a column of Arrow type {lists.type}; expected a list of files per sample, as the settings have `pool: {pool}`")
    parts: list[Features] = []
    reasons: dict[int, str] = {}
    for start, stop in _pieces(lists):
        try:
            parts.append(_pooled(modality, lists.slice(start, stop - start), settings, pool))
        except SampleError as error:
            reasons |= {start + row: reason for row, reason in error.reasons.items()}
    if reasons:
        raise SampleError(reasons)
    first = parts[0]
    columns = {name: pa.concat_arrays([part.columns[name] for part in parts]) for name in first.columns}
    return Features(columns, first.encoding, first.shape, first.names, first.fit)


def file_column(column: pa.Field) -> pa.Field:
    """Return a column of samples as one of their files: of the type of a file's value."""
    return pa.field(column.name, column.type.value_type) if has_several(column) else column


def has_several(column: pa.Field) -> bool:
    """Return whether each value of a column of samples is a list of files."""
    return (column.metadata or {}).get(FILES_KEY) == SEVERAL


def check_files(column: pa.Field, settings: Settings, key: str) -> None:
    """Raise InputError unless `pool` is declared for a column of several files per sample, and for no other."""
    if mistake := pool_mistake(settings, key, several=has_several(column)):
        raise InputError(mistake)


def pool_mistake(settings: Settings, key: str, *, several: bool) -> str | None:
    """Return what is wrong with `pool` under `key` of params.yaml, of a modality of one or of several files per sample; None: nothing."""
    pool = pool_of(settings)
    if several and pool is None:
        return (f"{key}: samples have several files of this modality, and nothing says what becomes of them; add `pool:` ({POOLS}), which "
                "makes one row of features of the features of each file, or declare one file per sample")
    if pool is not None and not several:
        return f"{key}.pool: each sample has one file, so there is nothing to pool; remove it, or declare several files"
    return None


def _pieces(lists: pa.ListArray) -> list[tuple[int, int]]:
    """Return the bounds of runs of rows with about FILES_AT_ONCE files, at least one run."""
    ends = np.from_dlpack(lists.offsets).astype(np.int64)[1:]
    bounds = [0]
    while bounds[-1] < len(lists):
        before = ends[bounds[-1] - 1] if bounds[-1] else int(lists.offsets[0].as_py())
        bounds.append(max(bounds[-1] + 1, int(np.searchsorted(ends, before + FILES_AT_ONCE, side="right"))))
    return list(pairwise(bounds)) or [(0, 0)]


def _pooled(modality: Modality[Any], lists: pa.ListArray, settings: Settings, pool: Pool) -> Features:
    lengths = np.array([size or 0 for size in lists.value_lengths().to_pylist()], dtype=np.int64)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    reasons = {int(row): "the sample has no file" for row in np.flatnonzero(lengths == 0)}
    try:
        found = modality.featurize(lists.flatten(), settings)
    except SampleError as error:
        for place, reason in error.reasons.items():
            row = int(np.searchsorted(bounds, place, side="right")) - 1
            reasons.setdefault(row, f"file {place - bounds[row] + 1} of {lengths[row]}: {reason}" if lengths[row] > 1 else reason)
    if reasons:
        raise SampleError(reasons)
    if found.encoding == "sparse":
        raise InputError(f"pool: the features of this column (modality {modality.name}) are sparse, and only those of one fixed length are "
                         "pooled; store dense vectors, or declare one file per sample")
    return Features(_pooled_columns(found.columns, bounds, pool, modality.name), found.encoding, found.shape, found.names, found.fit)


def _pooled_columns(columns: Mapping[str, pa.Array], bounds: np.ndarray, pool: Pool, modality: str) -> dict[str, pa.Array]:
    """Return columns of a row per file as columns of a row per sample, whose files are from one of `bounds` to the next."""
    pooled = {}
    for name, values in columns.items():
        kind = values.type
        if pool == "first" or (pa.types.is_fixed_size_list(kind) and kind.list_size == 0):
            pooled[name] = values.take(pa.array(bounds[:-1]))
        elif pa.types.is_fixed_size_list(kind):
            pooled[name] = fixed_lists(pool_rows(column_values(values), bounds, pool))
        elif pa.types.is_list(kind):
            pooled[name] = pa.ListArray.from_arrays(values.offsets.take(pa.array(bounds)), values.values)
        elif pa.types.is_floating(kind):
            pooled[name] = pa.array(pool_rows(column_values(values)[:, None], bounds, pool)[:, 0])
        else:
            raise InputError(f"modality {modality} stores {name!r} as {kind}, which is not pooled; declare one file per sample")
    return pooled


def pool_rows(values: np.ndarray, bounds: np.ndarray, pool: Pool) -> np.ndarray:
    """Return the mean or the maximum of the rows from each bound to the next, of the same type, whatever their order.

    Args:
        values: (n_rows, d), NaN where missing.
        bounds: int64 (n + 1,), ascending.
    Returns:
        (n, d); NaN where all rows are.
    """
    result = np.empty((len(bounds) - 1, values.shape[1]), dtype=values.dtype)
    for row, (start, stop) in enumerate(pairwise(bounds)):
        files = values[start:stop].astype(np.float64)
        if pool == "max":
            result[row] = np.fmax.reduce(files, axis=0) + 0.0  # + 0.0: of 0.0 and -0.0 either may be the maximum
        else:
            n_known = (~np.isnan(files)).sum(axis=0)
            total = np.sort(np.nan_to_num(files, nan=0.0, posinf=np.inf, neginf=-np.inf), axis=0).sum(axis=0)
            result[row] = np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)
    return result
