"""Save a fitted model as JSON, arrays and, for some estimators, skops files, and load it; no pickle."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.contracts.candidate import Candidate
from stages.contracts.documents.model_document import EncoderState, ModalityFeatures, NotApplicable, SavedModel
from stages.contracts.fitted import CalibrationMethod, Fitted
from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.tables import replacing

MEMBERS = "members"  # folder of late fusion's models of single modalities


@dataclass(frozen=True)
class ModelDescription:
    """Which model it is.

    features: by modality name, what makes the features that it reads. calibration: of its probabilities. way: of fusing, where the
    candidate's is "chosen". members: modalities of late fusion, each with a saved model of its own.
    """

    dataset: str
    candidate: Candidate
    config: Config
    features: Mapping[str, ModalityFeatures]
    calibration: CalibrationMethod = "none"
    way: str | None = None
    members: tuple[str, ...] = ()


def save_fitted(folder: Path, fitted: Fitted, problem: Problem, about: ModelDescription, *, rows: np.ndarray | None = None) -> None:
    """Write model.json and arrays.npz, with what encodes each of the model's blocks, and the estimators' files.

    Args:
        rows: the rows that the model was fitted on; all training rows if not given.
    """
    rows = problem.training_rows() if rows is None else rows
    arrays, encoders = dict(fitted.arrays), {}
    for name in about.features if not about.members else ():
        block = problem.blocks[name]
        state = block.raw.fit(rows, block.settings)
        arrays |= {f"encoder/{name}/{key}": value for key, value in state.arrays.items()}
        encoders[name] = EncoderState(arrays=tuple(sorted(state.arrays)), state=dict(state.json))
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "arrays.npz") as temporary:
        write_arrays(temporary, arrays)
    for name, content in fitted.files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    document = SavedModel(
        dataset=about.dataset,
        model=about.candidate.model,
        modalities=about.candidate.modalities,
        fusion=about.candidate.fusion,
        way=about.way,
        members=about.members,
        form=problem.form,
        outputs=problem.outputs,
        config=about.config,
        features=dict(about.features),
        encoders=encoders,
        state=dict(fitted.state),
        calibration=about.calibration,
        arrays={name: np.shape(value) for name, value in arrays.items()},
        files=tuple(sorted(fitted.files)),
    )
    write_document(folder / "model.json", document)


def member_folder(folder: Path, name: str) -> Path:
    """Return where the model of one modality lies that a model of late fusion in `folder` asks."""
    return folder / MEMBERS / name


def model_documents(folder: Path) -> dict[Path, SavedModel]:
    """Return by its folder the model in a folder and those of its members."""
    about = read_document(folder / "model.json", SavedModel)
    found = {folder: about}
    for name in about.members:
        found |= model_documents(member_folder(folder, name))
    return found


def model_files(folder: Path) -> list[Path]:
    """Return the files of the model in a folder, with those of its members; models of single folds below it are none of them."""
    return [of / name for of, about in model_documents(folder).items() for name in ("model.json", "arrays.npz", *about.files)]


def save_not_applicable(folder: Path, dataset: str, model: str, why: str) -> None:
    """Write why there is no model."""
    write_document(folder / "model.json", NotApplicable(dataset=dataset, model=model, not_applicable=why))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as .npz, with fixed order and dates, so that equal arrays are equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as member:
                np.lib.format.write_array(member, np.asanyarray(arrays[name]), allow_pickle=False)


def load_fitted(folder: Path) -> tuple[Fitted, SavedModel]:
    """Return a saved model and its model.json.

    Raises:
        InputError: if a file is missing, cannot be read or is not the one that model.json describes.
    """
    about = read_document(folder / "model.json", SavedModel)
    remedy = f"train the model again: `dvc repro -f train@{about.dataset}-{about.model}`"
    arrays, files, path = dict[str, np.ndarray](), dict[str, bytes](), folder / "arrays.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        for name in about.files:
            path = folder / name
            files[name] = path.read_bytes()
    except Exception as error:  # what a damaged archive raises depends on the byte: of zip, of numpy, of the tokenizer
        what = "not found" if isinstance(error, FileNotFoundError) else f"damaged or cut off ({type(error).__name__})"
        raise InputError(f"{path}: {what}; expected the file that model.json describes; {remedy}") from error
    shapes = {name: array.shape for name, array in arrays.items()}
    for name in sorted(shapes.keys() | about.arrays.keys()):
        if shapes.get(name) != about.arrays.get(name):
            found, expected = (f"shape {list(of[name])}" if name in of else "none" for of in (shapes, about.arrays))
            raise InputError(f"{folder / 'arrays.npz'}: array {name!r}: found {found}, expected {expected}, as in model.json; {remedy}")
    return Fitted(arrays, about.state, files), about
