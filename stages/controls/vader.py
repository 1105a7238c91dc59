"""Baseline of a lexicon: the sentiment of texts by VADER's rated words and rules, without training.

For data sets whose classes are negative and positive, with or without neutral, and that have a modality of texts (several: all of a
sample's texts). VADER's compound score is in [-1, 1]. With a neutral class, a text is positive from 0.05, negative to −0.05 and else
neutral, the thresholds that the authors recommend; without one, the sign decides, and a score of 0 is the most frequent class of the
training rows.

Nothing is trained but the probabilities: the share of each class among the training rows with the same prediction, with one row more of
each. The lexicon knows more than the training rows, so a learner that does not beat it is of little use; but where the texts are those that
it was made with (`tweets`), its score is not one on new texts.

Source: C. J. Hutto and E. Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text, ICWSM; their
package vaderSentiment.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.contracts.control import ControlData, Rule
from stages.contracts.fitted import Scores
from stages.contracts.settings import Settings

POLAR, NEUTRAL = ("negative", "positive"), "neutral"


class VaderSettings(Settings):
    threshold: float = Field(0.05, ge=0, le=1, description="with a neutral class: compound score from which a text is not neutral")


def predict(data: ControlData, settings: VaderSettings, train: np.ndarray, rows: np.ndarray) -> Scores:
    """Return the class by the compound score, and the shares of classes among training rows with the same one."""
    target, names = data.problem.target, list(data.problem.outputs)
    shares = np.bincount(target[train], minlength=len(names))
    compound = compound_scores(data)
    cut = settings.threshold if NEUTRAL in names else np.finfo(np.float64).tiny
    between = names.index(NEUTRAL) if NEUTRAL in names else int(shares.argmax())
    negative, positive = (names.index(name) for name in POLAR)
    predicted = np.where(compound >= cut, positive, np.where(compound <= -cut, negative, between))
    counts = np.ones((len(names), len(names)))
    np.add.at(counts, (predicted[train], target[train]), 1)
    probabilities = (counts / counts.sum(axis=1, keepdims=True))[predicted[rows]].astype(np.float32)
    return Scores(np.eye(len(names))[predicted[rows]], probabilities)


def compound_scores(data: ControlData) -> np.ndarray:
    """Return VADER's compound score of each sample's texts, joined by line breaks: float64 (n,); 0 of a sample without a text."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    columns = [column.to_pylist() for column in _texts(data)]
    texts = ["\n".join(text for text in row if text) for row in zip(*columns, strict=True)]
    return np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def _texts(data: ControlData) -> list[pa.ChunkedArray]:
    """Return the columns of documents and of utterances (without the speaker), by name; a word with its neighbors is no text."""
    found = []
    for name in sorted(data.features):
        column, metadata = data.samples[name], data.samples.schema.field(name).metadata or {}
        if metadata.get(b"modality") == b"text" and not pa.types.is_list(column.type) and not pa.types.is_large_list(column.type):
            found.append(pc.struct_field(column, "text") if pa.types.is_struct(column.type) else column)
    return found


def not_applicable(data: ControlData, settings: VaderSettings) -> str | None:
    """Return that there is no sentiment to predict, or no text, if so."""
    names = set(data.problem.outputs)
    if data.problem.form != "classes" or not set(POLAR) <= names <= {*POLAR, NEUTRAL}:
        return f"it predicts the classes {', '.join(POLAR)} and, if there is one, {NEUTRAL}; here the target is another"
    return None if _texts(data) else "it reads texts, and no modality is one"


CONTROL = Rule(name="vader", settings=VaderSettings, predict=predict, not_applicable=not_applicable)
