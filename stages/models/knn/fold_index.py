"""The rows and queries of one fold in a neighbor search, and which rows are candidates for which queries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks
from stages.model_selection.tuning_sample import tuning_sample
from stages.models.knn.distance_chunks import PreparedRows, prepared_rows

TEST, ABSENT = -1, -2  # codes of rows, as in topk.py; importing that imports numba


@dataclass(frozen=True)
class FoldIndex:
    """One fold: each block's rows and queries, their scales, and which rows are candidates for which queries.

    modalities: the blocks' names, in the order of `rows` and `queries`.
    codes: int16 (n,), query_codes: int16 (n_queries,): the validation fold of a training row, TEST or ABSENT.
    """

    modalities: tuple[str, ...]
    rows: tuple[PreparedRows, ...]
    queries: tuple[PreparedRows, ...]
    scales: Callable[[str], Sequence[float]]  # distance → one factor per block
    codes: np.ndarray
    query_codes: np.ndarray


def fold_index(blocks: FoldBlocks, codes: np.ndarray, query_codes: np.ndarray | None = None) -> FoldIndex:
    """Return the index of a fold in which every row is also a query, unless its query code is ABSENT."""
    modalities = tuple(blocks.encoded)
    rows = tuple(block.derived(prepared_rows) for block in blocks.encoded.values())
    query_codes = codes if query_codes is None else query_codes
    return FoldIndex(modalities, rows, rows, lambda metric: blocks.scales(modalities, metric), codes, query_codes)


def fold_codes(fold: Fold, n: int) -> np.ndarray:
    """Return the codes of an outer fold's rows: int16 (n,)."""
    codes = np.full(n, ABSENT, np.int16)
    codes[fold.train] = fold.inner
    codes[fold.test] = TEST
    return codes


def validation_codes(codes: np.ndarray, n_inner: int) -> np.ndarray:
    """Return the codes of a fold's rows as queries, in which training rows that no inner fold validates are ABSENT: int16 (n,)."""
    return codes if codes.max() < n_inner else np.where(codes < n_inner, codes, np.int16(ABSENT))


def candidates(problem: Problem, fold: Fold, most: int | None) -> np.ndarray:
    """Return the training rows that are searched: all, or a seeded sample of about `most`; int64, sorted."""
    return fold.train if most is None or len(fold.train) <= most else tuning_sample(problem, fold.train, most)


def candidate_codes(codes: np.ndarray, train: np.ndarray, searched: np.ndarray) -> np.ndarray:
    """Return the codes of a fold's rows in which the training rows that are not searched are ABSENT: int16 (n,)."""
    if len(searched) == len(train):
        return codes
    found = codes.copy()
    found[np.setdiff1d(train, searched, assume_unique=True)] = ABSENT
    return found


def pair_index(blocks: FoldBlocks, train: np.ndarray, test: np.ndarray) -> FoldIndex:
    """Return the index in which `test` rows are the queries and `train` rows the candidates."""
    n = blocks.encoded[next(iter(blocks.encoded))].matrix.shape[0]
    codes, query_codes = np.full(n, ABSENT, np.int16), np.full(n, ABSENT, np.int16)
    codes[train], query_codes[test] = 0, TEST
    return fold_index(blocks, codes, query_codes)
