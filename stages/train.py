"""Train one model on one data set: every outer fold, every subset of the modalities, the whole grid, then the refitted best."""

import bisect
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.metric import Metric
from stages.contracts.model import FoldResult, Model, Size
from stages.contracts.paths import features_path, models_dir, predictions_dir, splits_path
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.task import Task
from stages.features.blocks import load_block
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import feature_labels, read_params, section, value_at
from stages.foundation.registry import component, names
from stages.foundation.tables import column_values, read_table
from stages.model_selection.choice import choose, defined_mean
from stages.model_selection.decisions import CLASSES
from stages.model_selection.folds import read_folds
from stages.training.result_tables import write_results
from stages.training.saved_model import save_fitted
from stages.training.train_settings import TrainEntry


def all_subsets(labels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return every non-empty subset in the labels' order, small ones first."""
    labels = tuple(labels)
    return tuple(subset for size in range(1, len(labels) + 1) for subset in combinations(labels, size))


def read_problem(dataset: str, params: dict[str, Any]) -> tuple[Problem, dict[str, Any], dict[str, Any]]:
    """Return the data set as a problem, the splits' metadata, and each block's features metadata.

    Raises:
        InputError: if a features file does not hold the samples of the split table.
    """
    labels = feature_labels(params, dataset)
    table, about = read_table(splits_path(dataset))
    n = table.num_rows // about["n_repeats"]
    ids = table["sample_id"][:n]
    blocks, features = {}, {}
    for label in labels:
        path = features_path(dataset, label)
        columns, metadata = read_table(path)
        remedy = f"run `dvc repro featurize@{dataset}-{label}`"
        columns = rows_of(columns, ids, f"{path}: its samples are not those of {splits_path(dataset)}; {remedy}")
        blocks[label], features[label] = load_block(label, columns, metadata), metadata
    task, target = about["target"]["task"], np.ascontiguousarray(column_values(table["target"][:n]))
    problem = Problem(
        blocks=blocks,
        target=target,
        task=task,
        outputs=tuple(about["target"]["outputs"]),
        folds=read_folds(table, about),
        subsets=all_subsets(labels),
        metrics=metrics_of(task, target),
        select=getattr(section(params, "train", TrainEntry).select, task),
        seed=int(value_at(params, "seed")),
    )
    return problem, {**about, "sample_id": ids}, features


def rows_of(features: pa.Table, ids: pa.ChunkedArray, complaint: str) -> pa.Table:
    """Return the rows of the samples `ids`, in their order; the table itself, without a copy, where nothing was left out.

    Raises:
        InputError: if a sample is missing or the order differs.
    """
    if features["sample_id"].combine_chunks() == ids.combine_chunks():
        return features
    kept = features.filter(pc.is_in(features["sample_id"], value_set=ids.combine_chunks()))
    if kept["sample_id"].combine_chunks() != ids.combine_chunks():
        raise InputError(complaint)
    return kept


def metrics_of(task: Task, target: np.ndarray) -> dict[str, Metric]:
    """Return the metrics that judge a task's predictions without probabilities, by name."""
    known: dict[str, Metric] = {name: component("metrics", name) for name in names("metrics")}
    return {name: metric.bound_to(target) for name, metric in known.items() if task in metric.tasks and not metric.needs_scores}


def require_classes(problem: Problem, dataset: str) -> None:
    """Raise InputError where there is nothing to tell apart."""
    if problem.task in CLASSES and len(present := np.unique(problem.target)) < 2:
        raise InputError(f"{splits_path(dataset)}: all rows are of one class, {problem.outputs[present[0]]!r}; a classifier needs two")


def require_memory(dataset: str, model: Model, n_rows: int, n_blocks: int, *, settings: Settings | None = None, **facts: Any) -> None:
    """Raise InputError where the sweep would not fit this machine's memory, naming the most rows that would.

    Args:
        settings: the model's; its defaults if not given. facts: further fields of Size.
    """

    def needed(n: int) -> float:
        return model.needed_bytes(Size(n, n_blocks, **facts), settings or model.settings())

    usable = 0.8 * psutil.virtual_memory().total
    if needed(n_rows) > usable:
        most = bisect.bisect_right(range(n_rows), usable, key=needed) - 1
        raise InputError(
            f"params.yaml: datasets.{dataset}.rows: {model.name} on {n_rows} rows needs about {needed(n_rows) / 1e9:.0f} GB of memory, "
            f"and this machine has {usable / 0.8e9:.0f} GB; set rows to at most {max(most, 0)}"
        )


def size_facts(dataset: str, params: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of the problem's size before its features are read, as further fields of Size."""
    n_bytes = n_sparse = 0
    for label in feature_labels(params, dataset):
        columns, _ = read_table(features_path(dataset, label))  # mapped, not read
        n_bytes += sum(columns[name].nbytes for name in ("vector", "values", "numeric", "categorical") if name in columns.column_names)
        n_sparse += "indices" in columns.column_names
    return {
        "task": about["target"]["task"],
        "n_outputs": len(about["target"]["outputs"]),
        "n_folds": about["n_folds"] * about["n_repeats"],
        "n_values": n_bytes / 4 / max(1, about["rows"]["used"]),
        "n_sparse": n_sparse,
    }


def fitting_configs(dataset: str, model: Model, settings: Settings, problem: Problem) -> list[dict[str, Any]]:
    """Return the grid's configurations that the smallest inner training set has rows enough for; say which are left out.

    Raises:
        InputError: if none is left.
    """
    smallest = min(int((fold.inner != i).sum()) for fold in problem.folds for i in range(int(fold.inner.max()) + 1))
    grid = model.at_size(model.grid(settings, problem.seed), settings, problem)
    kept = [config for config in grid if model.needed_rows(config) <= smallest]
    where = f"the smallest training fold of {dataset!r} has {smallest} rows"
    if not kept:
        raise InputError(f"params.yaml: models.{model.name}: every configuration needs more training rows than there are: {where}, and "
                         f"the least that one needs is {min(map(model.needed_rows, grid))}; lower the grid's values")
    if len(kept) < len(grid):
        print(f"{model.name} {dataset}: {len(grid) - len(kept)} of {len(grid)} configurations need more rows and are left out: {where}",
              flush=True)
    return kept


def best_overall(results: list[FoldResult], metric: Metric) -> tuple[tuple[str, ...], int]:
    """Return the subset and configuration with the best mean inner score over all outer folds: no outer score is looked at."""
    subsets = sorted(dict.fromkeys(result.subset for result in results), key=len)  # of equals the smallest
    configs, best = [], []
    for subset in subsets:
        scores = np.hstack([result.inner_scores[metric.name] for result in results if result.subset == subset])
        configs.append(choose(scores, greater_is_better=metric.greater_is_better))
        best.append(scores[configs[-1]])
    chosen = choose(np.stack(best), greater_is_better=metric.greater_is_better)
    return subsets[chosen], configs[chosen]


def main(dataset: str, name: str) -> None:
    """Train models.<name> on a data set; write predictions, sweep, curves and the refitted best."""
    params = read_params()
    model = component("models", name)
    settings = section(params, f"models.{name}", model.settings)
    # before the features are read, which would take long where it is refused
    about = read_table(splits_path(dataset))[1]
    n_blocks = len(feature_labels(params, dataset))
    require_memory(dataset, model, about["rows"]["used"], n_blocks, settings=settings, **size_facts(dataset, params, about))
    problem, about, features = read_problem(dataset, params)
    require_classes(problem, dataset)
    configs = fitting_configs(dataset, model, settings, problem)
    results = []
    for result in model.sweep(problem, settings, configs):
        results.append(result)
        score = defined_mean(result.inner_scores[problem.select][result.chosen])
        print(
            f"{name} {dataset} {len(results)}/{len(problem.folds) * len(problem.subsets)}: repeat {result.fold.repeat} fold "
            f"{result.fold.index} {'+'.join(result.subset)}: inner {problem.select} {score:.3f} with {configs[result.chosen]}",
            flush=True,
        )
    write_results(predictions_dir(dataset, name), results, configs, problem, about, model=model)
    subset, config = best_overall(results, problem.metrics[problem.select])
    fitted = model.fit(problem, subset, configs[config], settings)
    described = {label: {"modality": features[label]["modality"], "settings": features[label]["settings"]} for label in subset}
    save_fitted(
        models_dir(dataset, name),
        fitted,
        problem,
        {"dataset": dataset, "model": name, "subset": list(subset), "config": configs[config], "features": described},
    )


if __name__ == "__main__":
    run_stage(main)
