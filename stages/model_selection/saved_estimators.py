"""Save fitted estimators without pickle, by skops, as the same bytes whenever they are equal; load nothing but scikit-learn's own types."""

import io
import json
import re
import zipfile
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.foundation.errors import InputError
from stages.model_selection.decisions import Scale
from stages.model_selection.fitted_estimators import FittedEstimators

TRUSTED = re.compile(r"(sklearn|numpy|scipy)\.[\w.]+")  # types that a saved estimator may hold
SCHEMA = "schema.json"


def save_estimators(found: FittedEstimators) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    """Return the files of the estimators and the arrays of their targets' scale."""
    from skops.io import dumps

    files = {f"estimator_{i}.skops": canonical(dumps(member)) for i, member in enumerate(found.members)}
    arrays = {} if found.scale is None else {"target_mean": found.scale.mean, "target_deviation": found.scale.deviation}
    return files, arrays


def load_estimators(fitted: Fitted) -> FittedEstimators:
    """Return the estimators of a saved model.

    Raises:
        InputError: if a file holds a type that is not scikit-learn's, numpy's or scipy's.
    """
    members = [_loaded(name, fitted.files[name]) for name in sorted(fitted.files, key=_number)]
    state, arrays = fitted.state, fitted.arrays
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if "target_mean" in arrays else None
    return FittedEstimators(state["task"], state["n_outputs"], members, scale)


def _loaded(name: str, raw: bytes) -> Any:
    from skops.io import get_untrusted_types, loads

    unknown = get_untrusted_types(data=raw)
    strange = [kind for kind in unknown if not TRUSTED.fullmatch(kind)]
    if strange:
        raise InputError(f"{name}: holds the type {strange[0]!r}, which is not scikit-learn's; train the model again")
    return loads(raw, trusted=unknown)


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name))


def canonical(raw: bytes) -> bytes:
    """Return a skops file with running numbers in place of memory addresses, in a fixed order and with fixed dates."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        schema = archive.read(SCHEMA).decode()
        members = {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}
    numbers = _running_numbers(json.loads(schema), set(members))
    renamed = {_renumbered(name, numbers): content for name, content in members.items()}
    text = json.dumps(_renumber(json.loads(schema), numbers), sort_keys=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(SCHEMA, text.encode()), *sorted(renamed.items())]:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def _running_numbers(schema: Any, files: set[str]) -> dict[str, str]:
    """Return address → running number, in the order in which a walk through the schema meets them."""
    found: dict[str, str] = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value):
                if key == "__id__":
                    found.setdefault(str(value[key]), str(len(found)))
                elif value[key] in files if isinstance(value[key], str) else False:
                    found.setdefault(value[key].partition(".")[0], str(len(found)))
                else:
                    walk(value[key])
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(schema)
    return found


def _renumbered(name: str, numbers: dict[str, str]) -> str:
    stem, dot, ending = name.partition(".")
    return numbers.get(stem, stem) + dot + ending


def _renumber(value: Any, numbers: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: int(numbers[str(item)]) if key == "__id__" else _renumber(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_renumber(item, numbers) for item in value]
    return _renumbered(value, numbers) if isinstance(value, str) and value.endswith(".npy") else value
