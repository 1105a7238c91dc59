"""Save fitted estimators without pickle and load them again; equal estimators are saved as equal bytes.

An estimator whose fitted attributes are arrays, numbers and strings (a linear model, a Bayes classifier) is saved as plain arrays and
JSON, because skops takes 3 s to import. Any other (a forest) is saved by skops. Only scikit-learn's types are loaded, and, of plain arrays,
estimators of the folders of models.
"""

import importlib
import inspect
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

HELPS_TESTS = re.compile(r"_testing|conftest")  # modules that change settings where they are imported
TRUSTED = re.compile(r"sklearn\.[\w.]+")  # modules whose types are loaded in addition to those that skops trusts by default
OWN = re.compile(r"stages\.models\.[\w.]+")  # estimators of this repository, whose code travels with a published model
SCHEMA = "schema.json"


def save_estimators(found: FittedEstimators) -> Fitted:
    """Return the estimators and their targets' scale as arrays, state and files."""
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
    """Return an estimator as its class, parameters and fitted attributes; None if one of them is not an array, number or string."""
    params = estimator.get_params(deep=False)
    fitted = {name: value for name, value in vars(estimator).items() if name not in params}
    arrays = {f"{prefix}/{name}": value for name, value in fitted.items() if isinstance(value, np.ndarray) and value.dtype != object}
    values = {name: value for name, value in fitted.items() if f"{prefix}/{name}" not in arrays}
    try:
        state = {"class": f"{type(estimator).__module__}.{type(estimator).__qualname__}", "params": params, "values": values,
                 "arrays": sorted(arrays)}  # fmt: skip
        return Fitted(arrays, json.loads(json.dumps(state, default=_python_scalar)))
    except TypeError:
        return None


def _python_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} is not a scalar")


def load_estimators(fitted: Fitted) -> FittedEstimators:
    """Return the estimators of a saved model.

    Raises:
        InputError: if one is not a scikit-learn estimator, or holds other types.
    """
    state, arrays = fitted.state, fitted.arrays
    members = [
        _from_skops(one["file"], fitted.files[one["file"]]) if "file" in one else _from_state(one, arrays) for one in state["members"]
    ]
    scale = Scale(arrays["target_mean"], arrays["target_deviation"]) if "target_mean" in arrays else None
    return FittedEstimators(state["form"], state["n_outputs"], members, scale)


def _from_state(state: Any, arrays: Any) -> Any:
    from sklearn.base import BaseEstimator

    kind = _type_of(state["class"]) or _own_type(state["class"])
    if kind is None or not issubclass(kind, BaseEstimator):
        raise InputError(f"model.json: holds {state['class']!r}, which is not a scikit-learn estimator; train the model again")
    known = list(inspect.signature(kind).parameters)
    if unknown := sorted(set(state["params"]) - set(known)):
        raise InputError(f"model.json: state: {unknown[0]!r} is no parameter of {state['class']}; expected some of {', '.join(known)}; "
                         "train the model again")
    estimator = kind(**state["params"])
    vars(estimator).update(state["values"])
    vars(estimator).update({name.rpartition("/")[2]: arrays[name] for name in state["arrays"]})
    return estimator


def _from_skops(name: str, raw: bytes) -> Any:
    from skops.io import get_untrusted_types, loads

    try:
        unknown = get_untrusted_types(data=raw)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{name}: damaged or cut off ({type(error).__name__}); expected a file of skops; train the model again") from error
    untrusted = [kind for kind in unknown if _type_of(kind) is None]
    if untrusted:
        raise InputError(f"{name}: holds the type {untrusted[0]!r}, which is no type of scikit-learn's; train the model again")
    return loads(raw, trusted=unknown)


def _type_of(name: str) -> type | None:
    """Return a class of scikit-learn by its dotted name; None for all else.

    A function is never trusted: called as a transformer or an analyzer, some of scikit-learn's run the text that they are given.
    """
    module, _, attribute = name.rpartition(".")
    if not TRUSTED.fullmatch(name) or HELPS_TESTS.search(module):
        return None
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and found.__module__.partition(".")[0] in ("sklearn", "_loss") else None


def _own_type(name: str) -> type | None:
    """Return a class that a module of a model defines, by its dotted name; None for all else."""
    module, _, attribute = name.rpartition(".")
    if not OWN.fullmatch(name):
        return None
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and found.__module__ == module else None


def canonical(raw: bytes) -> bytes:
    """Return a skops file in canonical form: consecutive ids instead of memory addresses, sorted members, fixed dates."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        schema = archive.read(SCHEMA).decode()
        members = {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}
    ids = _consecutive_ids(json.loads(schema), set(members))
    renamed = {_renamed_file(name, ids): content for name, content in members.items()}
    text = json.dumps(_renumbered(json.loads(schema), ids), sort_keys=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(SCHEMA, text.encode()), *sorted(renamed.items())]:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def _consecutive_ids(schema: Any, files: set[str]) -> dict[str, str]:
    """Return address → consecutive id, in depth-first order of the schema."""
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


def _renamed_file(name: str, ids: dict[str, str]) -> str:
    stem, dot, extension = name.partition(".")
    return ids.get(stem, stem) + dot + extension


def _renumbered(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: int(ids[str(item)]) if key == "__id__" else _renumbered(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_renumbered(item, ids) for item in value]
    return _renamed_file(value, ids) if isinstance(value, str) and value.endswith(".npy") else value
