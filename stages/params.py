"""Read params.yaml and report every mistake with its file, key and remedy.

`python -m stages.check` (the first stage of the graph, and the first step of `make run` and of the flow) reads the whole file with it.
Other stages read their own keys with stages/foundation/params_file.py and use this file only to explain a mistake: no result depends on
the messages.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stages.contracts.checked import by_place, wanted
from stages.contracts.settings import Settings
from stages.foundation.bounded_yaml import YamlTooLargeError, load_yaml
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest
from stages.ingestion.data_set_entry import DataSetEntry, ModalityEntry, TargetEntry
from stages.splitting.split_settings import OneSplitEntry

SECTIONS = ("split", "leakage", "train", "conditions", "evaluate", "publish", "flow")  # sections with defaults
OPTIONAL = ("leakage", "conditions")  # those of them that may be left out: no stage depends on the key itself
MAX_SHOWN = 200  # characters of a value in a message
STUDIES = ("learning_curves", "bias_variance", "representations", "read_weights")  # a stage per data set and entry
TOP_LEVEL = ("seed", "datasets", "features", "fusions", "controls", "models", *STUDIES, *SECTIONS, "lessons")
CONFLICT_MARKS = ("<<<<<<< ", "||||||| ", ">>>>>>> ")


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """Return params.yaml as a plain dict.

    Parsed as DVC does, as YAML 1.2 (`1e-4` is a number, `no` is text), so that stage and graph have the same values.

    Raises:
        InputError: if it is missing, not YAML, or repeats a key.
    """
    if not path.is_file():
        raise InputError(f"{path}: not found in {Path.cwd().name}/; run from the repository's root")
    try:
        params = load_yaml(path.read_text(encoding="utf-8"))
    except YamlTooLargeError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError(f"{path}: {line}{error.problem}") from error
    except MarkedYAMLError as error:
        refuse_conflict_marks(path, "keep one side of each conflict and delete the marks")
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        problem = str(error.problem)
        remedy = ("; keep one" if isinstance(error, DuplicateKeyError) else "; indent with blanks, not with tabs" if "\\t" in problem else
                  "; a bracket or quote is left open" if "stream end" in problem else "")
        raise InputError(f"{path}: {line}not valid YAML: {problem}{remedy}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}; save the file as UTF-8") from error
    except (YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML: {(str(error) or 'nested too deeply').splitlines()[0]}") from error
    if not isinstance(params, dict):
        found = "nothing" if params is None else type(params).__name__
        raise InputError(f"{path}: expected a mapping of sections ({', '.join(TOP_LEVEL)}), found {found}")
    _check_keys(params, "", ())
    return params


def refuse_conflict_marks(path: Path, remedy: str) -> None:
    """Raise InputError at the first line of a text file that a merge has marked as a conflict."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if line.startswith(CONFLICT_MARKS):
            raise InputError(f"{path}: line {number}: a merge conflict ({line[:40]!r}); {remedy}")


def _check_keys(value: Any, key: str, above: tuple[int, ...]) -> None:
    """Raise InputError if a value contains itself (by an anchor), or a key is neither text nor a number."""
    if id(value) in above:
        raise InputError(f"{PARAMS}: {key}: contains itself, by an alias (*) inside its own anchor (&); write the value out")
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        texts: dict[str, Any] = {}
        for name, item in value.items():
            same = texts.setdefault(name if isinstance(name, str) else json.dumps(name, default=str), name)
            if same is not name and isinstance(name, str | int | float):
                raise InputError(f"{PARAMS}: {key or 'top level'}: the keys {same!r} and {name!r} are one and the same; keep one")
            if not isinstance(name, str | int | float):
                raise InputError(f"{PARAMS}: {key or 'top level'}: the key {name!r} is not text; put it in quotes")
            _check_keys(item, f"{key}.{name}".removeprefix("."), inside)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _check_keys(item, f"{key}.{place}", inside)


def value_at(params: Mapping[str, Any], key: str) -> Any:
    """Return the value under a dotted key; raise InputError with the nearest key if it is missing."""
    value: Any = params
    for depth, part in enumerate(key.split(".")):
        where = ".".join(key.split(".")[:depth]) or "top level"
        if not isinstance(value, Mapping):
            raise InputError(f"{PARAMS}: {where}: expected a mapping with key {part!r}, found {value!r}")
        if part not in value and key in OPTIONAL:
            return {}
        if part not in value and key in SECTIONS:
            raise InputError(f"{PARAMS}: {key}: missing; add the line `{key}: {{}}` for its defaults")
        if part not in value:
            raise InputError(f"{PARAMS}: {where}: {part!r} is missing{nearest(part, value)}")
        value = value[part]
    return value


