"""Read a stage's own keys of params.yaml as typed settings.

A stage reads its own keys only (`section`), so that it runs in a folder whose params.yaml holds no others. stages/params.py explains what
is wrong with a value.
"""

import difflib
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from ruamel.yaml.error import YAMLError

from stages.contracts.settings import Settings
from stages.foundation.bounded_yaml import load_yaml
from stages.foundation.errors import InputError

PARAMS = Path("params.yaml")

AnySettings = TypeVar("AnySettings", bound=Settings)


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """Return params.yaml as a plain dict.

    Parsed as DVC does, as YAML 1.2 (`1e-4` is a number, `no` is text), so that stage and graph have the same values.

    Raises:
        InputError: if it is missing or not a YAML mapping.
    """
    try:
        params = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError, RecursionError):
        _explain("read_params", path, key="the file")
    if not isinstance(params, dict):
        _explain("read_params", path, key="the file")
    return params


def value_at(params: Mapping[str, Any], key: str) -> Any:
    """Return the value under a dotted key; raise InputError if it is missing."""
    value: Any = params
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            _explain("value_at", params, key, key=key)
        value = value[part]
    return value


def section(params: Mapping[str, Any], key: str, model: type[AnySettings]) -> AnySettings:
    """Return the settings under a dotted key as `model`, or its defaults if the key is empty.

    Raises:
        InputError: one line per mistake: file, key, the value found, the values allowed.
    """
    return parse(value_at(params, key), key, model)


def parse(values: Any, key: str, model: type[AnySettings]) -> AnySettings:
    """Return `values` as `model`; see `section`."""
    try:
        # as JSON: strict about types (`true` and "3" are not numbers), while a list may become a tuple
        return model.model_validate_json(json.dumps(model.completed({} if values is None else values), default=str), strict=True)
    except (ValidationError, ValueError):
        _explain("parse", values, key, model, key=key)


def modality_names(params: Mapping[str, Any], dataset: str) -> Sequence[str]:
    """Return the names of the modalities that models are trained on, in declared order."""
    return tuple(value_at(params, f"datasets.{dataset}.modalities"))


def data_set_names(params: Mapping[str, Any]) -> list[str]:
    """Return the names of the data sets, in declared order; raise InputError if one is not text (`true:`, `1:`)."""
    names = value_at(params, "datasets")
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names):
        _explain("data_set_names", params, key="datasets")
    return list(names)


def nearest(name: str, known: Any) -> str:
    """Return " (did you mean 'x'?)" for the nearest known name, or ""."""
    close = difflib.get_close_matches(str(name), [str(item) for item in known], n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _explain(function: str, *arguments: Any, key: str) -> NoReturn:
    """Raise the error that the function of the same name in stages/params.py raises.

    Imported only when a stage fails: messages change no result, so no stage declares that file as a dependency; if it is missing, the
    message is shorter.
    """
    try:
        messages = importlib.import_module("stages.params")
    except ModuleNotFoundError as error:
        raise InputError(f"{PARAMS}: {key}: missing or not valid; run `python -m stages.check` for the reason") from error
    getattr(messages, function)(*arguments)
    raise AssertionError(f"stages/params.py accepts {key}, which is refused here")
