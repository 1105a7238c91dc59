"""The entries of dvc.lock, keys made of them, and whether the files are still those."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import evaluation_path, validation_path, weights_document_path
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError

LOCK = Path("dvc.lock")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one reads 50 stages in 0.05 s instead of 0.6 s


def read_lock(path: Path = LOCK) -> dict[str, Any]:
    """Return dvc.lock's entries by stage name.

    Raises:
        InputError: if there is no lock file.
    """
    if not path.is_file():
        raise InputError(f"{path}: not found, so nothing has been run yet; `make run` (or `dvc repro`) first")
    return parsed_lock(path.read_text(encoding="utf-8"))


def parsed_lock(text: str) -> dict[str, Any]:
    """Return the entries in the text of a dvc.lock by stage name."""
    return dict((yaml.load(text, Loader=LOADER) or {}).get("stages", {}))


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a run of a stage this one: command, parameters, and the hash of each dependency and output."""
    hashes = {kind: {item["path"]: item.get("md5") for item in entry.get(kind, ())} for kind in ("deps", "outs")}
    return {"cmd": entry["cmd"], "params": entry.get("params", {}), **hashes}


def parameters(lock: Mapping[str, Any], stage: str, key: str) -> Any:
    """Return the value that a parameter (a dotted key of params.yaml) had when a stage ran; None if it is not in the lock."""
    return lock.get(stage, {}).get("params", {}).get("params.yaml", {}).get(key)


def output_hash(lock: Mapping[str, Any], stage: str) -> str | None:
    """Return the MD5 of a stage's first output, None if the lock does not hold it."""
    outs = lock.get(stage, {}).get("outs", ())
    return str(outs[0]["md5"]) if outs else None


def entry_hash(entry: Mapping[str, Any], path: Path) -> str:
    """Return the MD5 of one of a stage's outputs."""
    return next(str(item["md5"]) for item in entry["outs"] if item["path"] == path.as_posix())


@dataclass(frozen=True)
class LockedFile:
    """A file of an output. output: its path in dvc.lock. stage: that wrote it. hash, kind: of the output, kind as DVC names the hash.

    inside: the file's path within an output that is a folder; "" if the output is the file.
    """

    stage: str
    output: str
    hash: str
    kind: str
    inside: str = ""

    @property
    def path(self) -> str:
        """Return where it lies in a workspace."""
        return str(PurePosixPath(self.output, self.inside))


def locked_file(lock: Mapping[str, Any], stage: str, path: str) -> LockedFile | None:
    """Return a file by its path among the outputs of a stage; None if dvc.lock has no such output."""
    for out in (lock.get(stage) or {}).get("outs", ()):
        if "md5" in out and (path == out["path"] or path.startswith(f"{out['path']}/")):
            inside = path.removeprefix(out["path"]).removeprefix("/")
            return LockedFile(stage, out["path"], out["md5"], out.get("hash", "md5-dos2unix"), inside)
    return None


def computed_by(evaluation: Evaluation, model: str) -> str:
    """Return the stage that wrote the predictions of a model or control."""
    return f"control@{evaluation.dataset}" if model in evaluation.controls else f"train@{evaluation.dataset}-{model}"


def stages_behind(evaluation: Evaluation) -> list[str]:
    """Return the stages that wrote what is evaluated: predictions, learning curves, bias and variance, representations, noisy
    and incomplete samples; and those that read weights.
    """
    dataset = evaluation.dataset
    found = [computed_by(evaluation, model) for model in evaluation.models]
    found += [f"learning_curve@{dataset}-{curve.model}" for curve in evaluation.learning_curves]
    found += [f"representation@{dataset}-{one.model}" for one in evaluation.representations]
    found += [f"read_weights@{dataset}-{model}" for model in evaluation.models if weights_document_path(dataset, model).is_file()]
    found += [f"condition@{dataset}" for examined in evaluation.robustness if examined.is_corrupted]
    return list(dict.fromkeys([*found, *(f"bias_variance@{dataset}-{study.model}" for study in evaluation.bias_variance)]))


def why_outdated(lock: Mapping[str, Any], dataset: str) -> str | None:
    """Return why a data set's results are not those of its data as it is now; None if they are.

    A stage that failed leaves its old entry in dvc.lock, and the results that came of it on disk: what was evaluated before
    then is no longer a result of this data set.
    """
    evaluate = f"evaluate@{dataset}"
    if evaluate not in lock:
        return f"it has not been evaluated (`dvc repro {evaluate}`)"
    validation = validation_path(dataset)
    if validation.is_file() and not read_document(validation, Validation).success:
        return f"its validation fails ({validation.with_suffix('.html')} says why)"
    written = {item["path"]: item.get("md5") for entry in lock.values() for item in entry.get("outs", ())}
    evaluation = evaluation_path(dataset)
    found = read_document(evaluation, Evaluation) if evaluation.is_file() else None
    for stage in (evaluate, *(stages_behind(found) if found else ())):
        for item in lock.get(stage, {}).get("deps", ()):
            if written.get(item["path"], item.get("md5")) != item.get("md5"):
                return f"{item['path']} has changed since {stage} ran (`dvc repro {evaluate}`)"
    return None


def refuse_changed(entry: Mapping[str, Any], stage: str, under: tuple[str, ...]) -> None:
    """Raise InputError if a dependency or output below one of the folders `under` is not what the lock says."""
    for item in [*entry.get("deps", ()), *entry.get("outs", ())]:
        path = Path(item["path"])
        if not path.is_relative_to(Path("data")) or not item["path"].startswith(under):
            continue
        if not path.exists():
            raise InputError(f"{path}: not found, though dvc.lock names it; `dvc checkout` or `dvc repro {stage}`, then publish")
        if "md5" in item and md5_of(path) != item["md5"]:
            raise InputError(f"{path}: differs from its hash in dvc.lock, stage {stage}, so its runs would not be reproducible; "
                             f"`dvc repro {stage}`, then publish")


def md5_of(path: Path) -> str:
    """Return DVC's hash of a file or a folder."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.endswith(".tmp"))
    listing = [{"md5": md5_of(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    listing.sort(key=lambda item: tuple(item["relpath"].split("/")))
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"
