"""Learners whose features are a network's representation against the same learners on the features themselves: paired tests.

Holm's correction is over all learners, networks and combinations of a data set. Interval, p and verdict are those of all comparisons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from stages.contracts.candidate import Candidate
from stages.contracts.documents.representation_scores import FoldMean, RepresentedLearner
from stages.contracts.documents.results_document import named
from stages.contracts.paths import representations_dir
from stages.contracts.tables.representation_table import RepresentationMetadata
from stages.evaluation.checked_predictions import Expected, Splits, predictions_by_candidate
from stages.evaluation.comparisons import Evidence, difference_of, verdict
from stages.evaluation.scores import MetricScores, score
from stages.evaluation.statistics import Difference, holm, posterior
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described


@dataclass(frozen=True)
class _Pair:
    """raw: the learner on the features themselves. represented: its scores on the representation of the network (model)."""

    model: str
    raw: Candidate
    represented: MetricScores


def representations(dataset: str, evidence: Evidence, splits: Splits, expected: Expected) -> tuple[RepresentedLearner, ...]:
    """Return the learners of representations of a data set, by network, learner and combination.

    Args:
        evidence: scores of candidates on the metric that ranks.
        expected: form and names of the outputs; the rest is that of each file.
    Raises:
        InputError: if a file does not fit the splits or the candidates, or another metric chose.
    """
    pairs = list(_pairs(dataset, evidence, splits, expected))
    differences = [difference_of(pair.represented, evidence.scores[pair.raw], evidence.design) for pair in pairs]
    corrected = holm([difference.p for difference in differences])
    return tuple(_judged(pair, difference, p, evidence) for pair, difference, p in zip(pairs, differences, corrected, strict=True))


def _pairs(dataset: str, evidence: Evidence, splits: Splits, expected: Expected) -> Iterator[_Pair]:
    for path in sorted(representations_dir(dataset).glob("*/representation.arrow")):
        table, about = read_described(path, RepresentationMetadata)
        if about.scoring != evidence.metric.name:
            raise InputError(f"{path}: metadata scoring: expected {evidence.metric.name!r}, which ranks, found {about.scoring!r}; run "
                             "`dvc repro`")  # fmt: skip
        for learner in about.learners:
            mine = replace(expected, model=learner, combinations=about.combinations)
            rows = table.filter(pc.equal(table["learner"], learner)).drop_columns("learner")
            for candidate, by_seed in predictions_by_candidate(rows, splits, mine, path).items():
                if candidate not in evidence.scores:
                    raise InputError(f"{path}: train wrote no predictions of {named(candidate)}; run `dvc repro`")
                yield _Pair(about.model, candidate, score(by_seed[0], evidence.metric, evidence.design))


def _judged(pair: _Pair, difference: Difference, p_corrected: float, evidence: Evidence) -> RepresentedLearner:
    """Return a comparison as it is written down."""
    raw, metric = evidence.scores[pair.raw], evidence.metric
    upright = difference if metric.greater_is_better else replace(difference, difference=-difference.difference)
    practical = posterior(upright, evidence.rope_of(pair.raw))
    return RepresentedLearner(
        model=pair.model, learner=pair.raw.model, modalities=pair.raw.modalities, raw=fold_mean(raw),
        represented=fold_mean(pair.represented), difference=difference.difference,
        lo=difference.lo, hi=difference.hi, p=difference.p, p_corrected=p_corrected,
        verdict=verdict(upright.difference, p_corrected, practical, evidence.design.confidence),
    )  # fmt: skip


def fold_mean(scores: MetricScores) -> FoldMean:
    """Return the scores of folds with their mean."""
    return FoldMean(mean=scores.mean, folds=tuple(scores.folds.tolist()))
