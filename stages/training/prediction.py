"""Predict raw samples with a refitted model: for a loaded model's caller; no stage needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.model import Fitted
from stages.contracts.task import Task
from stages.features.encoders import State, raw_features
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.training.saved_model import load_fitted


@dataclass(frozen=True)
class Predicted:
    """What a model says of n samples.

    outputs: names of the classes, labels or numbers.
    answers: the class (str) of each sample, or the list of its labels; regression: float64 (n, n_outputs).
    scores: probabilities of classes or labels, float32 (n, n_outputs); None for regression.
    """

    task: Task
    outputs: tuple[str, ...]
    answers: list[str] | list[list[str]] | np.ndarray
    scores: np.ndarray | None


def predict_samples(folder: Path, columns: Mapping[str, pa.Array]) -> Predicted:
    """Return what the model in `folder` says of raw samples.

    Args:
        folder: as `save_fitted` wrote it.
        columns: one Arrow column per modality of the model, as in the samples table.
    Raises:
        InputError: if a modality is missing, or a sample cannot be read.
    """
    fitted, about = load_fitted(folder)
    matrices = {label: _encode(label, about, fitted, columns) for label in about["subset"]}
    prediction, scores = component("models", about["model"]).predict(fitted, matrices)
    outputs = tuple(about["outputs"])
    return Predicted(about["task"], outputs, _in_words(about["task"], outputs, prediction), scores)


def _in_words(task: Task, outputs: Sequence[str], prediction: np.ndarray) -> Any:
    if task == "regression":
        return prediction
    if task == "multilabel":
        return [[outputs[label] for label in np.flatnonzero(row).tolist()] for row in prediction]
    return [outputs[code] for code in prediction.tolist()]


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
