"""What stands on the server of a data set: one record per candidate, and one summary, made of dvc.lock and files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.publishing import descriptions
from pipelines.publishing.costs import cost_of
from pipelines.publishing.leaderboard_tags import leaderboard_tags
from pipelines.publishing.linear_readings import linear_reading
from pipelines.publishing.lock_entries import computed_by, digest, entry_hash, identity, output_hash, refuse_changed
from pipelines.publishing.metric_values import absent_points, gap_points, run_points, score_points, share_points
from pipelines.publishing.record import DatasetVersion, Record, git_tags
from pipelines.publishing.run_params import chosen_settings, data_params, run_params, seen
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.paths import (
    controls_dir,
    evaluation_path,
    figures_dir,
    models_dir,
    predictions_dir,
    report_path,
    samples_path,
    skipped_path,
    validation_dir,
)
from stages.foundation.csv_text import csv_text
from stages.foundation.documents import read_document
from stages.foundation.tables import read_table

# what makes the results of a candidate these; its rank, say, changes with the others' results
RESULTS = {"scores", "confusion", "by_output", "agreement", "reliability", "configs", "curves", "notes", "sweeps", "critical_points"}
COST_FIGURE = "figures/score_against_cost.svg"
SUMMARISED = ("_mean", "_lo", "_hi")


def dataset_records(lock: Mapping[str, Any], dataset: str) -> list[Record]:
    """Return a data set's records, the summary last.

    Raises:
        InputError: if a file is missing or is not the one that dvc.lock names.
    """
    evaluation = read_document(evaluation_path(dataset), Evaluation)
    read = ("data/predictions/", "data/conditions/", "data/evaluation/", "data/splits/")
    refuse_changed(lock[f"evaluate@{dataset}"], f"evaluate@{dataset}", read)
    data = dataset_version(lock, evaluation)
    standings = leaderboard_tags(evaluation)
    runs = [replace(run_record(lock, evaluation, data, result), standing=standings[result.candidate]) for result in evaluation.candidates]
    return [*runs, summary_record(lock, evaluation, data)]


def run_record(lock: Mapping[str, Any], evaluation: Evaluation, data: DatasetVersion | None, result: CandidateResult) -> Record:
    """Return the record of one candidate."""
    dataset, candidate = evaluation.dataset, result.candidate
    is_control = candidate.model in evaluation.controls
    stage, linear = computed_by(evaluation, candidate.model), linear_reading(lock, dataset, candidate)
    names = {"model": candidate.model, "modalities": seen(candidate), "fusion": candidate.fusion}
    results = {**result.model_dump(mode="json", include=RESULTS), **studied(evaluation, candidate),
               **({"linear": list(linear.points)} if linear.points else {})}  # fmt: skip
    return Record(
        name=" · ".join(evaluation.key(candidate)),
        key=digest({"stage": identity(lock[stage]), "candidate": names, "results": results, "confidence": evaluation.confidence}),
        tags={**common_tags(evaluation), "kind": "run", **names, "n_modalities": str(len(candidate.modalities)),
              "baseline": str(candidate.model in evaluation.baselines).lower(), "mlflow.source.name": stage},
        params=run_params(lock, evaluation, result),
        points=[*run_points(evaluation, result), *linear.points],
        note=descriptions.run_note(evaluation, result, {name: text for name, text in chosen_settings(result.listed_configs).items()
                                                        if name not in result.fixed_settings}),
        files={**figures(dataset, "__".join(evaluation.key(candidate)) + "__"), **page(dataset)},
        data=data,
        tables=(controls_dir(dataset) if is_control else predictions_dir(dataset, "")) / candidate.model,
        candidate=candidate,
        model=None if is_control else fitted_folder(lock, dataset, candidate),
        texts=linear.texts,
        cost=cost_of(stage, lock[stage]),
    )


def studied(evaluation: Evaluation, candidate: Candidate) -> dict[str, Any]:
    """Return a candidate's learning curve, bias and variance, learners of its representation, scores of changed samples, under their keys
    of the evaluation; nothing where there are none.
    """
    found = {
        "learning_curves": [curve.model_dump(mode="json") for curve in evaluation.learning_curves if curve.candidate == candidate],
        "bias_variance": [study.model_dump(mode="json") for study in evaluation.bias_variance if study.candidate == candidate],
        "representations": [one.model_dump(mode="json") for one in evaluation.representations if one.candidate == candidate],
        "robustness": [found.model_dump(mode="json") for found in evaluation.robustness if found.candidate == candidate],
    }
    return {key: of_candidate for key, of_candidate in found.items() if of_candidate}


def summary_record(lock: Mapping[str, Any], evaluation: Evaluation, data: DatasetVersion | None) -> Record:
    """Return the record of a data set's summary: leaderboard, report, the best candidate's numbers."""
    dataset, stage, best = evaluation.dataset, f"evaluate@{evaluation.dataset}", evaluation.best
    report = {"report.html": report_path()} if report_path().is_file() else {}
    points = score_points(evaluation.result(best).scores, evaluation)
    names = {"best.model": best.model, "best.modalities": seen(best), "best.fusion": best.fusion}
    return Record(
        name="summary",
        key=digest({"stage": identity(lock[stage])}),
        tags={**common_tags(evaluation), "kind": "summary", "mlflow.source.name": stage,
              "results": entry_hash(lock[stage], evaluation_path(dataset))},
        params={**names, **data_params(lock, evaluation)},
        points=[*((f"best/{name}", value, step) for name, value, step in points if name.endswith(SUMMARISED)),
                *gap_points(evaluation), *share_points(evaluation), *absent_points(evaluation),
                ("quarantined_share", evaluation.quarantined.share, 0)],
        note=descriptions.summary_note(evaluation),
        files={**report, **figures(dataset, ""), **page(dataset)},
        data=data,
        cost=cost_of(stage, lock[stage]),
        texts={"leaderboard.csv": descriptions.leaderboard_csv(evaluation), **quarantined(evaluation),
               **score_against_cost(lock, evaluation)},
    )


def score_against_cost(lock: Mapping[str, Any], evaluation: Evaluation) -> dict[str, str]:
    """Return the figure of scores over processor time, if the cost of a learner is known: it has a clock, so no stage draws it."""
    trained = {model: f"train@{evaluation.dataset}-{model}" for model in evaluation.learners}
    costs = {model: cost for model, stage in trained.items() if stage in lock and (cost := cost_of(stage, lock[stage]))}
    if not costs:
        return {}
    import stages.pages.matplotlib_folder  # noqa: F401 - before matplotlib is loaded
    from stages.reporting.cost_figure import cost_figure  # a second, where no cost is known

    drawn = cost_figure(evaluation, {model: cost.processor_seconds for model, cost in costs.items()})
    return {COST_FIGURE: drawn} if drawn else {}


def common_tags(evaluation: Evaluation) -> dict[str, str]:
    """Return the tags that all runs of a data set share."""
    return {"dataset": evaluation.dataset, "task": evaluation.task, "mlflow.source.type": "PROJECT", **git_tags()}


def dataset_version(lock: Mapping[str, Any], evaluation: Evaluation) -> DatasetVersion | None:
    """Return the data set as an input of a run, None if dvc.lock does not know its samples."""
    dataset = evaluation.dataset
    md5 = output_hash(lock, f"ingest@{dataset}")
    return DatasetVersion(dataset, md5, samples_path(dataset).as_posix(), evaluation.rows.used) if md5 else None


def quarantined(evaluation: Evaluation) -> dict[str, str]:
    """Return the table of samples that could not be read, with the reasons, if there are any."""
    if not evaluation.quarantined.rows:
        return {}
    table = read_table(skipped_path(evaluation.dataset))
    return {"quarantine.csv": csv_text(table.column_names, (row.values() for row in table.to_pylist()))}


def figures(dataset: str, prefix: str) -> dict[str, Path]:
    """Return the figures whose name begins with `prefix` (without any: those that belong to no single run)."""
    folder = figures_dir(dataset)
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    mine = [file for file in files if (file.name.startswith(prefix) if prefix else "__" not in file.name)]
    return {f"figures/{file.name.removeprefix(prefix)}": file for file in mine}


def page(dataset: str) -> dict[str, Path]:
    """Return the validation page, if there is one."""
    path = validation_dir(dataset) / "validation.html"
    return {"validation.html": path} if path.is_file() else {}


def fitted_folder(lock: Mapping[str, Any], dataset: str, candidate: Candidate) -> Path | None:
    """Return the folder of a refitted model if it is this candidate's, else None."""
    folder, stage = models_dir(dataset, candidate.model), f"train@{dataset}-{candidate.model}"
    if not (folder / "model.json").is_file() or read_document(folder / "model.json", SavedModel).candidate != candidate:
        return None
    refuse_changed(lock[stage], stage, ("data/models/",))
    return folder
