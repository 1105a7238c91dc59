"""Parts of speech in the Brown corpus: which of twelve a word is, given the word and the three before and after it.

1,161,192 words of American English of 1961 in 500 texts of 15 genres, tagged by hand. A sample is a word in its sentence, with up to three
neighbours a side (null beyond the sentence's ends); `tokens` of them are drawn, seeded, from all, punctuation included. Targets:
    tag    one of the twelve universal parts of speech (Petrov, Das and McDonald, 2012), mapped from Brown's tags by TAGS below
The neighbours' tags are left out, as is the tag that the corpus writes behind each word.

TAGS follows the universal tagset's table for Brown as we remember it. Of a tag, what is read is its first part: "-tl", "-hl" and
"-nc" (title, headline, cited word), "*" (not) and what follows "+" (contractions: "he's" is pps+bez, a pronoun) do not count, and
"$" stands for possessives. Foreign words (fw-) are X. Differs: "quite" and "all" before an article (abl, abn) are determiners.

Groups: the text, so that no text's vocabulary is in both training and test. Optional: needs npm's client once, to fetch the package.

Reference (about, from memory): a word's most frequent tag is right for 90 to 94 %, taggers trained on the whole corpus for 96 to 97 %,
with more or finer tags (Charniak et al., 1993; Petrov et al., 2012). Some thousand words of training reach less: most words of a new text
have not been met, and their spelling and neighbours must do: with 1,600 words, a linear SVM is right for 79 %, and for 85 % with n-grams of
the word's characters (`analyzer: char`). The majority class (noun) has 24 %.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.collections.brown_corpus import CITATION, LICENCE, PACKAGE, SOURCE, Document, read_documents, word_and_tag
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.readers.archive import damaged

NEIGHBOURS = 3
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


class Draw(Settings):
    tokens: int = Field(20_000, ge=100, le=200_000, description="how many words and marks are drawn from the corpus")


def read(archives: Mapping[str, Path], target: str, options: Draw, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives[PACKAGE]
    documents = read_documents(archive)
    n_words = np.array([sum(map(len, document.sentences)) for document in documents])
    if options.tokens > n_words.sum():
        raise InputError(f"{archive}: has {n_words.sum()} words, and options.tokens asks for {options.tokens}; ask for fewer")
    drawn = np.sort(np.random.default_rng(seed).choice(n_words.sum(), options.tokens, replace=False))
    ids, groups, tags, windows = [], [], [], []
    for document, end, n in zip(documents, np.cumsum(n_words), n_words, strict=True):
        for place in (drawn[(drawn >= end - n) & (drawn < end)] - (end - n)).tolist():
            items = [item and word_and_tag(archive, document.name, item) for item in _window(document, place)]
            ids.append(f"{document.name}-{place:04d}")
            groups.append(document.name)
            tags.append(universal_tag(archive, document.name, items[NEIGHBOURS][1]))
            windows.append([item and item[0] for item in items])
    return samples_table(ids, groups, tags, {"word": ("text", pa.array(windows, pa.list_(pa.string())))})


def _window(document: Document, place: int) -> list[Any]:
    """Return the item at `place` in the text amid its neighbours in the sentence, None beyond its ends."""
    for sentence in document.sentences:
        if place < len(sentence):
            return [sentence[i] if 0 <= i < len(sentence) else None for i in range(place - NEIGHBOURS, place + NEIGHBOURS + 1)]
        place -= len(sentence)
    raise ValueError(f"{document.name} has no word at this place")


def universal_tag(archive: Path, member: str, tag: str) -> str:
    """Return the universal part of speech of a Brown tag; raise InputError where it is none."""
    if tag.startswith("fw-"):
        return "X"
    first = _MARKS.sub("", tag).split("+")[0]
    first = first.rstrip("*") or first  # "*" alone is a tag
    name = _UNIVERSAL.get(first) or _UNIVERSAL.get(first.rstrip("$"))
    if name is None:
        raise damaged(archive, member, f"{tag!r} is no tag of the corpus")
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
    options=Draw,
)
