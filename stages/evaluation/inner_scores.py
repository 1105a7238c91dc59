"""How configurations did on the inner folds, which were chosen, and how training went."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from stages.contracts.candidate import Candidate, parsed_combination
from stages.contracts.documents.evaluation_document import ChosenConfig, GridPoint, SweepPoint

CANDIDATE = ["modalities", "fusion"]  # the columns that tell a model's candidates apart


@dataclass(frozen=True)
class Tuning:
    """configs: used on each outer fold. grid: every configuration. sweeps: by parameter.

    curves: {name: a curve per repeat and outer fold}. notes: {name: mean}.
    """

    configs: tuple[ChosenConfig, ...]
    grid: tuple[GridPoint, ...]
    sweeps: dict[str, tuple[SweepPoint, ...]]
    curves: dict[str, tuple[tuple[float | None, ...], ...]]
    notes: dict[str, float | None]


def tuning_by_candidate(
    model: str, sweep: pl.DataFrame, curves: pl.DataFrame, notes: pl.DataFrame, *, greater_is_better: bool
) -> dict[Candidate, Tuning]:
    """Return what the sweep, the training curves and the notes of a model's candidates show."""
    found = {}
    of_curves, of_notes = (table.partition_by(CANDIDATE, as_dict=True) for table in (curves, notes))
    for key, rows in sweep.partition_by(CANDIDATE, as_dict=True).items():
        combination, fusion = key
        grid = grid_means(rows)
        steps = of_curves.get(key, curves.clear())
        found[Candidate(model, parsed_combination(combination), fusion)] = Tuning(
            chosen(rows), grid, swept(grid, greater_is_better=greater_is_better), fold_curves(steps),
            mean_notes(of_notes.get(key, notes.clear())))
    return found


def chosen(sweep: pl.DataFrame) -> tuple[ChosenConfig, ...]:
    """Return the configuration used on each outer fold, with its mean inner score."""
    rows = (
        sweep.filter("chosen")
        .group_by(["repeat", "fold", "config", "settings"])
        .agg(pl.col("score").fill_nan(None).mean().alias("inner_score"))
        .sort(["repeat", "fold"])
    )
    return tuple(ChosenConfig(**row | {"settings": json.loads(row["settings"])}) for row in rows.iter_rows(named=True))


def grid_means(sweep: pl.DataFrame) -> tuple[GridPoint, ...]:
    """Return every configuration with its inner score, mean over inner and outer folds."""
    rows = sweep.group_by(["config", "settings"]).agg(pl.col("score").fill_nan(None).mean().alias("mean")).sort("config")
    return tuple(GridPoint(settings=json.loads(row["settings"]), mean=row["mean"]) for row in rows.iter_rows(named=True))


def swept(grid: Sequence[GridPoint], *, greater_is_better: bool = True) -> dict[str, tuple[SweepPoint, ...]]:
    """Return for each swept parameter its values in order, each with the best mean over the other parameters.

    A configuration counts only for the parameters that it has: a linear kernel has no gamma.
    """
    better = max if greater_is_better else min
    best: dict[str, dict[Any, float]] = {}
    for point in grid:
        for name, value in point.settings.items():
            if value is not None and point.mean is not None:
                key = json.dumps(value)
                values = best.setdefault(name, {})
                values[key] = better(values.get(key, point.mean), point.mean)
    found = {}
    for name, values in sorted(best.items()):
        if len(values) > 1:
            points = [SweepPoint(value=json.loads(key), mean=mean) for key, mean in values.items()]
            numeric = all(isinstance(point.value, (int, float)) for point in points)
            found[name] = tuple(sorted(points, key=lambda point: point.value) if numeric else points)
    return found


def fold_curves(curves: pl.DataFrame) -> dict[str, tuple[tuple[float | None, ...], ...]]:
    """Return by name the values per step of each outer fold, by repeat and fold.

    No mean over the folds: each stops at another step, so that a mean over those left may rise where every fold falls.
    """
    rows = curves.with_columns(pl.col("value").fill_nan(None)).sort(["name", "repeat", "fold", "step"])
    found: dict[str, list[tuple[float | None, ...]]] = {}
    for (name, *_), of_fold in rows.partition_by(["name", "repeat", "fold"], as_dict=True, maintain_order=True).items():
        found.setdefault(str(name), []).append(tuple(of_fold["value"].to_list()))
    return {name: tuple(of_name) for name, of_name in found.items()}


def mean_notes(notes: pl.DataFrame) -> dict[str, float | None]:
    """Return by name the mean over the outer folds."""
    rows = notes.group_by("name").agg(pl.col("value").mean()).sort("name")
    return dict(rows.iter_rows())
