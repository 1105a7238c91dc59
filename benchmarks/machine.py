"""What the machine can do, measured in the same run as the kernels, and how near they come to it.

GEMM rates bound inner products (2 operations per pair and column). An L1 distance has no fused instruction: it takes two additions (and
a bit operation) where a GEMM does two operations in one instruction, so that a quarter of the GEMM's rate, counted in absolute
differences, is the most that arithmetic allows. The exponential is compared with the memory's bandwidth (one read,
one write).
"""

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import psutil

from benchmarks.harness import significant
from benchmarks.work import SEED, Work, one_fold, synthetic_features
from stages.foundation.parallel import n_cores
from stages.foundation.registry import component
from stages.model_selection.protocol import LearnerSetup, results

PACKAGES = ("numpy", "scipy", "numba", "torch", "scikit-learn", "scikit-learn-intelex", "pyarrow", "polars", "pillow", "librosa")
SIDE = 1536  # of the matrices multiplied
ROUNDS = 5
N_ROWS, WIDTH = 6000, 256  # of the features between which distances are measured


def facts() -> dict[str, Any]:
    """Return what a reader must know of the machine: no name, no address."""
    found = {}
    for package in sorted(PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"processor": _processor(), "cores": n_cores(), "memory_gb": round(psutil.virtual_memory().total / 1e9),
            "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(), "packages": found}  # fmt: skip


def _processor() -> str:
    """Return the processor's model, cache and vector instructions as far as the system tells."""
    try:
        with open("/proc/cpuinfo") as file:
            lines = dict(line.strip().split("\t: ", 1) for line in file if "\t: " in line)
    except OSError:
        return platform.processor() or platform.machine()
    flags = next((value for name, value in lines.items() if name.strip() in ("flags", "Features")), "").split()
    vectors = next((name for name in ("avx512f", "avx2", "asimd") if name in flags), "")
    model = next((value for name, value in lines.items() if name.strip() == "model name"), platform.machine())
    return f"{model}{f' ({vectors})' if vectors else ''}"


def fastest(function: Callable[[], Any], threads: int = 1) -> float:
    """Return the seconds that `function` takes on each of `threads` threads at once: the least of some rounds, after one that warms."""
    with ThreadPoolExecutor(threads) as pool:
        times = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            list(pool.map(lambda _: function(), range(threads)))
            times.append(time.perf_counter() - started)
    return min(times[1:])


def rates() -> dict[str, float]:
    """Return the machine's rates, on one thread and on all cores: GEMM in 1e9 operations/s, memory in 1e9 bytes/s, exp in 1e9/s."""
    draw = np.random.default_rng(SEED)
    found = {}
    for kind in (np.float32, np.float64):
        matrix, other = (draw.random((SIDE, SIDE)).astype(kind) for _ in range(2))
        for threads in (1, n_cores()):
            seconds = fastest(partial(np.matmul, matrix, other), threads)
            found[f"gemm_{np.dtype(kind).name}_{threads}"] = threads * 2e-9 * SIDE**3 / seconds
    source = draw.random(2**25)  # 256 MB: beyond any cache

    def copied() -> None:
        np.copyto(target, source)

    target = np.empty_like(source)
    found["copy_1"] = 2e-9 * source.nbytes / fastest(copied)
    found[f"copy_{n_cores()}"] = _copy_on(n_cores(), source, target)
    values = -5 * draw.random(2**18)  # 2 MB: out of the cache's second level, as Gram matrices are
    found["exp_1"] = 1e-9 * len(values) / fastest(lambda: np.exp(values, out=np.empty_like(values)))
    return {name: significant(value, 3) for name, value in found.items()}


def _copy_on(threads: int, source: np.ndarray, target: np.ndarray) -> float:
    """Return the bandwidth in 1e9 bytes/s with each thread copying its share."""
    shares = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        times = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), shares))
            times.append(time.perf_counter() - started)
    return 2e-9 * source.nbytes / min(times[1:])


def kernels() -> list[dict[str, Any]]:
    """Return how near the models come to those rates, as whole sweeps of one configuration on all cores, and as exponentials.

    A kNN sweep measures each pair of rows once for each direction; what else it does (selection, votes) counts against it.
    """
    machine = rates()
    gemm = machine[f"gemm_float64_{n_cores()}"]
    pairs = float(N_ROWS) ** 2 * WIDTH
    l1, l2 = (1e-9 * pairs / _sweep_s(metric) for metric in ("manhattan", "euclidean"))
    exp = machine["exp_1"]
    lines = [
        (f"kNN sweep, L1 alone, k = 1, {N_ROWS:,}×{WIDTH}", l1, "1e9 absolute differences/s", gemm / 4, "a quarter of GEMM, float64"),
        (f"kNN sweep, L2 alone, k = 1, {N_ROWS:,}×{WIDTH}", 2 * l2, "1e9 operations/s", gemm, "GEMM rate, float64"),
        ("exponential (numpy, float64, 1 thread)", 16 * exp, "1e9 bytes/s", machine["copy_1"], "memory, 1 thread"),
    ]
    return [
        {"kernel": kernel, "rate": significant(rate, 3), "unit": unit, "bound": significant(bound, 3), "of": of,
         "share": round(rate / bound, 2)}
        for kernel, rate, unit, bound, of in lines
    ]  # fmt: skip


def _sweep_s(metric: str) -> float:
    model = component("models", "knn")
    settings = model.settings(n_neighbors=(1,), metric=(metric,), weights=("uniform",))
    modalities, target = synthetic_features(N_ROWS, {"features": WIDTH})
    work = Work(modalities, target, one_fold(len(target), 5))
    times = []
    for _ in range(4):
        problem = work.problem()
        started = time.perf_counter()
        list(results(LearnerSetup(model, settings), problem, model.grid(settings, SEED)))
        times.append(time.perf_counter() - started)
    return min(times[1:])


def measure() -> dict[str, Any]:
    """Return the machine's rates, the kernels' and how many cores there are."""
    return {"rates": rates(), "kernels": kernels(), "load": significant(os.getloadavg()[0], 2)}
