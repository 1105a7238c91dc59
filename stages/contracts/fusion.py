"""The interface of a file under stages/fusions/: a way of fusing the modalities of a combination.

Early, one model sees all blocks, each times a weight. Late, each modality has a model of its own, and their scores are fused. The protocol
(stages/model_selection/fusing.py) does the rest for every learner: the choice on the inner folds, refits, thresholds, calibration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stages.contracts.model import Config
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm


class Combiner(Protocol):
    """A fitted late fusion."""

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return the fused scores float64 (n, n_outputs) of the members' scores float64 (n, n_members, n_outputs)."""
        ...


@dataclass(frozen=True)
class EarlyFusion:
    """Blocks next to one another. Multiplying a block by √w multiplies its part of distances and inner products by w.

    `weightings(n_modalities, settings)` returns float64 (n_weightings, n_modalities), rows that sum to 1, simplest first: with a single
    row, of equal weights, nothing is chosen. A block of weight 0 is left out.
    title: as the report writes it.
    """

    name: str
    title: str
    settings: type[Settings]
    weightings: Callable[[int, Any], np.ndarray]


def _every_config(configs: list[Config], scores: np.ndarray, target: np.ndarray, form: TargetForm) -> np.ndarray:
    return np.ones(len(configs), dtype=bool)


def _nothing_learned(arrays: Mapping[str, np.ndarray]) -> Combiner:
    raise NotImplementedError("a way of fusing that learns needs `arrays` and `load`, so that its models can be saved")


@dataclass(frozen=True)
class LateFusion:
    """Fused scores of the single modalities' models: probabilities of classes and labels, predictions of continuous targets.

    `grid(modalities, settings)` lists the configurations, simplest first (ties go to the first).
    `fit(config, scores, target, form)` returns the combiner that a configuration learns from out-of-fold scores float64 (n, n_members,
    n_outputs), in the order of the modalities, and the target in its form.
    learns: whether `fit` looks at scores and targets; its out-of-fold scores then come from combiners of the other inner folds. What a
    combiner has learned is saved as `arrays(combiner)`, from which `load(arrays)` makes it again; any other is made by `fit`.
    `usable(configs, scores, target, form)` returns which configurations may be chosen, by the same scores: bool (n_configs,).
    title: as the report writes it.
    """

    name: str
    title: str
    settings: type[Settings]
    grid: Callable[[tuple[str, ...], Any], list[Config]]
    fit: Callable[[Mapping[str, Any], np.ndarray, np.ndarray, TargetForm], Combiner]
    learns: bool = False
    arrays: Callable[[Any], Mapping[str, np.ndarray]] = dict
    load: Callable[[Mapping[str, np.ndarray]], Combiner] = _nothing_learned
    usable: Callable[[list[Config], np.ndarray, np.ndarray, TargetForm], np.ndarray] = _every_config


@dataclass(frozen=True)
class ImputedFusion:
    """Blocks next to one another, of all samples that have one of the modalities: a block that a sample lacks is imputed.

    Declared for a data set without such samples it is no way of its own. title: as the report writes it.
    """

    name: str
    title: str
    settings: type[Settings]


Fusion = EarlyFusion | LateFusion | ImputedFusion
