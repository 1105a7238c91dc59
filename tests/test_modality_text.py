"""What the text modality promises at its three levels: document, utterance, and a word amid its neighbours."""

import tracemalloc
from collections import Counter
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hashed_terms import bags as hashed_bags
from hashed_terms import hashed
from sklearn.feature_extraction.text import CountVectorizer

from stages.features.encoders import raw_features
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.modalities.text import MODALITY, TextSettings
from stages.modalities.text.terms import NgramSizes, count_terms
from stages.modalities.text.text_samples import TextSample
from stages.samples.read import SampleError, check_type

UTTERANCE = pa.struct([("text", pa.string()), ("speaker", pa.string())])
WINDOW = pa.list_(pa.string())
TEXTS = ["The cat sat on the mat; the cat!", "Don't sit. DON'T!", "x", "", "a_b 42 naïve ÉCOLE", "so sad :-( :-("]


def bags(samples: list[Any], kind: pa.DataType | None, **settings: Any) -> list[dict[int, float]]:
    return hashed_bags(MODALITY, pa.array(samples, kind), **settings)


# ---------------------------------------------------------------- characters
@pytest.mark.parametrize("characters", [(1, 1), (2, 4), (3, 8)])
def test_characters_agree_with_scikit_learn(characters: tuple[int, int]) -> None:
    vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=characters)
    counts = vectorizer.fit_transform(TEXTS).toarray()
    terms = vectorizer.get_feature_names_out()
    expected = [{term: float(count) for term, count in zip(terms, row, strict=True) if count} for row in counts]
    assert bags(TEXTS, pa.string(), analyzer="char", characters=characters) == hashed(expected)


def test_characters_are_folded_as_words_are() -> None:
    assert bags(["ﬁ’S"], pa.string(), analyzer="char", characters=(3, 3)) == hashed([{" fi": 1, "fi'": 1, "i's": 1, "'s ": 1}])
    assert bags(["Ab"], pa.string(), analyzer="char", characters=(4, 4), lowercase=False) == hashed([{" Ab ": 1}])


def test_words_and_characters_stand_side_by_side() -> None:
    assert bags(["The cat"], pa.string(), analyzer="word_char", ngrams=(1, 2), characters=(5, 5)) == hashed(
        [{"the": 1, "cat": 1, "the cat": 1, "chars: the ": 1, "chars: cat ": 1}])
    settings = {"ngrams": (1, 2), "characters": (3, 4)}
    both, words = (bags(TEXTS, pa.string(), analyzer=analyzer, **settings) for analyzer in ("word_char", "word"))
    plain = [plain_terms(text, "char", (3, 4)) for text in (text.lower() for text in TEXTS)]
    characters = hashed([{f"chars:{term}": count for term, count in bag.items()} for bag in plain])
    assert both == [word | character for word, character in zip(words, characters, strict=True)]


def test_at_the_word_level_both_are_those_of_characters() -> None:
    windows = [["x", "Ab", "y"], [None, ":-)", None]]
    assert bags(windows, WINDOW, analyzer="word_char") == bags(windows, WINDOW, analyzer="char")
    utterances = [{"text": "Anna", "speaker": "x"}]
    assert bags(utterances, UTTERANCE, analyzer="word_char", characters=(6, 6)) == hashed([{"anna": 1, "chars: anna ": 1, "speaker: x": 1}])


# ---------------------------------------------------------------- utterances
def test_the_speaker_is_a_term_of_its_own() -> None:
    samples = [{"text": "anna speaks", "speaker": "Anna B"}, {"text": "anna", "speaker": None}, {"text": "", "speaker": "Anna B"}]
    expected = [{"anna": 1, "speaks": 1, "speaker: anna b": 1}, {"anna": 1}, {"speaker: anna b": 1}]
    assert bags(samples, UTTERANCE, ngrams=(1, 1)) == hashed(expected)
    bag = bags(samples[:1], UTTERANCE, analyzer="char", characters=(7, 7))
    assert bag == hashed([{" anna ": 1, " speaks": 1, "speaks ": 1, "speaker: anna b": 1}])


