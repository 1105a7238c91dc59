"""Details next to the scores, by task: confusion of classes, scores by label or target, predicted against true targets."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions

N_BINS = 20  # of each axis of predicted against true: enough to see a shape, few enough for every candidate
FIFTHS = ("fifth 1 (lowest)", "fifth 2", "fifth 3", "fifth 4", "fifth 5 (highest)")
Pair = tuple[str, str]
Cell = tuple[int, int, int]


def confusion(predictions: Sequence[FoldPredictions], n_classes: int) -> tuple[tuple[int, ...], ...]:
    """Return counts (n_classes, n_classes) over all folds of all repeats: rows are true classes, columns predicted ones."""
    pairs = np.concatenate([fold.target.astype(np.int64) * n_classes + fold.prediction for fold in predictions])
    counts = np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
    return tuple(tuple(row) for row in counts.tolist())


def by_output(predictions: Sequence[FoldPredictions], metrics: Mapping[str, Metric]) -> dict[str, tuple[float, ...]]:
    """Return {metric: mean over the folds that define it, per label or target}; NaN where none does."""
    found = {}
    for name, metric in metrics.items():
        if metric.by_output is not None:
            folds = np.stack([metric.by_output(fold.target, fold.prediction, fold.probabilities) for fold in predictions])
            defined = ~np.isnan(folds)
            total, n_folds = np.where(defined, folds, 0.0).sum(axis=0), defined.sum(axis=0)
            found[name] = tuple(np.divide(total, n_folds, out=np.full(total.shape, np.nan), where=n_folds > 0).tolist())
    return found


def ranges(targets: np.ndarray, outputs: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return {target: (least, greatest)} of the known true values; a target of which none is known has (0, 0)."""
    known = ~np.isnan(targets)
    lo, hi = np.where(known, targets, np.inf).min(axis=0), np.where(known, targets, -np.inf).max(axis=0)
    return {name: (float(a), float(b)) if a <= b else (0.0, 0.0) for name, a, b in zip(outputs, lo, hi, strict=True)}


def agreement(predictions: Sequence[FoldPredictions], of: Mapping[str, tuple[float, float]]) -> dict[str, tuple[Cell, ...]]:
    """Return {target: ((bin of the true value, bin of the predicted one, rows), …)} over all folds of all repeats.

    Bins split the range of the true values into N_BINS of equal width; a prediction beyond it counts in the outermost bin.
    """
    target = np.concatenate([fold.target for fold in predictions])
    prediction = np.concatenate([fold.prediction for fold in predictions]).astype(np.float64)
    found = {}
    for place, (name, (lo, hi)) in enumerate(of.items()):
        known = ~np.isnan(target[:, place])
        edges = np.linspace(lo, hi, N_BINS + 1)[1:-1]
        places = [np.searchsorted(edges, values[known, place], side="right") for values in (target, prediction)]
        cells, counts = np.unique(places[0] * N_BINS + places[1], return_counts=True)
        found[name] = tuple((int(cell // N_BINS), int(cell % N_BINS), int(n)) for cell, n in zip(cells, counts, strict=True))
    return found


def class_pairs(predictions: Sequence[FoldPredictions], classes: Sequence[str]) -> Iterator[Pair]:
    """Yield the names of the true and the predicted class of each test row."""
    for fold in predictions:
        yield from ((classes[t], classes[p]) for t, p in zip(fold.target.tolist(), fold.prediction.tolist(), strict=True))


def label_pairs(predictions: Sequence[FoldPredictions], labels: Sequence[str]) -> Iterator[Pair]:
    """Yield ("<label>: yes" or "<label>: no", "yes" or "no") for each test row and label."""
    names = ("no", "yes")
    for fold in predictions:
        for true, predicted in zip(fold.target.tolist(), fold.prediction.tolist(), strict=True):
            yield from ((f"{label}: {names[t]}", names[p]) for label, t, p in zip(labels, true, predicted, strict=True))


def fifth_pairs(predictions: Sequence[FoldPredictions]) -> Iterator[Pair]:
    """Yield into which fifth of a target's true values the true and the predicted value fall, for all targets."""
    target, prediction = (np.concatenate([getattr(fold, name) for fold in predictions]) for name in ("target", "prediction"))
    for place in range(target.shape[1]):
        known = ~np.isnan(target[:, place])
        if known.any():
            edges = np.quantile(target[known, place], [0.2, 0.4, 0.6, 0.8])
            places = [np.searchsorted(edges, values[known, place], side="left").tolist() for values in (target, prediction)]
            yield from ((FIFTHS[t], FIFTHS[p]) for t, p in zip(*places, strict=True))
