"""Features of any modality as short vectors, and the nearest samples of other groups.

Numeric columns are scaled to variance 1, categories become a sign per dimension, terms are weighted 1 + ln(count) and assigned to
N_DIMENSIONS buckets by their index; more than N_DIMENSIONS values are projected to as many (signs drawn with a fixed seed), which keeps
distances up to about a tenth.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa

from stages.contracts.detector import NearestSamples
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values
from stages.leak_evidence.equal_contents import content_keys, mixed

N_DIMENSIONS = 64
N_NEAREST = 8
CLIPPED = 8.0  # standard deviations
COMPARED_WITH_ALL = 4_000  # samples, all of which are compared
COMPARED = 2_000  # of a larger data set
COMPARED_OF_LARGE = 500
LARGE = 20_000
BLOCK_DISTANCES = 2**22  # at once


def n_compared(n: int) -> int:
    """Return how many of n samples are compared with all."""
    return n if n <= COMPARED_WITH_ALL else COMPARED if n <= LARGE else COMPARED_OF_LARGE


def short_vectors(chunks: Callable[[], Iterable[pa.Table]], metadata: FeaturesMetadata) -> np.ndarray:
    """Return float32 (n, at most N_DIMENSIONS): features whose distances are about those of the scaled features."""
    if metadata.encoding == "sparse":
        return np.concatenate([_of_terms(chunk) for chunk in chunks()])
    if metadata.encoding == "dense":
        rows = (column_values(chunk["vector"]) for chunk in chunks())
        return _projected(rows, int(np.prod(metadata.shape)))
    mean, deviation = _scale(chunks)
    width = len(mean) + (N_DIMENSIONS if metadata.shape[1] else 0)
    return _projected((_of_table(chunk, mean, deviation, metadata) for chunk in chunks()), width)


def nearest_samples(vectors: np.ndarray, groups: np.ndarray, present: np.ndarray | None = None) -> NearestSamples:
    """Return the N_NEAREST nearest samples of other groups, for evenly spaced samples (`n_compared`).

    Args:
        present: bool (n,), the samples that are compared; None: all.
    """
    if present is not None and not present.all():
        kept = np.flatnonzero(present)
        among_kept = nearest_samples(vectors[kept], groups[kept])
        return NearestSamples(kept[among_kept.rows], kept[among_kept.nearest], among_kept.distances)
    n = len(vectors)
    rows = np.unique(np.linspace(0, n - 1, n_compared(n)).astype(np.int64)) if n else np.zeros(0, np.int64)
    k = min(N_NEAREST, max(n - 1, 0))
    nearest, distances = np.zeros((len(rows), k), np.int64), np.full((len(rows), k), np.inf)
    if k == 0:
        return NearestSamples(rows, nearest, distances)
    vectors = vectors - vectors.mean(axis=0)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    block = max(8, BLOCK_DISTANCES // n)
    for start in range(0, len(rows), block):
        asked = rows[start : start + block]
        among = squares[None, :] - 2 * (vectors[asked] @ vectors.T)
        among[groups[asked][:, None] == groups[None, :]] = np.inf
        found = np.argpartition(among, k - 1, axis=1)[:, :k]
        # differences, not products: of near samples these would lose all digits
        exact = np.sqrt(((vectors[asked][:, None, :] - vectors[found]).astype(np.float64) ** 2).sum(axis=2))
        exact[np.isinf(np.take_along_axis(among, found, axis=1))] = np.inf
        order = np.lexsort((found, exact), axis=1)
        nearest[start : start + block] = np.take_along_axis(found, order, axis=1)
        distances[start : start + block] = np.take_along_axis(exact, order, axis=1)
    return NearestSamples(rows, nearest, distances)


def _projected(parts: Iterable[np.ndarray], width: int) -> np.ndarray:
    if width <= N_DIMENSIONS:
        return np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])
    signs = np.random.default_rng(0).integers(0, 2, (width, N_DIMENSIONS), dtype=np.int8).astype(np.float32) * 2 - 1
    signs /= np.float32(np.sqrt(N_DIMENSIONS))
    return np.concatenate([np.asarray(part, dtype=np.float32) @ signs for part in parts])


def _scale(chunks: Callable[[], Iterable[pa.Table]]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each numeric column where it is known; deviation 1 of a constant."""
    n, total, squares = 0, 0.0, 0.0
    shift = None
    for chunk in chunks():
        numbers = column_values(chunk["numeric"])
        if shift is None:
            shift = np.nan_to_num(numbers[0]) if len(numbers) else np.zeros(numbers.shape[1])
        known = ~np.isnan(numbers)
        moved = np.where(known, numbers - shift, 0)
        n, total, squares = n + known.sum(axis=0), total + moved.sum(axis=0), squares + (moved**2).sum(axis=0)
    mean = total / np.maximum(n, 1)
    variance = squares / np.maximum(n, 1) - mean**2
    return mean + shift, np.sqrt(np.where(variance > 0, variance, 1.0))


def _of_table(chunk: pa.Table, mean: np.ndarray, deviation: np.ndarray, metadata: FeaturesMetadata) -> np.ndarray:
    numbers = (column_values(chunk["numeric"]) - mean) / deviation
    scaled = np.clip(np.nan_to_num(numbers), -CLIPPED, CLIPPED)
    if not metadata.shape[1]:
        return np.asarray(scaled)
    n_columns = metadata.shape[1]
    keys = content_keys(chunk["categorical"].combine_chunks().flatten()).reshape(len(chunk), n_columns)
    signs = np.zeros((len(chunk), N_DIMENSIONS))
    bits = np.arange(N_DIMENSIONS, dtype=np.uint64)
    for place in range(n_columns):
        drawn = mixed(keys[:, place] ^ np.uint64(place * 0x10001 + 1))
        signs += ((drawn[:, None] >> bits) & np.uint64(1)).astype(np.float64) * 2 - 1
    return np.concatenate([scaled, signs / np.sqrt(N_DIMENSIONS)], axis=1)


def _of_terms(chunk: pa.Table) -> np.ndarray:
    lists = chunk["indices"].combine_chunks()
    offsets, indices = np.from_dlpack(lists.offsets).astype(np.int64), np.from_dlpack(lists.flatten())
    values = np.from_dlpack(chunk["values"].combine_chunks().flatten())
    rows = np.repeat(np.arange(len(chunk)), np.diff(offsets))
    drawn = mixed(indices.astype(np.uint64))
    signs = ((drawn >> np.uint64(32)) & np.uint64(1)).astype(np.float64) * 2 - 1
    weights = signs * (1 + np.log(np.maximum(values, 1)))
    places = rows * N_DIMENSIONS + (drawn % np.uint64(N_DIMENSIONS)).astype(np.int64)
    sums = np.bincount(places, weights=weights, minlength=len(chunk) * N_DIMENSIONS).reshape(len(chunk), N_DIMENSIONS)
    lengths = np.bincount(rows, weights=weights**2, minlength=len(chunk))  # of the terms: colliding terms do not shorten a text
    return (sums / np.sqrt(np.maximum(lengths, 1e-12))[:, None]).astype(np.float32)
