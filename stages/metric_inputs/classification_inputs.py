"""Inputs of scikit-learn's classification metrics, for classes and labels."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def require_rows(target: np.ndarray, title: str) -> None:
    """Raise ValueError if there is no row to score."""
    if target.size == 0:
        raise ValueError(f"{title} of no rows is undefined; pass at least one row")


def require_scores(scores: np.ndarray | None, title: str) -> np.ndarray:
    """Return the scores (probabilities) of a metric that needs them; raise ValueError if there are none."""
    if scores is None:
        raise ValueError(f"{title} needs probabilities; the model has none")
    return scores


@contextmanager
def no_warnings() -> Iterator[None]:
    """Silence scikit-learn's warnings about few rows or an absent class: each metric documents what it returns then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def label_indicator(labels: np.ndarray) -> np.ndarray:
    """Return labels (n, n_labels) with at least two columns: scikit-learn reads a single column as two classes.

    A single label is repeated, which changes no mean over labels and no ratio of counts.
    """
    return labels if labels.ndim == 1 or labels.shape[1] > 1 else np.hstack([labels, labels])


def mean_of_defined(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; NaN if all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
