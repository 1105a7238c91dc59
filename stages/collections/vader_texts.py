"""Texts with VADER's ratings: files, targets, and groups of similar texts.

Ten or twenty people rated each text from -4 (extremely negative) to 4 (extremely positive); the mean is known.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from stages.contracts.data_set import Source
from stages.contracts.settings import Settings
from stages.readers.archive import damaged
from stages.readers.tar import read_tar_members

PACKAGE, VERSION = "vaderSentiment", "3.3.2"
WHEEL = Source(
    PACKAGE,
    VERSION,
    "vaderSentiment-3.3.2-py2.py3-none-any.whl",
    "3bf1d243b98b1afad575b9f22bc2cb1e212b94ff89ca74f8a23a588d024ea311",
)
SDIST = Source(PACKAGE, VERSION, "vaderSentiment-3.3.2.tar.gz", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9")
RATED_TEXTS = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
LICENCE = "MIT"
CITATION = (
    "C. J. Hutto and E. Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text, "
    "Eighth International Conference on Weblogs and Social Media (ICWSM-14)"
)
MAX_RATING = 4.0
SIMILAR = 0.6  # share of common words from which two texts are in one group
MIN_WORDS = 3  # shorter texts are similar only if they are equal
_NAME = re.compile(r"[0-9]{1,6}(_[0-9]{1,6})?", re.ASCII)
_WORD = re.compile(r"[^\W_]+")
_MARKUP = re.compile(r"@\w+|https?://\S+|\brt\b|&\w+;", re.IGNORECASE)

TARGETS: Mapping[str, str] = {"sentiment": "multiclass", "polarity": "binary", "valence": "regression"}


class VaderOptions(Settings):
    neutral: float = Field(0.5, ge=0, lt=MAX_RATING, description="texts whose mean is nearer to 0 are neutral; polarity excludes them")


@dataclass(frozen=True)
class RatedText:
    """A text and the mean of its ratings; `number` is its place in its document, if that is known."""

    document: int | None
    number: int
    mean: float
    text: str


def read_rated_texts(archive: Path, member: str) -> list[RatedText]:
    """Return the texts of one file of the source distribution: lines of id, mean and text.

    Raises:
        InputError: naming the archive, and the line where there is one.
    """
    name = f"hutto_ICWSM_2014/{member}"
    raw = read_tar_members(archive, [name], inside=RATED_TEXTS)[name]
    try:
        lines = raw.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise damaged(archive, name, error) from error
    texts = [_rated(archive, name, number, line) for number, line in enumerate(lines, start=1) if line]
    if not texts:
        raise damaged(archive, name, "it is empty")
    return texts


def _rated(archive: Path, member: str, number: int, line: str) -> RatedText:
    parts = line.split("\t")
    if len(parts) != 3:
        raise damaged(archive, member, f"line {number} has {len(parts)} columns, expected id, mean and text")
    if not _NAME.fullmatch(parts[0]):
        raise damaged(archive, member, f"line {number}: {parts[0]!r} is not an id")
    document, _, place = parts[0].rpartition("_")
    return RatedText(int(document) if document else None, int(place), read_rating(archive, member, number, parts[1]), parts[2])


def read_rating(archive: Path, member: str, number: int, text: str) -> float:
    """Return the mean rating in a line; raise InputError if it is not valid."""
    try:
        rating = float(text)
    except ValueError as error:
        raise damaged(archive, member, f"line {number}: {text!r} is not a rating") from error
    if not abs(rating) <= MAX_RATING:
        raise damaged(archive, member, f"line {number}: a rating of {text} is beyond ±{MAX_RATING:g}")
    return rating


def rated_rows(means: Sequence[float], target: str, neutral: float) -> list[int]:
    """Return the rows that have the target: all but the neutral ones for `polarity`, else all."""
    return [row for row, mean in enumerate(means) if target != "polarity" or _sentiment(mean, neutral) != "neutral"]


def rated_targets(means: Sequence[float], target: str, neutral: float) -> Any:
    """Return the classes, or for `valence` the regression target."""
    if target == "valence":
        return {"valence": list(means)}
    return [_sentiment(mean, neutral) for mean in means]


def _sentiment(mean: float, neutral: float) -> str:
    if abs(mean) < neutral or mean == 0:
        return "neutral"
    return "positive" if mean > 0 else "negative"


def similar_texts(texts: Sequence[str]) -> list[str]:
    """Return a key per text; similar texts, whose share of common words is SIMILAR or more, have the same (also transitively).

    Case, punctuation, order, user names, addresses and "RT" are ignored. Candidate pairs share a rare word: if two sets of words have
    similarity t, one of the n - ⌈t·n⌉ + 1 rarest words of the larger one, of n words, is among the n - ⌈2t/(1+t)·n⌉ + 1 rarest words of
    the other.
    Source: C. Xiao, W. Wang, X. Lin, J. X. Yu (2008), Efficient Similarity Joins for Near Duplicate Detection, WWW.
    """
    words = [frozenset(_WORD.findall(_MARKUP.sub(" ", text).lower())) for text in texts]
    frequency = Counter(word for row in words for word in row)
    first_of = {row: number for number, row in reversed(list(enumerate(words)))}
    key = [first_of[row] if row else number for number, row in enumerate(words)]

    def top(row: int) -> int:
        while key[row] != row:
            key[row] = key[key[row]]
            row = key[row]
        return row

    seen: dict[str, list[int]] = defaultdict(list)
    long_enough = [number for row, number in first_of.items() if len(row) >= MIN_WORDS]
    for number in sorted(long_enough, key=lambda number: (len(words[number]), number)):
        row = words[number]
        rarest = sorted(row, key=lambda word: (frequency[word], word))
        for other in {other for word in rarest[: _n_rarest(row, SIMILAR)] for other in seen[word]}:
            common = len(row & words[other])
            if common >= SIMILAR * (len(row) + len(words[other]) - common):
                low, high = sorted((top(number), top(other)))
                key[high] = low
        for word in rarest[: _n_rarest(row, 2 * SIMILAR / (1 + SIMILAR))]:
            seen[word].append(number)
    return [str(top(number)) for number in range(len(texts))]


def _n_rarest(words: frozenset[str], share: float) -> int:
    return len(words) - math.ceil(share * len(words) - 1e-9) + 1  # rounding: 0.75 · 4 must not become 3.0000000004
