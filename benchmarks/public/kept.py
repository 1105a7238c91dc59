"""What is kept of a run in docs/results/public/<comparison>.json: scores with intervals, processor seconds, versions."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.public.comparison import PublicRun
from pipelines.publishing.costs import cost_path
from pipelines.publishing.lock_entries import read_lock
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import ScoredCandidate
from stages.contracts.paths import evaluation_path

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "polars", "pyarrow")
RESULTS = Path("docs/results/public")


class Strict(BaseModel):
    """A frozen part of the file, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptScore(Strict):
    """A mean over outer folds, or the score on an official test split, with its interval."""

    mean: float
    lo: float | None
    hi: float | None


class KeptModel(Strict):
    """A model or control on one modality combination. processor_s: of its training in this workspace; None: not known."""

    model: str
    modalities: tuple[str, ...]
    is_control: bool
    scores: dict[str, KeptScore]
    processor_s: float | None


class KeptRun(Strict):
    """One run. digest: of its parameters. n_folds: outer ones; 1: an official test split. open_leaks: of the leakage gate.

    processor_s: of all stages; None: of one it is not known. metrics: by name, title and whether more is better.
    """

    digest: str
    rows: int
    n_folds: int
    metrics: dict[str, tuple[str, bool]]
    models: tuple[KeptModel, ...]
    open_leaks: tuple[str, ...]
    processor_s: float | None
    versions: dict[str, str]


class KeptComparison(Strict):
    """All runs of a comparison that were made, by name."""

    runs: dict[str, KeptRun]


def digest_of(params: Mapping[str, Any]) -> str:
    """Return a hash of parameters, whatever the order of keys."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]


def read_kept(name: str, root: Path = Path()) -> KeptComparison:
    """Return what is kept of a comparison; no runs if there is no file."""
    path = root / RESULTS / f"{name}.json"
    return KeptComparison.model_validate_json(path.read_text("utf-8")) if path.is_file() else KeptComparison(runs={})


def keep_run(name: str, run_name: str, found: KeptRun, root: Path) -> None:
    """Write a run next to the others of its comparison."""
    path = root / RESULTS / f"{name}.json"
    kept = KeptComparison(runs=dict(sorted({**read_kept(name, root).runs, run_name: found}.items())))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(kept.model_dump(mode="json"), indent=1, sort_keys=True) + "\n", "utf-8")
    temporary.replace(path)


def kept_run(run: PublicRun, folder: Path) -> KeptRun:
    """Return what is kept of a run that has ended in a workspace."""
    evaluation = Evaluation.model_validate_json((folder / evaluation_path(run.dataset)).read_text("utf-8"))
    costs = costs_of(folder)
    return KeptRun(
        digest=digest_of(run.params),
        rows=evaluation.rows.used,
        n_folds=evaluation.n_folds,
        metrics={metric.name: (metric.title, metric.greater_is_better) for metric in evaluation.metrics if metric.name in run.metrics},
        models=tuple(kept_models(run, evaluation, costs)),
        open_leaks=evaluation.open_leaks,
        processor_s=None if None in costs.values() else round(sum(filter(None, costs.values())), 1),
        versions={package: version(package) for package in PACKAGES},
    )


def kept_models(run: PublicRun, evaluation: Evaluation, costs: Mapping[str, float | None]) -> Iterator[KeptModel]:
    """Yield each model on each modality combination that is compared, the best first."""
    for found in evaluation.ranked():
        yield KeptModel(
            model=found.model, modalities=found.modalities, is_control=found.model in evaluation.controls, scores=scores_of(found, run),
            processor_s=costs.get(f"train@{evaluation.dataset}-{found.model}"),
        )  # fmt: skip


def scores_of(found: ScoredCandidate, run: PublicRun) -> dict[str, KeptScore]:
    """Return a candidate's scores by those metrics that are shown."""
    scores = {name: found.scores[name] for name in run.metrics if name in found.scores}
    return {name: KeptScore(mean=score.mean, lo=score.lo, hi=score.hi) for name, score in scores.items() if score.mean is not None}


def costs_of(folder: Path) -> dict[str, float | None]:
    """Return the processor seconds of each stage of a workspace that computed what its lock names; None where that is not known."""
    found: dict[str, float | None] = {}
    for stage, entry in read_lock(folder / "dvc.lock").items():
        path = folder / cost_path(stage)
        cost = json.loads(path.read_text("utf-8")) if path.is_file() else {"outs": None}
        hashes = {out["path"]: out.get("md5") for out in entry.get("outs", ())}
        found[stage] = round(cost["processor_seconds"], 1) if cost["outs"] == hashes else None
    return found