def data_set_names(params: Mapping[str, Any]) -> list[str]:
    """Return the names of the data sets, in declared order; raise InputError if one is not text (`true:`, `1:`)."""
    names = value_at(params, "datasets")
    if not isinstance(names, Mapping):
        raise InputError(f"{PARAMS}: datasets: expected a mapping of data sets, found {names!r}")
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"{PARAMS}: datasets: the name {name!r} is not text; put it in quotes, a letter first")
    return list(names)


def section(params: Mapping[str, Any], key: str, model: type[Settings]) -> Any:
    """Return the settings under a dotted key as `model`, or its defaults if the key is empty.

    Raises:
        InputError: one line per mistake: file, key, the value found, the values allowed.
    """
    return parse(value_at(params, key), key, model)


def parse(values: Any, key: str, model: type[Settings]) -> Any:
    """Return `values` as `model`; see `section`."""
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        raise InputError(f"{PARAMS}: {key}: expected a mapping with {allowed(model)}, found {values!r}")
    try:
        # as JSON: strict about types (`true` and "3" are not numbers), while a list may become a tuple
        return model.model_validate_json(json.dumps(model.completed(values), default=str), strict=True)
    except ValidationError as error:
        raise InputError("\n".join(mistakes(error.errors(), key, model))) from error


def mistakes(errors: Sequence[Any], key: str, model: type[BaseModel]) -> list[str]:
    """Return one line per location of pydantic's errors; the branches of a union share one."""
    return [_mistake(".".join([key, *place]), items, model) for place, items in by_place(errors).items()]


def _mistake(place: str, items: Sequence[Any], model: type[BaseModel]) -> str:
    first = items[0]
    if first["type"] == "extra_forbidden":
        inner = _inmost(model, first["loc"])[0]
        now = inner.renamed.get(str(first["loc"][-1])) if issubclass(inner, Settings) else None
        if now is not None:
            return f"{PARAMS}: {place}: this key was renamed to {now!r}; allowed: {allowed(inner)}"
        number = OneSplitEntry.renamed.get(str(first["loc"][-1]), str(first["loc"][-1]))
        if inner is DataSetEntry and number in OneSplitEntry.model_fields:
            return (f"{PARAMS}: {place}: numbers of folds of one data set belong in the section split: "
                    f"`split: {{datasets: {{{place.split('.')[1]}: {{{number}: {first['input']}}}}}}}`")
        return f"{PARAMS}: {place}: unknown key{nearest(first['loc'][-1], inner.model_fields)}; allowed: {allowed(inner)}"
    if first["type"] == "missing":
        return f"{PARAMS}: {place}: missing; {_about(model, first['loc'])}"
    found = f", found {shown(first['input'])}" if first["loc"] else ""  # an error of the whole mapping includes the value
    return f"{PARAMS}: {place}: {wanted(items)}{found}; {_about(model, first['loc'])}"


def shown(value: Any) -> str:
    """Return a value for a message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def allowed(model: type[BaseModel]) -> str:
    """Return the keys of a settings model, for a message."""
    return ", ".join(model.model_fields) or "no keys"


def _inmost(model: type[BaseModel], place: Sequence[Any]) -> tuple[type[BaseModel], str]:
    """Return the innermost settings model of a location and its last key there: for target.task TargetEntry and task."""
    name = ""
    for part in place:
        kind = model.model_fields[name].annotation if name else None
        if get_origin(kind) is dict and isinstance(named := get_args(kind)[1], type) and issubclass(named, BaseModel):
            model, name = named, ""  # this part is a name that the user chose
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model, name = kind, ""
        branch = next((entry for entry in (TargetEntry, ModalityEntry) if isinstance(part, str) and entry.__name__ in part), None)
        if branch is not None:
            model, name = branch, ""
        elif part in model.model_fields:
            name = str(part)
    return model, name


def _about(model: type[BaseModel], place: Sequence[Any]) -> str:
    inner, name = _inmost(model, place)
    info = inner.model_fields.get(name)
    return f"'{name}' is {info.description}" if info and info.description else f"allowed keys: {allowed(inner)}"
