"""The conditions that an entry of `conditions:` declares for a data set."""

from collections.abc import Mapping
from typing import Any

from stages.conditions.condition_settings import ConditionsEntry
from stages.contracts.modality import Modality
from stages.contracts.sample_condition import MISSING, MISSING_UNIT, Condition


def declared_conditions(entry: ConditionsEntry, modalities: Mapping[str, Modality[Any]]) -> list[Condition]:
    """Return the conditions of a data set, modality by modality, weak ones first.

    Args:
        modalities: by their names in the data set, in its order.
    """
    found = []
    for name, modality in modalities.items():
        for corruption in modality.corruptions:
            of_modality = {corruption.name: None} if entry.corruptions is None else entry.corruptions.get(modality.name, {})
            if corruption.name in of_modality:
                found += [Condition(name, corruption.name, strength) for strength in of_modality[corruption.name] or corruption.strengths]
        found += [Condition(name, MISSING, share) for share in entry.missing if len(modalities) > 1]  # of one there is nothing left
    return found


def units_of(modalities: Mapping[str, Modality[Any]]) -> dict[str, str]:
    """Return the unit of each corruption's strength, by modality name and corruption: image/gaussian_noise."""
    found = dict[str, str]()
    for name, modality in modalities.items():
        found |= {f"{name}/{corruption.name}": corruption.unit for corruption in modality.corruptions}
        found[f"{name}/{MISSING}"] = MISSING_UNIT
    return found
