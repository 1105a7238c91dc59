"""Check the whole params.yaml before anything runs; note which files a person's own data sets are made of.

What is written of a data set is a constant, or the fingerprint of its files: an edit of params.yaml reruns this stage and then only what
the edit or a changed file touches.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stages.checking.sections import SECTIONS
from stages.checking.stale_outputs import remove_stale_outputs
from stages.contracts.data_set import DataSet
from stages.contracts.metric import Metric
from stages.contracts.modality import Modality
from stages.contracts.paths import check_path
from stages.contracts.settings import Settings
from stages.contracts.task import TASKS
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest
from stages.foundation.registry import component, names
from stages.foundation.tables import write_json
from stages.ingestion.data_set_entry import DataSetEntry, ModalityEntry, TargetEntry
from stages.model_selection.estimator_sweep import as_sweep
from stages.params import TOP_LEVEL, allowed, parse, read_params, section
from stages.scoring.stacked_scores import stacked
from stages.splitting.split_settings import SplitEntry
from stages.training.train_settings import ScoringEntry, TrainEntry

SEEDS = 2**32  # numpy's and scikit-learn's limit
KEYS_OF_A_FEATURE = ("dataset", "modality")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # of a data set, a model, or a line of features; each kind is checked more closely
NAME_WORDS = "letters, digits and _ (and a - between data set and label), a letter first"


def problems(params: Mapping[str, Any]) -> list[str]:
    """Return every mistake in params.yaml, one line each: file, key, what is allowed."""
    found: list[str] = []

    def attempt(check: Any, *arguments: Any) -> Any:
        try:
            return check(*arguments)
        except InputError as error:
            # a mistake in a data set is met again with each of its features
            found.extend(line for line in str(error).splitlines() if line not in found)
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
        odd = [name for name in params[kind] if not isinstance(name, str) or not NAME.fullmatch(name)]
        found += [f"{PARAMS}: {kind}: {name!r} cannot be a name, which becomes part of those of files and stages; use {NAME_WORDS}"
                  for name in odd]
    if any("cannot be a name" in line for line in found):
        return found
    for name in params["datasets"]:
        attempt(check_dataset, params, name)
    for key in params["features"]:
        attempt(check_feature, params, key)
    for name in params["models"]:
        attempt(check_model, params, name)
    if not found:
        attempt(check_scoring, params)
        for name in params["models"]:
            attempt(check_sizes, params, name)
            for dataset in params["datasets"]:
                attempt(check_task, params, dataset, name)
    return found


def check_dataset(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless datasets.<name> names a known target and modalities, each with its features."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if entry.source is None:
        check_packaged(name, entry)
    else:
        check_own(name, entry)
    declared = declared_modalities(params, name)
    for label in entry.modalities:
        if f"{name}-{label}" not in params["features"]:
            raise InputError(f"{PARAMS}: features: '{name}-{label}' is missing; datasets.{name}.modalities names {label!r}, so add "
                             f"`{name}-{label}: {{dataset: {name}, modality: {declared[label]}}}`")
    if len(set(entry.modalities)) != len(entry.modalities):
        raise InputError(f"{PARAMS}: datasets.{name}.modalities: a label stands twice in {list(entry.modalities)}; keep one")


def check_packaged(name: str, entry: DataSetEntry) -> None:
    """Raise InputError unless the entry fits a file under stages/datasets/."""
    data_set = known_data_set(name)
    parse(entry.options, f"datasets.{name}.options", data_set.options)
    for key in ("group", "id", "split", "title", "licence", "citation"):
        if getattr(entry, key) is not None:
            raise InputError(f"{PARAMS}: datasets.{name}.{key}: only for own files (`source:`); this data set's file says it")
    if not isinstance(entry.target, str) or not isinstance(entry.modalities, tuple):
        raise InputError(f"{PARAMS}: datasets.{name}: of this data set `target` is a name ({', '.join(data_set.targets)}) and `modalities` "
                         f"a list ({', '.join(data_set.modalities)}); columns are for own files (`source:`)")
    refuse_unknown(entry.target, data_set.targets, f"datasets.{name}.target", "target")
    for label in entry.modalities:
        refuse_unknown(label, data_set.modalities, f"datasets.{name}.modalities", "modality")
    if entry.rows != "all" and entry.rows > data_set.n_samples:
        raise InputError(f"{PARAMS}: datasets.{name}.rows: {entry.rows} is impossible; allowed: all, or 1 to {data_set.n_samples}")


def check_own(name: str, entry: DataSetEntry) -> None:
    """Raise InputError unless the entry of a person's own files is whole."""
    if name in names("datasets"):
        raise InputError(f"{PARAMS}: datasets.{name}: this name is taken by stages/datasets/{name}.py; own files (`source:`) need another")
    if not isinstance(entry.target, TargetEntry) or not isinstance(entry.modalities, dict):
        raise InputError(own_lines(name))
    from stages.own_data.roles import check_entry  # what only own files need

    for label, part in entry.modalities.items():
        known("modalities", part.modality, f"datasets.{name}.modalities.{label}.modality")
    check_entry(name, entry)


