"""What stands on the server: one record per model and subset of a data set, and one summary, made of dvc.lock and files.

A record's `key` says which results it shows: a new key is a new run. Its `view` (note, pictures, pages) may change
without the results changing; then the run of that key is refreshed in place.
"""

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.publishing import descriptions
from pipelines.publishing.lock_entries import digest, identity, output_hash, refuse_changed
from pipelines.publishing.metric_values import Point, run_points, score_points
from pipelines.publishing.run_params import chosen_settings, data_params, run_params
from stages.contracts.paths import (
    DATA,
    evaluation_dir,
    models_dir,
    predictions_dir,
    report_path,
    samples_path,
    skipped_path,
    validation_dir,
)
from stages.foundation.tables import read_json, read_table

PARTS = ("scores", "confusion", "by_output", "agreement", "configs", "curves", "sweeps")  # of evaluation.json, by model and subset
SUMMARISED = ("_mean", "_lo", "_hi")


@dataclass(frozen=True)
class Source:
    """The data set as an MLflow input: DVC's hash of its samples."""

    name: str
    digest: str
    path: str
    rows: int


@dataclass(frozen=True)
class Record:
    """One run. `files` maps a path among the run's artifacts to a file; `tables` is the folder of a run's predictions."""

    name: str
    key: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: Sequence[Point]
    note: str
    files: Mapping[str, Path]
    source: Source | None
    tables: Path | None = None
    subset: str | None = None
    model: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def view(self) -> str:
        """Return the digest of what may be refreshed in place."""
        hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.files.items()}
        return digest({"note": self.note, "files": hashes, "texts": dict(self.texts)})


def dataset_records(lock: Mapping[str, Any], dataset: str) -> list[Record]:
    """Return a data set's records, the summary last.

    Raises:
        InputError: if a file is missing or is not the one that dvc.lock names.
    """
    evaluation = read_json(evaluation_dir(dataset) / "evaluation.json")
    refuse_changed(lock[f"evaluate@{dataset}"], f"evaluate@{dataset}", ("data/predictions/", "data/evaluation/", "data/splits/"))
    source = data_source(lock, dataset, evaluation)
    pairs = [(model, subset) for model in evaluation["models"] for subset in evaluation["subsets"] if subset in evaluation["scores"][model]]
    records = [run_record(lock, evaluation, source, model=model, subset=subset) for model, subset in pairs]
    return [*records, summary_record(lock, evaluation, source)]


def run_record(lock: Mapping[str, Any], evaluation: Mapping[str, Any], source: Source | None, *, model: str, subset: str) -> Record:
    """Return the record of one model on one subset of the modalities."""
    dataset, stage = evaluation["dataset"], f"train@{evaluation['dataset']}-{model}"
    results = {part: evaluation.get(part, {}).get(model, {}).get(subset) for part in PARTS}
    key = digest({"stage": identity(lock[stage]), "subset": subset, "results": results, "confidence": evaluation["confidence"]})
    return Record(
        name=f"{model} · {subset}",
        key=key,
        tags={**common_tags(evaluation), "kind": "run", "model": model, "subset": subset, "modalities": subset.replace("+", ", "),
              "n_modalities": str(subset.count("+") + 1), "control": str(model in evaluation["controls"]).lower(),
              "mlflow.source.name": stage},
        params=run_params(lock, evaluation, results["configs"] or [], model=model, subset=subset),
        points=run_points(results, metric_order(evaluation), evaluation["outputs"]),
        note=descriptions.run_note(evaluation, model, subset, chosen_settings(results["configs"] or [])),
        files={**pictures(dataset, f"{model}__{subset}__"), **page(dataset)},
        source=source,
        tables=predictions_dir(dataset, model),
        subset=subset,
        model=fitted_folder(lock, dataset, model, subset),
    )


def summary_record(lock: Mapping[str, Any], evaluation: Mapping[str, Any], source: Source | None) -> Record:
    """Return the record of a data set's summary: leaderboard, report, the best model's numbers."""
    dataset, stage, best = evaluation["dataset"], f"evaluate@{evaluation['dataset']}", evaluation["best"]
    report = {"report.html": report_path()} if report_path().is_file() else {}
    scores = evaluation["scores"][best["model"]][best["subset"]]
    return Record(
        name="summary",
        key=digest({"stage": identity(lock[stage])}),
        tags={**common_tags(evaluation), "kind": "summary", "mlflow.source.name": stage},
        params={"best.model": best["model"], "best.subset": best["subset"], **data_params(lock, evaluation)},
        points=[*((f"best/{name}", value, step) for name, value, step in score_points(scores, metric_order(evaluation))
                  if name.endswith(SUMMARISED)),
                ("quarantined_share", evaluation["quarantined"]["share"], 0)],
        note=descriptions.summary_note(evaluation),
        files={**report, **pictures(dataset, ""), **page(dataset)},
        source=source,
        texts={"leaderboard.csv": descriptions.leaderboard_csv(evaluation), **left_out(evaluation)},
    )


def common_tags(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that all runs of a data set share."""
    return {"dataset": evaluation["dataset"], "task": evaluation["task"], "mlflow.source.type": "PROJECT", **git_tags()}


def metric_order(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the metrics in the report's order, the one that ranks first."""
    return [metric["name"] for metric in evaluation["metrics"]]


def git_tags() -> dict[str, str]:
    """Return the commit checked out and whether files differ from it; nothing outside git."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        changes = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return {}
    if commit.returncode or changes.returncode:
        return {}
    return {"mlflow.source.git.commit": commit.stdout.strip(), "mlflow.source.git.dirty": str(bool(changes.stdout)).lower()}


def data_source(lock: Mapping[str, Any], dataset: str, evaluation: Mapping[str, Any]) -> Source | None:
    """Return the data set as an input of a run, None if dvc.lock does not know its samples."""
    md5 = output_hash(lock, f"ingest@{dataset}")
    return Source(dataset, md5, samples_path(dataset).as_posix(), int(evaluation["rows"]["used"])) if md5 else None


def left_out(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return the table of samples that could not be read, with the reasons, if there are any."""
    if not evaluation["quarantined"]["rows"]:
        return {}
    table = read_table(skipped_path(evaluation["dataset"]))[0]
    return {"quarantine.csv": descriptions.csv_text(table.column_names, (row.values() for row in table.to_pylist()))}


def pictures(dataset: str, prefix: str) -> dict[str, Path]:
    """Return the pictures whose name begins with `prefix` (without any: those that belong to no single run)."""
    folder = DATA / "report" / "pictures" / dataset
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    mine = [file for file in files if (file.name.startswith(prefix) if prefix else "__" not in file.name)]
    return {f"pictures/{file.name.removeprefix(prefix)}": file for file in mine}


def page(dataset: str) -> dict[str, Path]:
    """Return the validation page, if there is one."""
    path = validation_dir(dataset) / "validation.html"
    return {"validation.html": path} if path.is_file() else {}


def fitted_folder(lock: Mapping[str, Any], dataset: str, model: str, subset: str) -> Path | None:
    """Return the folder of a refitted model if it belongs to this subset, else None."""
    folder = models_dir(dataset, model)
    if not (folder / "model.json").is_file() or "+".join(read_json(folder / "model.json").get("modalities", [])) != subset:
        return None
    refuse_changed(lock[f"train@{dataset}-{model}"], f"train@{dataset}-{model}", ("data/models/",))
    return folder
