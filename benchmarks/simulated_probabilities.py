"""Simulated probabilities whose calibration error is known: how often its interval holds it, and how large it looks."""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from benchmarks.simulated_folds import N_FOLDS, Cell, Layout, described
from stages.contracts.documents.reliability_curve import Reliability
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.design import design_of
from stages.evaluation.reliability import reliability

DISTORTIONS = (1.0, 1.25, 2.0)  # of the log-odds of the probability that a row is right: 1 is calibrated, above is over-confident
LAYOUTS = ((20, 10, 0.0), (20, 10, 0.3), (50, 10, 0.3), (200, 1, 0.0), (500, 1, 0.0), (200, 5, 0.1), (2000, 1, 0.0))
MEAN, DEVIATION = 1.2, 1.2  # of the log-odds


def true_error(distortion: float) -> float:
    """Return the calibration error without bins: the mean distance of the stated probability from the true one."""
    log_odds = MEAN + DEVIATION * np.random.default_rng(0).normal(size=400_000)
    return float(np.abs(expit(log_odds) - expit(distortion * log_odds)).mean())


def evaluated(layout: Layout, icc: float, distortion: float, generator: np.random.Generator) -> Reliability:
    """Return the reliability of one simulated data set, by the code that evaluate runs.

    Rows of a group are right or wrong by the same draw with the probability √icc each, so that outcomes of two correlate.
    """
    log_odds = MEAN + DEVIATION * generator.normal(size=layout.n_rows)
    own, shared = generator.random(layout.n_rows), np.repeat(generator.random(layout.n_groups), layout.group_size)
    right = np.where(generator.random(layout.n_rows) < np.sqrt(icc), shared, own) < expit(log_odds)
    target = generator.integers(0, 2, layout.n_rows).astype(np.int32)
    prediction = np.where(right, target, 1 - target).astype(np.int32)
    probabilities = np.empty((layout.n_rows, 2), dtype=np.float32)
    rows, stated = np.arange(layout.n_rows), expit(distortion * log_odds)
    probabilities[rows, prediction], probabilities[rows, 1 - prediction] = stated, 1 - stated
    splits = layout.splits(target, generator)
    folds = [FoldPredictions(target[fold.rows], prediction[fold.rows], probabilities[fold.rows]) for fold in splits.folds]
    found = reliability(folds, design_of(splits, 0.95))
    assert found is not None
    return found


def reliability_coverage(n_sets: int) -> Iterator[Cell]:
    """Yield how often the interval of the calibration error holds the true one, and how often it excludes 0."""
    for n_folds in (1, N_FOLDS):
        for n_groups, size, icc in LAYOUTS:
            for distortion in DISTORTIONS:
                layout, true = Layout(n_groups, size, n_folds), true_error(distortion)
                generator = np.random.default_rng([n_groups, size, n_folds, round(100 * distortion), round(100 * icc)])
                found = [evaluated(layout, icc, distortion, generator) for _ in range(n_sets)]
                setting = described(layout, f"{icc:g}", f"{true:.3f}")
                yield Cell("ece", setting, sum(one.lo <= true <= one.hi for one in found), n_sets, "cover error")
                yield Cell("ece_shown", setting, sum(one.lo > 0 for one in found), n_sets, "reject" if distortion == 1 else "")


def errors_found(n_sets: int) -> Iterator[tuple[int, float, float, float]]:
    """Yield rows, the true error, and the means over data sets of the error found and of what is left without chance."""
    for n in (100, 200, 500, 2000):
        for distortion in DISTORTIONS:
            generator = np.random.default_rng([n, round(100 * distortion)])
            found = [evaluated(Layout(n, 1, 1), 0.0, distortion, generator) for _ in range(n_sets)]
            seen, corrected = (float(np.mean([getattr(one, name) for one in found])) for name in ("ece", "ece_corrected"))
            yield n, true_error(distortion), seen, corrected
