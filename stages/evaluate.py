"""Score the predictions of every model on every modality combination, with intervals and paired tests.

Reads splits, which samples are skipped, predictions, sweeps, curves and notes of one data set, and its samples' metadata. Writes
evaluation.json (all that the report and the tracking server show), summary.json (`dvc metrics`), leaderboard.csv and
confusion.csv (`dvc plots`).
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, FoldScores
from stages.contracts.documents.results_document import MetricInfo
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir, evaluation_dir, evaluation_path, predictions_dir, splits_path, summary_path
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.contracts.task import OUTPUT_NOUNS, TargetForm
from stages.evaluation.checked_predictions import FoldPredictions, splits_of
from stages.evaluation.comparisons import Contest, compare
from stages.evaluation.data_set_facts import facts
from stages.evaluation.details import N_BINS, agreement, by_output, class_pairs, confusion, fifth_pairs, label_pairs, ranges
from stages.evaluation.evaluate_settings import EvaluateEntry
from stages.evaluation.randomised_tests import randomised_tests
from stages.evaluation.scores import MetricScores, Uncertainty, bootstrap_rows, score
from stages.evaluation.summary import leaderboard_rows, ranks, summary
from stages.evaluation.training_results import TrainingResults, read_models
from stages.foundation.csv_text import csv_text
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, read_params, section
from stages.foundation.progress import tracked
from stages.foundation.registry import component, names
from stages.foundation.tables import read_described, write_text


def main(dataset: str) -> None:
    """Write data/evaluation/<dataset>/."""
    params = read_params()
    confidence: float = section(params, "evaluate", EvaluateEntry).confidence
    table, about = read_described(splits_path(dataset), SplitsMetadata)
    splits = splits_of(table)
    form, outputs = about.target.form, about.target.outputs
    folders, scoring = trained_models(dataset)
    models = list(folders)
    metrics = {name: metric.bound_to(splits.targets) for name, metric in metrics_of(dataset, form, scoring).items()}
    trained = read_models(folders, splits, form=form, outputs=outputs, scoring=metrics[scoring])
    resamples = bootstrap_rows(splits)
    scores = {
        candidate: score(found, metrics, resamples, splits.targets)
        for candidate, found in tracked("candidates scored", list(trained.predictions.items()))
    }
    uncertainty = Uncertainty(splits.test_per_train, confidence)
    of_true = ranges(splits.targets, outputs) if form == "continuous" else None
    results = candidate_results(trained, scores, metrics, uncertainty, more=details(trained, metrics, form, outputs, of_true))
    primary = {candidate: found[scoring] for candidate, found in scores.items()}
    compared = [model for model in models if model not in trained.diagnostics]
    evaluation = Evaluation(
        **facts(dataset, about, splits),
        modalities=tuple(modality_names(params, dataset)),
        models=tuple(models),
        baselines=tuple(trained.baselines),
        diagnostics=tuple(trained.diagnostics),
        not_applicable=trained.not_applicable,
        combinations=tuple(trained.combinations),
        metrics=tuple(MetricInfo(name=m.name, title=m.title, greater_is_better=m.greater_is_better) for m in metrics.values()),
        confidence=confidence,
        n_bins=N_BINS if of_true else None,
        ranges=of_true,
        candidates=results,
        best=min(results, key=lambda found: found.rank).candidate,
        randomised=randomised_tests(dataset, metrics[scoring]),
        comparisons=compare(primary, Contest(compared, trained.baselines, list(scores)), metric=metrics[scoring], uncertainty=uncertainty),
    )
    write(evaluation, metrics[scoring], confusion_rows(form, outputs, trained.predictions[evaluation.best]))


def trained_models(dataset: str) -> tuple[dict[str, Path], str]:
    """Return the controls, then the models, each with the folder of its predictions, and the metric that chose configurations.

    Raises:
        InputError: if there is none, or they do not share that metric.
    """
    folder = predictions_dir(dataset, "")
    controls = controls_dir(dataset)
    of_controls = [path.parent for path in sorted(controls.glob("*/predictions.arrow"))]
    folders = [*of_controls, *(path for path in sorted(folder.glob("*")) if path.is_dir() and path != controls)]
    described = {path.name: read_described(path / "predictions.arrow", TrainingMetadata)[1] for path in folders}
    if not described:
        raise InputError(f"{folder}: no predictions; run `dvc repro`")
    metrics = {model: about.scoring for model, about in described.items()}
    if len(set(metrics.values())) > 1:
        raise InputError(f"{folder}: configurations were chosen by different metrics ({metrics}); run `dvc repro`")
    return {path.name: path for path in folders}, next(iter(metrics.values()))


def metrics_of(dataset: str, form: TargetForm, primary: str) -> dict[str, Metric]:
    """Return the metrics of a form of targets by name, the primary one first, those of probabilities last.

    Raises:
        InputError: if the primary metric does not score it.
    """
    found = [metric for metric in map(lambda name: component("metrics", name), names("metrics")) if form in metric.forms]
    if primary not in {metric.name for metric in found}:
        allowed = ", ".join(metric.name for metric in found if not metric.needs_scores)
        raise InputError(f"{predictions_dir(dataset, '')}: metadata scoring: {primary!r} does not score {OUTPUT_NOUNS[form]}; expected one "
                         f"of {allowed}; run `dvc repro`")
    found.sort(key=lambda metric: (metric.name != primary, metric.needs_scores, metric.name))
    return {metric.name: metric for metric in found}


def candidate_results(
    trained: TrainingResults, scores: Mapping[Candidate, Mapping[str, MetricScores]], metrics: Mapping[str, Metric],
    uncertainty: Uncertainty, *, more: Mapping[Candidate, Mapping[str, Any]],
) -> tuple[CandidateResult, ...]:  # fmt: skip
    """Return all that is known of each candidate: scores with their intervals, rank by the primary metric, details, tuning."""
    tables = {candidate: score_table(of_metric, metrics, uncertainty) for candidate, of_metric in scores.items()}
    primary = next(iter(metrics.values()))
    rank = ranks({candidate: table[primary.name] for candidate, table in tables.items()}, primary, last=trained.diagnostics)
    found = []
    for candidate, table in tables.items():
        tuning = trained.tuning[candidate]
        found.append(CandidateResult(
            model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, rank=rank[candidate], scores=table,
            configs=tuning.configs, grid=tuning.grid, sweeps=tuning.sweeps, curves=tuning.curves, notes=tuning.notes,
            **more[candidate]))
    return tuple(found)


def score_table(of_metric: Mapping[str, MetricScores], metrics: Mapping[str, Metric], uncertainty: Uncertainty) -> dict[str, FoldScores]:
    """Return a candidate's scores with their intervals by metric."""
    found = {}
    for name, scores in of_metric.items():
        estimate = uncertainty.estimate(scores, metrics[name].bounds)
        found[name] = FoldScores(mean=estimate.mean, lo=estimate.lo, hi=estimate.hi, folds=tuple(scores.folds.tolist()))
    return found


