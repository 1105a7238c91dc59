"""What a network represents samples by: of an outer fold, and of each of its inner folds by a network that saw none of its rows."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stages.contracts.model import Config, Sweep
from stages.contracts.problem import Fold, Problem
from stages.features.structures import model_input

Place = tuple[int, int, tuple[str, ...]]  # repeat, fold, combination
LEAST_INNER = 3  # inner folds: one is held out, and the network needs two of the others to stop early on


def place_of(fold: Fold, modalities: tuple[str, ...]) -> Place:
    """Return the place of a fold and combination."""
    return fold.repeat, fold.index, modalities


def without_inner(fold: Fold, held_out: int) -> Fold:
    """Return the fold whose test rows are those of one inner fold, and whose training rows the others; its inner folds are the others."""
    kept = fold.inner != held_out
    inner = fold.inner[kept]
    return Fold(fold.repeat, fold.index, fold.train[kept], fold.train[~kept], (inner - (inner > held_out)).astype(np.int16),
                fold.n_inner - 1)  # fmt: skip


@dataclass(frozen=True)
class FoldRepresentations:
    """Representations of an outer fold's rows, float32 (n, d), 0 of others.

    outer: by the network of all training rows. inner: by those that are trained without each inner fold.
    """

    outer: np.ndarray
    inner: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class NetworkRepresentations:
    """A network's representations. configs: the configuration that train chose, by place. They are computed once for all learners, of the
    rows of a fold: a learner may be tuned on a sample of them.
    """

    model: Sweep
    settings: Any
    configs: Mapping[Place, Config]
    _found: dict[tuple[Place, int, bytes], FoldRepresentations] = field(default_factory=dict, repr=False)

    def of(self, problem: Problem, fold: Fold, modalities: tuple[str, ...], pool: ThreadPoolExecutor) -> FoldRepresentations:
        """Return the representations of a fold and combination; no network sees a row that its representation is tested on."""
        place = place_of(fold, modalities), len(problem.target), fold.train.tobytes()
        if place not in self._found:
            inner = tuple(self._of_fold(problem, without_inner(fold, code), modalities, pool) for code in range(fold.n_inner))
            self._found[place] = FoldRepresentations(self._of_fold(problem, fold, modalities, pool), inner)
        return self._found[place]

    def _of_fold(self, problem: Problem, fold: Fold, modalities: tuple[str, ...], pool: ThreadPoolExecutor) -> np.ndarray:
        """Return what a network that is trained on a fold's training rows represents its training and test rows by."""
        alone = replace(problem, folds=(fold,), combinations=(modalities,))
        ((sweep,),) = self.model.run(alone, self.settings, [self.configs[place_of(fold, modalities)]], pool)
        rows = np.sort(np.concatenate([fold.train, fold.test]))
        inputs = {}
        for name in modalities:
            block = problem.blocks[name]
            state = block.raw.fit(fold.train, block.settings)
            inputs[name] = model_input(block.raw.taken(rows), state, structured=self.model.reads_structure)
        assert self.model.represent is not None
        values = self.model.represent(sweep.fitted(0), inputs)
        found = np.zeros((len(problem.target), values.shape[1]), np.float32)
        found[rows] = values
        return found
