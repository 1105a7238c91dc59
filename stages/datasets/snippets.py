"""Sentences rated for sentiment: from film reviews, product reviews and opinion articles; each with the mean of twenty ratings.

    10,605  films     rotten.tomatoes.com (Pang and Lee)
     3,708  products  customers' reviews of five electronic products (Hu and Liu)
     5,190  news      New York Times editorials and articles of opinion

    sentiment   negative, neutral (a mean within ±`neutral`) or positive
    polarity    negative or positive; neutral sentences are excluded
    valence     the mean itself, from -4 to 4
    source      films, products or news: classification by topic

Each is an utterance: its speaker is the kind of writer (critic, customer, columnist), which is excluded for the target `source`, as it
would leak it. Four customers' sentences without a word are kept as empty texts.

Groups: the review or article of a sentence, where the package names it (products, news), so that a writer's style and subject are not
split. For films it is not named: each sentence is a group, and sentences of one review, if there are any, may be split. Sentences that
share 60 % of their words or more are one group.

Reference (Hutto and Gilbert, 2014, table 4; approximate, from memory): correlation of VADER's lexicon and rules with the mean, and F1 of
the three classes: films 0.45 and 0.61, products 0.57 and 0.63, news 0.49 and 0.55; a single person: 0.90 and 0.92, 0.91 and 0.85, 0.75
and 0.65. Their classes have other thresholds.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from stages.collections.assemble_samples import merged_groups, samples_table
from stages.collections.vader_texts import (
    CITATION,
    LICENCE,
    PACKAGE,
    SDIST,
    TARGETS,
    RatedText,
    VaderOptions,
    rated_rows,
    rated_targets,
    read_rated_texts,
    similar_texts,
)
from stages.contracts.data_set import DataSet

SOURCES = {  # source → (file, kind of writer)
    "films": ("movieReviewSnippets_GroundTruth.txt", "critic"),
    "products": ("amazonReviewSnippets_GroundTruth.txt", "customer"),
    "news": ("nytEditorialSnippets_GroundTruth.txt", "columnist"),
}


def read(archives: Mapping[str, Path], target: str, options: VaderOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    pairs = [(source, text) for source, (member, _) in SOURCES.items() for text in read_rated_texts(archives[PACKAGE], member)]
    groups = merged_groups([_document(source, text) for source, text in pairs], similar_texts([text.text for _, text in pairs]))
    rows = rated_rows([text.mean for _, text in pairs], target, options.neutral)
    sources = [pairs[row][0] for row in rows]
    speakers = [None if target == "source" else SOURCES[source][1] for source in sources]
    texts = pa.array([pairs[row][1].text for row in rows], pa.string())
    utterances = pa.StructArray.from_arrays([texts, pa.array(speakers, pa.string())], names=["text", "speaker"])
    means = [pairs[row][1].mean for row in rows]
    return samples_table(
        [_sample_id(*pairs[row]) for row in rows],
        [groups[row] for row in rows],
        sources if target == "source" else rated_targets(means, target, options.neutral),
        {"text": ("text", utterances)},
    )


def _document(source: str, text: RatedText) -> str:
    return f"{source}-{text.document:03d}" if text.document is not None else _sample_id(source, text)


def _sample_id(source: str, text: RatedText) -> str:
    return f"{source}-{text.document:03d}-{text.number:02d}" if text.document is not None else f"{source}-{text.number:05d}"


DATA_SET = DataSet(
    name="snippets",
    title="Sentences of reviews and editorials rated for sentiment",
    sources=(SDIST,),
    licence=LICENCE,
    citation=f"{CITATION}; sentences from B. Pang and L. Lee (2004), A Sentimental Education, ACL, and M. Hu and B. Liu (2004), Mining and "
    "Summarizing Customer Reviews, KDD",
    n_samples=19_503,
    modalities={"text": "text"},
    targets={**TARGETS, "source": "multiclass"},
    group="the review or article (films: the sentence), with sentences whose words are the same or nearly so",
    read=read,
    options=VaderOptions,
    known_leaks={"order-tells-target/samples": "the films' favourable sentences come first, and no modality holds the place"},
)
