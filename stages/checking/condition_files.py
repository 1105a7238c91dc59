"""What the section `conditions:` means for each data set, in files: an edit of it reruns the stages of the data sets that it can change."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.conditions.condition_settings import ConditionsEntry, strengths_of
from stages.contracts.modality import Modality
from stages.contracts.paths import condition_settings_path, missing_shares_path
from stages.foundation.registry import component
from stages.foundation.tables import write_json
from stages.params import section


def write_condition_settings(params: Mapping[str, Any]) -> None:
    """Write the files of all data sets; remove those of others."""
    written = dict(condition_files(params))
    for folder in (condition_settings_path("").parent, missing_shares_path("").parent):
        for path in folder.glob("*.json"):
            if path not in written:
                path.unlink()
    for path, values in written.items():
        write_json(path, values)


def condition_files(params: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield each file's path and content."""
    entry: ConditionsEntry = section(params, "conditions", ConditionsEntry)
    for dataset, about in params["datasets"].items():
        is_examined = entry.datasets is None or dataset in entry.datasets
        # of one modality nothing is left if it is missing
        yield missing_shares_path(dataset), list(entry.missing) if is_examined and len(about["modalities"]) > 1 else []
        corruptions = dict(_corruptions(params, entry, dataset)) if is_examined else {}
        models = {name: params["models"][name] or {} for name in entry.models or params["models"]} if corruptions else {}
        yield condition_settings_path(dataset), {"corruptions": corruptions, "models": models}


def _corruptions(params: Mapping[str, Any], entry: ConditionsEntry, dataset: str) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Yield the strengths by corruption of each modality that is corrupted."""
    for name in params["datasets"][dataset]["modalities"]:
        modality: Modality[Any] = component("modalities", params["features"][f"{dataset}-{name}"]["modality"])
        declared = {corruption.name: corruption.strengths for corruption in modality.corruptions}
        if found := strengths_of(entry, modality.name, declared):
            yield name, {corruption: list(strengths) for corruption, strengths in found.items()}
