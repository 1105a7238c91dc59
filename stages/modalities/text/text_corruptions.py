"""What can happen to a text: typing errors, and words that are missing. Of an utterance the speaker stays.

Nothing here knows a language: wrong letters are drawn from the text itself, so that they are of its script, and words are separated by
blanks.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from stages.contracts.corruption import CorruptColumn, Corruption
from stages.samples.sample_changes import each_sample

WORD = re.compile(r"\S+\s*")
ChangeText = Callable[[str, float, np.random.Generator], str]
ChangeWindow = Callable[[list[Any], float, np.random.Generator], list[Any]]
N_KINDS = 3  # of typing errors: another letter, none, the letter twice


def with_typos(text: str, strength: float, random: np.random.Generator) -> str:
    """Return a text in which each letter or digit is mistyped with probability `strength`: replaced, left out or doubled."""
    places = [place for place, mark in enumerate(text) if mark.isalnum()]
    chance, kinds, others = random.random(len(places)), random.integers(N_KINDS, size=len(places)), random.random(len(places))
    marks = list(text)
    for hit in np.flatnonzero(chance < strength).tolist():
        place = places[hit]
        marks[place] = (text[places[int(others[hit] * len(places))]], "", text[place] * 2)[kinds[hit]]
    return "".join(marks)


def without_words(text: str, strength: float, random: np.random.Generator) -> str:
    """Return a text in which each word, with the blanks behind it, is left out with probability `strength`."""
    words = list(WORD.finditer(text))
    gone = random.random(len(words)) < strength
    if not gone.any():
        return text
    start = words[0].start()
    return text[:start] + "".join(word.group() for word, lost in zip(words, gone.tolist(), strict=True) if not lost)


def _each(change: ChangeText, of_window: ChangeWindow) -> CorruptColumn:
    """Return the change of a column from that of a text, of which utterances have one, and that of a word with its neighbors."""

    def one(sample: Any, strength: float, random: np.random.Generator) -> Any:
        if isinstance(sample, list):
            return of_window(sample, strength, random)
        if isinstance(sample, dict):
            text = sample.get("text")
            return {**sample, "text": change(text, strength, random)} if isinstance(text, str) else sample
        return change(sample, strength, random)

    return each_sample(one)


def _typos_in_window(words: list[Any], strength: float, random: np.random.Generator) -> list[Any]:
    return [with_typos(word, strength, random) if isinstance(word, str) else word for word in words]


def _window_without_words(words: list[Any], strength: float, random: np.random.Generator) -> list[Any]:
    """Return a word without some of its neighbors: the word in the middle is what the sample is about."""
    gone = random.random(len(words)) < strength
    gone[len(words) // 2 : len(words) // 2 + 1] = False
    return [None if lost else word for word, lost in zip(words, gone.tolist(), strict=True)]


CORRUPTIONS = (
    Corruption(
        name="typos",
        what="letters and digits are replaced by others of the same text, left out or doubled",
        unit="probability of a letter to be mistyped",
        largest=1.0,
        strengths=(0.05, 0.1, 0.2),
        change=_each(with_typos, _typos_in_window),
    ),
    Corruption(
        name="dropped_words",
        what="words are missing (of a word with neighbors: neighbors)",
        unit="probability of a word to be dropped",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(without_words, _window_without_words),
    ),
)
