"""Check the entries under `models:`, and their fit with data sets and `train.scoring`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import known
from stages.contracts.data_set import DataSet
from stages.contracts.task import Task
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest
from stages.foundation.registry import component, names
from stages.ingestion.data_set_entry import DataSetEntry, TargetEntry
from stages.model_selection.estimator_sweep import as_sweep
from stages.params import section
from stages.scoring.stacked_scores import stacked
from stages.splitting.split_settings import SplitEntry
from stages.training.train_settings import TrainEntry

NOW_CONTROLS = {"dummy": "constant"}  # former models


def check_model(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless models.<name> names a known model with valid settings."""
    if name in NOW_CONTROLS:
        now = NOW_CONTROLS[name]
        raise InputError(f"{PARAMS}: models.{name}: now the control {now!r}; remove this line, and put `{now}: {{}}` under `controls:`")
    model = as_sweep(known("models", name, f"models.{name}"))
    model.grid(section(params, f"models.{name}", model.settings), 0)


def check_scoring(params: Mapping[str, Any]) -> None:
    """Raise InputError unless train.scoring names tasks, and it or the task's file names a metric that can choose for each task."""
    declared = section(params, "train", TrainEntry).scoring
    for name, scoring in declared.items():
        check_metric(known("tasks", name, "train.scoring"), scoring, f"{PARAMS}: train.scoring.{name}")
    for name in {task_of(params, dataset) for dataset in params["datasets"]} - set(declared):
        task: Task = component("tasks", name)
        if task.name != name:
            raise InputError(f"stages/tasks/{name}.py: name: expected {name!r}, the name of the file, found {task.name!r}")
        check_metric(task, task.scoring, f"stages/tasks/{name}.py: scoring")


def check_metric(task: Task, scoring: str, key: str) -> None:
    """Raise InputError unless a metric scores the task's form of targets and has a stacked form (stages/scoring/)."""
    fit = [n for n in names("metrics") if stacked(n) is not None and task.form in component("metrics", n).forms]
    if scoring not in names("metrics"):
        raise InputError(f"{key}: no metric {scoring!r}{nearest(scoring, fit)}; there are: {', '.join(names('metrics'))}")
    if scoring not in fit:
        raise InputError(f"{key}: {scoring!r} cannot choose a configuration for {task.form} targets; allowed: {', '.join(fit)}")


def task_of(params: Mapping[str, Any], dataset: str) -> str:
    """Return the task that a data set's target declares."""
    entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
    declared: str = entry.target.task if isinstance(entry.target, TargetEntry) else component("datasets", dataset).targets[entry.target]
    return declared


def check_task(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError if models.<name> supports the task of no data set; of some it may be not applicable."""
    model = as_sweep(component("models", name))
    tasks = {task_of(params, dataset) for dataset in params["datasets"]}
    if not any(component("tasks", task).form in model.target_forms for task in tasks):
        fit = [other for other in names("tasks") if component("tasks", other).form in model.target_forms]
        raise InputError(f"{PARAMS}: models.{name}: no support for the task of any data set ({', '.join(sorted(tasks))}); it supports "
                         f"{', '.join(fit)}; remove it, or add such a data set")


def check_sizes(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError if every configuration of models.<name> needs more rows than a data set's smallest training fold has."""
    model = as_sweep(component("models", name))
    needed = min(map(model.min_samples, model.grid(section(params, f"models.{name}", model.settings), 0)))
    sizes = [(size, dataset) for dataset in params["datasets"] if (size := smallest_training_fold(params, dataset)) is not None]
    smallest, dataset = min(sizes, default=(needed, ""))
    if needed > smallest:
        raise InputError(f"{PARAMS}: models.{name}: every configuration needs {needed} training rows or more, but the smallest training "
                         f"fold of {dataset!r} has about {smallest}; lower the grid's values, raise datasets.{dataset}.rows or "
                         "split.n_splits")


def smallest_training_fold(params: Mapping[str, Any], name: str) -> int | None:
    """Return the approximate number of training rows of an inner fold (groups are not split); None: unknown before ingest."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if entry.source is not None:
        return None  # train checks it
    data_set: DataSet[Any] = component("datasets", name)
    split: SplitEntry = section(params, "split", SplitEntry).of(name)
    rows = data_set.n_samples if entry.rows == "all" else entry.rows
    outer = rows * (split.n_splits - 1) // split.n_splits
    if data_set.n_train is not None:
        outer = rows * data_set.n_train // data_set.n_samples
    return outer * (split.n_inner_splits - 1) // split.n_inner_splits