def test_without_a_speaker_an_utterance_is_a_document() -> None:
    utterances = [{"text": text, "speaker": None} for text in TEXTS]
    assert bags(utterances, UTTERANCE) == bags(TEXTS, pa.string())
    assert bags([{"text": text} for text in TEXTS], pa.struct([("text", pa.string())])) == bags(TEXTS, pa.string())


# ---------------------------------------------------------------- words
def test_a_word_is_coded_with_its_place() -> None:
    window = [None, "The", "cat", "sat", "The"]
    assert bags([window], WINDOW) == hashed([{"-2": 1, "-1 the": 1, "0 cat": 1, "+1 sat": 1, "+2 the": 1}])
    assert bags([window], WINDOW, window=1, lowercase=False) == hashed([{"-1 The": 1, "0 cat": 1, "+1 sat": 1}])
    assert bags([window], WINDOW, window=0) == hashed([{"0 cat": 1}])
    assert bags([window], WINDOW, window=20) == bags([window], WINDOW), "a window may ask for more than there is"


def test_the_middle_word_s_characters_count_and_its_neighbours_do_not() -> None:
    bag = bags([["x", "Ab", "y"]], WINDOW, analyzer="char", characters=(3, 4))
    assert bag == hashed([{"-1 x": 1, "0 ab": 1, "+1 y": 1, "chars: ab": 1, "chars:ab ": 1, "chars: ab ": 1}])
    assert bags([[":-)"]], WINDOW) == hashed([{"0 :-)": 1}]), "an emoticon is a word"


def test_an_empty_word_is_an_empty_row() -> None:
    assert bags([[""], [" "]], WINDOW, analyzer="char") == [{}, {}]


@pytest.mark.parametrize(
    ("samples", "kind", "reason"),
    [
        ([["a", "b"]], WINDOW, "a window of 2 words has no middle; make its length odd"),
        ([[]], WINDOW, "a window of 0 words has no middle"),
        ([["a", None, "b"]], WINDOW, "the word in the middle of its window is missing"),
        ([[1, 2, 3]], pa.list_(pa.int32()), "its words are not strings"),
        ([{"text": None, "speaker": "x"}], UTTERANCE, "its text is missing"),
        ([{"text": "a", "who": "x"}], None, "expected a struct of text and speaker, both strings; found text, who"),
        ([{"text": 1}], None, "both strings; found text"),
        ([{"speaker": "x"}], None, "its text is missing"),
        ([None], WINDOW, "the sample is missing"),
    ],
)
def test_what_cannot_be_read_is_named(samples: list[Any], kind: pa.DataType | None, reason: str) -> None:
    with pytest.raises(SampleError, match=f"row 0: .*{reason}"):
        bags(samples, kind)


# ---------------------------------------------------------------- every level
SAMPLES = [
    (TEXTS, pa.string()),
    ([{"text": text, "speaker": "x" if row % 2 else None} for row, text in enumerate(TEXTS)], UTTERANCE),
    ([[None, word, "b"] for word in ("a", "", "é", ":-)", "a b", "A")], WINDOW),
]


@pytest.mark.parametrize(("samples", "kind"), SAMPLES)
@pytest.mark.parametrize("analyzer", ["word", "char", "word_char"])
def test_each_row_depends_on_its_sample_alone(samples: list[Any], kind: pa.DataType, analyzer: str) -> None:
    settings = {"analyzer": analyzer}
    check_type(pa.array(samples, kind), MODALITY, "here")
    whole = bags(samples, kind, **settings)
    assert [bags([sample], kind, **settings)[0] for sample in samples] == whole
    assert bags(samples[::-1], kind, **settings) == whole[::-1]
    empty = MODALITY.featurize(pa.array([], kind), TextSettings(**settings))
    assert {len(column) for column in empty.columns.values()} == {0}


@pytest.mark.parametrize("nonsense", [{"analyzer": "letter"}, {"characters": [4, 2]}, {"characters": [0, 2]}, {"window": -1}])
def test_nonsense_is_refused(nonsense: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"params.yaml: features\.x.*{next(iter(nonsense))}"):
        parse(nonsense, "features.x", TextSettings)


