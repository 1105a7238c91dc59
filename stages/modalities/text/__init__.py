"""Text: a bag of terms with their counts, indexed by a stable hash, so that no dictionary has to be fitted here.

Three levels, told apart by the column's type:
    document   string: n-grams of words, or with `analyzer: char` n-grams of characters inside words
    utterance  struct<text, speaker>: the same, and who speaks as a term of its own ("speaker: anna"; nothing where unknown)
    word       list<string>, a word amid its neighbours (odd length, the word in the middle, null beyond the edge of the text): the
               one-hot code of every word at its place ("-1 the", "0 cat", "+1" beyond the edge), up to `window` neighbours a side;
               with `analyzer: char` also n-grams of the characters of the word in the middle ("chars: ca")

Words are runs of Unicode word characters (letters of any script with their marks, digits, underscore), joined across
an inner apostrophe ("don't" is one word), after NFKC normalisation and, with `lowercase`, case folding. Scripts without spaces
between words (Chinese, Thai) come out as whole phrases: segment them in the data set, or use characters. For n-grams of characters and at
the word level, words are what stands between blanks, so emoticons count. N-grams of characters are those of scikit-learn's `char_wb`: a
blank stands on each side of every word, and a word shorter than n counts once as a whole. The index of a term is 31 bits of its
BLAKE2b digest: wide enough for dictionaries of 10^5 words (two of 10^5 collide with p ≈ 1 somewhere, a given one with p ≈ 5e-5).
The dictionary, its cut and the weights (idf) are fitted in train, on training rows.
"""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.samples.read import read_each

N_INDICES = 2**31
REMEMBERED = 32  # characters of the longest word whose n-grams are remembered
Size = Annotated[int, Field(ge=1, le=5)]
CharacterSize = Annotated[int, Field(ge=1, le=8)]


class TextSettings(Settings):
    analyzer: Literal["word", "char"] = Field("word", description="what terms are made of: words or characters inside words")
    ngrams: tuple[Size, Size] = Field((1, 2), description="[shortest, longest] n-gram in words, 1 to 5 (analyzer: word)")
    characters: tuple[CharacterSize, CharacterSize] = Field(
        (2, 4), description="[shortest, longest] n-gram in characters, 1 to 8 (analyzer: char)"
    )
    window: int = Field(2, ge=0, le=20, description="word level: neighbours used on each side, at most (as many as the data set gives)")
    lowercase: bool = Field(True, description="whether case is folded")
    min_documents: int = Field(1, ge=1, description="training documents that a term of the dictionary stands in, at least")
    max_terms: int = Field(20_000, ge=1, le=1_000_000, description="size of the dictionary: the terms in most training documents")
    idf: bool = Field(True, description="whether rare terms weigh more")
    sublinear: bool = Field(True, description="whether a term's count weighs as 1 + ln(count)")
    max_null_share: float = Field(0.2, ge=0, le=1, description="validate: share of texts without a word, at most")

    @model_validator(mode="after")
    def _check_order(self) -> "TextSettings":
        for name in ("ngrams", "characters"):
            shortest, longest = getattr(self, name)
            if shortest > longest:
                raise ValueError(f"{name} must be [shortest, longest], and {[shortest, longest]} is not")
        return self


def featurize(column: pa.Array | pa.ChunkedArray, settings: TextSettings) -> Features:
    """Return per sample its terms: indices (sorted, unique), values (counts) and terms (as text), aligned.

    A text without a word is an empty row. Of terms that share an index the counts are added and the first in order is shown.
    """
    from stages.modalities.text.terms import count_terms  # compiled code, 0.7 s: validating imports this file too

    samples = read_each(column, lambda sample: _read(sample, settings))
    sizes = settings.ngrams if settings.analyzer == "word" else settings.characters
    found = count_terms([text for text, _ in samples], [terms for _, terms in samples], unit=settings.analyzer, sizes=sizes)
    terms = pa.StringArray.from_buffers(len(found.indices), pa.py_buffer(found.term_bounds), pa.py_buffer(found.letters))
    columns = {
        "indices": pa.ListArray.from_arrays(pa.array(found.bounds), pa.array(found.indices)),
        "values": pa.ListArray.from_arrays(pa.array(found.bounds), pa.array(found.counts)),
        "terms": pa.ListArray.from_arrays(pa.array(found.bounds), terms),
    }
    fit = {name: getattr(settings, name) for name in ("min_documents", "max_terms", "idf", "sublinear")}
    return Features(columns, "sparse", (N_INDICES,), fit=fit)