def known_data_set(name: str) -> DataSet:
    """Return a data set of stages/datasets/; raise InputError, which tells of own files too, where there is none of the name."""
    try:
        data_set: DataSet = known("datasets", name, f"datasets.{name}")
    except InputError as error:
        raise InputError(f"{error}; data of your own needs `source:`") from error
    return data_set


def own_lines(name: str) -> str:
    """Return what an entry of own files must say."""
    return (f"{PARAMS}: datasets.{name}: own files need `target: {{column: …, task: …}}` and `modalities: {{label: {{modality: …, "
            "column: …}}`; `python -m pipelines.new` writes these lines")


def declared_modalities(params: Mapping[str, Any], name: str) -> Mapping[str, str]:
    """Return label → modality of a data set, as its file or its entry says."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if isinstance(entry.modalities, dict):
        return {label: part.modality for label, part in entry.modalities.items()}
    if entry.source is not None:
        raise InputError(own_lines(name))
    data_set: DataSet = known_data_set(name)
    return data_set.modalities


def check_feature(params: Mapping[str, Any], key: str) -> None:
    """Raise InputError unless features.<key> is `<data set>-<label>` with settings that its modality knows."""
    entry = params["features"][key]
    if not isinstance(entry, Mapping) or any(part not in entry for part in KEYS_OF_A_FEATURE):
        raise InputError(f"{PARAMS}: features.{key}: expected a mapping with 'dataset' and 'modality', found {entry!r}")
    dataset = str(entry["dataset"])
    refuse_unknown(dataset, params["datasets"], f"features.{key}.dataset", "entry under datasets")
    declared = declared_modalities(params, dataset)
    label = str(key).removeprefix(f"{dataset}-")
    if f"{dataset}-{label}" != key:
        raise InputError(f"{PARAMS}: features.{key}: the key must be '<data set>-<label>', here '{dataset}-…'")
    refuse_unknown(label, declared, f"features.{key}", "modality")
    modality: Modality = known("modalities", str(entry["modality"]), f"features.{key}.modality")
    if modality.name != declared[label]:
        raise InputError(f"{PARAMS}: features.{key}.modality: {modality.name!r} cannot read {dataset}'s {label!r}, "
                         f"which is {declared[label]!r}; make the two the same")
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
    model = as_sweep(known("models", name, f"models.{name}"))
    model.grid(section(params, f"models.{name}", model.settings), 0)


def check_scoring(params: Mapping[str, Any]) -> None:
    """Raise InputError unless train.scoring names, for each task, a metric of that task that has a stacked form (stages/scoring/)."""
    scoring = section(params, "train", TrainEntry).scoring
    for task in TASKS:
        name = getattr(scoring, task)
        metric: Metric = known("metrics", name, f"train.scoring.{task}")
        if task not in metric.tasks or stacked(name) is None:
            fit = [n for n in names("metrics") if stacked(n) is not None and task in component("metrics", n).tasks]
            raise InputError(f"{PARAMS}: train.scoring.{task}: {metric.name!r} cannot choose a configuration; allowed: {', '.join(fit)}")


def check_task(params: Mapping[str, Any], dataset: str, name: str) -> None:
    """Raise InputError where models.<name> cannot do what is to be predicted of a data set."""
    entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
    task = entry.target.task if isinstance(entry.target, TargetEntry) else component("datasets", dataset).targets[entry.target]
    model = as_sweep(component("models", name))
    if task not in model.tasks:
        raise InputError(f"{PARAMS}: models.{name}: it cannot do {task} (datasets.{dataset}.target), only {', '.join(model.tasks)}; take "
                         "one of the two out")


def check_sizes(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError where every configuration of models.<name> asks for more rows than a data set's smallest training fold has."""
    model = as_sweep(component("models", name))
    needed = min(map(model.min_samples, model.grid(section(params, f"models.{name}", model.settings), 0)))
    sizes = [(size, dataset) for dataset in params["datasets"] if (size := smallest_training_fold(params, dataset)) is not None]
    smallest, dataset = min(sizes, default=(needed, ""))
    if needed > smallest:
        raise InputError(f"{PARAMS}: models.{name}: every configuration needs {needed} training rows or more, but the smallest training "
                         f"fold of {dataset!r} has about {smallest}; lower the grid's values, raise datasets.{dataset}.rows or "
                         "split.n_splits")


