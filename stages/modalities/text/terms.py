"""Terms of texts, counted under hashed indices by scikit-learn's HashingVectorizer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

from stages.modalities.text.text_samples import CHARACTERS, TextSample
from stages.modalities.text.text_settings import TextSettings

N_INDICES = 2**31 - 1  # the maximum of HashingVectorizer, and of int32
WORD = r"\w+(?:'\w+)*"  # polars' \w: letters of any script with their marks, which Python's \w lacks


@dataclass(frozen=True)
class NgramSizes:
    """[shortest, longest] n-grams that are counted, in words and in characters; None: none of them."""

    words: tuple[int, int] | None = None
    characters: tuple[int, int] | None = None


def sizes_of(settings: TextSettings) -> NgramSizes:
    """Return the n-grams that the settings request."""
    words, characters = settings.analyzer != "char", settings.analyzer != "word"
    return NgramSizes(settings.ngrams if words else None, settings.characters if characters else None)


def count_terms(samples: Sequence[TextSample], sizes: NgramSizes) -> sp.csr_matrix:
    """Return the count of each term in each sample: float32 (n_samples, N_INDICES), indices sorted; counts of a shared index are added.

    Of a sample with a prefix, n-grams of characters alone are counted. Next to those of words, they have a prefix in every sample.
    """
    if not samples:
        return sp.csr_matrix((0, N_INDICES), dtype=np.float32)
    hashing = HashingVectorizer(
        analyzer=terms_by_row(samples, sizes), n_features=N_INDICES, norm=None, alternate_sign=False, dtype=np.float32
    )
    return hashing.transform(range(len(samples)))


def terms_by_row(samples: Sequence[TextSample], sizes: NgramSizes) -> Callable[[int], list[str]]:
    """Return the function that returns the terms of a sample, by its number."""
    texts = [sample.text for sample in samples]
    words = pl.Series(texts, dtype=pl.String).str.extract_all(WORD).to_list() if sizes.words else []  # all at once: fastest in polars
    of_words, of_characters = ngrams_of_words(sizes.words or (1, 1)), ngrams_of_characters(sizes.characters or (1, 1))

    def terms(row: int) -> list[str]:
        sample = samples[row]
        found = of_words(words[row]) if sizes.words and not sample.prefix else []
        prefix = sample.prefix or (CHARACTERS if sizes.words else "")
        characters = of_characters(sample.text) if sizes.characters else []
        return [*found, *([prefix + ngram for ngram in characters] if prefix else characters), *sample.terms]

    return terms


def index_of(term: str) -> int:
    """Return the index of a term, as HashingVectorizer computes it."""
    return int(abs(murmurhash3_32(term, seed=0)) % N_INDICES)  # abs of the largest negative number has no int32


def ngrams_of_words(sizes: tuple[int, int]) -> Callable[[Any], list[str]]:
    """Return scikit-learn's n-grams of the words of a list."""
    return HashingVectorizer(tokenizer=list, token_pattern=None, ngram_range=sizes, lowercase=False).build_analyzer()


def ngrams_of_characters(sizes: tuple[int, int]) -> Callable[[Any], list[str]]:
    """Return scikit-learn's n-grams of the characters inside the words of a text (`char_wb`)."""
    return HashingVectorizer(analyzer="char_wb", ngram_range=sizes, lowercase=False).build_analyzer()


def words_in_order(samples: Sequence[TextSample]) -> pa.ListArray:
    """Return the words of each sample's text by their indices, in order: lists of int32; the index is that of the word as a term."""
    words = pl.Series([sample.text for sample in samples], dtype=pl.String).str.extract_all(WORD).to_list()
    offsets = np.cumsum([0, *map(len, words)], dtype=np.int32)
    found = [index_of(word) for of_sample in words for word in of_sample]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(found, pa.int32()))
