"""Score the predictions of every model on every subset of modalities, with intervals and paired tests.

Reads splits, predictions, sweeps and curves of one data set, and its samples' metadata. Writes evaluation.json (all that the
report and the tracking server show), summary.json (`dvc metrics`), leaderboard.csv and confusion.csv (`dvc plots`).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from stages.contracts import Metric, evaluation_dir, predictions_dir, samples_path, splits_path
from stages.entry import run_stage
from stages.errors import InputError
from stages.evaluation.comparisons import Candidate, compare
from stages.evaluation.held_out import Outcome, Protocol, outcomes_of, protocol_of
from stages.evaluation.scores import BOOTSTRAP, CROSS_VALIDATION, NO_INTERVAL, Scores, Uncertainty, bootstrap_rows, confusion, score
from stages.evaluation.summary import csv_text, leaderboard, summary
from stages.evaluation.tuning import chosen, grid_means, mean_curves, swept
from stages.params import EvaluateEntry, TrainEntry, feature_labels, read_params, section, value_at
from stages.registry import component, names
from stages.tables import read_table, write_json, write_text

Outcomes = dict[Candidate, list[Outcome]]


def main(dataset: str) -> None:
    """Write data/evaluation/<dataset>/."""
    params = read_params()
    confidence: float = section(params, "evaluate", EvaluateEntry).confidence
    select: str = section(params, "train", TrainEntry).select
    models = list(value_at(params, "models"))
    splits, described = read_table(splits_path(dataset))
    # title, licence and citation: from the samples, so that a word changed there does not train every model again
    described = read_table(samples_path(dataset))[1] | described
    protocol = protocol_of(splits)
    classes = described["target"]["classes"]
    outcomes, subsets, tuning = read_models(dataset, models, protocol, n_classes=len(classes), select=select)
    evaluation = {
        **facts(dataset, described, protocol),
        "modalities": list(feature_labels(params, dataset)),
        "models": models,
        "subsets": subsets,
        "confusion": by_model({candidate: confusion(found, len(classes)) for candidate, found in outcomes.items()}),
        **tuning,
        **judge(outcomes, protocol, models=models, subsets=subsets, select=select, confidence=confidence),
    }
    best = evaluation["best"]
    write(dataset, without_nan(evaluation), outcomes[best["model"], best["subset"]])


def judge(outcomes: Outcomes, protocol: Protocol, *, models: Sequence[str], subsets: Sequence[str], select: str,
          confidence: float) -> dict[str, Any]:
    """Return every score with its interval, the leaderboard, and the paired tests on the primary metric."""
    metrics = {name: component("metrics", name) for name in sorted_metrics(select)}
    draws = bootstrap_rows(protocol)
    scored = {candidate: score(found, metrics, draws) for candidate, found in outcomes.items()}
    uncertainty = Uncertainty(protocol.test_per_train, confidence)
    table = score_table(scored, metrics, uncertainty)
    board = leaderboard(table, list(metrics), select)
    return {
        "primary": select,
        "metrics": list(metrics),
        "confidence": confidence,
        "scores": table,
        "leaderboard": board,
        "best": {name: board[0][name] for name in ("model", "subset")},
        "comparisons": compare({candidate: found[select] for candidate, found in scored.items()},
                               models=models, subsets=subsets, metric=select, uncertainty=uncertainty),
    }


def sorted_metrics(primary: str) -> list[str]:
    """Return the names of all metrics, the primary one first, those of probabilities last."""
    def place(name: str) -> tuple[bool, bool, str]:
        return name != primary, component("metrics", name).needs_scores, name
    return sorted(names("metrics"), key=place)


def read_models(dataset: str, models: Sequence[str], protocol: Protocol, *, n_classes: int,
                select: str) -> tuple[Outcomes, list[str], dict[str, Any]]:
    """Return outcomes by (model, subset), the subsets, and what tuning found: configs, grids, sweeps, curves by model.

    Raises:
        InputError: if a file is missing, does not fit the splits, or models were trained on different subsets.
    """
    outcomes: Outcomes = {}
    subsets: list[str] = []
    tuning: dict[str, Any] = {"configs": {}, "grids": {}, "sweeps": {}, "curves": {}}
    for model in models:
        folder = predictions_dir(dataset, model)
        predictions, described = read_table(folder / "predictions.arrow")
        if subsets and described["subsets"] != subsets:
            raise InputError(f"{folder}: trained on {described['subsets']}, but {models[0]} on {subsets}; run `dvc repro`")
        subsets = described["subsets"]
        found = outcomes_of(predictions, protocol, subsets=subsets, n_classes=n_classes, path=folder / "predictions.arrow")
        outcomes |= {(model, subset): folds for subset, folds in found.items()}
        sweep = pl.DataFrame(read_table(folder / "sweep.arrow")[0])
        grids = grid_means(sweep, select)
        tuning["configs"][model] = chosen(sweep, select)
        tuning["grids"][model] = grids
        tuning["sweeps"][model] = {subset: swept(grid) for subset, grid in grids.items()}
        tuning["curves"][model] = mean_curves(pl.DataFrame(read_table(folder / "curves.arrow")[0]))
    return outcomes, subsets, tuning


def facts(dataset: str, described: Mapping[str, Any], protocol: Protocol) -> dict[str, Any]:
    """Return what a reader must know of data set and protocol."""
    classes = list(described["target"]["classes"])
    counts = np.bincount(protocol.targets, minlength=len(classes)).tolist()
    return {
        "dataset": dataset,
        **{key: described.get(key) for key in ("title", "licence", "citation", "group", "rows")},
        "task": described["target"].get("task"),
        "target": described["target"].get("name"),
        "classes": classes,
        "class_counts": dict(zip(classes, counts, strict=True)),
        "n_groups": len(set(protocol.groups)),
        "n_folds": described["n_folds"],
        "n_repeats": described["n_repeats"],
        "n_inner_folds": described["n_inner_folds"],
        "interval": CROSS_VALIDATION if len(protocol.folds) > 1 else BOOTSTRAP if bootstrap_rows(protocol) else NO_INTERVAL,
    }


def score_table(scored: Mapping[Candidate, Mapping[str, Scores]], metrics: Mapping[str, Metric],
                uncertainty: Uncertainty) -> dict[str, Any]:
    """Return {model: {subset: {metric: mean, lo, hi, folds}}}."""
    table: dict[Candidate, dict[str, Any]] = {}
    for candidate, of_metric in scored.items():
        table[candidate] = {}
        for name, scores in of_metric.items():
            estimate = uncertainty.estimate(scores, metrics[name].bounds)
            table[candidate][name] = {"mean": estimate.mean, "lo": estimate.lo, "hi": estimate.hi, "folds": scores.folds.tolist()}
    return by_model(table)


def by_model(values: Mapping[Candidate, Any]) -> dict[str, dict[str, Any]]:
    """Return {(model, subset): value} as {model: {subset: value}}."""
    nested: dict[str, dict[str, Any]] = {}
    for (model, subset), value in values.items():
        nested.setdefault(model, {})[subset] = value
    return nested


def without_nan(value: Any) -> Any:
    """Return `value` with null for every number that JSON cannot say."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(dataset: str, evaluation: Mapping[str, Any], best: Sequence[Outcome]) -> None:
    """Write the four files."""
    folder, classes = evaluation_dir(dataset), evaluation["classes"]
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "summary.json", summary(evaluation))
    columns = ["candidate", *evaluation["leaderboard"][0]]
    board = [[f"{row['model']} · {row['subset']}", *row.values()] for row in evaluation["leaderboard"]]
    pairs = [(classes[t], classes[p]) for o in best for t, p in zip(o.target.tolist(), o.prediction.tolist(), strict=True)]
    for name, text in (("leaderboard.csv", csv_text(columns, board)), ("confusion.csv", csv_text(["target", "prediction"], pairs))):
        write_text(folder / name, text)


if __name__ == "__main__":
    run_stage(main)
