"""Check the whole params.yaml before anything runs. Writes a constant, so an edit reruns this stage and no other."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from stages.contracts import DATA, DataSet, Metric, Modality, Model, Settings
from stages.entry import run_stage
from stages.errors import InputError
from stages.params import (
    PARAMS,
    SECTIONS,
    TOP_LEVEL,
    DataSetEntry,
    SplitEntry,
    TrainEntry,
    allowed,
    nearest,
    parse,
    read_params,
    section,
)
from stages.registry import component, names
from stages.tables import write_json

SEEDS = 2**32  # numpy's and scikit-learn's limit
KEYS_OF_A_FEATURE = ("dataset", "modality")


def problems(params: Mapping[str, Any]) -> list[str]:
    """Return every mistake in params.yaml, one line each: file, key, what is allowed."""
    found: list[str] = []

    def attempt(check: Any, *arguments: Any) -> Any:
        try:
            return check(*arguments)
        except InputError as error:
            found.extend(str(error).splitlines())
            return None

    for key in params:
        if key not in TOP_LEVEL:
            found.append(f"{PARAMS}: {key}: unknown section{nearest(key, TOP_LEVEL)}; allowed: {', '.join(TOP_LEVEL)}")
    seed = params.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < SEEDS:
        found.append(f"{PARAMS}: seed: expected a whole number from 0 to {SEEDS - 1}, found {seed!r}")
    for name, model in SECTIONS.items():
        attempt(section, params, name, model)
    for kind in ("datasets", "features", "models"):
        if not isinstance(params.get(kind), Mapping) or not params[kind]:
            found.append(f"{PARAMS}: {kind}: expected a mapping with at least one entry, found {params.get(kind)!r}")
            return found
    for name in params["datasets"]:
        attempt(check_dataset, params, name)
    for key in params["features"]:
        attempt(check_feature, params, key)
    for name in params["models"]:
        attempt(check_model, params, name)
    if not found:
        attempt(check_selection, params)
        for name in params["models"]:
            attempt(check_sizes, params, name)
    return found


def check_dataset(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless datasets.<name> names a known data set, target and modalities, each with its features."""
    data_set: DataSet = known("datasets", name, f"datasets.{name}")
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    parse(entry.options, f"datasets.{name}.options", data_set.options)
    refuse_unknown(entry.target, data_set.targets, f"datasets.{name}.target", "target")
    for label in entry.modalities:
        refuse_unknown(label, data_set.modalities, f"datasets.{name}.modalities", "modality")
        if f"{name}-{label}" not in params["features"]:
            raise InputError(f"{PARAMS}: features: '{name}-{label}' is missing; datasets.{name}.modalities names {label!r}, so add "
                             f"`{name}-{label}: {{dataset: {name}, modality: {data_set.modalities[label]}}}`")
    if len(set(entry.modalities)) != len(entry.modalities):
        raise InputError(f"{PARAMS}: datasets.{name}.modalities: a label stands twice in {list(entry.modalities)}; keep one")
    if entry.rows != "all" and not 1 <= entry.rows <= data_set.n_samples:
        raise InputError(f"{PARAMS}: datasets.{name}.rows: {entry.rows} is impossible; allowed: all, or 1 to {data_set.n_samples}")


def check_feature(params: Mapping[str, Any], key: str) -> None:
    """Raise InputError unless features.<key> is `<data set>-<label>` with settings that its modality knows."""
    entry = params["features"][key]
    if not isinstance(entry, Mapping) or any(part not in entry for part in KEYS_OF_A_FEATURE):
        raise InputError(f"{PARAMS}: features.{key}: expected a mapping with 'dataset' and 'modality', found {entry!r}")
    dataset = str(entry["dataset"])
    refuse_unknown(dataset, params["datasets"], f"features.{key}.dataset", "entry under datasets")
    data_set: DataSet = known("datasets", dataset, f"features.{key}.dataset")
    label = str(key).removeprefix(f"{dataset}-")
    if f"{dataset}-{label}" != key:
        raise InputError(f"{PARAMS}: features.{key}: the key must be '<data set>-<label>', here '{dataset}-…'")
    refuse_unknown(label, data_set.modalities, f"features.{key}", "modality")
    modality: Modality = known("modalities", str(entry["modality"]), f"features.{key}.modality")
    if modality.name != data_set.modalities[label]:
        raise InputError(f"{PARAMS}: features.{key}.modality: {modality.name!r} cannot read {dataset}'s {label!r}, "
                         f"which is {data_set.modalities[label]!r}")
    feature_settings(params, key)


