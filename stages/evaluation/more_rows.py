"""Learning curves: scores after training on shares of the training rows, a power law through them, and what it says of twice the rows.

The law is fitted to the mean curve over outer folds (power_law.py). Intervals of growth and gain are percentiles of curves of resampled
folds and groups (curve_resamples.py), each fitted again; that of the gain reaches at least to what the last doubling brought. Nothing is
said of more rows where the design, the curve or the fit do not support it: `withheld` tells why. What was measured of it:
docs/decisions/0063-learning-curves.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from stages.contracts.candidate import EARLY, Candidate
from stages.contracts.documents.growth import CurvePoint, Gain, LearningCurve, ScoreLaw
from stages.contracts.documents.results_document import named
from stages.contracts.metric import Metric
from stages.contracts.paths import learning_curves_dir
from stages.contracts.tables.learning_curve_table import LearningCurveMetadata, halvings
from stages.evaluation.checked_predictions import Expected, FoldPredictions, Splits, predictions_by_candidate
from stages.evaluation.curve_resamples import resampled_curves
from stages.evaluation.design import Design
from stages.evaluation.power_law import fit_power_law
from stages.evaluation.scores import MetricScores, estimate, has_intervals, score
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_described

FEWEST_SIZES = 4  # one more than the law has parameters
FEWEST_DEFINED = 2  # outer folds, unless there is one split
FACTOR = 2.0
MISFIT = 0.1  # of the growth: residuals up to it do not matter


@dataclass(frozen=True)
class TrainedShare:
    """What a candidate predicts after training on a share of the training rows, with the first seed.

    n_train: those rows, mean over outer folds.
    """

    share: float
    n_train: float
    predictions: Sequence[FoldPredictions]


def learning_curves(
    dataset: str, whole: Mapping[Candidate, Sequence[FoldPredictions]], splits: Splits, metric: Metric, design: Design, expected: Expected
) -> tuple[LearningCurve, ...]:  # fmt: skip
    """Return the learning curves of a data set, by model and modality combination.

    Args:
        whole: predictions of candidates that are trained on all training rows: the last point of each curve.
        metric: that ranks. expected: form and names of the outputs; the rest is that of each curve.
    Raises:
        InputError: if a file does not fit the splits, or another metric chose.
    """
    found = []
    n_train_whole = float(np.mean([fold.n_train for fold in splits.folds]))
    for path in sorted(learning_curves_dir(dataset).glob("*/learning_curve.arrow")):
        about = read_described(path, LearningCurveMetadata)[1]
        if about.scoring != metric.name:
            raise InputError(f"{path}: metadata scoring: expected {metric.name!r}, which ranks, found {about.scoring!r}; run `dvc repro`")
        mine = replace(expected, model=about.model, combinations=about.combinations)
        for candidate, parts in _trained_shares(path, whole, splits, mine, n_train_whole).items():
            found.append(judged_curve(candidate, [*parts, TrainedShare(1.0, n_train_whole, whole[candidate])], metric, design,
                                      skipped=about.skipped, time_ordered=splits.times is not None))
    return tuple(found)


def _trained_shares(
    path: Path, whole: Iterable[Candidate], splits: Splits, expected: Expected, most: float
) -> dict[Candidate, list[TrainedShare]]:
    """Return the shares of the training rows, the smallest first, that each candidate of a file is trained on.

    Args:
        whole: the candidates that are trained on all training rows, whose number is `most`, mean over outer folds.
    Raises:
        InputError: if the predictions of a share do not fit the splits, the candidates or the other shares.
    """
    table, about = read_described(path, LearningCurveMetadata)
    by_share: dict[Candidate, list[TrainedShare]] = {
        candidate: [] for candidate in whole
        if (candidate.model, candidate.fusion) == (expected.model, EARLY) and candidate.combination in expected.combinations}  # fmt: skip
    for share, of_share in _shares(table).items():
        skips = halvings(share) in about.skipped_halvings  # where some combination is left out
        there = set(pc.unique(of_share["modalities"]).to_pylist())
        mine = replace(expected, combinations=[name for name in expected.combinations if name in there or not skips])
        for candidate, by_seed in predictions_by_candidate(of_share, splits, mine, path).items():
            if candidate not in by_share:
                raise InputError(f"{path}: share {share:g}: train wrote no predictions of {named(candidate)}; run `dvc repro`")
            before = by_share[candidate][-1].n_train if by_share[candidate] else 0
            n_train = _mean_rows(of_share, candidate, f"{path}: share {share:g}, modalities {candidate.combination!r}")
            if not before < n_train < most:
                raise InputError(f"{path}: share {share:g}: n_train: expected more than {before:g} and less than {most:g}, "
                                 f"those of other shares, found {n_train:g}; run `dvc repro`")
            by_share[candidate].append(TrainedShare(share, n_train, by_seed[0]))
    return by_share


def _shares(table: pa.Table) -> dict[float, pa.Table]:
    """Return the rows of each share, the smallest first."""
    return {float(share): table.filter(pc.equal(table["share"], float(share))) for share in np.unique(column_values(table["share"]))}


def _mean_rows(table: pa.Table, candidate: Candidate, where: str) -> float:
    """Return the number of training rows of a share, mean over outer folds.

    Raises:
        InputError: if rows of one fold have several.
    """
    mine = table.filter(pc.and_(pc.equal(table["modalities"], candidate.combination), pc.equal(table["fusion"], candidate.fusion)))
    of_folds = mine.group_by(["repeat", "fold"]).aggregate([("n_train", "max"), ("n_train", "min")])
    most, least = (column_values(of_folds[f"n_train_{end}"]) for end in ("max", "min"))
    if not np.array_equal(most, least):
        raise InputError(f"{where}: n_train: expected one number for each repeat and fold, found several; run `dvc repro`")
    return float(np.mean(most))


def judged_curve(
    candidate: Candidate, trained: Sequence[TrainedShare], metric: Metric, design: Design, *, skipped: Mapping[str, str],
    time_ordered: bool,
) -> LearningCurve:  # fmt: skip
    """Return one candidate's learning curve, with what is said of more rows, or why nothing is."""
    scored = [score(of_share.predictions, metric, design) for of_share in trained]
    points = []
    for of_share, found in zip(trained, scored, strict=True):
        interval = estimate(found, [of_share.predictions], metric, design)
        points.append(CurvePoint(share=of_share.share, n_train=round(of_share.n_train), mean=interval.mean, lo=interval.lo, hi=interval.hi))
    growth, law, twice, withheld = _more_rows(np.array([of_share.n_train for of_share in trained]), scored, metric, design,
                                              time_ordered=time_ordered)
    return LearningCurve(model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, points=tuple(points),
                         growth=growth, law=law, twice=twice, withheld=withheld, skipped=dict(skipped))


