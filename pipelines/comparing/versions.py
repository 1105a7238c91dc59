"""A version of the pipeline: the dvc.lock, params.yaml and requirements.lock of a commit, or of the workspace."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml.error import YAMLError

from pipelines.comparing.git_objects import commit_of, head, text_at
from pipelines.publishing.lock_entries import LOCK, parsed_lock
from stages.contracts.documents.version_comparison_document import VersionInfo
from stages.foundation.bounded_yaml import load_yaml
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS

WORKSPACE = "workspace"
REQUIREMENTS = ("requirements.lock", "requirements-torch.lock")
PREDICTIONS = re.compile(r"data/predictions/([^/]+)/(?!controls$)([^/]+)")  # of models, not of controls
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)([^\\]*)", re.MULTILINE)


@dataclass(frozen=True)
class PipelineVersion:
    """lock: entries of dvc.lock by stage. params: params.yaml, {} where the commit has none. packages: locked versions by name.

    commit: the one checked out, for the workspace.
    """

    info: VersionInfo
    lock: Mapping[str, Any]
    params: Mapping[str, Any]
    packages: Mapping[str, str]

    @property
    def is_workspace(self) -> bool:
        return self.info.name == WORKSPACE

    @property
    def label(self) -> str:
        """Return "v1 (3f2a1c90)", or "workspace"."""
        return self.info.name if self.is_workspace or not self.info.commit else f"{self.info.name} ({self.info.commit[:8]})"

    def training(self) -> dict[str, dict[str, str]]:
        """Return {data set: {model: its training stage}}; controls, which no stage trains, are not compared."""
        found: dict[str, dict[str, str]] = {}
        for stage, entry in self.lock.items():
            for out in entry.get("outs", ()) if stage.startswith("train@") else ():
                if place := PREDICTIONS.fullmatch(out["path"]):
                    found.setdefault(place[1], {})[place[2]] = stage
        return found

    def entry(self, stage: str) -> Mapping[str, Any]:
        """Return a stage's entry; an empty one if it never ran."""
        return dict(self.lock.get(stage) or {})


def committed(name: str) -> PipelineVersion:
    """Return the version of a commit, tag or branch.

    Raises:
        InputError: if there is no such name, or its commit has no dvc.lock.
    """
    commit = commit_of(name)
    text = text_at(commit, LOCK.as_posix())
    if text is None:
        raise InputError(f"{name}: commit {commit[:8]} has no {LOCK}, so it has no results to compare with; "
                         f"`git log --oneline -- {LOCK}` lists the commits that have")
    return _version(name, commit, text, {path: text_at(commit, path) for path in (str(PARAMS), *REQUIREMENTS)})


def workspace() -> PipelineVersion:
    """Return the version that lies in this folder.

    Raises:
        InputError: if nothing has been run yet.
    """
    if not LOCK.is_file():
        raise InputError(f"{LOCK}: not found, so nothing has been run yet; `make run` (or `dvc repro`) first")
    files = {path: Path(path).read_text(encoding="utf-8") for path in (str(PARAMS), *REQUIREMENTS) if Path(path).is_file()}
    return _version(WORKSPACE, head(), LOCK.read_text(encoding="utf-8"), files)


def _version(name: str, commit: str | None, lock: str, files: Mapping[str, str | None]) -> PipelineVersion:
    try:
        entries = parsed_lock(lock)
        params = load_yaml(files.get(str(PARAMS)) or "") or {}
    except (yaml.YAMLError, YAMLError, AttributeError) as error:
        raise InputError(f"{name}: {LOCK} or {PARAMS} cannot be read ({str(error).splitlines()[0]}); `git checkout` or `dvc repro` "
                         "brings them back") from error
    packages = {package: version for path in REQUIREMENTS for package, version in pinned(files.get(path) or "").items()}
    return PipelineVersion(VersionInfo(name=name, commit=commit, lock=lock_hash(lock)), entries, params, packages)


def lock_hash(text: str) -> str:
    """Return the MD5 of a dvc.lock, whatever the order of its stages."""
    entries = re.split(r"^(?=  \S)", text, flags=re.MULTILINE)
    return hashlib.md5("".join(sorted(entries)).encode()).hexdigest()


def pinned(requirements: str) -> dict[str, str]:
    """Return the locked version of each package, those of several platforms side by side."""
    found: dict[str, list[str]] = {}
    for name, version, marker in PINNED.findall(requirements):
        found.setdefault(name.lower(), []).append(f"{version}{marker.rstrip()}")
    return {name: " or ".join(sorted(versions)) for name, versions in found.items()}
