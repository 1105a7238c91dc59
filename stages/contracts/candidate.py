"""What is compared: a model, the modalities that it sees, and the way in which they are fused."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

EARLY = "early"  # scaled blocks next to one another, each with the same weight
CHOSEN = "chosen"  # on each outer fold the way of fusing that is best on its inner folds
MOST_MODALITIES = 6  # whose combinations are all trained, 63, unless they are declared
CLEAN = "clean"  # the condition of samples as they are: nothing corrupted, no modality absent


@dataclass(frozen=True, order=True)
class Candidate:
    """modalities: in the order of the data set; none: a control that looks at none. fusion: the way of fusing, the same for a single
    modality, where nothing is fused.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}  # in documents

    model: str
    modalities: tuple[str, ...]
    fusion: str = EARLY

    @property
    def combination(self) -> str:
        """Return the modalities as files and keys name them: image+text; of none an empty text."""
        return "+".join(self.modalities)

    def is_compared(self, candidates: Collection["Candidate"]) -> bool:
        """Return whether this is the one way of fusing its modalities that is compared with others: of several the chosen one.

        The best of several ways by the scores that are shown would look better than it is.
        """
        return len(self.modalities) < 2 or self.fusion == CHOSEN or replace(self, fusion=CHOSEN) not in candidates


def parsed_combination(name: str) -> tuple[str, ...]:
    """Return the modalities of a combination by its name: image+text."""
    return tuple(name.split("+")) if name else ()


def largest_trained(there: Collection[str], trained: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the combination that predicts a sample of which only these modalities are known; the empty one if none is trained of them.

    Args:
        trained: combinations in the order of training; the first of the largest predicts.
    """
    return max((modalities for modalities in trained if set(there).issuperset(modalities)), key=len, default=())


def way_of(modalities: tuple[str, ...], fusion: str) -> str:
    """Return the way of fusing under which a combination's predictions are kept: of a single modality `early`."""
    return fusion if len(modalities) > 1 else EARLY
