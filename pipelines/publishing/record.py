"""A run as it is to stand on the server, made of dvc.lock and files.

A record's `key` says which results it shows: a new key is a new run. Its `view` (note, figures, pages) may change
without the results changing; then the run of that key is refreshed in place.
"""

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.publishing.costs import Cost
from pipelines.publishing.lock_entries import digest
from stages.contracts.candidate import Candidate

Point = tuple[str, float, int]  # metric, value, step


@dataclass(frozen=True)
class DatasetVersion:
    """The data set as an MLflow input: DVC's hash of its samples."""

    name: str
    digest: str
    path: str
    rows: int


@dataclass(frozen=True)
class Record:
    """One run. `files` maps a path among the run's artifacts to a file; `tables` is the folder of a run's predictions.

    standing: its tags on the leaderboard, which change with the others' results. cost: of the stage, if known.
    """

    name: str
    key: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: Sequence[Point]
    note: str
    files: Mapping[str, Path]
    data: DatasetVersion | None
    tables: Path | None = None
    candidate: Candidate | None = None
    model: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)
    cost: Cost | None = None

    @property
    def view(self) -> str:
        """Return the digest of what may be refreshed in place."""
        hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.files.items()}
        return digest({"note": self.note, "files": hashes, "texts": dict(self.texts), "standing": dict(self.standing)})


def git_tags() -> dict[str, str]:
    """Return the commit checked out and whether files differ from it; nothing outside git."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        changes = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return {}
    if commit.returncode or changes.returncode:
        return {}
    return {"mlflow.source.git.commit": commit.stdout.strip(), "mlflow.source.git.dirty": str(bool(changes.stdout)).lower()}
