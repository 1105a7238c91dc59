"""Words: the words of a text in their order, the most frequent ones of the training rows. facts: n_words, max_steps.

Features files of texts have them with `keep_words: true`. Longer texts end after `max_steps` words; another word than those is left out.
"""

import numpy as np

from stages.features.encoders import State
from stages.features.structures import Ragged, Structured
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits
from stages.models.network.inputs.padded_lists import padded_batches


def has(block: Structured) -> bool:
    """Return whether words are kept in their order."""
    return block.structure is not None and "words" in block.structure.columns


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return the vocabulary: the words that occur most often in the training rows, ties to the smallest number."""
    words, counts = np.unique(_words(block).taken(rows).values, return_counts=True)
    kept = np.sort(words[np.argsort(-counts, kind="stable")[: limits.terms]])
    return FittedInput({"n_words": len(kept), "max_steps": limits.steps}, {"words": kept})


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of words as numbers from 1 on."""
    words, kept, most = _words(block), fitted.arrays["words"], fitted.facts["max_steps"]
    first, values = words.offsets[0], words.values[words.offsets[0] : words.offsets[-1]]
    place = np.searchsorted(kept, values).clip(0, max(len(kept) - 1, 0))
    is_known = kept[place] == values if len(kept) else np.zeros(len(values), bool)
    row_of = np.repeat(np.arange(len(words)), words.lengths)
    before = np.cumsum(is_known) - is_known  # known words ahead of each one
    at_start = np.concatenate([[0], np.cumsum(is_known)])[words.offsets[:-1].astype(np.int64) - first]
    used = is_known & (before - at_start[row_of] < most)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row_of[used], minlength=len(words)))])
    batches = padded_batches(Ragged(offsets, (place[used] + 1).astype(np.int64)))

    def batch(rows: np.ndarray) -> dict[str, np.ndarray]:
        found = batches(rows)
        return {"ids": found["values"], "lengths": found["lengths"]}

    return batch


def _words(block: Structured) -> Ragged:
    assert block.structure is not None
    words: Ragged = block.structure.columns["words"]
    return words


INPUT = InputReader("words", has, fit, load)
