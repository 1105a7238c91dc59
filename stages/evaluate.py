"""Score the predictions of every model on every modality combination, with intervals and paired tests.

Reads splits, what was left out of them, predictions, sweeps and curves of one data set, and its samples' metadata. Writes
evaluation.json (all that the report and the tracking server show), summary.json (`dvc metrics`), leaderboard.csv and
confusion.csv (`dvc plots`).
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stages.contracts.candidate import Candidate
from stages.contracts.metric import Metric
from stages.contracts.paths import evaluation_dir, predictions_dir, samples_path, skipped_path, splits_path
from stages.contracts.task import Task
from stages.evaluation.comparisons import Contest, compare
from stages.evaluation.details import N_BINS, agreement, by_output, class_pairs, confusion, fifth_pairs, label_pairs, ranges
from stages.evaluation.evaluate_settings import EvaluateEntry
from stages.evaluation.held_out import Outcome, Protocol, protocol_of
from stages.evaluation.read_training import Trained, read_models
from stages.evaluation.scores import BOOTSTRAP, CROSS_VALIDATION, NO_INTERVAL, Scores, Uncertainty, bootstrap_rows, score
from stages.evaluation.summary import csv_text, leaderboard, summary
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, read_params, section
from stages.foundation.registry import component, names
from stages.foundation.tables import read_table, write_json, write_text


def main(dataset: str) -> None:
    """Write data/evaluation/<dataset>/."""
    params = read_params()
    confidence: float = section(params, "evaluate", EvaluateEntry).confidence
    splits, described = read_table(splits_path(dataset))
    # title, licence and citation: from the samples, so that a word changed there does not train every model again
    described = read_table(samples_path(dataset))[1] | described
    protocol = protocol_of(splits)
    task, outputs = described["target"]["task"], described["target"]["outputs"]
    models, scoring = trained_models(dataset)
    metrics = {name: metric.bound_to(protocol.targets) for name, metric in metrics_of(task, scoring).items()}
    trained = read_models(dataset, models, protocol, task=task, outputs=outputs, scoring=metrics[scoring])
    evaluation = {
        **facts(dataset, described, protocol),
        "modalities": list(modality_names(params, dataset)),
        "models": models,
        "controls": trained.controls,
        "not_applicable": trained.not_applicable,
        "subsets": trained.combinations,
        **trained.tuning,
        **details(trained, protocol, metrics, task, outputs),
        **judge(trained, protocol, metrics, models=models, confidence=confidence),
    }
    evaluation = without_nan(evaluation)
    best = trained.outcomes[Candidate(evaluation["best"]["model"], tuple(evaluation["best"]["subset"].split("+")))]
    write(evaluation, next(iter(metrics.values())), confusion_rows(task, outputs, best))


def trained_models(dataset: str) -> tuple[list[str], str]:
    """Return the models that were trained, controls first, and the metric that chose their configurations.

    Raises:
        InputError: if there is none, or they do not share that metric.
    """
    folder = predictions_dir(dataset, "")
    described = {path.name: read_table(path / "predictions.arrow")[1] for path in sorted(folder.glob("*")) if path.is_dir()}
    if not described:
        raise InputError(f"{folder}: no predictions; run `dvc repro`")
    metrics = {model: about["scoring"] for model, about in described.items()}
    if len(set(metrics.values())) > 1:
        raise InputError(f"{folder}: configurations were chosen by different metrics ({metrics}); run `dvc repro`")
    return sorted(described, key=lambda model: not described[model]["control"]), next(iter(metrics.values()))


def metrics_of(task: Task, primary: str) -> dict[str, Metric]:
    """Return the metrics of a task by name, the primary one first, those of probabilities last.

    Raises:
        InputError: if the primary metric does not score the task.
    """
    found = [metric for metric in map(lambda name: component("metrics", name), names("metrics")) if task in metric.tasks]
    if primary not in {metric.name for metric in found}:
        raise InputError(f"params.yaml: train.scoring.{task}: {primary!r} does not score this task; "
                         f"allowed: {', '.join(metric.name for metric in found if not metric.needs_scores)}")
    found.sort(key=lambda metric: (metric.name != primary, metric.needs_scores, metric.name))
    return {metric.name: metric for metric in found}


def judge(trained: Trained, protocol: Protocol, metrics: Mapping[str, Metric], *, models: Sequence[str],
          confidence: float) -> dict[str, Any]:
    """Return every score with its interval, the leaderboard, and the paired tests on the primary metric."""
    draws = bootstrap_rows(protocol)
    scored = {candidate: score(found, metrics, draws) for candidate, found in trained.outcomes.items()}
    uncertainty = Uncertainty(protocol.test_per_train, confidence)
    table = score_table(scored, metrics, uncertainty)
    primary = next(iter(metrics))
    board = leaderboard(table, metrics, primary)
    return {
        "primary": primary,
        "metrics": [{"name": m.name, "title": m.title, "greater_is_better": m.greater_is_better} for m in metrics.values()],
        "confidence": confidence,
        "scores": table,
        "leaderboard": board,
        "best": {name: board[0][name] for name in ("model", "subset")},
        "comparisons": compare({candidate: found[primary] for candidate, found in scored.items()},
                               Contest(models, trained.controls, list(scored)), metric=metrics[primary], uncertainty=uncertainty),
    }


def details(trained: Trained, protocol: Protocol, metrics: Mapping[str, Metric], task: Task, outputs: Sequence[str]) -> dict[str, Any]:
    """Return what stands beside the scores: confusion of classes; scores by label or number; predicted against true numbers."""
    outcomes = trained.outcomes
    if task in ("binary", "multiclass"):
        return {"confusion": by_model({candidate: confusion(found, len(outputs)) for candidate, found in outcomes.items()})}
    found: dict[str, Any] = {"by_output": by_model({candidate: by_output(of, metrics) for candidate, of in outcomes.items()})}
    if task == "regression":
        of_true = ranges(protocol, outputs)
        found |= {"n_bins": N_BINS, "ranges": of_true}
        found["agreement"] = by_model({candidate: agreement(of, of_true) for candidate, of in outcomes.items()})
    return found


def facts(dataset: str, described: Mapping[str, Any], protocol: Protocol) -> dict[str, Any]:
    """Return what a reader must know of data set and protocol."""
    left_out, about = read_table(skipped_path(dataset))
    task, outputs = described["target"]["task"], list(described["target"]["outputs"])
    found = {
        "dataset": dataset,
        **{key: described.get(key) for key in ("title", "licence", "citation", "group", "rows")},
        "task": task,
        "target": described["target"]["name"],
        "outputs": outputs,
        "counts": counts_of(task, outputs, protocol.targets),
        "quarantined": {"rows": left_out.num_rows, "share": about["share"]},
        "n_groups": len(set(protocol.groups)),
        "n_folds": described["n_folds"],
        "n_repeats": described["n_repeats"],
        "n_inner_folds": described["n_inner_folds"],
        "interval": CROSS_VALIDATION if len(protocol.folds) > 1 else BOOTSTRAP if bootstrap_rows(protocol) else NO_INTERVAL,
    }
    return found if described.get("shipped", True) else found | {"shipped": False}


def counts_of(task: Task, outputs: Sequence[str], targets: np.ndarray) -> dict[str, int] | None:
    """Return the rows of each class or label; None for regression."""
    if task == "regression":
        return None
    counts = targets.sum(axis=0, dtype=np.int64) if task == "multilabel" else np.bincount(targets, minlength=len(outputs))
    return dict(zip(outputs, counts.tolist(), strict=True))


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
    """Return {candidate: value} as {model: {combination: value}}."""
    nested: dict[str, dict[str, Any]] = {}
    for candidate, value in values.items():
        nested.setdefault(candidate.model, {})[candidate.combination] = value
    return nested


def without_nan(value: Any) -> Any:
    """Return `value` with null for every number that JSON cannot say."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def confusion_rows(task: Task, outputs: Sequence[str], best: Sequence[Outcome]) -> Iterable[tuple[str, str]]:
    """Return (target, prediction) in words, as DVC's confusion plot counts them.

    Classes: as they are. Labels: whether each holds, against whether it was predicted. Numbers: the fifth of the true values
    that each falls into.
    """
    if task == "multilabel":
        return label_pairs(best, outputs)
    return fifth_pairs(best) if task == "regression" else class_pairs(best, outputs)


def write(evaluation: Mapping[str, Any], metric: Metric, pairs: Iterable[tuple[str, str]]) -> None:
    """Write the four files."""
    folder = evaluation_dir(evaluation["dataset"])
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "summary.json", summary(evaluation, metric))
    columns = ["candidate", *evaluation["leaderboard"][0], "score"]
    board = [[f"{row['model']} · {row['subset']}", *row.values(), row[metric.name]] for row in evaluation["leaderboard"]]
    for name, text in (("leaderboard.csv", csv_text(columns, board)), ("confusion.csv", csv_text(["target", "prediction"], pairs))):
        write_text(folder / name, text)


if __name__ == "__main__":
    run_stage(main)
