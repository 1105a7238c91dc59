"""The conditions under which the samples of a data set are predicted."""

from collections.abc import Mapping
from typing import Any

from stages.contracts.modality import Modality
from stages.contracts.sample_condition import Condition


def declared_conditions(
    corruptions: Mapping[str, Mapping[str, tuple[float, ...]]], modalities: Mapping[str, Modality[Any]]
) -> list[Condition]:
    """Return the conditions of a data set, modality by modality, weak ones first.

    Args:
        corruptions: strengths by modality name and corruption. modalities: by their names in the data set, in its order.
    """
    return [Condition(name, corruption.name, strength)
            for name, modality in modalities.items() for corruption in modality.corruptions
            for strength in corruptions.get(name, {}).get(corruption.name, ())]  # fmt: skip


def units_of(modalities: Mapping[str, Modality[Any]]) -> dict[str, str]:
    """Return the unit of each corruption's strength, by modality name and corruption: image/gaussian_noise."""
    return {f"{name}/{corruption.name}": corruption.unit for name, modality in modalities.items() for corruption in modality.corruptions}
