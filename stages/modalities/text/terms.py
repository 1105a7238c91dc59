"""Terms of texts, counted under hashed indices by scikit-learn's HashingVectorizer."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

from stages.modalities.text.text_samples import TextSample

N_INDICES = 2**31 - 1  # the maximum of HashingVectorizer, and of int32
WORD = r"\w+(?:'\w+)*"  # polars' \w: letters of any script with their marks, which Python's \w lacks


def count_terms(samples: Sequence[TextSample], analyzer: Literal["word", "char"], ngram_range: tuple[int, int]) -> sp.csr_matrix:
    """Return the count of each term in each sample: float32 (n_samples, N_INDICES), indices sorted; counts of a shared index are added."""
    if not samples:
        return sp.csr_matrix((0, N_INDICES), dtype=np.float32)
    terms = terms_by_row(samples, analyzer, ngram_range)
    hashing = HashingVectorizer(analyzer=terms, n_features=N_INDICES, norm=None, alternate_sign=False, dtype=np.float32)
    return hashing.transform(range(len(samples)))


def terms_by_row(
    samples: Sequence[TextSample], analyzer: Literal["word", "char"], ngram_range: tuple[int, int]
) -> Callable[[int], list[str]]:
    """Return the function that returns the terms of a sample, by its number."""
    documents: Sequence[Any] = [sample.text for sample in samples]
    if analyzer == "word":  # all texts at once: fastest in polars
        documents = pl.Series(documents, dtype=pl.String).str.extract_all(WORD).to_list()
    ngrams = ngram_analyzer(analyzer, ngram_range)

    def terms(row: int) -> list[str]:
        prefix, found = samples[row].prefix, ngrams(documents[row])
        return [*([prefix + ngram for ngram in found] if prefix else found), *samples[row].terms]

    return terms


def index_of(term: str) -> int:
    """Return the index of a term, as HashingVectorizer computes it."""
    return int(abs(murmurhash3_32(term, seed=0)) % N_INDICES)  # abs of the largest negative number has no int32


def ngram_analyzer(analyzer: Literal["word", "char"], ngram_range: tuple[int, int]) -> Callable[[Any], list[str]]:
    """Return scikit-learn's n-grams: of the words of a list, or of the characters inside the words of a text (`char_wb`)."""
    if analyzer == "char":
        return HashingVectorizer(analyzer="char_wb", ngram_range=ngram_range, lowercase=False).build_analyzer()
    return HashingVectorizer(tokenizer=list, token_pattern=None, ngram_range=ngram_range, lowercase=False).build_analyzer()


def words_in_order(samples: Sequence[TextSample]) -> pa.ListArray:
    """Return the words of each sample's text by their indices, in order: lists of int32; the index is that of the word as a term."""
    words = pl.Series([sample.text for sample in samples], dtype=pl.String).str.extract_all(WORD).to_list()
    offsets = np.cumsum([0, *map(len, words)], dtype=np.int32)
    found = [index_of(word) for of_sample in words for word in of_sample]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(found, pa.int32()))
