"""Read params.yaml and refuse what cannot work, naming file, key and what is allowed.

A stage asks for its own keys only (`section`), so that it runs in a folder whose params.yaml holds no others.
`python -m stages.check` (the first stage of the graph, and the first act of `make run` and of the flow) checks the whole file.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stages.contracts import TASKS, Settings, Task
from stages.errors import InputError

PARAMS = Path("params.yaml")


class TargetEntry(Settings):
    """What is predicted of a person's own samples."""

    column: str | None = Field(None, description="column (or field of the file pattern) that holds it")
    columns: tuple[str, ...] = Field((), description="regression: several numbers; multilabel: columns of 0 and 1, one per label")
    task: Task = Field(description=f"one of {', '.join(TASKS)}")
    separator: str = Field(";", min_length=1, description="multilabel in one column: what stands between labels")
    empty: Literal["missing", "none"] = Field("missing", description="multilabel in one column: an empty cell: no target, or no label")


class ModalityEntry(Settings):
    """Where a modality of a person's own samples is."""

    modality: str = Field(description="a file under stages/modalities/")
    column: str | None = Field(None, description="column with the value itself, or its file's path, relative to the source's folder")
    columns: tuple[str, ...] = Field((), description="table: its columns (default: all that have no other role)")
    files: str | None = Field(None, description="pattern of the sample's file, such as 'sounds/{id}.wav', relative to the source's folder")


class DataSetEntry(Settings):
    """One entry under `datasets:`, of a file under stages/datasets/ or, with `source`, of a person's own files.

    `options` are the data set's own settings, checked by its file.
    """

    rows: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="'all', or the size of a seeded, stratified, group-aware sample"
    )
    target: str | TargetEntry = Field(description="what is predicted: one of the data set's targets; of own files {column, task}")
    modalities: tuple[str, ...] | dict[str, ModalityEntry] = Field(
        min_length=1, description="labels of the modalities to train on; of own files label: {modality, column or files}"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the data set's own file")
    source: dict[str, Any] | None = Field(None, description="own files: {table: path}, {folder: path, label: …} or {blocks: path}")
    group: str | tuple[str, ...] | None = Field(None, description="own files: columns whose rows must not part (speaker, patient, …)")
    id: str | None = Field(None, description="own files: column with a unique name of each sample (default: the file's, or the row number)")
    split: str | None = Field(None, description="own files: column that says train or test, an official split")
    on_bad_sample: Literal["fail", "quarantine"] = Field("fail", description="of unreadable samples: fail, or leave them out (quarantine)")
    max_bad_share: float = Field(0.05, ge=0, lt=1, description="quarantine: share of samples that may be left out, at most")
    unknown_targets: Literal["refuse", "mask"] = Field("refuse", description="regression: whether numbers of a row may be unknown (mask)")
    title: str | None = Field(None, description="own files: what the data set is called in the report")
    licence: str | None = Field(None, description="own files: what may be done with it")
    citation: str | None = Field(None, description="own files: whom to cite")


class SplitEntry(Settings):
    folds: int = Field(5, ge=2, le=100, description="outer folds (ignored where there is an official test split)")
    repeats: int = Field(1, ge=1, le=100, description="repeats of the whole outer cross-validation")
    inner_folds: int = Field(3, ge=2, le=100, description="inner folds, which choose the configuration")


class SelectEntry(Settings):
    binary: str = Field(default="accuracy", description="for two classes")
    multiclass: str = Field(default="accuracy", description="for more classes")
    multilabel: str = Field(default="micro_f1", description="for labels that may hold together")
    regression: str = Field(default="q2", description="for numbers")


class TrainEntry(Settings):
    select: SelectEntry = Field(SelectEntry(), description="by task, the metric that chooses the configuration on the inner folds")


class EvaluateEntry(Settings):
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of the intervals")


class PublishEntry(Settings):
    tracking_uri: str = Field(
        "sqlite:///mlflow.db",
        pattern=r"^[a-z][a-z0-9+]*:.+",
        description="MLflow's server, as scheme:address (sqlite:///mlflow.db, http://127.0.0.1:5000); MLFLOW_TRACKING_URI goes before it",
    )


CRON_FIELDS = {"minute": 59, "hour": 23, "day": 31, "month": 12, "weekday": 7}


class FlowEntry(Settings):
    cron: str = Field("0 3 * * *", description="when `make schedule` runs the flow")
    timezone: str = Field("UTC", description="time zone of the cron line")
    workers: int = Field(2, ge=1, le=64, description="stages at once")
    retries: int = Field(1, ge=0, le=10, description="how often a failed stage is tried again")

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str) -> str:
        if len(cron.split()) != 5:
            raise ValueError("expected five fields (minute hour day month weekday)")
        for value, (name, most) in zip(cron.split(), CRON_FIELDS.items(), strict=True):
            if value.isdigit() and int(value) > most:
                raise ValueError(f"{name} {value} is above {most}")
        return cron

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str) -> str:
        try:
            return ZoneInfo(timezone).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # the last two: a path, a folder of zones
            raise ValueError(f"no time zone of this name{nearest(timezone, available_timezones())}") from error


SECTIONS: Mapping[str, type[Settings]] = {
    "split": SplitEntry,
    "train": TrainEntry,
    "evaluate": EvaluateEntry,
    "publish": PublishEntry,
    "flow": FlowEntry,
}
TOP_LEVEL = ("seed", "datasets", "features", "models", *SECTIONS)


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """Return params.yaml as a plain dict.

    Read as DVC reads it, in YAML 1.2 (`1e-4` is a number, `no` is a word), so that stage and graph see the same values.

    Raises:
        InputError: if it is missing, is not YAML, or repeats a key.
    """
    if not path.is_file():
        raise InputError(f"{path}: not found in {Path.cwd().name}/; run from the repository's root")
    try:
        params = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
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
    _refuse_odd(params, "", ())
    return params