def feature_settings(params: Mapping[str, Any], key: str) -> Settings:
    """Return the settings of features.<key> as its modality's settings model."""
    entry = section_values(params, key)
    return parse(entry, f"features.{key}", component("modalities", params["features"][key]["modality"]).settings)


def section_values(params: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return features.<key> without the two keys that name data set and modality."""
    return {name: value for name, value in params["features"][key].items() if name not in KEYS_OF_A_FEATURE}


def check_model(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless models.<name> names a known model with settings that it knows."""
    model: Model = known("models", name, f"models.{name}")
    model.grid(section(params, f"models.{name}", model.settings), seed=0)


def check_selection(params: Mapping[str, Any]) -> None:
    """Raise InputError unless train.select is a metric that needs no probabilities, greater being better."""
    metric: Metric = known("metrics", section(params, "train", TrainEntry).select, "train.select")
    if metric.needs_scores or not metric.greater_is_better:
        fit = [n for n in names("metrics") if not (m := component("metrics", n)).needs_scores and m.greater_is_better]
        raise InputError(f"{PARAMS}: train.select: {metric.name!r} cannot choose a configuration; allowed: {', '.join(fit)}")


def check_sizes(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError where the grid of models.<name> asks for more rows than the smallest training fold has."""
    model: Model = component("models", name)
    needed = model.smallest_training_set(section(params, f"models.{name}", model.settings))
    smallest, dataset = min((smallest_training_fold(params, dataset), dataset) for dataset in params["datasets"])
    if needed > smallest:
        raise InputError(f"{PARAMS}: models.{name}: the grid needs {needed} training rows, but the smallest training fold of "
                         f"{dataset!r} has about {smallest}; lower the grid's values, raise datasets.{dataset}.rows or split.folds")


def smallest_training_fold(params: Mapping[str, Any], name: str) -> int:
    """Return about how many rows an inner fold leaves for training: whole groups move, so a few more or fewer."""
    data_set: DataSet = component("datasets", name)
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    split: SplitEntry = section(params, "split", SplitEntry)
    rows = data_set.n_samples if entry.rows == "all" else entry.rows
    outer = rows * (split.folds - 1) // split.folds
    if data_set.n_train is not None:
        outer = rows * data_set.n_train // data_set.n_samples
    return outer * (split.inner_folds - 1) // split.inner_folds


def known(kind: str, name: str, key: str) -> Any:
    """Return a component, or raise InputError with the key of params.yaml that named it."""
    refuse_unknown(name, names(kind), key, f"file under stages/{kind}/ for")
    return component(kind, name)


def refuse_unknown(name: Any, choices: Any, key: str, what: str) -> None:
    """Raise InputError if `name` is none of `choices`."""
    if name not in choices:
        raise InputError(f"{PARAMS}: {key}: no {what} {name!r}{nearest(str(name), choices)}; there are: {', '.join(map(str, choices))}")


def checked_params() -> dict[str, Any]:
    """Return params.yaml.

    Raises:
        InputError: with every mistake in it.
    """
    params = read_params()
    found = problems(params)
    if found:
        raise InputError(f"{len(found)} mistake(s) in {PARAMS}\n" + "\n".join(f"  {line}" for line in found))
    return params


def main() -> None:
    """Check params.yaml; print every mistake and exit 1, or write the constant."""
    checked_params()
    write_json(DATA / "check" / "params.json", {"params.yaml": "checked"})


def usage() -> str:
    """Return all keys that params.yaml may have, with their meaning."""
    lines = []
    models: dict[str, type[BaseModel]] = {"datasets.<name>": DataSetEntry, **SECTIONS}
    models |= {f"features.<data set>-<label> (modality: {n})": component("modalities", n).settings for n in names("modalities")}
    models |= {f"models.{n}": component("models", n).settings for n in names("models")}
    for key, model in models.items():
        lines.append(f"{key}: {allowed(model)}")
        lines += [f"    {n} (default {f.default!r}): {f.description}" for n, f in model.model_fields.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    if "--help" in sys.argv:
        print(usage())
    else:
        run_stage(main)
