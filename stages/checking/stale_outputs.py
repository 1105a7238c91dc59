"""Remove stale outputs: those of data sets, modalities, models or lessons that were removed from params.yaml.

Later stages depend on whole folders (evaluate on data/predictions/<data set>). Files of a removed model would change such a dependency, and
dvc.lock would differ from that of a fresh clone. Only outputs that dvc.lock records are removed: DVC's cache keeps them, and restores them
when the entry comes back.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stages.contracts.paths import DATA

LOCK = Path("dvc.lock")
LESSONS_LOCK = Path("pipelines/lessons/dvc.lock")
PER_DATASET = ("ingest", "split", "validate", "control", "condition", "evaluate")
# stage → its section of params.yaml
PER_STUDY = {"learning_curve": "learning_curves", "bias_variance": "bias_variance", "representation": "representations",
             "read_weights": "read_weights"}


def remove_stale_outputs(params: Mapping[str, Any]) -> list[Path]:
    """Delete the outputs of stages in a lock file that params.yaml no longer has, and the folders that this empties; return the outputs."""
    stages = {**_locked(LOCK), **_locked(LESSONS_LOCK)}
    current = stage_names(params)
    kept = {path for name, stage in stages.items() if name in current for path in _outputs(stage)}
    found = [path for name, stage in stages.items() if "@" in name and name not in current for path in _outputs(stage)]
    removed = []
    for path in found:
        if path in kept or DATA not in path.parents or ".." in path.parts or not (path.is_file() or path.is_dir()):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed.append(path)
        folder = path.parent
        while folder.parent != DATA and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
    return removed


def stage_names(params: Mapping[str, Any]) -> set[str]:
    """Return the names of the stages that params.yaml generates (tests/test_graph.py compares them with DVC's)."""
    datasets, features, models = params["datasets"], params["features"], params["models"]
    return (
        {f"{stage}@{dataset}" for stage in PER_DATASET for dataset in datasets}
        | {f"featurize@{key}" for key in features}
        | {f"train@{dataset}-{model}" for dataset in datasets for model in models}
        | {f"{stage}@{dataset}-{model}" for stage, section in PER_STUDY.items() for dataset in datasets
           for model in params.get(section, {})}
        | {f"lesson@{lesson}" for lesson in params.get("lessons") or {}}
    )


def _locked(path: Path) -> Mapping[str, Any]:
    """Return the stages of a lock file by name."""
    locked = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader) if path.is_file() else None  # the C parser takes 0.1 s instead of 1 s
    return (locked or {}).get("stages") or {}


def _outputs(stage: Mapping[str, Any]) -> list[Path]:
    return [Path(out["path"]) for out in stage.get("outs", [])]