def _read(sample: Any, settings: TextSettings) -> tuple[str, list[str]]:
    """Return the text whose n-grams are wanted (they are counted for all texts at once) and the sample's other terms."""
    if isinstance(sample, list):
        return "", _window_terms(sample, settings)
    text, terms = sample, []
    if isinstance(sample, dict):
        text, speaker = _utterance(sample)
        name = _normalised(speaker or "", lowercase=settings.lowercase).strip()
        terms = [f"speaker: {name}"] if name else []
    return _normalised(text, lowercase=settings.lowercase), terms


def _utterance(sample: Mapping[str, Any]) -> tuple[str, str | None]:
    speaker = sample.get("speaker")
    if set(sample) - {"text", "speaker"} or not isinstance(sample.get("text", ""), str | None) or not isinstance(speaker, str | None):
        raise ValueError(f"expected a struct of text and speaker, both strings; found {', '.join(sample) or 'no fields'}")
    if sample.get("text") is None:
        raise ValueError("its text is missing (null)")
    return sample["text"], speaker


def _window_terms(words: list[Any], settings: TextSettings) -> list[str]:
    """Return each word with its place, and the n-grams of characters of the word in the middle."""
    middle = len(words) // 2
    if len(words) % 2 == 0:
        raise ValueError(f"a window of {len(words)} words has no middle; make its length odd")
    if not all(isinstance(word, str | None) for word in words):
        raise ValueError("its words are not strings")
    if words[middle] is None:
        raise ValueError("the word in the middle of its window is missing (null)")
    reach = min(middle, settings.window)
    near = [_normalised(word or "", lowercase=settings.lowercase).strip() for word in words[middle - reach : middle + reach + 1]]
    terms = [f"{place:+d} {word}".strip() for place, word in enumerate(near, start=-reach) if place]
    terms += [f"0 {near[reach]}"] if near[reach] else []
    if settings.analyzer == "word":
        return terms
    return terms + [f"chars:{ngram}" for word in near[reach].split() for ngram in _character_ngrams(word, settings.characters)]


def _character_ngrams(word: str, sizes: tuple[int, int]) -> tuple[str, ...]:
    """Return the n-grams of a word. Those of short ones, which come again, are remembered; a protein is a word too, and fills memory."""
    return _short_word_ngrams(word, sizes) if len(word) <= REMEMBERED else _ngrams_of(word, sizes)


def _ngrams_of(word: str, sizes: tuple[int, int]) -> tuple[str, ...]:
    padded = f" {word} "
    longest = max(sizes[0], min(sizes[1], len(padded)))  # a word shorter than n counts once
    return tuple(padded[at : at + n] for n in range(sizes[0], longest + 1) for at in range(max(1, len(padded) - n + 1)))


_short_word_ngrams = lru_cache(maxsize=2**16)(_ngrams_of)


def _normalised(text: str, *, lowercase: bool) -> str:
    if text.isascii():
        return text.lower() if lowercase else text
    text = unicodedata.normalize("NFKC", text)
    if lowercase:  # folding can leave a sequence that is not normal: once more
        text = unicodedata.normalize("NFKC", text.casefold())
    return text.replace("\u2019", "'")


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per text: finite, n_terms, term (null where there is none), min (count) and out_of_order (indices that are)."""
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


OUT_OF_ORDER = "indices that are not above the one before"
N_TERMS = "different terms in the text"


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: whole counts, indices in order, and words in most texts (`max_null_share`)."""
    mostly = 1 - metadata["settings"]["max_null_share"]
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
)
