"""Scores on the samples that have every modality, next to those on all samples: the same rows for every candidate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import FoldScores, ModalityCounts
from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import BySeed, Splits, TestFold
from stages.evaluation.design import Design, design_of
from stages.evaluation.scores import MetricScores, estimate, mean_over_seeds, score


def incomplete_samples(splits: Splits, modalities: Sequence[str]) -> ModalityCounts | None:
    """Return how many samples lack which modality; None: every sample has all."""
    absent = {name: int(np.count_nonzero(~splits.present[name])) for name in modalities if name in splits.present}
    lacking = {name: n for name, n in absent.items() if n}
    return ModalityCounts(absent=lacking, n_complete=int(complete(splits, modalities).sum())) if lacking else None


def complete(splits: Splits, modalities: Sequence[str]) -> np.ndarray:
    """Return which samples have all modalities: bool (n,)."""
    masks = [splits.present[name] for name in modalities if name in splits.present]
    return np.logical_and.reduce([np.ones(len(splits.ids), bool), *masks])


def complete_scores(
    by_seed: Mapping[Candidate, BySeed], splits: Splits, modalities: Sequence[str], metrics: Mapping[str, Metric], confidence: float
) -> dict[Candidate, dict[str, FoldScores]]:
    """Return each candidate's scores on the samples that have all modalities; none if a test fold has no such sample, or all have all."""
    rows = complete(splits, modalities)
    kept = [rows[fold.rows] for fold in splits.folds]
    if rows.all() or not all(mask.any() for mask in kept):
        return {}
    folds = tuple(_restricted(fold, mask) for fold, mask in zip(splits.folds, kept, strict=True))
    design = design_of(replace(splits, folds=folds), confidence)
    found: dict[Candidate, dict[str, FoldScores]] = {}
    for candidate, of_seeds in by_seed.items():
        taken = [[fold.take(np.flatnonzero(mask)) for fold, mask in zip(of_seed, kept, strict=True)] for of_seed in of_seeds]
        found[candidate] = {name: fold_scores(taken, metric, design)[1] for name, metric in metrics.items()}
    return found


def _restricted(fold: TestFold, mask: np.ndarray) -> TestFold:
    """Return a fold with some of its test rows; of its training rows as large a share, by which variances are corrected as on all rows."""
    return TestFold(fold.repeat, fold.fold, fold.rows[mask], max(1, round(fold.n_train * mask.mean())))


def fold_scores(by_seed: BySeed, metric: Metric, design: Design) -> tuple[MetricScores, FoldScores]:
    """Return a candidate's scores on a metric, and what the document has of them."""
    found = mean_over_seeds([score(folds, metric, design) for folds in by_seed])
    interval = estimate(found, by_seed, metric, design)
    return found, FoldScores(mean=interval.mean, lo=interval.lo, hi=interval.hi, folds=tuple(found.folds.tolist()))
