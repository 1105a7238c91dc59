"""A condition of test samples that no model was trained for: samples of one modality are corrupted, or the modality is missing."""

from dataclasses import dataclass

MISSING = "missing"  # the modality is missing altogether; the strength is the probability of a sample to lack it
MISSING_UNIT = "probability of a sample to lack the modality"


@dataclass(frozen=True, order=True)
class Condition:
    """modality: its name in the data set. corruption: one that its modality declares, or `missing`. strength: above 0."""

    modality: str
    corruption: str
    strength: float

    @property
    def key(self) -> str:
        """Return image/gaussian_noise: what belongs to one curve of scores by strength."""
        return f"{self.modality}/{self.corruption}"

    @property
    def name(self) -> str:
        """Return image/gaussian_noise/0.1, as the column `condition` has it."""
        return f"{self.key}/{self.strength:g}"


def parsed_condition(name: str) -> Condition:
    """Return a condition by its name; raise ValueError if it is none."""
    modality, corruption, strength = name.split("/")
    return Condition(modality, corruption, float(strength))
