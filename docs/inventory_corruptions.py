"""The table of corruptions in docs/components.md."""

from collections.abc import Iterator

from stages.contracts.modality import Modality
from stages.foundation.registry import component, names

HEAD = """
## Corruptions

How samples of a modality may be corrupted when models are tested, by functions beside the modality. At strength 0 nothing changes; a larger
strength does all that a smaller one does; each sample has random numbers of its own ([0080](decisions/0080-corruptions.md)). Strengths are
the defaults.

| modality | corruption | what | unit of the strength | strengths, at most |
|---|---|---|---|---|
"""


def corruptions_table() -> str:
    """Return the section of all modalities' corruptions."""
    return HEAD + "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    for name in names("modalities"):
        modality: Modality = component("modalities", name)
        for corruption in modality.corruptions:
            strengths = ", ".join(f"{strength:g}" for strength in corruption.strengths)
            yield f"| {name} | {corruption.name} | {corruption.what} | {corruption.unit} | {strengths}; {corruption.largest:g} |"
