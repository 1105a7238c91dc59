"""Imports go one way: pipelines → stages' entry points → their parts → components → shared numerics and readers → contracts, foundation."""

import re
from pathlib import Path

import pytest
from imports import COMPONENTS, ROOT, component_kind, component_of, imported, imported_files, source_files

from stages.foundation.registry import FOLDERS

FILES = source_files()
# room → its layer; what stands at the top of stages/ is an entry point, but for the params reader
ROOMS = {
    "contracts": "contracts",
    "foundation": "foundation",
    **dict.fromkeys(("samples", "features", "model_selection", "scoring", "metric_inputs", "targets"), "shared by components"),
    **dict.fromkeys(("readers", "simulators", "collections", "leak_evidence", "curvature"), "shared by components"),
    **dict.fromkeys(("pages", "teaching"), "shared by components"),
    **dict.fromkeys(("datasets", "modalities", "models", "fusions", "optimizers", "schedules"), "component"),
    **dict.fromkeys(("controls", "metrics", "tasks", "leaks", "lessons"), "component"),
    **dict.fromkeys(("checking", "ingestion", "own_data", "splitting", "validation", "training", "evaluation"), "part of a stage"),
    **dict.fromkeys(("controlling", "conditions", "learning_curves", "bias_variances"), "part of a stage"),
    **dict.fromkeys(("representations", "weight_reading", "lecture_page"), "part of a stage"),
    **dict.fromkeys(("paired_versions", "reporting", "params.py"), "part of a stage"),
}
LAYERS = ("contracts", "foundation", "shared by components", "component", "part of a stage", "entry point", "pipelines")
FOREIGN = {  # top package → modules that none of its files may import, and why
    "stages": ({"mlflow", "prefect"}, "stages compute; pipelines orchestrate and track"),
    "pipelines": ({"numpy", "polars", "scipy", "sklearn", "torch"}, "what needs numerics is a stage"),
}
# (file, module) → why the wall has a door there
EXCEPTIONS: dict[tuple[str, str], str] = {}


def entry_points() -> set[str]:
    """Return the stems of the modules that dvc.yaml, and that of lessons, run."""
    files = (ROOT / "dvc.yaml", ROOT / "pipelines" / "lessons" / "dvc.yaml")
    return {name for file in files for name in re.findall(r"python -m stages\.(\w+)", file.read_text(encoding="utf-8"))}


def layer(path: Path) -> int:
    if path.parts[0] == "pipelines":
        return LAYERS.index("pipelines")
    if component_of(path) and path.parts[1] != "own_data":  # its sources are parts of that room
        return LAYERS.index("component")
    if path.parts[1] == "__init__.py":
        return 0
    if path.parts[1] in ROOMS:
        return LAYERS.index(ROOMS[path.parts[1]])
    assert len(path.parts) == 2 and path.stem in entry_points(), f"{path}: no layer; add its folder to ROOMS"
    return LAYERS.index("entry point")


def allowed(path: Path, module: str) -> bool:
    return (path.as_posix(), module) in EXCEPTIONS


def test_files_of_every_layer_are_found() -> None:
    assert {LAYERS[layer(path)] for path in FILES} == set(LAYERS)
    assert {component_kind(path) for path in FILES} == {None, *COMPONENTS}
    assert {path.parts[1] for path in FILES if path.parts[0] == "stages"} >= set(ROOMS), "a room of ROOMS is gone"


def test_every_exception_is_still_needed() -> None:
    for file, module in EXCEPTIONS:
        assert any(name.split(".")[0] == module or name == module for name in imported(Path(file))), f"{file} no longer imports {module}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_foreign_import(path: Path) -> None:
    banned, why = FOREIGN[path.parts[0]]
    found = {name.split(".")[0] for name in imported(path)} & banned
    assert {name for name in found if not allowed(path, name)} == set(), why


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_down(path: Path) -> None:
    for other in imported_files(path):
        module = ".".join(other.with_suffix("").parts)
        assert layer(other) <= layer(path) or allowed(path, module), (
            f"{path} ({LAYERS[layer(path)]}) imports {other} ({LAYERS[layer(other)]})"
        )


@pytest.mark.parametrize("path", [path for path in FILES if component_of(path)], ids=str)
def test_a_component_imports_no_component(path: Path) -> None:
    others = {other for other in imported_files(path) if component_of(other) not in (None, component_of(path))}
    assert {other for other in others if not allowed(path, ".".join(other.with_suffix("").parts))} == set()


@pytest.mark.parametrize("path", [path for path in FILES if component_of(path)], ids=str)
def test_parts_of_a_component_are_its_own(path: Path) -> None:
    users = {other for other in FILES if path in imported_files(other)}
    inside = {other for other in users if component_of(other) == component_of(path)}
    assert component_kind(path) or users == inside, f"{path} is used by {sorted(map(str, users - inside))}; move it to what they share"


@pytest.mark.parametrize("path", [path for path in FILES if layer(path) == LAYERS.index("entry point")], ids=str)
def test_an_entry_point_imports_no_other(path: Path) -> None:
    assert {other for other in imported_files(path) if layer(other) == LAYERS.index("entry point")} == set()


@pytest.mark.parametrize("kind", FOLDERS)
def test_models_and_modalities_are_folders(kind: str) -> None:
    """A stage depends on the folder of its own: a file next to them would be no component, and nobody would be told."""
    assert {path.name for path in (ROOT / "stages" / kind).glob("*.py")} == {"__init__.py"}