def test_a_dictionary_of_100_000_words_stays_sparse() -> None:
    texts = [" ".join(f"w{word}" for word in range(part, 100_000, 10)) for part in range(10)]
    features = MODALITY.featurize(pa.array(texts), TextSettings(ngrams=(1, 1), max_terms=1_000_000))
    raw = raw_features(features.columns, features.encoding)
    matrix = raw.encode(raw.fit(np.arange(10), features.fit))
    assert isinstance(matrix, sp.csr_array)
    assert 99_980 < matrix.shape[1] <= 100_000  # a few pairs of words may share an index
    assert 99_980 < matrix.nnz <= 100_000


# ---------------------------------------------------------------- n-grams against the plain way
MARKS = [*map(chr, [*range(0x00, 0x250), *range(0x300, 0x340), *range(0x620, 0x660), *range(0x900, 0x970), *range(0x2000, 0x2070)]),
         "’", "'", "ﬁ", "中", "文", "\u200d", "\u203f", "😀", "𝟘", "\U0010ffff"]  # fmt: skip


def plain_terms(text: str, unit: str, sizes: tuple[int, int]) -> Counter[str]:
    """Return the n-grams of a text, one after the other."""
    shortest, longest = sizes
    if unit == "word":
        words = pl.Series([text]).str.extract_all(r"\w+(?:'\w+)*")[0].to_list()
        return Counter(" ".join(words[at : at + n]) for n in range(shortest, longest + 1) for at in range(len(words) - n + 1))
    found: Counter[str] = Counter()
    for word in (f" {word} " for word in text.split()):
        found.update(word[at : at + n] for n in range(shortest, longest + 1) for at in range(len(word) - n + 1))
        found.update([word] if len(word) < shortest else [])
    return found


@pytest.mark.parametrize(("unit", "sizes"), [("word", (1, 1)), ("word", (2, 5)), ("char", (1, 3)), ("char", (5, 8))])
def test_terms_are_those_of_the_plain_way(unit: Literal["word", "char"], sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(7)
    texts = ["".join(random.choice(MARKS, random.integers(0, 80))) for _ in range(150)]
    texts += ["".join(random.choice(list("ab' é"), random.integers(0, 40))) for _ in range(100)]
    others = [["a", "speaker: x"][: random.integers(0, 3)] for _ in texts]
    requested = NgramSizes(words=sizes) if unit == "word" else NgramSizes(characters=sizes)
    counts = count_terms([TextSample(text, terms) for text, terms in zip(texts, others, strict=True)], requested)
    for row, (text, terms) in enumerate(zip(texts, others, strict=True)):
        start, stop = counts.indptr[row : row + 2]
        [expected] = hashed([plain_terms(text, unit, sizes) + Counter(terms)])
        assert dict(zip(counts.indices[start:stop].tolist(), counts.data[start:stop].tolist(), strict=True)) == expected
        assert (np.diff(counts.indices[start:stop]) > 0).all()


@pytest.mark.parametrize("window", [False, True])
def test_long_words_are_not_kept_in_memory(window: bool) -> None:
    proteins = ["".join(np.random.default_rng(i).choice(list("ACDEFGHIKLMNPQRSTVWY"), 2_000)) for i in range(6)]
    column = pa.array([[protein] for protein in proteins], pa.list_(pa.string())) if window else pa.array(proteins)
    settings = TextSettings(analyzer="char", characters=(3, 8))
    MODALITY.featurize(column.slice(0, 1), settings)  # what is imported and made once
    tracemalloc.start()
    try:
        MODALITY.featurize(column, settings)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


def test_words_are_kept_in_their_order_on_request() -> None:
    texts = pa.array(["The cat saw the dog", "", "don't"])
    settings = MODALITY.settings(keep_words=True, ngrams=(1, 1))
    kept, plain = MODALITY.featurize(texts, settings), MODALITY.featurize(texts, MODALITY.settings(ngrams=(1, 1)))
    words = kept.columns["words"].to_pylist()
    assert [len(of_text) for of_text in words] == [5, 0, 1] and words[0][0] == words[0][3]
    assert [sorted(set(of_text)) for of_text in words] == kept.columns["indices"].to_pylist()
    assert "words" not in plain.columns and plain.columns["indices"] == kept.columns["indices"]
    assert "keep_words" not in MODALITY.settings().model_dump()  # features without it keep their bytes
