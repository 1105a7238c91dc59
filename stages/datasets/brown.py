"""Parts of speech in the Brown corpus: which of twelve a word is, given the word and three neighbors on each side.

1,161,192 words of American English of 1961 in 500 texts of 15 genres, tagged by hand. A sample is a word in its sentence, with up to three
neighbors on each side (null beyond the sentence's ends); `tokens` words are sampled, seeded, from all, punctuation included. Targets:
    tag    one of the twelve universal parts of speech (Petrov, Das and McDonald, 2012), mapped from Brown's tags by TAGS below
The tags of the word and its neighbors are excluded.

TAGS follows the universal tagset's table for Brown, from memory. Only the first part of a tag is used: "-tl", "-hl" and "-nc" (title,
headline, cited word), "*" (not) and the part after "+" (contractions: "he's" is pps+bez, a pronoun) are ignored, and "$" marks
possessives. Foreign words (fw-) are X. Differs: "quite" and "all" before an article (abl, abn) are determiners.

Groups: texts, so that no text is in both training and test rows. Optional: fetching the package needs npm.

Reference (approximate, from memory): a word's most frequent tag has an accuracy of 90 to 94 %, taggers trained on the whole corpus 96 to
97 %, with more or finer tags (Charniak et al., 1993; Petrov et al., 2012). A few thousand training words reach less: most words of a new
text are unseen, so that only spelling and neighbors help. With 1,600 words, a linear SVM has 79 %, and 85 % with n-grams of the word's
characters (`analyzer: char`). The majority class (noun) has 24 %.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.collections.brown_corpus import CITATION, LICENCE, PACKAGE, SOURCE, TaggedText, read_documents, word_and_tag
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.readers.archive import damaged

NEIGHBORS = 3
TAGS = {
    ".": ". ( ) , : -- `` '' '",
    "ADJ": "ap jj jjr jjs jjt od",
    "ADP": "cs in",
    "ADV": "* ql qlp rb rbr rbt rn wql wrb",
    "CONJ": "cc",
    "DET": "abl abn abx at dt dti dts dtx pp$ wdt wp$",
    "NOUN": "nn nns np nps nr nrs pn",
    "NUM": "cd",
    "PRON": "pp$$ ppl ppls ppo pps ppss wpo wps",
    "PRT": "ex rp to uh",
    "VERB": "be bed bedz beg bem ben ber bez do dod doz hv hvd hvg hvn hvz md vb vbd vbg vbn vbz",
    "X": "nil",
}
_MARKS = re.compile(r"(-(tl|hl|nc))+$")
_UNIVERSAL = {tag: name for name, tags in TAGS.items() for tag in tags.split()}


class BrownOptions(Settings):
    tokens: int = Field(20_000, ge=100, le=200_000, description="number of words and punctuation marks sampled from the corpus")


def read(archives: Mapping[str, Path], target: str, options: BrownOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives[PACKAGE]
    documents = read_documents(archive)
    n_words = np.array([sum(map(len, document.sentences)) for document in documents])
    if options.tokens > n_words.sum():
        raise InputError(f"{archive}: has {n_words.sum()} words, options.tokens is {options.tokens}; lower it")
    sampled = np.sort(np.random.default_rng(seed).choice(n_words.sum(), options.tokens, replace=False))
    ids, groups, tags, windows = [], [], [], []
    for document, end, n in zip(documents, np.cumsum(n_words), n_words, strict=True):
        for place in (sampled[(sampled >= end - n) & (sampled < end)] - (end - n)).tolist():
            items = [item and word_and_tag(archive, document.name, item) for item in _window(document, place)]
            ids.append(f"{document.name}-{place:04d}")
            groups.append(document.name)
            tags.append(universal_tag(archive, document.name, items[NEIGHBORS][1]))
            windows.append([item and item[0] for item in items])
    return samples_table(ids, groups, tags, {"word": ("text", pa.array(windows, pa.list_(pa.string())))})


def _window(document: TaggedText, place: int) -> list[Any]:
    """Return the item at `place` in the text with its neighbors in the sentence, None beyond its ends."""
    for sentence in document.sentences:
        if place < len(sentence):
            return [sentence[i] if 0 <= i < len(sentence) else None for i in range(place - NEIGHBORS, place + NEIGHBORS + 1)]
        place -= len(sentence)
    raise ValueError(f"{document.name} has no word at this position")


def universal_tag(archive: Path, member: str, tag: str) -> str:
    """Return the universal part of speech of a Brown tag; raise InputError if it is unknown."""
    if tag.startswith("fw-"):
        return "X"
    first = _MARKS.sub("", tag).split("+")[0]
    first = first.rstrip("*") or first  # "*" alone is a tag
    name = _UNIVERSAL.get(first) or _UNIVERSAL.get(first.rstrip("$"))
    if name is None:
        raise damaged(archive, member, f"{tag!r} is not a tag of the corpus")
    return name


DATA_SET = DataSet(
    name="brown",
    title="Parts of speech in the Brown corpus",
    sources=(SOURCE,),
    licence=LICENCE,
    citation=f"{CITATION}; S. Petrov, D. Das, R. McDonald (2012), A Universal Part-of-Speech Tagset, LREC",
    n_samples=20_000,
    modalities={"word": "text"},
    targets={"tag": "multiclass"},
    group="the text that a word is from",
    read=read,
    options=BrownOptions,
    known_leaks=dict.fromkeys(
        ("duplicate-across-folds/samples", "near-duplicate-across-folds/word"),
        "a word of a short sentence may have the same neighbors in another text, as one of a new text may: 16 of 4,000",
    ),
)
