"""Inputs of scikit-learn's metrics of classes and labels."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def require_rows(target: np.ndarray, title: str) -> None:
    """Raise ValueError where there is nothing to score."""
    if target.size == 0:
        raise ValueError(f"{title} of no rows is undefined; pass at least one row")


@contextmanager
def no_warnings() -> Iterator[None]:
    """Silence scikit-learn on folds with few rows or an absent class: each metric documents what it returns there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def label_indicator(labels: np.ndarray) -> np.ndarray:
    """Return labels (n, n_labels) with at least two columns: scikit-learn reads a single one as two classes.

    A single label stands twice, which changes no mean over labels and no count over pairs of row and label.
    """
    return labels if labels.ndim == 1 or labels.shape[1] > 1 else np.hstack([labels, labels])


def mean_of_defined(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; NaN where all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
