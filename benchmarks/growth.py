"""How time and memory of a sweep grow with rows and with modalities, per model, as far as each goes.

Each point is a sweep in a process of its own, once: one outer fold and five inner ones on n rows × 784 columns, or every combination of m
modalities of 128 columns on 2,000 rows with three inner folds. kNN sweeps k = 1…50, L1 and L2; SVM and MLP the grid of params.yaml. A
model's series ends where its next point would take longer than what is left of its time, or train would refuse it as too large.
"""

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, significant
from benchmarks.side import high_water
from benchmarks.work import HELD_OUT, SEED, Work, one_fold, synthetic_features
from stages.contracts.model import Size, Sweep
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params, section
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results
from stages.training.limits import require_memory

LEARNERS = ("knn", "svm", "mlp")
ROWS, WIDTH, N_INNER = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000), 784, 5
MODALITIES, N_ROWS, MODALITY_WIDTH, N_INNER_OF_MANY = (1, 2, 3, 4, 5), 2_000, 128, 3
BUDGET_S = 375.0  # per learner, both series
STEEPEST = {"knn": 2.0, "svm": 2.6, "mlp": 1.2}  # exponent by which the next point is predicted, where the series itself says less
SHORT_S = 0.5  # points below it are mostly overhead: left out of the exponent


def sweep_once(learner: str, n: int, m: int) -> float:
    """Do one sweep and return its seconds. m: 0 for one modality of 784 columns, else how many of 128."""
    widths = {f"m{i}": MODALITY_WIDTH for i in range(m)} if m else {"features": WIDTH}
    modalities, target = synthetic_features(n + HELD_OUT, widths)
    problem = Work(modalities, target, one_fold(len(target), N_INNER_OF_MANY if m else N_INNER)).problem()
    model, settings = learner_of(learner)
    configs = model.approximated(model.grid(settings, SEED), settings, problem)
    started = time.perf_counter()
    for _ in results(LearnerSetup(model, settings), problem, configs):
        pass
    return time.perf_counter() - started


def learner_of(learner: str) -> tuple[Sweep, Any]:
    """Return a model and its settings: those of params.yaml; of kNN k = 1…50, L1 and L2."""
    model = as_sweep(component("models", learner))
    if learner == "knn":
        grid = {"n_neighbors": range(1, 51), "metric": ("manhattan", "euclidean"), "weights": ("uniform",)}
        return model, model.settings.model_validate(grid)
    return model, section(read_params(ROOT / "params.yaml"), f"models.{learner}", model.settings)


def point(learner: str, n: int, m: int) -> dict[str, Any]:
    """Return the seconds of one sweep and the most memory that its process had, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.growth", learner, str(n), str(m)]
    child = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if child.returncode:
        return {"failed": f"ended with {child.returncode}"}
    seconds, peak_bytes = json.loads(child.stdout)
    return {"seconds": significant(seconds, 3), "peak_mb": round(peak_bytes / 1e6)}


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float | None:
    """Return the slope of log time over log size, of the points that are long enough to tell; None of fewer than two."""
    kept = [(math.log(size), math.log(s)) for size, s in zip(sizes, seconds, strict=True) if s >= SHORT_S][-3:]
    if len(kept) < 2:
        return None
    x, y = np.array(kept).T
    return round(float(np.polyfit(x, y, 1)[0]), 2)


def series(learner: str, along: str, budget_s: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return a learner's points along "rows" or "modalities", within `budget_s`."""
    sizes = ROWS if along == "rows" else MODALITIES
    points: list[dict[str, Any]] = []
    spent = 0.0
    for size in sizes:
        n, m = (size, 0) if along == "rows" else (N_ROWS, size)
        reason = _refused(learner, n, m) or _too_long(learner, points, size, budget_s - spent)
        if reason:
            points.append({"size": size, "left_out": reason})
            break
        started = time.perf_counter()
        points.append({"size": size, **point(learner, n, m)})
        spent += time.perf_counter() - started
        say(f"growth, {learner}, {along} {size:,}: {points[-1]}")
        if "failed" in points[-1]:
            break
    done = [p for p in points if "seconds" in p]
    of = [_work(p["size"]) for p in done]
    return {"learner": learner, "along": along, "points": points, "exponent": exponent(of, [p["seconds"] for p in done])}


def _work(size: int) -> float:
    """Return rows, or of modalities the number of their combinations: what time is a power of."""
    return size if size > max(MODALITIES) else 2**size - 1


def _refused(learner: str, n: int, m: int) -> str | None:
    """Return why train would refuse a point, or None."""
    model, settings = learner_of(learner)
    width = MODALITY_WIDTH * m if m else WIDTH
    try:
        require_memory("growth", model, Size(n, max(1, m), n_outputs=10, n_folds=1, n_values=float(width)), settings)
    except InputError as error:
        return "refused: " + re.sub(r".*(needs about [\d,]+ GB).*", r"\1", str(error))
    return None


def _too_long(learner: str, points: list[dict[str, Any]], size: int, left_s: float) -> str | None:
    """Return why there is no time for a point, or None: by the last one, and how steep the series has been."""
    done = [(_work(p["size"]), p["seconds"]) for p in points if "seconds" in p]
    if not done:
        return None
    slope = STEEPEST[learner] if size > max(MODALITIES) else 1.1
    if len(done) > 1:
        slope = max(slope, math.log(done[-1][1] / done[-2][1]) / math.log(done[-1][0] / done[-2][0]))
    expected = done[-1][1] * (_work(size) / done[-1][0]) ** slope
    return f"about {expected:,.0f} s predicted" if expected > left_s else None


def measure(say: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """Return the series of every model."""
    return [
        series(learner, along, share * BUDGET_S, say)
        for learner in LEARNERS for along, share in (("rows", 0.8), ("modalities", 0.2))
    ]  # fmt: skip


if __name__ == "__main__":
    took_s = sweep_once(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps([took_s, high_water(os.getpid())]))  # by the process itself: its parent reads at least what the parent had itself
