"""A run's settings and what it chose, as MLflow parameters: from dvc.lock, so those that it ran with, not those of today."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.publishing.lock_entries import computed_by, parameters
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import CandidateResult, ChosenConfig, Evaluation
from stages.reporting.formatting import setting


def run_params(lock: Mapping[str, Any], evaluation: Evaluation, result: CandidateResult) -> dict[str, str]:
    """Return a run's settings (the grid, features, split: as dvc.lock has them) and what it chose, as MLflow parameters."""
    dataset, model, candidate = evaluation.dataset, result.model, result.candidate
    params = {"model": model, "modalities": seen(candidate), "fusion": candidate.fusion, **data_params(lock, evaluation)}
    for name, text in chosen_settings(result.listed_configs).items():
        params[f"{'fixed' if name in result.fixed_settings else 'chosen'}.{name}"] = text
    stage = computed_by(evaluation, model)
    if model in evaluation.controls:
        params |= flat("settings", (parameters(lock, stage, "controls") or {}).get(model))
    else:
        params |= flat("grid", parameters(lock, stage, f"models.{model}"))
    # the metric of this task alone, declared or the task's own: the others choose nothing here
    params["train.scoring"] = evaluation.primary.name
    for name in candidate.modalities:
        settings = dict(parameters(lock, f"featurize@{dataset}-{name}", f"features.{dataset}-{name}") or {})
        settings.pop("dataset", None)
        params |= flat(f"features.{name}", settings)
    return params


def seen(candidate: Candidate) -> str:
    """Return the modalities that a candidate sees, as tags and parameters name them."""
    return candidate.combination or "none"


def data_params(lock: Mapping[str, Any], evaluation: Evaluation) -> dict[str, str]:
    """Return the parameters that all runs of a data set share: rows, target, seed and split."""
    dataset, rows = evaluation.dataset, evaluation.rows
    params = {"rows.used": str(rows.used), "rows.available": str(rows.available)}
    numbers = {"n_splits": evaluation.n_folds, "n_repeats": evaluation.n_repeats, "n_inner_splits": evaluation.n_inner_folds}
    if evaluation.time_ordered:
        numbers["time_ordered"] = True
    params |= flat("split", numbers)  # those that this data set has: its own, its official split's, or the section's
    params |= flat("seed", parameters(lock, f"split@{dataset}", "seed"))
    params |= flat("target", (parameters(lock, f"ingest@{dataset}", f"datasets.{dataset}") or {}).get("target"))
    return params


def flat(prefix: str, value: Any) -> dict[str, str]:
    """Return a nested setting as dotted names with text values; nothing for None."""
    if isinstance(value, Mapping):
        return {name: text for key, item in value.items() for name, text in flat(f"{prefix}.{key}", item).items()}
    if value is None:
        return {}
    return {prefix: ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)}


def text_of(value: Any) -> str:
    """Return a setting's value as the grid is written; "none" where it does not apply, as a linear kernel has no gamma."""
    return "none" if value is None else setting(value)


def chosen_settings(configs: Sequence[ChosenConfig]) -> dict[str, str]:
    """Return each setting's value over the outer folds: "5", or "5 (3 of 5 folds), 7 (2 of 5 folds)"."""
    names = list(dict.fromkeys(name for config in configs for name in config.settings))
    chosen = {}
    for name in names:
        counts = Counter(text_of(config.settings.get(name)) for config in configs)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        whole = len(ordered) == 1
        chosen[name] = ordered[0][0] if whole else ", ".join(f"{value} ({n} of {len(configs)} folds)" for value, n in ordered)
    return chosen
