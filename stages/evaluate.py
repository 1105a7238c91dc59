"""Score the predictions of every model on every modality combination, with intervals and paired tests.

Reads splits, which samples are skipped, predictions, sweeps, curves and notes of one data set, its samples' metadata, and the few samples
with the largest errors. Writes evaluation.json (all that the report and the tracking server show), gallery.json (those samples, for the
report), summary.json (`dvc metrics`), leaderboard.csv and confusion.csv (`dvc plots`).
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from stages.contracts.candidate import Candidate
from stages.contracts.checked import described, shortened
from stages.contracts.documents.evaluation_document import ENOUGH_FOR_ISOTONIC, CandidateResult, Evaluation, FoldScores, SeedSpread
from stages.contracts.documents.results_document import MetricInfo
from stages.contracts.metric import Metric
from stages.contracts.paths import (
    bias_variance_dir,
    controls_dir,
    evaluation_dir,
    evaluation_path,
    gallery_path,
    learning_curves_dir,
    predictions_dir,
    representations_dir,
    samples_path,
    splits_path,
    summary_path,
)
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.contracts.task import OUTPUT_NOUNS, TargetForm
from stages.evaluation.changed_predictions import changed_predictions, read_shares
from stages.evaluation.checked_predictions import BySeed, Expected, FoldPredictions, splits_of
from stages.evaluation.choice_bias import choice_bias
from stages.evaluation.comparisons import Contest, Evidence, compare
from stages.evaluation.complete_samples import complete_scores, fold_scores, incomplete_samples
from stages.evaluation.contributions import on_every_metric, why_none
from stages.evaluation.data_set_facts import facts
from stages.evaluation.design import Design, design_of
from stages.evaluation.details import N_BINS, agreement, by_output, class_pairs, confusion, fifth_pairs, label_pairs, ranges
from stages.evaluation.evaluate_settings import EvaluateEntry
from stages.evaluation.gallery import gallery_of, shown_candidate
from stages.evaluation.incomplete_samples import IncompleteSamples, prior_answers
from stages.evaluation.intervals import resample_weights
from stages.evaluation.more_rows import learning_curves
from stages.evaluation.pooled import pool
from stages.evaluation.protocol_gaps import protocol_gaps
from stages.evaluation.randomised_tests import randomised_tests
from stages.evaluation.read_bias_variance import bias_variances
from stages.evaluation.reliability import reliability
from stages.evaluation.represented_learners import representations
from stages.evaluation.robustness import Judge, robustness
from stages.evaluation.row_values import row_losses
from stages.evaluation.scores import MetricScores, has_intervals
from stages.evaluation.summary import leaderboard_rows, ranks, summary
from stages.evaluation.training_results import TrainingResults, read_models
from stages.foundation.csv_text import csv_text
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, read_params, section
from stages.foundation.progress import tracked
from stages.foundation.registry import component, names
from stages.foundation.tables import read_described, read_table, write_text
from stages.scoring.known_values import variance_of


def main(dataset: str) -> None:
    """Write data/evaluation/<dataset>/."""
    params = read_params()
    entry: EvaluateEntry = section(params, "evaluate", EvaluateEntry)
    table, about = read_described(splits_path(dataset), SplitsMetadata)
    splits = splits_of(table, about.incomplete)
    form, outputs = about.target.form, about.target.outputs
    folders, scoring = trained_models(dataset)
    models = list(folders)
    metrics = {name: metric.bound_to(splits.targets) for name, metric in metrics_of(dataset, form, scoring).items()}
    trained = read_models(folders, splits, form=form, outputs=outputs, scoring=metrics[scoring])
    design = design_of(splits, entry.confidence)
    scale = variance_of(splits.targets) if form == "continuous" else None
    tables, by_metric, losses = scored(trained, metrics, design, scale)
    primary = by_metric.pop(scoring)
    of_true = ranges(splits.targets, outputs) if form == "continuous" else None
    seeds = {candidate: found.seeds for candidate, found in primary.items()}
    more = details(trained, metrics, (form, outputs), design, of_true)
    modalities = modality_names(params, dataset)
    for candidate, scores in complete_scores(trained.by_seed, splits, modalities, metrics, entry.confidence).items():
        more[candidate]["complete"] = scores
    results = candidate_results(trained, tables, metrics[scoring], seeds, more=more)
    contest = Contest.between([model for model in models if model not in trained.diagnostics], trained.baselines, primary)
    evidence = Evidence(primary, losses, metrics[scoring], design, entry.rope)
    expected = Expected("", form, outputs, ())
    without_probabilities = [metric for metric in metrics.values() if not metric.needs_scores]
    judge = Judge(without_probabilities, splits.targets, design, entry.rope, modality_names(params, dataset))
    incomplete = IncompleteSamples(splits, read_shares(dataset), trained.seed, prior_answers(table, splits, form, len(outputs)))
    evaluation = checked_evaluation(
        **facts(dataset, about, splits, design),
        modalities=tuple(modalities),
        incomplete=incomplete_samples(splits, modalities),
        models=tuple(models),
        baselines=tuple(trained.baselines),
        diagnostics=tuple(trained.diagnostics),
        not_applicable=trained.not_applicable,
        combinations=tuple(trained.combinations),
        metrics=tuple(MetricInfo(name=m.name, title=m.title, greater_is_better=m.greater_is_better, attainable=m.attainable)
                      for m in metrics.values()),
        confidence=entry.confidence,
        n_bins=N_BINS if of_true else None,
        ranges=of_true,
        candidates=results,
        best=min(results, key=lambda found: found.rank).candidate,
        comparisons=compare(evidence, contest),
        contributions=on_every_metric(evidence, by_metric, metrics, contest, modalities),
        no_contributions=why_none(modalities, trained.combinations, trained.baselines),
        randomised=randomised_tests(dataset, metrics[scoring], len(splits.folds)),
        protocol_gaps=protocol_gaps(dataset, metrics[scoring], splits, entry.confidence, expected),
        bias_variance=bias_variances(dataset, modalities, form, len(splits.folds)),
        isotonic_rows=isotonic_rows(results, [fold.n_train for fold in splits.folds]),
        learning_curves=learning_curves(dataset, trained.predictions, splits, metrics[scoring], design, expected),
        representations=representations(dataset, evidence, splits, expected),
        robustness=robustness(changed_predictions(dataset, trained, incomplete, expected), primary, judge),
        rope=entry.rope,
        choice_bias=bias_of_choice(primary, contest, metrics[scoring], design),
    )
    write(evaluation, metrics[scoring], confusion_rows(form, outputs, trained.predictions[evaluation.best]))
    wrong = trained.predictions[shown_candidate(evaluation)]
    samples = read_table(samples_path(dataset))
    write_document(gallery_path(dataset), gallery_of(evaluation, wrong, splits, samples, most=entry.gallery, scale=scale))


def checked_evaluation(dataset: str, **found: Any) -> Evaluation:
    """Return the evaluation of a data set.

    Raises:
        InputError: if what was read contradicts itself: studies of other folds or modalities, inner scores that no metric attains.
    """
    try:
        return Evaluation(dataset=dataset, **found)
    except ValidationError as error:
        wrong = "; ".join(shortened(described(error)))
        raise InputError(f"{evaluation_path(dataset)}: is not written: {wrong}; the files below {predictions_dir(dataset, '')} are of "
                         "different runs or damaged: run `dvc repro`") from error


def trained_models(dataset: str) -> tuple[dict[str, Path], str]:
    """Return the controls, then the models, each with the folder of its predictions, and the metric that chose configurations.

    Raises:
        InputError: if there is none, or they do not share that metric.
    """
    folder = predictions_dir(dataset, "")
    of_controls = [path.parent for path in sorted(controls_dir(dataset).glob("*/predictions.arrow"))]
    others = {controls_dir(dataset), learning_curves_dir(dataset), bias_variance_dir(dataset), representations_dir(dataset)}
    folders = [*of_controls, *(path for path in sorted(folder.glob("*")) if path.is_dir() and path not in others)]
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


def scored(
    trained: TrainingResults, metrics: Mapping[str, Metric], design: Design, scale: np.ndarray | None
) -> tuple[dict[Candidate, dict[str, FoldScores]], dict[str, dict[Candidate, MetricScores]], dict[Candidate, np.ndarray]]:
    """Return each candidate's scores with their intervals, its scores by metric, and how wrong it is on each tested row.

    By metrics that do not rank, the ways of fusing that are not compared have no scores: they would take memory.
    """
    tables: dict[Candidate, dict[str, FoldScores]] = {}
    by_metric: dict[str, dict[Candidate, MetricScores]] = {name: {} for name in metrics}
    losses: dict[Candidate, np.ndarray] = {}
    primary = next(iter(metrics))
    for candidate, by_seed in tracked("candidates scored", list(trained.by_seed.items())):
        tables[candidate] = {}
        for name, metric in metrics.items():
            found, tables[candidate][name] = fold_scores(by_seed, metric, design)
            if name == primary or candidate.is_compared(trained.by_seed):
                by_metric[name][candidate] = found
        losses[candidate] = mean_loss(by_seed, scale, design)
    return tables, by_metric, losses


def mean_loss(by_seed: BySeed, scale: np.ndarray | None, design: Design) -> np.ndarray:
    """Return how wrong a candidate is on each tested row, float64 (n_rows,): mean over repeats and seeds."""
    losses = np.mean([np.concatenate([row_losses(fold, scale) for fold in folds]) for folds in by_seed], axis=0)
    return mean_over_repeats(losses, design)


def mean_over_repeats(values: np.ndarray, design: Design) -> np.ndarray:
    """Return the mean of each tested row's values, (n_rows,) of (N,)."""
    rows, place = np.unique(design.rows, return_inverse=True)
    return np.bincount(place.ravel(), weights=values, minlength=len(rows)) / np.bincount(place.ravel(), minlength=len(rows))


