"""Find components: the folder is the registry, a component is imported by its name.

A component is a module in its kind's folder, `<name>.py` or, with several modules, `<name>/__init__.py`, that ends in one typed constant.
An unknown name raises an error that lists the known names; an error inside the module propagates.
"""

import importlib
from pathlib import Path
from typing import Any

from stages.foundation.errors import InputError

STAGES = Path(__file__).parents[1]
# kind → folder under stages/, name of the constant in its modules
KINDS = {
    "datasets": ("datasets", "DATA_SET"),
    "modalities": ("modalities", "MODALITY"),
    "models": ("models", "MODEL"),
    "network_encoders": ("models/network/modality_encoders", "ENCODER"),
    "fusions": ("fusions", "FUSION"),
    "optimizers": ("optimizers", "OPTIMIZER"),
    "schedules": ("schedules", "SCHEDULE"),
    "controls": ("controls", "CONTROL"),
    "metrics": ("metrics", "METRIC"),
    "tasks": ("tasks", "TASK"),
    "leaks": ("leaks", "DETECTOR"),
    "sources": ("own_data/sources", "SOURCE"),
    "lessons": ("lessons", "LESSON"),
}
# kinds whose components are always folders: a stage depends on the folder of its own (dvc.yaml), and it travels with logged models
FOLDERS = ("modalities", "models")


def names(kind: str) -> list[str]:
    """Return the names of all components of a kind, sorted."""
    folder = STAGES / KINDS[kind][0]
    files = set() if kind in FOLDERS else {path.stem for path in folder.glob("*.py")}
    return sorted(name for name in files | {path.parent.name for path in folder.glob("*/__init__.py")} if not name.startswith("_"))


def component(kind: str, name: str) -> Any:
    """Return the component `name`.

    Raises:
        InputError: if there is no such module; the message lists the known names.
    """
    folder, constant = KINDS[kind]
    if name not in names(kind):
        raise InputError(f"no {name!r} under stages/{folder}/; there are: {', '.join(names(kind))}")
    return getattr(importlib.import_module(f"stages.{folder.replace('/', '.')}.{name}"), constant)
