"""Names mean one thing: no two classes, and no two modules, of stages/ and pipelines/ share one."""

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from imports import ROOT, source_files

# name → why several modules have it
SHARED_MODULES = {
    "constant": "controls/constant.py and schedules/constant.py are the names `constant` of params.yaml",
    "control": "control.py is the stage that runs components whose interface is contracts/control.py",
    "lesson": "lesson.py is the stage that runs components whose interface is contracts/lesson.py",
    "schedule": "contracts/schedule.py is the interface of stages/schedules/; pipelines/schedule.py serves the flow on a cron line",
    "table": "modalities/table and own_data/sources/table.py are the names `table` of params.yaml",
    "documents": "foundation/documents.py reads and writes the files whose schemas are in contracts/documents/",
    "tables": "foundation/tables.py reads and writes the files whose schemas are in contracts/tables/",
}
SHARED_CLASSES: dict[str, str] = {
    "Schedule": "contracts/schedule.py: of learning rates; models/mlp/networks.py: epochs, batches and patience of its networks",
}


def module_name(path: Path) -> str:
    return path.parent.name if path.name == "__init__.py" else path.stem


def shared(places: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def test_no_two_modules_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in source_files():
        places[module_name(path)].append(path.as_posix())
    found = shared(places)
    assert set(found) == set(SHARED_MODULES), {name: found.get(name) for name in set(found) ^ set(SHARED_MODULES)}


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in source_files():
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.as_posix())
    found = shared(places)
    assert set(found) == set(SHARED_CLASSES), {name: found.get(name) for name in set(found) ^ set(SHARED_CLASSES)}
