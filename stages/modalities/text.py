"""Text: a bag of word n-grams with their counts, indexed by a stable hash, so that no dictionary has to be fitted here.

Words are runs of Unicode word characters (letters of any script with their marks, digits, underscore), joined across
an inner apostrophe ("don't" is one word), after NFKC normalisation and, with `lowercase`, case folding. Scripts without spaces
between words (Chinese, Thai) come out as whole phrases: segment them in the data set. The index of an n-gram is 31 bits of
its BLAKE2b digest: wide enough for dictionaries of 10^5 words (two of 10^5 collide with p ≈ 1 somewhere, a given one with p ≈ 5e-5).
The dictionary, its cut and the weights (idf) are fitted in train, on training rows.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import Features, Modality, Settings
from stages.samples import read_each

TOKEN = r"\w+(?:'\w+)*"
N_INDICES = 2**31
Size = Annotated[int, Field(ge=1, le=5)]


class TextSettings(Settings):
    ngrams: tuple[Size, Size] = Field((1, 2), description="[shortest, longest] n-gram in words, 1 to 5")
    lowercase: bool = Field(True, description="whether case is folded")
    min_documents: int = Field(1, ge=1, description="training documents that a term of the dictionary stands in, at least")
    max_terms: int = Field(20_000, ge=1, le=1_000_000, description="size of the dictionary: the terms in most training documents")
    idf: bool = Field(True, description="whether rare terms weigh more")
    sublinear: bool = Field(True, description="whether a term's count weighs as 1 + ln(count)")
    max_null_share: float = Field(0.2, ge=0, le=1, description="validate: share of texts without a word, at most")

    @model_validator(mode="after")
    def _check_order(self) -> "TextSettings":
        if self.ngrams[0] > self.ngrams[1]:
            raise ValueError(f"ngrams must be [shortest, longest], and {list(self.ngrams)} is not")
        return self


def featurize(column: pa.Array | pa.ChunkedArray, settings: TextSettings) -> Features:
    """Return per text its n-grams: indices (sorted, unique), values (counts) and terms (the n-grams themselves), aligned.

    A text without a word is an empty row. Of n-grams that share an index the counts are added and the first in order is shown.
    """
    texts = read_each(column, lambda text: _normalised(text, lowercase=settings.lowercase))
    counts = _counts(texts, settings.ngrams)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(counts["row"].to_numpy(), minlength=len(texts)))]).astype(np.int32)
    columns = {
        "indices": _lists(offsets, counts["index"], pa.int32()),
        "values": _lists(offsets, counts["count"], pa.float32()),
        "terms": _lists(offsets, counts["term"], pa.string()),
    }
    fit = {name: getattr(settings, name) for name in ("min_documents", "max_terms", "idf", "sublinear")}
    return Features(columns, "sparse", (N_INDICES,), fit=fit)


def _normalised(text: str, *, lowercase: bool) -> str:
    if text.isascii():
        return text.lower() if lowercase else text
    text = unicodedata.normalize("NFKC", text)
    if lowercase:  # folding can leave a sequence that is not normal: once more
        text = unicodedata.normalize("NFKC", text.casefold())
    return text.replace("\u2019", "'")


def _counts(texts: list[str], ngrams: tuple[int, int]) -> pl.DataFrame:
    """Return row, index, count, term of every text's n-grams, sorted by row and index."""
    words = (
        pl.DataFrame({"row": np.arange(len(texts), dtype=np.int32), "text": pl.Series(texts, dtype=pl.String)})
        .select("row", pl.col("text").str.extract_all(TOKEN).alias("term"))
        .explode("term")
        .drop_nulls()
    )
    terms = pl.concat([_ngrams(words, n) for n in range(ngrams[0], ngrams[1] + 1)])
    counts = terms.group_by("row", "term").len("count")
    unique = counts["term"].unique().sort()
    indices = pl.DataFrame({"term": unique, "index": pl.Series([_index(term) for term in unique], dtype=pl.Int32)})
    return (
        counts.join(indices, on="term")
        .sort("row", "index", "term")
        .group_by("row", "index", maintain_order=True)
        .agg(pl.col("count").sum(), pl.col("term").first())
    )


def _ngrams(words: pl.DataFrame, n: int) -> pl.DataFrame:
    """Return row and term of every run of `n` words inside one row."""
    if n == 1:
        return words
    run = pl.concat_str([pl.col("term").shift(-i) for i in range(n)], separator=" ")
    return words.with_columns(run.alias("term")).filter(pl.col("row") == pl.col("row").shift(1 - n))


def _index(term: str) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "big") >> 1


def _lists(offsets: np.ndarray, values: pl.Series, kind: pa.DataType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets), values.to_arrow().cast(kind))


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
    column_types=("string", "large_string"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
)
