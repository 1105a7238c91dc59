"""Save fitted estimators without pickle, as the same bytes whenever they are equal; load nothing but scikit-learn's own types.

An estimator whose fitted attributes are arrays, numbers and text (a linear model, a Bayes classifier) is written as these: skops takes 3 s
to import. Any other (a forest) is written by skops.
"""

import importlib
import io
import json
import re
import zipfile
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.foundation.errors import InputError
from stages.model_selection.fitted_estimators import FittedEstimators
from stages.model_selection.target_forms import Scale

TRUSTED = re.compile(r"sklearn\.[\w.]+")  # what a saved estimator may be or hold beside the types that skops trusts by itself
SCHEMA = "schema.json"


def save_estimators(found: FittedEstimators) -> Fitted:
    """Return the arrays, the state and the files of the estimators and of their targets' scale."""
    arrays = {} if found.scale is None else {"target_mean": found.scale.mean, "target_deviation": found.scale.deviation}
    members: list[Any] = []
    files: dict[str, bytes] = {}
    for i, member in enumerate(found.members):
        plain = _plain(member, f"estimator/{i}")
        if plain is None:
            from skops.io import dumps

            members.append({"file": f"estimator_{i}.skops"})
            files[f"estimator_{i}.skops"] = canonical(dumps(member))
        else:
            members.append(plain.state)
            arrays |= plain.arrays
    return Fitted(arrays, {"form": found.form, "n_outputs": found.n_outputs, "members": members}, files)


def _plain(estimator: Any, prefix: str) -> Fitted | None:
    """Return an estimator as its class, parameters and fitted attributes; None if one of them is neither array, number nor text."""
    params = estimator.get_params(deep=False)
    fitted = {name: value for name, value in vars(estimator).items() if name not in params}
    arrays = {f"{prefix}/{name}": value for name, value in fitted.items() if isinstance(value, np.ndarray) and value.dtype != object}
    values = {name: value for name, value in fitted.items() if f"{prefix}/{name}" not in arrays}
    try:
        state = {"class": f"{type(estimator).__module__}.{type(estimator).__qualname__}", "params": params, "values": values,
                 "arrays": sorted(arrays)}  # fmt: skip
        return Fitted(arrays, json.loads(json.dumps(state, default=_number_of)))
    except TypeError:
        return None


def _number_of(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} is no number")


def load_estimators(fitted: Fitted) -> FittedEstimators:
    """Return the estimators of a saved model.

    Raises:
        InputError: if one is not an estimator of scikit-learn, or holds what is not its own.
    """
    state, arrays = fitted.state, fitted.arrays
    members = [
        _from_skops(one["file"], fitted.files[one["file"]]) if "file" in one else _from_state(one, arrays) for one in state["members"]
    ]
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if "target_mean" in arrays else None
    return FittedEstimators(state["form"], state["n_outputs"], members, scale)


def _from_state(state: Any, arrays: Any) -> Any:
    from sklearn.base import BaseEstimator

    module, _, name = state["class"].rpartition(".")
    kind = getattr(importlib.import_module(module), name, None) if TRUSTED.fullmatch(state["class"]) else None
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise InputError(f"model.json: holds {state['class']!r}, which is no estimator of scikit-learn; train the model again")
    estimator = kind(**state["params"])
    vars(estimator).update(state["values"])
    vars(estimator).update({name.rpartition("/")[2]: arrays[name] for name in state["arrays"]})
    return estimator


def _from_skops(name: str, raw: bytes) -> Any:
    from skops.io import get_untrusted_types, loads

    unknown = get_untrusted_types(data=raw)
    strange = [kind for kind in unknown if not TRUSTED.fullmatch(kind)]
    if strange:
        raise InputError(f"{name}: holds the type {strange[0]!r}, which is not scikit-learn's; train the model again")
    return loads(raw, trusted=unknown)


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
