"""Count the false alarms of the leakage gate: findings on simulated data sets without a leak.

`python -m benchmarks.leaks` makes 200 data sets (`python -m benchmarks.leaks 50`: so many), each with another seed, one to three
modalities, task, number of samples (120 to 499) and size of groups, and runs every detector on them. It prints each finding and the share
of data sets that have any, and exits 1 if that is above LEVEL.
"""

import contextlib
import io
import sys
import time

import numpy as np

from benchmarks.leak_free import MAKERS, clean, found

N_SETS = 200
LEVEL = 0.05  # share of the data sets that may have a finding; docs/leaks.md states it
TASKS = ("binary", "multiclass", "multilabel", "regression")


def findings(seed: int) -> list[str]:
    """Return what is found on one simulated data set without a leak, a line each."""
    rng = np.random.default_rng(10**6 + seed)
    modalities = rng.choice(list(MAKERS), int(rng.integers(1, 4)), replace=False).tolist()
    task, n, group_size = TASKS[rng.integers(len(TASKS))], int(rng.integers(120, 500)), int(rng.integers(1, 5))
    with contextlib.redirect_stdout(io.StringIO()):  # progress of the stages
        suspicions = found(clean(seed, *modalities, n=n, task=task, group_size=group_size))
    return [f"seed {seed} ({', '.join(modalities)}; {task}, {n} samples): {suspicion.code}: {suspicion.text}" for suspicion in suspicions]


def main(n_sets: int) -> int:
    """Print the findings and their share; return 1 if there are too many."""
    started = time.perf_counter()
    lines = [findings(seed) for seed in range(n_sets)]
    for line in [line for of_set in lines for line in of_set]:
        print(line)
    share = sum(map(bool, lines)) / n_sets
    took = time.perf_counter() - started
    print(f"{share:.1%} of {n_sets} data sets without a leak have a finding; at most {LEVEL:.0%} may ({took:.0f} s)")
    return int(share > LEVEL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else N_SETS))
