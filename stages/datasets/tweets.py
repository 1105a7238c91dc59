"""Tweets rated for sentiment: 4,200 short texts "inspired by" real tweets, each with the mean rating of twenty or more people.

    sentiment   negative, neutral (a mean within ±`neutral`) or positive
    polarity    negative or positive; neutral tweets are excluded
    valence     the mean itself, from -4 to 4

The authors masked user names and addresses (@anonymous, http://url_removed). Only the text is a feature: the standard deviation of the
ratings correlates with the strength of the sentiment.

Groups: 200 of the texts are variants of others, written to test how "very", capitals and "!!!" change a rating ("Damn, running late
sucks." and "Damn! running late absolutely sucks!"); some have six variants. A model that is trained on one and tested on another
only memorizes. So texts that share 60 % of their words or more are one group (stages/collections/vader_texts.py).

Reference (Hutto and Gilbert, 2014, included in the package): the correlation with the mean is 0.881 for VADER's lexicon and rules and 0.888
for a single person; F1 of the three classes is 0.96 and 0.84. Their classes have other thresholds, and VADER was developed on these texts.
Ridge regression on n-grams of characters, on grouped folds, reaches a correlation of about 0.80.

The control `vader` is the package's analyzer. On all rows its accuracy is 0.824 on the three classes and 0.977 on polarity, its correlation
with the mean 0.872. That is circular: its rules were derived from tweets, their constants from ratings of the 200 variants, which are among
these rows. On the sentences of `snippets` it has 0.560 on the three classes and 0.687 on polarity.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.collections.vader_texts import (
    CITATION,
    LICENCE,
    PACKAGE,
    SDIST,
    TARGETS,
    VaderOptions,
    rated_rows,
    rated_targets,
    read_rated_texts,
    similar_texts,
)
from stages.contracts.data_set import DataSet

MEMBER = "tweets_GroundTruth.txt"


def read(archives: Mapping[str, Path], target: str, options: VaderOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    tweets = read_rated_texts(archives[PACKAGE], MEMBER)
    groups = similar_texts([tweet.text for tweet in tweets])
    rows = rated_rows([tweet.mean for tweet in tweets], target, options.neutral)
    return samples_table(
        [f"{tweets[row].number:04d}" for row in rows],
        [f"{tweets[int(groups[row])].number:04d}" for row in rows],
        rated_targets([tweets[row].mean for row in rows], target, options.neutral),
        {"text": ("text", pa.array([tweets[row].text for row in rows], pa.string()))},
    )


DATA_SET = DataSet(
    name="tweets",
    title="Tweets rated for sentiment",
    sources=(SDIST,),
    licence=LICENCE,
    citation=CITATION,
    n_samples=4_200,
    modalities={"text": "text"},
    targets=TARGETS,
    group="tweets whose words are the same or nearly so (intensified variants of one text)",
    read=read,
    options=VaderOptions,
)
