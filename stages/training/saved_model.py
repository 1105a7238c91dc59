"""Save a refitted model as JSON and arrays, and load it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.contracts.model import Fitted
from stages.contracts.problem import Problem
from stages.foundation.tables import read_json, replacing, write_json


def save_fitted(folder: Path, fitted: Fitted, problem: Problem, about: Mapping[str, Any]) -> None:
    """Write model.json and arrays.npz (no pickle inside), with what encodes each of the model's blocks.

    Args:
        about: dataset, model, subset, config, and `features`: label → {modality, settings}.
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
    learned = {"task": problem.task, "outputs": list(problem.outputs), "encoders": encoders, "state": dict(fitted.state)}
    write_json(folder / "model.json", {**about, **learned})


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
