"""Text: a bag of terms with counts, indexed by a stable hash, so that no dictionary is fitted here.

Three levels, by the column's type:
    document   string: n-grams of words, with `analyzer: char` of characters inside words, or with `word_char` both
    utterance  struct<text, speaker>: the same, and the speaker as a term ("speaker: anna"; none if unknown)
    word       list<string>, a word with its neighbors (odd length, the word in the middle, null beyond the edge of the text): the
               one-hot code of every word at its position ("-1 the", "0 cat", "+1" beyond the edge), up to `window` neighbors a side;
               with `analyzer: char` or `word_char` also n-grams of the characters of the word in the middle ("chars: ca")

Words are runs of Unicode word characters (letters of any script with their marks, digits, underscore), joined across
an inner apostrophe ("don't" is one word), after NFKC normalization and, with `lowercase`, case folding. Scripts without spaces
between words (Chinese, Thai) become whole phrases: segment them in the data set, or use characters. For n-grams of characters and at
the word level, words are separated by blanks, so that emoticons count. N-grams are those of scikit-learn (characters: `char_wb`: a blank on
each side of every word; a word shorter than n counts once as a whole), and so are their indices: HashingVectorizer uses 31 bits of
MurmurHash3, enough for dictionaries of 10^5 words (a given word collides with p ≈ 5e-5). With `word_char` n-grams of characters have a
prefix ("chars:the" is not the word "the"); they are in more documents than most words, so `max_terms` should be larger. The dictionary, its
size and the weights (idf) are fitted in train, on training rows.

With `keep_words` the words of a document or utterance are kept in their order, too, each by its index; the word level has no such order.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.modalities.text.text_corruptions import CORRUPTIONS
from stages.modalities.text.text_samples import read_sample
from stages.modalities.text.text_settings import TextSettings
from stages.samples.exhibits import show_text
from stages.samples.read import read_each


def featurize(column: pa.Array | pa.ChunkedArray, settings: TextSettings) -> Features:
    """Return per sample the indices (sorted, unique) of its terms, and their counts as values, aligned; its words if they are kept.

    A text without a word is an empty row. Counts of terms that share an index are added.
    """
    from stages.modalities.text.terms import N_INDICES, count_terms, sizes_of, words_in_order  # here: scikit-learn takes 1 s to import

    samples = read_each(column, lambda sample: read_sample(sample, settings))
    counts = count_terms(samples, sizes_of(settings))
    bounds = pa.array(counts.indptr.astype(np.int32))
    columns = {
        "indices": pa.ListArray.from_arrays(bounds, pa.array(counts.indices.astype(np.int32))),
        "values": pa.ListArray.from_arrays(bounds, pa.array(counts.data)),
    }
    if settings.keep_words:
        columns["words"] = words_in_order(samples)
    fit = {name: getattr(settings, name) for name in ("min_documents", "max_terms", "idf", "sublinear")}
    return Features(columns, "sparse", (N_INDICES,), fit=fit)


def name_terms(column: pa.Array, settings: TextSettings, indices: Collection[int]) -> dict[int, str]:
    """Return the terms of some indices; of several terms with one index the first in alphabetical order."""
    from stages.modalities.text.terms import index_of, sizes_of, terms_by_row  # as above

    samples, wanted = read_each(column, lambda sample: read_sample(sample, settings)), set(indices)
    terms = terms_by_row(samples, sizes_of(settings))
    found = dict[int, str]()
    for term in sorted({term for row in range(len(samples)) for term in terms(row)}):
        if (index := index_of(term)) in wanted:
            found.setdefault(index, term)
    return found


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per text: finite, n_terms, term (null where there is none), min (count) and out_of_order (number of such indices)."""
    lists = table["indices"].combine_chunks()
    offsets = np.from_dlpack(lists.offsets)
    indices, values = np.from_dlpack(lists.flatten()), np.from_dlpack(table["values"].combine_chunks().flatten())
    n_terms = np.diff(offsets)
    row_of = np.repeat(np.arange(len(n_terms)), n_terms)
    low = np.full(len(n_terms), np.nan)
    np.fmin.at(low, row_of, values.astype(np.float64))
    finite = np.bincount(row_of, weights=~np.isfinite(values), minlength=len(n_terms)) == 0
    wrong = (np.diff(indices) <= 0) & (row_of[1:] == row_of[:-1])
    return {
        "finite": finite,
        "n_terms": n_terms.astype(np.float64),
        "term": np.where(n_terms > 0, 1.0, np.nan),
        "min": low,
        "out_of_order": np.bincount(row_of[1:], weights=wrong, minlength=len(n_terms)),
    }


OUT_OF_ORDER = "indices that are not above the previous one"
N_TERMS = "different terms in the text"


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: whole counts, indices in order, and words in most texts (`max_null_share`)."""
    mostly = 1 - metadata.settings["max_null_share"]
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "min", "min_value": 1.0, "notes": "smallest count of a term"}),
        ("expect_column_values_to_be_between", {"column": "out_of_order", "min_value": 0.0, "max_value": 0.0, "notes": OUT_OF_ORDER}),
        ("expect_column_values_to_be_between", {"column": "n_terms", "min_value": 0.0, "max_value": 1_000_000.0, "notes": N_TERMS}),
        ("expect_column_values_to_not_be_null", {"column": "term", "mostly": mostly, "notes": "missing where the text has no word"}),
    ]


MODALITY = Modality(
    name="text",
    settings=TextSettings,
    column_types=("string", "large_string", "struct", "list", "large_list"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_text,
    corruptions=CORRUPTIONS,
    name_terms=name_terms,
)
