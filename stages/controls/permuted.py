"""Permuted labels: what a linear learner reaches with the targets of other samples, and how often that is as good as with its own.

The whole protocol runs again for each permutation: choice, thresholds, refit, test. The targets are laid out group after group, in a random
order of the groups and of the rows within each, and handed to the groups in their own order. Every value occurs as often as before, and
rows of one group get targets of one group, so that the null scores have the dependence within groups that the data have. The p-value is
(1 + permutations that score at least as well) / (1 + permutations): with 19 it can be .05 at best.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from pydantic import Field

from stages.contracts.control import ControlData, Randomised, Variant
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.foundation.seeds import derived_seed


class PermutedSettings(Settings):
    n_permutations: int = Field(0, ge=0, le=10_000, description="runs of the learner's whole protocol on permuted labels; 0: off")


def observed(data: ControlData) -> Problem:
    """Return the problem with all its combinations."""
    return data.problem


def variants(data: ControlData, settings: PermutedSettings) -> Iterator[Variant]:
    """Yield the problem with permuted targets."""
    groups = data.samples["group"].to_pylist()
    for draw in range(settings.n_permutations):
        order = permutation(groups, np.random.default_rng(derived_seed(data.problem.seed, "permuted", str(draw))))
        yield Variant("labels", draw, [replace(data.problem, target=data.problem.target[order])])


def permutation(groups: list[str], generator: np.random.Generator) -> np.ndarray:
    """Return for each row the row whose target it gets: int64 (n,); see the module's docstring."""
    _, codes = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    receiving = np.argsort(codes, kind="stable")
    rank = generator.permutation(codes.max() + 1)
    order = np.empty(len(codes), dtype=np.int64)
    order[receiving] = np.lexsort((generator.random(len(codes)), rank[codes]))
    return order


def not_applicable(data: ControlData, settings: PermutedSettings) -> str | None:
    """Return that it is off, if so."""
    return None if settings.n_permutations else "off: controls.permuted.n_permutations is 0"


CONTROL = Randomised(name="permuted", settings=PermutedSettings, observed=observed, variants=variants, not_applicable=not_applicable)
