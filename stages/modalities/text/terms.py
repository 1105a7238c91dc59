"""Count the terms of many texts at once, and give each its index: what text features are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stages.modalities.text.characters import N_ASCII, N_CODES, visible_characters, word_characters
from stages.modalities.text.digests import term_indices
from stages.modalities.text.ngrams import count_ngrams, merge_rows


@dataclass(frozen=True)
class Counts:
    """The different terms of each text in the order of their indices.

    bounds: int32 (n_texts + 1,), how many there are up to each text.
    indices, counts: int32 and float32, of each term.
    letters: uint8, the terms end to end, as UTF-8; term_bounds: int32, where they start and stop.
    """

    bounds: np.ndarray
    indices: np.ndarray
    counts: np.ndarray
    letters: np.ndarray
    term_bounds: np.ndarray


def count_terms(texts: list[str], others: list[list[str]], *, unit: Literal["word", "char"], sizes: tuple[int, int]) -> Counts:
    """Return the n-grams of each text, and its other terms, with their counts; see the modality's docstring.

    Of terms that share an index the counts are added and the first in order is shown.

    Args:
        texts: normalised.
        others: of each text, terms that are counted as they stand.
        sizes: the shortest and the longest n-gram.
    """
    n_items = 1 + np.fromiter(map(len, others), np.int64, len(others))  # of a text: itself and its other terms
    is_text = np.zeros(int(n_items.sum()), dtype=bool)
    is_text[np.cumsum(n_items) - n_items] = True
    letters, offsets = _joined([item for text, more in zip(texts, others, strict=True) for item in (text, *more)])
    is_ascii = len(letters) == 0 or int(letters.max()) < N_ASCII
    belongs = (word_characters if unit == "word" else visible_characters)(N_ASCII if is_ascii else N_CODES)
    rows = np.repeat(np.arange(len(texts)), n_items)
    bounds, ids, counts, pool, terms = count_ngrams(letters, offsets, rows, is_text, len(texts), belongs, unit == "word", *sizes)
    indices = term_indices(pool, terms)
    row_of = np.repeat(np.arange(len(texts)), np.diff(bounds))
    order = np.argsort(row_of << 31 | indices[ids], kind="stable")
    return Counts(*merge_rows(bounds, ids, counts, order, pool, terms, indices))


def _joined(items: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return strings end to end as UTF-8, uint8, and where each starts and stops, int64 (n + 1,)."""
    encoded = [item.encode() for item in items]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets
