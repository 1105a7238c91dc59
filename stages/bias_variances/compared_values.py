"""Which values of a parameter can be compared on one data set: with enough training rows, and where nothing else of the grid differs."""

import json
from collections.abc import Sequence
from dataclasses import replace

from stages.bias_variances.bootstraps import Grid
from stages.contracts.documents.bias_variance_document import SkippedValue
from stages.contracts.model import Config


def comparable(grid: Grid) -> Grid:
    """Return the grid without the configurations that lack a counterpart for one of the values: a linear kernel's, where gamma is compared.

    Of the sets of values that occur with the same other parameters the largest counts, the first of equal ones.
    """
    by_others: dict[str, list[Config]] = {}
    for config in grid.configs:
        by_others.setdefault(_text(grid.others(config)), []).append(config)
    values = {others: [_text(config[grid.parameter]) for config in configs] for others, configs in by_others.items()}
    largest = max(values.values(), key=len)  # the first of equal ones
    return replace(grid, configs=[config for config in grid.configs if values[_text(grid.others(config))] == largest])


def skipped_values(whole: Sequence[Config], fitting: Sequence[Config], compared: Grid, min_rows: int) -> tuple[SkippedValue, ...]:
    """Return the values that are not compared, in the grid's order.

    Args:
        whole, fitting: the configurations of the grid, and those for which the smallest inner training set is large enough.
        min_rows: the number of rows of that set.
    """
    parameter = compared.parameter
    fit = {_text(config[parameter]) for config in fitting}
    kept = {_text(value) for value in compared.values}
    found: dict[str, SkippedValue] = {}
    for config in whole:
        text = _text(config[parameter])
        if text not in kept:
            needs = compared.model.min_samples(config)
            why = (f"no configurations differ from those of the other values in {parameter} alone" if text in fit else
                   f"needs {needs:,} training rows, and one inner training set has {min_rows:,}")  # fmt: skip
            found.setdefault(text, SkippedValue(value=config[parameter], why=why))
    return tuple(found.values())


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
