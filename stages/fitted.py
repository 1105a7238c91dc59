"""Save a refitted model as JSON and arrays, load it, and predict raw samples with it."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts import Fitted, Problem
from stages.errors import InputError
from stages.numerics.encoders import State, raw_features
from stages.registry import component
from stages.tables import read_json, replacing, write_json


def save_fitted(folder: Path, fitted: Fitted, problem: Problem, about: Mapping[str, Any]) -> None:
    """Write model.json and arrays.npz (no pickle inside), with what encodes each of the model's blocks.

    Args:
        about: dataset, model, subset, config, and `features`: label → {modality, settings, encoding}.
    """
    rows, arrays, encoders = problem.training_rows(), dict(fitted.arrays), {}
    for label in about["subset"]:
        block = problem.blocks[label]
        state = block.raw.fit(rows, block.settings)
        arrays |= {f"encoder/{label}/{name}": value for name, value in state.arrays.items()}
        encoders[label] = {"arrays": sorted(state.arrays), "json": dict(state.json)}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "arrays.npz") as temporary:
        write_arrays(temporary, arrays)
    write_json(folder / "model.json", {**about, "classes": list(problem.classes), "encoders": encoders, "state": dict(fitted.state)})


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as .npz; numpy's own writer, but with fixed order and dates so that equal arrays are equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as member:
                np.lib.format.write_array(member, np.asanyarray(arrays[name]), allow_pickle=False)


def load_fitted(folder: Path) -> tuple[Fitted, dict[str, Any]]:
    """Return a saved model and its model.json."""
    about = read_json(folder / "model.json")
    with np.load(folder / "arrays.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Fitted(arrays, about["state"]), about


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
