"""Read params.yaml and refuse what cannot work, naming file, key and what is allowed.

A stage asks for its own keys only (`section`), so that it runs in a folder whose params.yaml holds no others.
`python -m stages.check` (the first stage of the graph, and the first act of `make run` and of the flow) checks the whole file.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from stages.contracts import Settings
from stages.errors import InputError

PARAMS = Path("params.yaml")


class DataSetEntry(Settings):
    """One line under `datasets:`. `options` are the data set's own settings, checked by its file."""

    rows: Literal["all"] | int = Field("all", description="'all', or the size of a seeded, stratified, group-aware sample")
    target: str = Field(description="what is predicted, one of the data set's targets")
    modalities: tuple[str, ...] = Field(min_length=1, description="labels of the modalities to train on")
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the data set's own file")


class SplitEntry(Settings):
    folds: int = Field(5, ge=2, le=100, description="outer folds (ignored where there is an official test split)")
    repeats: int = Field(1, ge=1, le=100, description="repeats of the whole outer cross-validation")
    inner_folds: int = Field(3, ge=2, le=100, description="inner folds, which choose the configuration")


class TrainEntry(Settings):
    select: str = Field("accuracy", description="metric that chooses the configuration on the inner folds")


class EvaluateEntry(Settings):
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of the intervals")


class PublishEntry(Settings):
    tracking_uri: str = Field("sqlite:///mlflow.db", description="MLflow server; MLFLOW_TRACKING_URI goes before it")


class FlowEntry(Settings):
    cron: str = Field("0 3 * * *", description="when `make schedule` runs the flow")
    timezone: str = Field("UTC", description="time zone of the cron line")
    workers: int = Field(2, ge=1, le=64, description="stages at once")
    retries: int = Field(1, ge=0, le=10, description="how often a failed stage is tried again")


SECTIONS: Mapping[str, type[Settings]] = {
    "split": SplitEntry,
    "train": TrainEntry,
    "evaluate": EvaluateEntry,
    "publish": PublishEntry,
    "flow": FlowEntry,
}
TOP_LEVEL = ("seed", "datasets", "features", "models", *SECTIONS)


class _UniqueKeys(yaml.SafeLoader):
    """YAML 1.2's rule that PyYAML lacks: a key stands once in its mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise InputError(f"{PARAMS}: line {key_node.start_mark.line + 1}: key {key!r} stands twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """Return params.yaml as a plain dict.

    Raises:
        InputError: if it is missing, is not YAML, or repeats a key.
    """
    if not path.is_file():
        raise InputError(f"{path}: not found in {Path.cwd().name}/; run from the repository's root")
    try:
        params = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(params, dict):
        raise InputError(f"{path}: expected a mapping of sections ({', '.join(TOP_LEVEL)}), found {type(params).__name__}")
    return params


def value_at(params: Mapping[str, Any], key: str) -> Any:
    """Return the value under a dotted key; raise InputError naming the nearest key where it is missing."""
    value: Any = params
    for depth, part in enumerate(key.split(".")):
        where = ".".join(key.split(".")[:depth]) or "top level"
        if not isinstance(value, Mapping):
            raise InputError(f"{PARAMS}: {where}: expected a mapping with key {part!r}, found {value!r}")
        if part not in value:
            raise InputError(f"{PARAMS}: {where}: {part!r} is not there{nearest(part, value)}")
        value = value[part]
    return value


def section(params: Mapping[str, Any], key: str, model: type[Settings]) -> Any:
    """Return the settings under a dotted key as `model`, or its defaults where the key holds nothing.

    Raises:
        InputError: one line per mistake: file, key, what was found, what is allowed.
    """
    return parse(value_at(params, key) or {}, key, model)


def parse(values: Any, key: str, model: type[Settings]) -> Any:
    """Return `values` as `model`; see `section`."""
    if not isinstance(values, Mapping):
        raise InputError(f"{PARAMS}: {key}: expected a mapping with {allowed(model)}, found {values!r}")
    try:
        return model(**values)
    except (ValidationError, TypeError) as error:
        if isinstance(error, TypeError):
            raise InputError(f"{PARAMS}: {key}: keys must be strings ({error})") from error
        lines = [describe(item, key, model) for item in error.errors()]
        raise InputError("\n".join(dict.fromkeys(lines))) from error


def describe(item: Any, key: str, model: type[BaseModel]) -> str:
    """Return one line for one of pydantic's errors."""
    path = ".".join([key, *(str(part) for part in item["loc"] if not _is_union_branch(part))])
    name = str(item["loc"][0]) if item["loc"] else ""
    if item["type"] == "extra_forbidden":
        return f"{PARAMS}: {path}: unknown key{nearest(name, model.model_fields)}; allowed: {allowed(model)}"
    if item["type"] == "missing":
        return f"{PARAMS}: {path}: missing; {_about(model, name)}"
    return f"{PARAMS}: {path}: {_lower_first(item['msg'])}, found {item['input']!r}; {_about(model, name)}"


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


def _about(model: type[BaseModel], name: str) -> str:
    info = model.model_fields.get(name)
    return f"'{name}' is {info.description}" if info and info.description else f"allowed keys: {allowed(model)}"


def _is_union_branch(part: Any) -> bool:
    # pydantic names the branch of a union in its location ("int", "literal['all']"): noise to a reader
    return isinstance(part, str) and (part in {"int", "float", "str", "bool"} or "[" in part)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
