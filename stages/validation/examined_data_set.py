"""A data set as the detectors of leaks see it, made of its tables."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.detector import ExaminedDataSet, ExaminedModality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.tables import column_values
from stages.leak_evidence.equal_contents import content_keys, mixed
from stages.leak_evidence.nearest_samples import nearest_samples, short_vectors
from stages.leak_evidence.plain_contents import chance_rows, common_rows, plain_rows, table_parts
from stages.samples.absent_samples import has_sample

N_THIRDS = 3
Chunks = Callable[[], Iterable[pa.Table]]
Features = Sequence[tuple[FeaturesMetadata, Chunks]]


def examined_data_set(
    samples: pa.Table, metadata: SamplesMetadata, splits: pa.Table, about: SplitsMetadata, features: Features
) -> ExaminedDataSet:
    """Return a data set as detectors see it.

    Args:
        samples: without the skipped ones, in the order of the splits and of the features.
        features: metadata and chunks of each modality's features.
    """
    n = len(samples)
    groups = np.from_dlpack(samples["group"].combine_chunks().dictionary_encode().indices).astype(np.int64)
    return ExaminedDataSet(
        name=metadata.dataset,
        ids=samples["sample_id"].combine_chunks(),
        groups=groups,
        folds=column_values(splits["fold"]).reshape(about.n_repeats, n),
        inner=_thirds(column_values(splits["inner"])[:, -1], groups) if about.time_ordered else column_values(splits["inner"])[:n, 0],
        n_inner=N_THIRDS if about.time_ordered else about.n_inner_folds,
        target=metadata.target,
        values=column_values(samples["target"]),
        official="split" in samples.column_names,
        own=not metadata.shipped,
        time=_times(samples["time"]) if "time" in samples.column_names else None,
        modalities=[_modality(samples, groups, metadata_of, chunks) for metadata_of, chunks in features],
    )


def _thirds(inner: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return a third of the groups per training row, -1 for test rows: a block of the future holds times that no earlier row has."""
    return np.where(inner >= 0, mixed(groups.astype(np.uint64)) % np.uint64(N_THIRDS), -1).astype(np.int16)


def _modality(samples: pa.Table, groups: np.ndarray, metadata: FeaturesMetadata, chunks: Chunks) -> ExaminedModality:
    column = samples[metadata.modality_name]
    if metadata.modality == "table":
        parts = table_parts(chunks(), metadata)
        keys, plain = parts.sum(axis=1, dtype=np.uint64), chance_rows(parts)
    else:
        keys = content_keys(column)
        plain = np.concatenate([plain_rows(chunk, metadata) for chunk in chunks()]) | common_rows(keys)
    vectors, present = short_vectors(chunks, metadata), has_sample(column)
    return ExaminedModality(
        name=metadata.modality_name, kind=metadata.modality, column=column, metadata=metadata, chunks=chunks, keys=keys,
        contents=np.where(plain | ~present, np.uint64(0), keys), vectors=vectors, present=present,
        nearest=nearest_samples(vectors, groups, present), places=_places(samples, metadata.modality_name),
    )  # fmt: skip


def _places(samples: pa.Table, name: str) -> pa.ChunkedArray | None:
    if "source" not in samples.column_names or name not in samples["source"].type.names:
        return None
    return pc.struct_field(samples["source"], name)


def _times(column: pa.ChunkedArray) -> np.ndarray:
    """Return float64 (n,), NaN where not known: numbers, days, or microseconds."""
    kind = column.type
    if pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    return np.asarray(np.from_dlpack(column.combine_chunks().cast(pa.float64(), safe=False).fill_null(float("nan"))))
