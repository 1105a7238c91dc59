"""Read the declared ways of fusing."""

from typing import Any

from stages.contracts.fusion import Fusion
from stages.contracts.paths import settings_path
from stages.foundation.params_file import parse
from stages.foundation.registry import component
from stages.foundation.tables import read_json


def read_fusions(dataset: str) -> dict[Fusion, Any]:
    """Return the ways of fusing, each with its settings, in the order in which params.yaml has them; none of one modality."""
    ways = {component("fusions", name): entry for name, entry in read_json(settings_path(f"fusions.{dataset}")).items()}
    return {way: parse(entry, f"fusions.{way.name}", way.settings) for way, entry in ways.items()}
