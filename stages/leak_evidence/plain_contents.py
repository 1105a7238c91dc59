"""Contents that are equal by chance, so that two samples that share one are no evidence of a copy.

Plain are: an image of one color; silence and other constant vectors; a text of less than FEWEST_TERMS terms; a graph of less than
FEWEST_EDGES edges; any content that COMMON of the samples share.

Of a table the columns decide (`chance_rows`). Rows that agree by chance are accompanied by rows that agree in all columns but one: if E
pairs of n rows are equal and the columns hold no more than it takes for that, about 2·ln(n)·E pairs are equal but for one column or
another. A copied row has no such company. So E pairs count as copies if less than a quarter of that is found.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values
from stages.leak_evidence.equal_contents import content_keys, mixed

FEWEST_TERMS, FEWEST_EDGES, FEWEST_COMMON = 5, 8, 10
COMMON = 0.01
MOST_PARTS = 16  # of the columns of a table, of which one at a time is left out
COMPANY = 0.5  # share of ln(n)·E, below which equal rows count as copies


def plain_rows(chunk: pa.Table, metadata: FeaturesMetadata) -> np.ndarray:
    """Return bool (n,): rows of a chunk of features whose content says too little."""
    if metadata.encoding == "sparse":
        return np.diff(np.from_dlpack(chunk["indices"].combine_chunks().offsets)) < FEWEST_TERMS
    if metadata.modality == "graph":
        return np.diff(np.from_dlpack(chunk["source"].combine_chunks().offsets)) < FEWEST_EDGES
    if metadata.encoding == "dense":
        shaped = column_values(chunk["vector"]).reshape(len(chunk), *metadata.shape)
        axes = (1, 2) if metadata.modality == "image" and shaped.ndim == 4 else -1
        return (np.ptp(shaped, axis=axes) == 0).reshape(len(chunk), -1).all(axis=1) if shaped.size else np.zeros(len(chunk), bool)
    return np.zeros(len(chunk), dtype=bool)


def table_parts(chunks: Iterable[pa.Table], metadata: FeaturesMetadata) -> np.ndarray:
    """Return a key per row of each part of a table's columns: uint64 (n, n_parts), at most MOST_PARTS."""
    n_numeric, n_categorical = metadata.shape
    n_parts = max(1, min(MOST_PARTS, n_numeric + n_categorical))
    found = []
    for chunk in chunks:
        parts = np.zeros((len(chunk), n_parts), dtype=np.uint64)
        numbers = column_values(chunk["numeric"]) + 0.0
        keys = np.where(np.isnan(numbers), np.float64(np.nan), numbers).view(np.uint64)
        for place in range(n_numeric):
            parts[:, place % n_parts] += mixed(keys[:, place] ^ _salt(place))
        if n_categorical:
            texts = content_keys(chunk["categorical"].combine_chunks().flatten()).reshape(len(chunk), n_categorical)
            for place in range(n_categorical):
                parts[:, (n_numeric + place) % n_parts] += mixed(texts[:, place] ^ _salt(n_numeric + place))
        found.append(parts)
    return np.concatenate(found)


def chance_rows(parts: np.ndarray) -> np.ndarray:
    """Return bool (n,): rows of a table whose equality with others is none of a copy; see the module's docstring."""
    whole = parts.sum(axis=1, dtype=np.uint64)
    equal = _pairs(whole)
    company = sum(_pairs(whole - parts[:, place]) - equal for place in range(parts.shape[1]))
    chance = equal > 0 and company >= COMPANY * np.log(len(whole)) * equal
    return np.ones(len(whole), bool) if chance else common_rows(whole)


def common_rows(keys: np.ndarray) -> np.ndarray:
    """Return bool (n,): rows whose content so many samples share that it is no sample's own."""
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > max(FEWEST_COMMON, COMMON * len(keys)))


def _pairs(keys: np.ndarray) -> float:
    counts = np.unique(keys, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def _salt(place: int) -> np.uint64:
    return np.uint64(mixed(np.full(1, place + 1, np.uint64))[0])