def bias_of_choice(primary: Mapping[Candidate, MetricScores], contest: Contest, metric: Metric, design: Design) -> float:
    """Return by how much the best learner's score is too good, as it was chosen by it; NaN where nothing says so."""
    if not has_intervals(design):
        return float("nan")
    learners = [pool(primary[candidate].values, design) for candidate in contest.candidates if candidate.model in contest.learners]
    return choice_bias(learners, resample_weights(design.n_blocks), design.blocks, greater_is_better=metric.greater_is_better)


def candidate_results(
    trained: TrainingResults, tables: Mapping[Candidate, dict[str, FoldScores]], primary: Metric,
    seeds: Mapping[Candidate, SeedSpread | None], *, more: Mapping[Candidate, Mapping[str, Any]],
) -> tuple[CandidateResult, ...]:  # fmt: skip
    """Return all that is known of each candidate: scores with their intervals, rank by the primary metric, details, tuning."""
    rank = ranks({candidate: table[primary.name] for candidate, table in tables.items()}, primary, last=trained.diagnostics)
    found = []
    for candidate, table in tables.items():
        tuning = trained.tuning[candidate]
        found.append(CandidateResult(
            model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, rank=rank[candidate], scores=table,
            configs=tuning.configs, grid=tuning.grid, sweeps=tuning.sweeps, curves=tuning.curves, notes=tuning.notes,
            seeds=seeds[candidate], critical_points=trained.critical_points.get(candidate, ()), **more[candidate]))
    return tuple(found)


