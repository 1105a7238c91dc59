"""scikit-learn's transformers of tables, with their fitted state as arrays and JSON.

A fitted transformer is rebuilt from its sufficient statistics, so that nothing is pickled and no private attribute is set: an imputer is
fitted on two rows (the medians, and the missing values), an encoder of categories on their counts (docs/decisions/0028-encoders.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

INFREQUENT = "infrequent_sklearn"  # as OneHotEncoder names the categories that share a column


def fit_numeric(training: np.ndarray) -> dict[str, np.ndarray]:
    """Return the state of imputer and scaler, fitted on training rows float64 (n, p), NaN where missing.

    Returns:
        median float64 (p,); marked bool (p,), the columns with missing values; mean and deviation float64 (p + n_marked,).
    """
    if training.shape[1] == 0:
        return {"median": np.zeros(0), "marked": np.zeros(0, dtype=bool), "mean": np.zeros(0), "deviation": np.zeros(0)}
    imputer = _imputer()
    scaler = StandardScaler().fit(imputer.fit_transform(training))
    marked = np.isnan(training).any(axis=0)
    return {"median": imputer.statistics_, "marked": marked, "mean": scaler.mean_, "deviation": scaler.scale_}


def scale_numeric(values: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return imputed and standardised columns, followed by indicators of missing values: float64 (n, p + n_marked)."""
    if values.size == 0:
        return np.zeros((len(values), len(state["mean"])))
    median, scaler = state["median"], StandardScaler()
    imputer = _imputer().fit(np.stack([median, np.where(state["marked"], np.nan, median)]))
    scaler.mean_, scaler.scale_ = state["mean"], state["deviation"]
    return np.asarray(scaler.transform(imputer.transform(values)))


def fit_categories(names: Sequence[str | None], codes: np.ndarray) -> dict[str, Any]:
    """Return the counts of the categories that occur in training rows: {names, counts}.

    Args:
        names: of the categories; None is missing. codes: int32 (n,), into `names`.
    """
    counts = np.bincount(codes, minlength=len(names))
    occur = np.flatnonzero(counts).tolist()
    return {"names": [names[code] for code in occur], "counts": [int(counts[code]) for code in occur]}


def encode_categories(values: np.ndarray, fitted: Sequence[Mapping[str, Any]], max_categories: int) -> np.ndarray:
    """Return one-hot columns: float64 (n, n_columns), the categories in order, then a missing one, then the infrequent ones.

    Args:
        values: object (n, q), str or None. fitted: as `fit_categories` returns, of each column.
    """
    encoder = _encoder(fitted, max_categories)
    if len(values) == 0:
        return np.zeros((0, len(encoder.get_feature_names_out())))
    return np.asarray(encoder.transform(values))


def category_columns(names: Sequence[str], fitted: Sequence[Mapping[str, Any]], max_categories: int) -> list[str]:
    """Return the names of the columns of `encode_categories`: "color = red", "color = missing", "color = rare" of the infrequent ones.

    Args:
        names: of the categorical columns. fitted: as `fit_categories` returns, of each.
    """
    def combined(name: str, category: Any) -> str:
        return f"{name} = {'missing' if category is None else 'rare' if category == INFREQUENT else category}"

    encoder = _encoder(fitted, max_categories)
    encoder.feature_name_combiner = combined
    return [str(name) for name in encoder.get_feature_names_out(np.array(names, dtype=object))]


def _encoder(fitted: Sequence[Mapping[str, Any]], max_categories: int) -> OneHotEncoder:
    encoder = OneHotEncoder(handle_unknown="ignore", max_categories=max_categories, sparse_output=False)
    training = np.empty((sum(fitted[0]["counts"]), len(fitted)), dtype=object)
    for column, found in enumerate(fitted):
        training[:, column] = np.repeat(np.array(found["names"], dtype=object), found["counts"])
    return encoder.fit(training)


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
