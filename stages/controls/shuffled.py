"""Shuffled pairing: what a linear learner of all modalities reaches with one modality of other samples, of the same class or of any.

Within classes the modality still tells the class, but no longer the sample: a drop is signal that lies in the modalities together (that
they agree, or that one says how to read the other). Without a drop fusing adds marginal signals. Across classes the modality tells nothing:
what is left is the others' signal, at the price of a modality of noise. Rows are shuffled among training rows and among test rows of each
outer fold, never between the two.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from pydantic import Field

from stages.contracts.control import ControlData, Randomised, Variant
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.foundation.seeds import derived_seed

WITHIN, ACROSS = "within classes", "across classes"


class ShuffledSettings(Settings):
    n_shuffles: int = Field(0, ge=0, le=10_000, description="times that each modality is shuffled, within and across classes; 0: off")


def observed(data: ControlData) -> Problem:
    """Return the problem with all modalities together."""
    return replace(data.problem, combinations=data.problem.combinations[-1:])


def variants(data: ControlData, settings: ShuffledSettings) -> Iterator[Variant]:
    """Yield the problem with one modality of other samples, fold by fold."""
    whole = observed(data)
    for name in whole.combinations[0]:
        for how in (WITHIN, ACROSS):
            for draw in range(settings.n_shuffles):
                yield Variant(f"{name} {how}", draw, [_shuffled(whole, fold, name, how, draw) for fold in whole.folds])


def _shuffled(problem: Problem, fold: Fold, name: str, how: str, draw: int) -> Problem:
    seed = derived_seed(problem.seed, "shuffled", name, how, str(draw), str(fold.repeat), str(fold.index))
    order = pairing(fold, problem.target if how == WITHIN else np.zeros_like(problem.target), np.random.default_rng(seed))
    return replace(problem, folds=(fold,), blocks={**problem.blocks, name: problem.blocks[name].taken(order)})


def pairing(fold: Fold, strata: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return for each row the row whose modality it gets: a permutation within each stratum of the training rows and of the test rows."""
    order = np.arange(len(strata))
    for rows in (fold.train, fold.test):
        for code in np.unique(strata[rows]):
            members = rows[strata[rows] == code]
            order[members] = generator.permutation(members)
    return order


def not_applicable(data: ControlData, settings: ShuffledSettings) -> str | None:
    """Return that it is off, or that there is nothing to pair, if so."""
    if not settings.n_shuffles:
        return "off: controls.shuffled.n_shuffles is 0"
    if len(data.problem.combinations[-1]) < 2:
        return "there is one modality"
    return None if data.problem.form == "classes" else f"modalities are shuffled within classes, and the targets are {data.problem.form}"


CONTROL = Randomised(name="shuffled", settings=ShuffledSettings, observed=observed, variants=variants, not_applicable=not_applicable)