def isotonic_rows(results: Sequence[CandidateResult], n_train: Sequence[int]) -> int | None:
    """Return the fewest of the training rows of outer folds, if isotonic calibration was fitted to fewer than it needs; None if not."""
    is_used = any(config.settings.get("calibration") == "isotonic" for result in results for config in result.configs)
    return min(n_train) if is_used and min(n_train) < ENOUGH_FOR_ISOTONIC else None


def details(trained: TrainingResults, metrics: Mapping[str, Metric], outputs: tuple[TargetForm, Sequence[str]], design: Design,
            of_true: Mapping[str, tuple[float, float]] | None) -> dict[Candidate, dict[str, Any]]:
    """Return each candidate's confusion of classes, or scores by label or target, its reliability, and targets predicted against true ones.

    What counts rows counts those of the first seed, whose model is saved.

    Args:
        outputs: the form of the targets, and their names.
    """
    form, names_of_outputs = outputs
    found: dict[Candidate, dict[str, Any]] = {}
    for candidate, by_seed in tracked("candidates detailed", list(trained.by_seed.items())):
        folds = by_seed[0]
        if form == "classes":
            found[candidate] = {"confusion": confusion(folds, len(names_of_outputs))}
        else:
            found[candidate] = {"by_output": by_output([fold for of_seed in by_seed for fold in of_seed], metrics),
                                "agreement": agreement(folds, of_true) if of_true else None}
        found[candidate]["reliability"] = reliability(folds, design)
    return found


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
