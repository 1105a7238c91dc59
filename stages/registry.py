"""Find components: the folder is the registry, a component is imported by its name.

A module `stages/<kind>/<name>.py` ends in one typed constant named after its kind (DATA_SET, MODALITY, MODEL, METRIC, SOURCE).
An unknown name is answered with the list of names; an error inside the module propagates.
"""

import importlib
from pathlib import Path
from typing import Any

from stages.errors import InputError

CONSTANTS = {"datasets": "DATA_SET", "modalities": "MODALITY", "models": "MODEL", "metrics": "METRIC", "sources": "SOURCE"}


def names(kind: str) -> list[str]:
    """Return the names of all components of a kind, sorted."""
    folder = Path(__file__).parent / kind
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def component(kind: str, name: str) -> Any:
    """Return the component `name`.

    Raises:
        InputError: if there is no such file; the message lists what there is.
    """
    if name not in names(kind):
        raise InputError(f"no {name!r} under stages/{kind}/; there are: {', '.join(names(kind))}")
    return getattr(importlib.import_module(f"stages.{kind}.{name}"), CONSTANTS[kind])
