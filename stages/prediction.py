"""Predict raw samples with a refitted model: for a loaded model's caller; no stage needs it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts import Fitted
from stages.errors import InputError
from stages.fitted import load_fitted
from stages.numerics.encoders import State, raw_features
from stages.registry import component


def predict_samples(folder: Path, columns: Mapping[str, pa.Array]) -> tuple[list[str], np.ndarray]:
    """Return class names and probabilities float32 (n, n_classes) of raw samples.

    Args:
        folder: as `save_fitted` wrote it.
        columns: one Arrow column per modality of the model, as in the samples table.
    Raises:
        InputError: if a modality is missing.
    """
    fitted, about = load_fitted(folder)
    matrices = {label: _encode(label, about, fitted, columns) for label in about["subset"]}
    codes, scores = component("models", about["model"]).predict(fitted, matrices)
    return [about["classes"][code] for code in codes], scores


def _encode(label: str, about: Mapping[str, Any], fitted: Fitted, columns: Mapping[str, pa.Array]) -> Any:
    if label not in columns:
        raise InputError(f"column {label!r} is missing; this model reads {_listed(about['subset'])}")
    feature = about["features"][label]
    modality = component("modalities", feature["modality"])
    column = columns[label]
    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    features = modality.featurize(chunked, modality.settings(**feature["settings"]))
    encoder = about["encoders"][label]
    state = State({name: fitted.arrays[f"encoder/{label}/{name}"] for name in encoder["arrays"]}, encoder["json"])
    return raw_features(features.columns, features.encoding).encode(state)


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(repr(label) for label in labels)
