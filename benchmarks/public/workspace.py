"""A workspace of its own for each run, under build/public/: this checkout's code, and the run's params.yaml.

It stays. A run that was interrupted goes on, and after an edit of the code only what it affects runs again, as DVC decides.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CODE = ("stages", "pipelines")
FILES = ("dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "data/raw/README.md")


def prepare(root: Path, folder: Path, params: Mapping[str, Any]) -> None:
    """Make a folder a workspace with a checkout's code; what is the same already stays as it is, with its time of change."""
    wanted = {path.relative_to(root): path.read_bytes() for path in _code(root)}
    for stale in [path for path in _code(folder) if path.relative_to(folder) not in wanted]:
        stale.unlink()
    for path, content in wanted.items():
        write_changed(folder / path, content)
    write_changed(folder / "params.yaml", yaml.safe_dump(dict(params), sort_keys=False).encode())
    if not (folder / ".git").exists():  # DVC's root must be the root of a repository, not a folder that another one ignores
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)


def _code(root: Path) -> Iterator[Path]:
    """Yield the files of a checkout that a workspace has, without compiled ones."""
    for name in CODE:
        yield from (path for path in sorted((root / name).rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    yield from (root / name for name in FILES if (root / name).is_file())


def write_changed(path: Path, content: bytes) -> None:
    """Write a file unless it holds this already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run_pipeline(folder: Path, target: str) -> None:
    """Run the pipeline of a workspace up to one stage; its lines go where this process writes.

    Raises:
        RuntimeError: if a stage failed.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MAKE", "MFLAGS", "DVC_ROOT"))}
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)])
    ended = subprocess.run([sys.executable, "-m", "pipelines.run", target], cwd=folder, env=variables, check=False)
    if ended.returncode:
        raise RuntimeError(f"`python -m pipelines.run {target}` ended with {ended.returncode}; what it wrote stands above")


def remove(folder: Path) -> None:
    """Delete a workspace."""
    shutil.rmtree(folder, ignore_errors=True)