def smallest_training_fold(params: Mapping[str, Any], name: str) -> int | None:
    """Return about how many rows an inner fold leaves for training (whole groups move, so a few more or fewer); None: not known yet."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if entry.source is not None:
        return None  # train says so
    data_set: DataSet = component("datasets", name)
    split: SplitEntry = section(params, "split", SplitEntry)
    rows = data_set.n_samples if entry.rows == "all" else entry.rows
    outer = rows * (split.n_splits - 1) // split.n_splits
    if data_set.n_train is not None:
        outer = rows * data_set.n_train // data_set.n_samples
    return outer * (split.n_inner_splits - 1) // split.n_inner_splits


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
    """Check params.yaml; print every mistake and exit 1, or write what each data set is made of."""
    params = checked_params()
    for path in check_path("").parent.glob("*.json"):
        if path.stem not in params["datasets"]:
            path.unlink()
    for removed in remove_stale_outputs(params):
        print(f"removed {removed}: params.yaml no longer has its stage (DVC's cache keeps it)", flush=True)
    for dataset in params["datasets"]:
        entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
        write_json(check_path(dataset), {"dataset": dataset, "files": None if entry.source is None else fingerprint(dataset, entry)})


def fingerprint(dataset: str, entry: DataSetEntry) -> dict[str, Any]:
    """Return how many files, how many bytes and which contents an own data set is made of."""
    from stages.own_data.advice import advice
    from stages.own_data.fingerprints import fingerprint_of
    from stages.own_data.roles import open_source

    rows = open_source(dataset, entry)
    made_of = fingerprint_of(dataset, entry, rows)
    for line in advice(dataset, entry, rows):
        print(line, flush=True)
    return made_of


def usage() -> str:
    """Return all keys that params.yaml may have, with their meaning."""
    lines = []
    models: dict[str, type[BaseModel]] = {"datasets.<name>": DataSetEntry, **SECTIONS, "train.scoring": ScoringEntry}
    models |= {f"datasets.<name>.source ({n}: …)": component("sources", n).settings for n in names("sources")}
    models |= {"datasets.<name>.target (own files)": TargetEntry, "datasets.<name>.modalities.<label> (own files)": ModalityEntry}
    models |= {f"features.<data set>-<label> (modality: {n})": component("modalities", n).settings for n in names("modalities")}
    models |= {f"models.{n}": component("models", n).settings for n in names("models")}
    for key, model in models.items():
        lines.append(f"{key}: {allowed(model)}")
        for n, f in model.model_fields.items():
            given = "required" if f.is_required() else f"default {default_of(f)}"
            lines.append(f"    {n} ({given}): {f.description}")
    return "\n".join(lines)


def default_of(field: FieldInfo) -> str:
    """Return a key's default as it is written in params.yaml."""
    value = field.get_default(call_default_factory=True)
    plain = value.model_dump() if isinstance(value, BaseModel) else value
    return json.dumps(plain, ensure_ascii=False, default=str)


if __name__ == "__main__":
    import sys

    if "--help" in sys.argv:
        print(usage())
    else:
        run_stage(main)
