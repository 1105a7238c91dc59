"""How configurations did on the inner folds, which were chosen, and how training went."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

KEYS = ["modalities", "repeat", "fold"]


def chosen(sweep: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return by combination the configuration used on each outer fold, with its mean inner score."""
    rows = (
        sweep.filter("chosen")
        .group_by([*KEYS, "config", "settings"])
        .agg(pl.col("score").fill_nan(None).mean().alias("inner_score"))
        .sort(KEYS)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        entry = {name: row[name] for name in ("repeat", "fold", "config", "inner_score")}
        found.setdefault(row["modalities"], []).append({**entry, "settings": json.loads(row["settings"])})
    return found


def grid_means(sweep: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return by combination every configuration with its inner score, mean over inner and outer folds."""
    rows = (
        sweep.group_by(["modalities", "config", "settings"])
        .agg(pl.col("score").fill_nan(None).mean().alias("mean"))
        .sort(["modalities", "config"])
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["modalities"], []).append({"settings": json.loads(row["settings"]), "mean": row["mean"]})
    return found


def swept(grid: Sequence[dict[str, Any]], *, greater_is_better: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Return for each swept parameter its values in order, each with the best mean over the other parameters.

    A parameter that a configuration lacks or that is null there (gamma of a linear kernel) takes no part.
    """
    better = max if greater_is_better else min
    best: dict[str, dict[Any, float]] = {}
    for entry in grid:
        for name, value in entry["settings"].items():
            if value is not None and entry["mean"] is not None:
                key = json.dumps(value)
                values = best.setdefault(name, {})
                values[key] = better(values.get(key, entry["mean"]), entry["mean"])
    found = {}
    for name, values in sorted(best.items()):
        if len(values) > 1:
            points = [{"value": json.loads(key), "mean": mean} for key, mean in values.items()]
            numeric = all(isinstance(p["value"], (int, float)) for p in points)
            found[name] = sorted(points, key=lambda p: p["value"]) if numeric else points
    return found


def mean_curves(curves: pl.DataFrame) -> dict[str, dict[str, list[float | None]]]:
    """Return by combination and name the mean per step over the folds that reached the step."""
    rows = curves.group_by(["modalities", "name", "step"]).agg(pl.col("value").fill_nan(None).mean()).sort(["modalities", "name", "step"])
    found: dict[str, dict[str, list[float | None]]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["modalities"], {}).setdefault(row["name"], []).append(row["value"])
    return found
