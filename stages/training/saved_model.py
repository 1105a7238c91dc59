"""Save a fitted model as JSON, arrays and, for some estimators, skops files, and load it; no pickle."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.contracts.problem import Problem
from stages.foundation.tables import read_json, replacing, write_json


def save_fitted(folder: Path, fitted: Fitted, problem: Problem, about: Mapping[str, Any], *, rows: np.ndarray | None = None) -> None:
    """Write model.json and arrays.npz, including the fitted encoder of each block, and the estimators' files.

    Args:
        about: dataset, model, modalities, config, and `features`: modality name → {modality, settings}.
        rows: the rows that the model was fitted on; default: all training rows.
    """
    rows = problem.training_rows() if rows is None else rows
    arrays, encoders = dict(fitted.arrays), {}
    for name in about["modalities"]:
        block = problem.blocks[name]
        state = block.raw.fit(rows, block.settings)
        arrays |= {f"encoder/{name}/{key}": value for key, value in state.arrays.items()}
        encoders[name] = {"arrays": sorted(state.arrays), "json": dict(state.json)}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "arrays.npz") as temporary:
        write_arrays(temporary, arrays)
    for name, content in fitted.files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    details = {"form": problem.form, "outputs": list(problem.outputs), "encoders": encoders, "state": dict(fitted.state)}
    write_json(folder / "model.json", {**about, **details, "files": sorted(fitted.files)})


def save_not_applicable(folder: Path, about: Mapping[str, Any]) -> None:
    """Write model.json of a model that is not applicable, with the reason."""
    write_json(folder / "model.json", dict(about))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as .npz, with fixed order and dates, so that equal arrays are equal bytes."""
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
    return Fitted(arrays, about["state"], {name: (folder / name).read_bytes() for name in about["files"]}), about
