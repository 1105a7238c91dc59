"""How time and memory of a sweep grow with rows and with modalities, per learner, as far as each goes.

Each point is a sweep in a process of its own, once: one outer fold and five inner ones on n rows × 784 columns, or every subset of m
modalities of 128 columns on 2,000 rows with three inner folds. kNN sweeps k = 1…50, L1 and L2; SVM and MLP the grid of params.yaml. A
learner's series ends where its next point would take longer than what is left of its time, or more memory than there is.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import psutil

from benchmarks.harness import ROOT, significant
from benchmarks.work import HELD_OUT, SEED, Work, one_fold, synthetic_features
from stages.params import read_params, section
from stages.registry import component

LEARNERS = ("knn", "svm", "mlp")
ROWS, WIDTH, N_INNER = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000), 784, 5
MODALITIES, N_ROWS, MODALITY_WIDTH, N_INNER_OF_MANY = (1, 2, 3, 4, 5), 2_000, 128, 3
BUDGET_S = 300.0  # per learner, both series
STEEPEST = {"knn": 2.0, "svm": 2.6, "mlp": 1.2}  # exponent by which the next point is foretold, where the series itself says less
SHORT_S = 0.5  # points below it are mostly overhead: left out of the exponent


def sweep_once(learner: str, n: int, m: int) -> float:
    """Do one sweep and return its seconds. m: 0 for one modality of 784 columns, else how many of 128."""
    widths = {f"m{i}": MODALITY_WIDTH for i in range(m)} if m else {"features": WIDTH}
    modalities, target = synthetic_features(n + HELD_OUT, widths)
    problem = Work(modalities, target, one_fold(len(target), N_INNER_OF_MANY if m else N_INNER)).problem()
    model = component("models", learner)
    settings: Any = section(read_params(ROOT / "params.yaml"), f"models.{learner}", model.settings)
    if learner == "knn":
        settings = model.settings(k=tuple(range(1, 51)), distance=("l1", "l2"), weights=("uniform",))
    configs = model.grid(settings, SEED)
    if hasattr(model, "at_size"):
        configs = model.at_size(configs, settings, len(problem.folds[0].train))
    started = time.perf_counter()
    for _ in model.sweep(problem, settings, configs):
        pass
    return time.perf_counter() - started


def point(learner: str, n: int, m: int) -> dict[str, Any]:
    """Return the seconds of one sweep and the most memory that its process had, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.growth", learner, str(n), str(m)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        return {"failed": f"ended with {child.returncode}"}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": significant(json.loads(said), 3), "peak_mb": round(usage.ru_maxrss * unit / 1e6)}


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
    memory = 0.8 * psutil.virtual_memory().total
    points: list[dict[str, Any]] = []
    spent = 0.0
    for size in sizes:
        n, m = (size, 0) if along == "rows" else (N_ROWS, size)
        reason = _too_much(learner, points, size, budget_s - spent, memory, n, max(1, m), along)
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
    of = [p["size"] if along == "rows" else 2 ** p["size"] - 1 for p in done]
    return {"learner": learner, "along": along, "points": points, "exponent": exponent(of, [p["seconds"] for p in done])}


def _too_much(
    learner: str, points: list[dict[str, Any]], size: int, left_s: float, memory: float, n: int, n_blocks: int, along: str
) -> str | None:
    """Return why the next point is left out, or None."""
    matrices = component("models", learner).pairwise_matrices(n_blocks)
    if matrices * 8 * n**2 > memory and n <= 20_000:
        return f"would need {matrices * 8e-9 * n**2:.0f} GB"
    done = [p for p in points if "seconds" in p]
    if not done:
        return None
    last = done[-1]
    grown = size / last["size"] if along == "rows" else (2**size - 1) / (2 ** last["size"] - 1)
    slope = STEEPEST[learner] if along == "rows" else 1.1
    if len(done) > 1 and along == "rows":
        slope = max(slope, math.log(done[-1]["seconds"] / done[-2]["seconds"]) / math.log(done[-1]["size"] / done[-2]["size"]))
    foretold = last["seconds"] * grown**slope
    return f"about {foretold:,.0f} s foretold" if foretold > left_s else None


def measure(say: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """Return the series of every learner."""
    return [
        series(learner, along, share * BUDGET_S, say)
        for learner in LEARNERS for along, share in (("rows", 0.8), ("modalities", 0.2))
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(sweep_once(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
