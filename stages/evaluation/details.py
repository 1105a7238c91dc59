"""What stands beside the scores, by task: which classes are taken for which, how each label or number does, predicted against true."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stages.contracts.metric import Metric
from stages.evaluation.held_out import Outcome, Protocol

N_BINS = 20  # of each axis of predicted against true: enough to see a shape, few enough for every model and subset
FIFTHS = ("fifth 1 (lowest)", "fifth 2", "fifth 3", "fifth 4", "fifth 5 (highest)")
Pair = tuple[str, str]


def confusion(outcomes: Sequence[Outcome], n_classes: int) -> list[list[int]]:
    """Return counts (n_classes, n_classes) over all folds of all repeats: rows are true classes, columns predicted ones."""
    pairs = np.concatenate([o.target.astype(np.int64) * n_classes + o.prediction for o in outcomes])
    counts: list[list[int]] = np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes).tolist()
    return counts


def by_output(outcomes: Sequence[Outcome], metrics: Mapping[str, Metric]) -> dict[str, list[float]]:
    """Return {metric: mean over folds per label or number}, a fold that does not define it left out; NaN where none does."""
    found = {}
    for name, metric in metrics.items():
        if metric.by_output is not None:
            folds = np.stack([metric.by_output(o.target, o.prediction, o.scores) for o in outcomes])
            defined = ~np.isnan(folds)
            total, n_folds = np.where(defined, folds, 0.0).sum(axis=0), defined.sum(axis=0)
            found[name] = np.divide(total, n_folds, out=np.full(total.shape, np.nan), where=n_folds > 0).tolist()
    return found


def ranges(protocol: Protocol, outputs: Sequence[str]) -> dict[str, list[float]]:
    """Return {number: [least, greatest]} of the known true values; a number of which none is known has [0, 0]."""
    known = ~np.isnan(protocol.targets)
    lo = np.where(known, protocol.targets, np.inf).min(axis=0)
    hi = np.where(known, protocol.targets, -np.inf).max(axis=0)
    return {name: [float(a), float(b)] if a <= b else [0.0, 0.0] for name, a, b in zip(outputs, lo, hi, strict=True)}


def agreement(outcomes: Sequence[Outcome], of: Mapping[str, Sequence[float]]) -> dict[str, list[list[int]]]:
    """Return {number: [[bin of the true value, bin of the predicted one, rows], …]} over all folds of all repeats.

    Bins split the range of the true values into N_BINS of equal width; a prediction beyond it counts in the outermost bin.
    """
    target = np.concatenate([o.target for o in outcomes])
    prediction = np.concatenate([o.prediction for o in outcomes]).astype(np.float64)
    found = {}
    for place, (name, (lo, hi)) in enumerate(of.items()):
        known = ~np.isnan(target[:, place])
        edges = np.linspace(lo, hi, N_BINS + 1)[1:-1]
        places = [np.searchsorted(edges, values[known, place], side="right") for values in (target, prediction)]
        cells, counts = np.unique(places[0] * N_BINS + places[1], return_counts=True)
        found[name] = [[int(cell // N_BINS), int(cell % N_BINS), int(n)] for cell, n in zip(cells, counts, strict=True)]
    return found


def class_pairs(outcomes: Sequence[Outcome], classes: Sequence[str]) -> Iterator[Pair]:
    """Yield the names of the true and the predicted class of each held-out row."""
    for o in outcomes:
        yield from ((classes[t], classes[p]) for t, p in zip(o.target.tolist(), o.prediction.tolist(), strict=True))


def label_pairs(outcomes: Sequence[Outcome], labels: Sequence[str]) -> Iterator[Pair]:
    """Yield ("<label>: yes" or "<label>: no", "yes" or "no") for each held-out row and label."""
    words = ("no", "yes")
    for o in outcomes:
        for true, said in zip(o.target.tolist(), o.prediction.tolist(), strict=True):
            yield from ((f"{label}: {words[t]}", words[p]) for label, t, p in zip(labels, true, said, strict=True))


def fifth_pairs(outcomes: Sequence[Outcome]) -> Iterator[Pair]:
    """Yield into which fifth of a number's true values the true and the predicted value fall, all numbers alike."""
    target, prediction = np.concatenate([o.target for o in outcomes]), np.concatenate([o.prediction for o in outcomes])
    for place in range(target.shape[1]):
        known = ~np.isnan(target[:, place])
        if known.any():
            edges = np.quantile(target[known, place], [0.2, 0.4, 0.6, 0.8])
            places = [np.searchsorted(edges, values[known, place], side="left").tolist() for values in (target, prediction)]
            yield from ((FIFTHS[t], FIFTHS[p]) for t, p in zip(*places, strict=True))