Judged = tuple[Gain | None, ScoreLaw | None, Gain | None, str]


def _more_rows(rows: np.ndarray, scored: Sequence[MetricScores], metric: Metric, design: Design, *, time_ordered: bool) -> Judged:
    """Return growth, law and gain by twice the rows, and why the latter two are withheld."""
    sign, best = (-1.0, metric.bounds[1]) if metric.greater_is_better else (1.0, metric.bounds[0])
    folds = sign * (np.stack([found.folds for found in scored]) - best)  # errors: 0 is the best
    defined = np.isfinite(folds).all(axis=0)
    if len(rows) < 2 or not has_intervals(design) or defined.sum() < (1 if design.is_one_split else FEWEST_DEFINED):
        return None, None, None, "there are too few sizes, folds or groups to judge growth by"
    errors = folds[:, defined].mean(axis=1)
    resampled = resampled_curves([sign * (found.values - best) for found in scored], design)
    growth = _gain(float(errors[0] - errors[-1]), resampled[:, 0] - resampled[:, -1], design)
    if time_ordered:
        return growth, None, None, "folds in the order of time train on more and more rows of other times"
    if len(rows) < FEWEST_SIZES:
        return growth, None, None, f"a law needs {FEWEST_SIZES} sizes of training sets, and there are {len(rows)}"
    if growth.lo is None or growth.lo <= 0:
        return growth, None, None, f"no growth is shown from {rows[0]:.0f} to {rows[-1]:.0f} rows"
    law = fit_power_law(rows, errors)
    laws = [fit_power_law(rows, curve) for curve in resampled]
    residuals = np.abs(errors - law.error_at(rows))
    spread = np.std([curve - drawn.error_at(rows) for curve, drawn in zip(resampled, laws, strict=True)], axis=0)
    missed = (residuals > ndtri((1 + design.confidence) / 2) * spread) & (residuals > MISFIT * float(errors[0] - errors[-1]))
    if missed.any():
        worst = int(np.argmax(np.where(missed, residuals, 0.0)))
        return growth, None, None, f"a power law misses the score at {rows[worst]:.0f} rows by {residuals[worst]:.2g}"
    fitted = ScoreLaw(limit=best + sign * law.limit, scale=law.scale, exponent=law.exponent)
    twice = _gain(law.gain_by(FACTOR), np.array([drawn.gain_by(FACTOR) for drawn in laws]), design)
    # a curve that has grown faster of late than any power law may go on so: the interval reaches to what the last doubling brought
    return growth, fitted, twice.model_copy(update={"hi": max(twice.hi or 0.0, float(errors[-2] - errors[-1]))}), ""


def _gain(mean: float, resampled: np.ndarray, design: Design) -> Gain:
    lo, hi = np.quantile(resampled, [(1 - design.confidence) / 2, (1 + design.confidence) / 2])
    return Gain(mean=mean, lo=float(lo), hi=float(hi))
