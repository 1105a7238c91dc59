"""Samples as a corruption of their modality leaves them (stages/contracts/corruption.py), and their features.

The random generator of a sample derives from the seed, the name of the modality in the data set, the corruption and the sample's id (and of
several files per sample the file's place). So it depends neither on the strength nor on the order of the rows or which others there are.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.corruption import NO_REFERENCE, Corruption, Reference
from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.parallel import each
from stages.foundation.seeds import derived_seed
from stages.samples.pooling import features_of, has_several
from stages.samples.read import SampleError

PART_ROWS = 64  # corrupted and featurized at once, per core


def corruption_of(modality: Modality[Any], name: str) -> Corruption:
    """Return a modality's corruption by its name.

    Raises:
        InputError: if there is none; the message lists the names.
    """
    found = {corruption.name: corruption for corruption in modality.corruptions}
    if name not in found:
        known = f"expected {', '.join(found)}" if found else "it has none"
        raise InputError(f"modality {modality.name!r} has no corruption {name!r}; {known}")
    return found[name]


def checked_strength(corruption: Corruption, strength: float) -> float:
    """Return a strength; raise InputError unless it is a number from 0 to the corruption's largest."""
    if not (math.isfinite(strength) and 0 <= strength <= corruption.largest):
        limits = f"expected 0 to {corruption.largest:g} ({corruption.unit})"
        raise InputError(f"strength of corruption {corruption.name!r} is {strength:g}; {limits}")
    return strength


def measured(samples: pa.Table, name: str, corruption: Corruption, training: np.ndarray) -> Reference:
    """Return what a corruption must know of the training rows, int (n_train,): rows of `samples`."""
    if corruption.measure is None:
        return NO_REFERENCE
    column = _taken(samples[name], training)
    files = column.flatten() if has_several(samples.schema.field(name)) else column
    return corruption.measure(files.drop_null())


def corrupted_column(
    samples: pa.Table, name: str, corruption: Corruption, strength: float, *, seed: int, reference: Reference = NO_REFERENCE
) -> pa.Array | pa.ChunkedArray:
    """Return column `name` of samples (with sample_id) corrupted; the column itself at strength 0. Missing samples (null) stay missing.

    Args:
        reference: `measured` on the training rows.
    Raises:
        InputError: if the strength is none of this corruption.
        SampleError: naming the samples that cannot be read.
    """
    if checked_strength(corruption, strength) == 0:
        return samples[name]
    whole = _taken(samples[name], np.arange(len(samples)))
    purposes = [(name, sample) for sample in samples["sample_id"].to_pylist()]
    if not has_several(samples.schema.field(name)):
        return _changed(whole, purposes, corruption, strength, seed, reference)
    lengths = pc.fill_null(whole.value_lengths(), 0).to_pylist()
    files = [(*purpose, str(place)) for purpose, length in zip(purposes, lengths, strict=True) for place in range(length)]
    try:
        changed = _changed(whole.flatten(), files, corruption, strength, seed, reference)
    except SampleError as error:
        row_of = np.repeat(np.arange(len(whole)), lengths)
        raise SampleError({int(row_of[place]): f"file {files[place][-1]}: {reason}" for place, reason in error.reasons.items()}) from error
    bounds = pa.array(np.cumsum([0, *lengths], dtype=np.int32))
    mask = whole.is_null() if whole.null_count else None
    return pa.ListArray.from_arrays(bounds, changed, type=whole.type, mask=mask)


def _changed(
    column: pa.Array, purposes: Sequence[tuple[str, ...]], corruption: Corruption, strength: float, seed: int, reference: Reference
) -> pa.Array:
    """Return a column changed where it is not null; each row's generator is by its purpose."""
    known = np.flatnonzero(np.from_dlpack(column.is_valid().cast(pa.uint8())))
    randoms = [np.random.default_rng(derived_seed(seed, "corruption", corruption.name, *purposes[row])) for row in known.tolist()]
    try:
        changed = corruption.change(_taken(column, known), strength, randoms, reference)
    except SampleError as error:
        raise SampleError({int(known[row]): reason for row, reason in error.reasons.items()}) from error
    if len(known) == len(column):
        return changed
    places = np.full(len(column), -1)
    places[known] = np.arange(len(known))
    return changed.take(pa.array(places, mask=places < 0))


def _taken(column: pa.Array | pa.ChunkedArray, rows: np.ndarray) -> pa.Array:
    """Return rows of a column as one array without offset."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.take(pa.array(rows, pa.int64()))


def corrupted_features(
    samples: pa.Table,
    name: str,
    modality: Modality[Any],
    settings: Settings,
    *,
    corruption: Corruption,
    strength: float,
    seed: int,
    rows: np.ndarray,
    reference: Reference = NO_REFERENCE,
) -> pa.Table:
    """Return sample_id and the features of some rows, as featurize would write them if these samples were corrupted.

    A featurizer fits nothing, so nothing is fitted to corrupted rows here; scales and dictionaries stay those that train fitted.

    Args:
        samples: of the data set, with sample_id. name: of the modality in the data set. settings: of its features.
        rows: int, those of `samples` to corrupt, all of them readable. reference: `measured` on the training rows.
    Raises:
        InputError: if the strength is none of this corruption.
        SampleError: naming rows that cannot be read, by their place in `rows`.
    """

    def featurized(start: int) -> tuple[pa.Table, dict[int, str]]:
        part = samples.select(["sample_id", name]).take(pa.array(rows[start : start + PART_ROWS], pa.int64()))
        try:
            column = corrupted_column(part, name, corruption, strength, seed=seed, reference=reference)
            features: Features = features_of(modality, column, settings)
        except SampleError as error:
            return part.slice(0, 0), {start + row: reason for row, reason in error.reasons.items()}
        ids = pa.array(part["sample_id"].to_pylist(), pa.string())
        return pa.table({"sample_id": ids, **features.columns}), {}

    found = each(featurized, list(range(0, max(1, len(rows)), PART_ROWS)))
    reasons = {row: reason for _, bad in found for row, reason in bad.items()}
    if reasons:
        raise SampleError(reasons)
    return pa.concat_tables([table for table, _ in found]).combine_chunks()
