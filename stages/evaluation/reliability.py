"""How far probabilities can be believed: a reliability curve, the expected calibration error with an interval, the Brier score in parts.

An event per test row is whether the predicted class is the true one, stated with the predicted class's probability; of labels, an event per
row and label is whether it holds. (For two classes, of which the more probable is predicted, the Brier score of these events is that of
either class.) Events of all folds and repeats are pooled, and split into bins of equal mass by their stated probability; equal ones share a
bin. Each bin has the mean stated probability and the share of its events that held.

**The expected calibration error** (ECE), Σ of the bins' shares · |held − stated|, is too large by chance: a sum of absolute values grows
with the noise in them, and is above 0 for a calibrated model. Its noise is that of a bootstrap of whole groups, in each bin at least that
of independent events of the stated probabilities (a bin in which every event held shows none by itself). With the bins' differences
scaled to a true ECE of t, the noise gives the distribution of the ECE that would be found. `ece_corrected` is the t whose mean is the ECE
found, 0 if chance alone explains as much; the ends of its interval are the t of whose distribution the ECE found is an upper or a lower
quantile, so that 0 is inside for a calibrated model at the level. They are as far from `ece_corrected` as few groups (t) and folds that
share training rows (Nadeau and Bengio) require.

**The Brier score** is reliability − resolution + uncertainty (Murphy) if all events of a bin are stated with one probability. As they are
not, the variance of the stated probabilities within bins, less twice their covariance with what held, is added (Stephenson et al.): the
parts add up for any bins.

Source: Murphy 1973, J. Appl. Meteorology 12, 595; Stephenson, Coelho & Jolliffe 2008, Weather and Forecasting 23, 752; Bröcker & Smith
2007, Weather and Forecasting 22, 651 (what a calibrated forecast shows by chance); Roelofs et al. 2022, AISTATS (bias of the ECE, bins of
equal mass). Bins are those of scikit-learn's `calibration_curve` with the strategy `quantile`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.special import ndtri, stdtrit

from stages.contracts.documents.reliability_curve import Reliability, ReliabilityBin
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.design import Design
from stages.evaluation.intervals import FEWEST_RESAMPLED, clopper_pearson, resample_weights
from stages.evaluation.scores import has_intervals

N_RELIABILITY_BINS = 10  # more are noise in a few hundred rows
STEPS = 20  # of a bisection: to 1e-6


@dataclass(frozen=True)
class Events:
    """Stated probabilities and what came true. stated: float64 (N,), held: bool (N,), blocks: int64 (N,), of groups (Design.blocks)."""

    stated: np.ndarray
    held: np.ndarray
    blocks: np.ndarray

    @cached_property
    def bins(self) -> np.ndarray:
        """Return the bin of each event: int64 (N,), from 0 by rising probability; a bin without events has no number."""
        edges = np.percentile(self.stated, np.linspace(0, 100, N_RELIABILITY_BINS + 1))
        return np.unique(np.searchsorted(edges[1:-1], self.stated), return_inverse=True)[1].ravel()

    @cached_property
    def sizes(self) -> np.ndarray:
        """Return the events of each bin: float64 (n_bins,), each of one or more."""
        return self.by_bin(np.ones(len(self.stated)))

    @cached_property
    def bin_means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean stated probability of each bin, and the share of its events that held: float64 (n_bins,) each."""
        return self.by_bin(self.stated) / self.sizes, self.by_bin(self.held.astype(np.float64)) / self.sizes

    def by_bin(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of the events' values in each bin: float64 (n_bins,)."""
        return np.bincount(self.bins, weights=values)

    def by_block_and_bin(self, values: np.ndarray, n_blocks: int) -> np.ndarray:
        """Return the sums of the events' values: float64 (n_blocks, n_bins)."""
        n_bins = len(self.sizes)
        return np.bincount(self.blocks * n_bins + self.bins, weights=values, minlength=n_blocks * n_bins).reshape(n_blocks, n_bins)


@dataclass(frozen=True)
class CalibrationError:
    """The ECE found, the part of it that chance does not explain with its interval, and what a calibrated model would show."""

    found: float
    corrected: float
    lo: float
    hi: float
    by_chance: float


def reliability(predictions: Sequence[FoldPredictions], design: Design) -> Reliability | None:
    """Return how far the probabilities of one candidate can be believed; None without probabilities or rows."""
    events = events_of(predictions, design)
    if events is None or not len(events.stated):
        return None
    stated, held = events.bin_means
    ends = intervals_of_bins(events, design)
    error = calibration_error(events, design)
    return Reliability(
        stated=float(events.stated.mean()),
        held=float(events.held.mean()),
        bins=tuple(ReliabilityBin(stated=p, held=share, lo=lo, hi=hi, rows=n) for p, share, (lo, hi), n in zip(
            stated.tolist(), held.tolist(), ends, events.sizes.astype(int).tolist(), strict=True)),
        ece=error.found, ece_corrected=error.corrected, lo=error.lo, hi=error.hi, ece_by_chance=error.by_chance,
        **brier_parts(events),
    )  # fmt: skip


def events_of(predictions: Sequence[FoldPredictions], design: Design) -> Events | None:
    """Return the events of all folds; None without probabilities."""
    stated, held = [], []
    for fold in predictions:
        if fold.probabilities is None:
            return None
        of_classes = fold.target.ndim == 1
        chosen = fold.probabilities[np.arange(len(fold.target)), fold.prediction] if of_classes else fold.probabilities.ravel()
        stated.append(np.clip(chosen.astype(np.float64), 0.0, 1.0))  # a sum of float32 may be above 1
        held.append(fold.target == fold.prediction if of_classes else fold.target.ravel() != 0)
    blocks = design.blocks[design.groups]
    n_events = sum(map(len, stated))
    return Events(np.concatenate(stated), np.concatenate(held), np.repeat(blocks, n_events // max(1, len(blocks))))


def brier_parts(events: Events) -> dict[str, float]:
    """Return the Brier score and its parts: brier = reliability − resolution + uncertainty + within_bins."""
    held = events.held.astype(np.float64)
    stated_mean, held_mean = events.bin_means
    share, overall = events.sizes / len(held), float(held.mean())
    within, outcome = events.stated - stated_mean[events.bins], held - held_mean[events.bins]
    return {
        "brier": float(((events.stated - held) ** 2).mean()),
        "reliability": float(share @ (stated_mean - held_mean) ** 2),
        "resolution": float(share @ (held_mean - overall) ** 2),
        "uncertainty": overall * (1 - overall),
        "within_bins": float((within**2 - 2 * within * outcome).mean()),
    }


def calibration_error(events: Events, design: Design) -> CalibrationError:
    """Return the ECE, corrected for chance and with its interval; NaN where too few groups tell how large chance is."""
    gaps = (events.held - events.stated) / len(events.stated)
    differences = events.by_bin(gaps)
    found, nan = float(np.abs(differences).sum()), float("nan")
    if not has_intervals(design) or design.n_blocks < FEWEST_RESAMPLED:
        return CalibrationError(found, nan, nan, nan, nan)
    noise = noise_of(events, design)
    direction = differences / found if found > 0 else events.by_bin(np.full(len(gaps), 1 / len(gaps)))

    def shown(true: float) -> np.ndarray:
        """Return the ECE that each resample shows if the true one is `true`."""
        return np.abs(true * direction + noise).sum(axis=1)

    def quantile_shown(true: float, tail: float) -> float:
        return float(np.quantile(shown(true), tail))

    tails = (1 - design.confidence) / 2, (1 + design.confidence) / 2
    corrected = rising_to(found, lambda true: float(shown(true).mean()))
    lo, hi = (rising_to(found, partial(quantile_shown, tail=tail)) for tail in reversed(tails))
    by_chance = float(shown(0.0).mean())
    hi = max(hi, quantile_shown(0.0, tails[1]) - by_chance)  # an error found that is small even for chance does not say that there is none
    widening = design.overlap * float(stdtrit(design.n_blocks - 1, tails[1]) / ndtri(tails[1]))
    lo, hi = (float(np.clip(corrected + widening * (end - corrected), 0.0, 1.0)) for end in (min(lo, corrected), max(hi, corrected)))
    return CalibrationError(found, corrected, lo, hi, by_chance)


def noise_of(events: Events, design: Design) -> np.ndarray:
    """Return by how much chance moves each bin's share of the ECE: float64 (n_resamples, n_bins), of mean 0."""
    weights, n = resample_weights(design.n_blocks), design.n_blocks
    sums = events.by_block_and_bin(events.held - events.stated, n)
    sizes = np.bincount(events.blocks, minlength=n).astype(np.float64)
    drawn = (weights @ sums) / (weights @ sizes)[:, None]
    noise = (drawn - drawn.mean(axis=0)) * np.sqrt(n / (n - 1))
    # of a row that is tested several times there is one outcome
    independent = events.by_bin(events.stated * (1 - events.stated)) * design.n_repeats / len(events.stated) ** 2
    missing = np.sqrt(np.maximum(0.0, independent - noise.var(axis=0)))
    return np.asarray(noise + missing * np.random.default_rng(n).standard_normal(noise.shape))


def rising_to(level: float, rising: Callable[[float], float]) -> float:
    """Return where a function that rises on [0, 1] reaches a level; an end where it is above or below throughout."""
    lo, hi = 0.0, 1.0
    if rising(lo) >= level:
        return lo
    for _ in range(STEPS):
        middle = (lo + hi) / 2
        lo, hi = (middle, hi) if rising(middle) < level else (lo, middle)
    return (lo + hi) / 2


def intervals_of_bins(events: Events, design: Design) -> list[tuple[float, float]]:
    """Return the interval of each bin's share that held: Clopper and Pearson's for the number of rows that the spread of groups implies."""
    sizes, (_, shares), nan = events.sizes, events.bin_means, float("nan")
    if not has_intervals(design) or design.n_blocks < FEWEST_RESAMPLED:
        return [(nan, nan)] * len(sizes)
    n, held = design.n_blocks, events.held.astype(np.float64)
    spread = (events.by_block_and_bin(held - shares[events.bins], n) ** 2).sum(axis=0) * n / (n - 1) / sizes**2
    occupied = (events.by_block_and_bin(np.ones(len(held)), n) > 0).sum(axis=0)
    z, t = (float(quantile) for quantile in (ndtri((1 + design.confidence) / 2), stdtrit(n - 1, (1 + design.confidence) / 2)))
    found = []
    for share, variance, size, n_occupied in zip(shares.tolist(), spread.tolist(), sizes.tolist(), occupied.tolist(), strict=True):
        most = size / design.n_repeats
        rows = min(most, z**2 * share * (1 - share) / (t**2 * variance)) if variance > 0 else min(most, float(n_occupied))
        found.append(clopper_pearson(share * rows, rows, design.confidence))
    return found
