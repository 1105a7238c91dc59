"""A run's numbers as MLflow's metrics: name, value, step."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Point = tuple[str, float, int]  # metric, value, step


def run_points(results: Mapping[str, Any], metrics: Sequence[str], outputs: Sequence[str]) -> list[Point]:
    """Return a run's metrics: intervals, values per outer fold, per label or number, training curves, inner sweeps over whole numbers.

    Args:
        metrics: in the order in which the dashboard is to list them.
        outputs: names of the classes, labels or numbers.
    """
    points = score_points(results["scores"], metrics)
    for metric, values in (results["by_output"] or {}).items():
        named = zip(metric_names(outputs), values, strict=True)
        # of one label there is nothing to be macro about
        points += [(f"{metric.removeprefix('macro_')}/{name}", value, 0) for name, value in named if value is not None]
    for name, values in (results["curves"] or {}).items():
        points += [(f"curve/{name}", value, step) for step, value in enumerate(values, start=1) if value is not None]
    for name, entries in (results["sweeps"] or {}).items():
        numbers = [entry for entry in entries if isinstance(entry["value"], int) and not isinstance(entry["value"], bool)]
        points += [(f"inner/by_{name}", entry["mean"], entry["value"]) for entry in numbers if entry["mean"] is not None]
    return points


def score_points(scores: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> list[Point]:
    """Return `<metric>_mean`, `_lo`, `_hi`, then `fold/<metric>` with a step per outer fold; what is undefined is left out."""
    there = [(metric, scores[metric]) for metric in metrics if metric in scores]
    points = [(f"{metric}_{part}", score[part], 0) for metric, score in there for part in ("mean", "lo", "hi") if score[part] is not None]
    return points + [(f"fold/{metric}", value, step) for metric, score in there for step, value in enumerate(score["folds"])
                     if value is not None]


def metric_names(outputs: Sequence[str]) -> list[str]:
    """Return names that MLflow takes in a metric: other characters become _, and of equal ones the later get a number."""
    seen: dict[str, int] = {}
    found = []
    for output in outputs:
        name = re.sub(r"[^\w.: -]", "_", output, flags=re.ASCII)[:150]
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found