def _refuse_odd(value: Any, key: str, above: tuple[int, ...]) -> None:
    """Raise InputError where a value holds itself (an anchor inside what it names), or a key is neither text nor a number."""
    if id(value) in above:
        raise InputError(f"{PARAMS}: {key}: holds itself, by an anchor (&) that is repeated (*) inside what it names; write it out")
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str | int | float):
                raise InputError(f"{PARAMS}: {key or 'top level'}: the key {name!r} is no text; put it in quotes")
            _refuse_odd(item, f"{key}.{name}".removeprefix("."), inside)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _refuse_odd(item, f"{key}.{place}", inside)


def value_at(params: Mapping[str, Any], key: str) -> Any:
    """Return the value under a dotted key; raise InputError naming the nearest key where it is missing."""
    value: Any = params
    for depth, part in enumerate(key.split(".")):
        where = ".".join(key.split(".")[:depth]) or "top level"
        if not isinstance(value, Mapping):
            raise InputError(f"{PARAMS}: {where}: expected a mapping with key {part!r}, found {value!r}")
        if part not in value and key in SECTIONS:
            raise InputError(f"{PARAMS}: {key}: missing; for its defaults add the line `{key}: {{}}`")
        if part not in value:
            raise InputError(f"{PARAMS}: {where}: {part!r} is not there{nearest(part, value)}")
        value = value[part]
    return value


def section(params: Mapping[str, Any], key: str, model: type[Settings]) -> Any:
    """Return the settings under a dotted key as `model`, or its defaults where the key holds nothing.

    Raises:
        InputError: one line per mistake: file, key, what was found, what is allowed.
    """
    return parse(value_at(params, key), key, model)


def parse(values: Any, key: str, model: type[Settings]) -> Any:
    """Return `values` as `model`; see `section`."""
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        raise InputError(f"{PARAMS}: {key}: expected a mapping with {allowed(model)}, found {values!r}")
    if model is DataSetEntry:
        values = with_default_target(values)
    try:
        # as JSON: strict about types (`true` is no number, "3" neither), and a list may still become a tuple
        return model.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise InputError("\n".join(mistakes(error.errors(), key, model))) from error


def with_default_target(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entry under `datasets:`; where it is a folder of folders and says nothing else, those are the classes to predict."""
    source = values.get("source")
    by_folder = isinstance(source, Mapping) and "folder" in source and source.get("label", "folder") == "folder"
    return {"target": {"column": "folder", "task": "multiclass"}, **values} if by_folder else values


def mistakes(errors: Sequence[Any], key: str, model: type[BaseModel]) -> list[str]:
    """Return one line for each place that pydantic complains of; the branches of a union share one."""
    by_place: dict[str, list[Any]] = {}
    for item in errors:
        place = ".".join([key, *(str(part) for part in item["loc"] if not _is_union_branch(part))])
        by_place.setdefault(place, []).append(item)
    # a list with a wrong entry counts as too short as well: tell the entry alone
    inmost = [place for place in by_place if not any(other.startswith(place + ".") for other in by_place)]
    return [_mistake(place, by_place[place], model) for place in inmost]


def _mistake(place: str, items: Sequence[Any], model: type[BaseModel]) -> str:
    first = items[0]
    if first["type"] == "extra_forbidden":
        inner = _inmost(model, first["loc"])[0]
        return f"{PARAMS}: {place}: unknown key{nearest(first['loc'][-1], inner.model_fields)}; allowed: {allowed(inner)}"
    if first["type"] == "missing":
        return f"{PARAMS}: {place}: missing; {_about(model, first['loc'])}"
    if first["type"] in EXPECTED:
        wanted = "expected " + " or ".join(dict.fromkeys(EXPECTED[item["type"]].format(**item.get("ctx", {})) for item in items))
    else:
        wanted = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    found = f", found {first['input']!r}" if first["loc"] else ""  # an error of the whole mapping says what it found
    return f"{PARAMS}: {place}: {wanted}{found}; {_about(model, first['loc'])}"


# pydantic's types of error → what a person reads; {…} is filled from the error's context
EXPECTED = {
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}


def nearest(word: str, known: Any) -> str:
    """Return " (did you mean 'x'?)" for the nearest known word, or ""."""
    close = difflib.get_close_matches(str(word), [str(item) for item in known], n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def allowed(model: type[BaseModel]) -> str:
    """Return the keys of a settings model, for a message."""
    return ", ".join(model.model_fields) or "no keys"


def feature_labels(params: Mapping[str, Any], dataset: str) -> Sequence[str]:
    """Return the labels of the modalities that a data set is trained on, in the order declared."""
    return tuple(value_at(params, f"datasets.{dataset}.modalities"))


def _inmost(model: type[BaseModel], place: Sequence[Any]) -> tuple[type[BaseModel], str]:
    """Return the settings that a place is in, and the last of its parts that is a key of theirs: of target.task those of a target, task."""
    name = ""
    for part in place:
        kind = model.model_fields[name].annotation if name else None
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


def _is_union_branch(part: Any) -> bool:
    # pydantic names the branch of a union in its location ("int", "literal['all']", "TargetEntry"): noise to a reader
    known = {"int", "constrained-int", "float", "str", "bool", "none"}
    return isinstance(part, str) and (part in known or "[" in part or part.endswith("Entry"))