def details(trained: TrainingResults, metrics: Mapping[str, Metric], form: TargetForm, outputs: Sequence[str],
            of_true: Mapping[str, tuple[float, float]] | None) -> dict[Candidate, dict[str, Any]]:
    """Return each candidate's confusion of classes, or scores by label or target, and of targets predicted against true values."""
    if form == "classes":
        return {candidate: {"confusion": confusion(folds, len(outputs))} for candidate, folds in trained.predictions.items()}
    return {
        candidate: {"by_output": by_output(folds, metrics), "agreement": agreement(folds, of_true) if of_true else None}
        for candidate, folds in trained.predictions.items()
    }


def confusion_rows(form: TargetForm, outputs: Sequence[str], best: Sequence[FoldPredictions]) -> Iterable[tuple[str, str]]:
    """Return (target, prediction) as text, as DVC's confusion plot counts them.

    Classes: as they are. Labels: whether each holds, against whether it was predicted. Continuous targets: the fifth of
    the true values that each falls into.
    """
    if form == "labels":
        return label_pairs(best, outputs)
    return fifth_pairs(best) if form == "continuous" else class_pairs(best, outputs)


def write(evaluation: Evaluation, metric: Metric, pairs: Iterable[tuple[str, str]]) -> None:
    """Write the four files."""
    folder = evaluation_dir(evaluation.dataset)
    write_document(evaluation_path(evaluation.dataset), evaluation)
    write_document(summary_path(evaluation.dataset), summary(evaluation, metric))
    write_text(folder / "leaderboard.csv", csv_text(*leaderboard_rows(evaluation)))
    write_text(folder / "confusion.csv", csv_text(["target", "prediction"], pairs))


if __name__ == "__main__":
    run_stage(main)
