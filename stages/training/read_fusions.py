"""Read the declared ways of fusing."""

from typing import Any

from stages.contracts.candidate import EARLY
from stages.contracts.fusion import Fusion, ImputedFusion
from stages.contracts.paths import settings_path
from stages.foundation.params_file import parse
from stages.foundation.registry import component
from stages.foundation.tables import read_json


def read_fusions(dataset: str, *, incomplete: bool) -> dict[Fusion, Any]:
    """Return the ways of fusing, each with its settings, in the order in which params.yaml has them; none of one modality.

    Args:
        incomplete: whether samples lack modalities: else there is nothing to impute, and a way that does is early fusion.
    """
    ways = {component("fusions", name): entry for name, entry in read_json(settings_path(f"fusions.{dataset}")).items()}
    found = {way: parse(entry, f"fusions.{way.name}", way.settings) for way, entry in ways.items()
             if incomplete or not isinstance(way, ImputedFusion)}  # fmt: skip
    early = component("fusions", EARLY)
    return found if found or not ways else {early: early.settings()}
