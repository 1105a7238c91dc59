"""Fake river: genes with 103 numbers and 14 labels, two of them with the same numbers."""

import gzip
from pathlib import Path

import numpy as np

from toy import write_wheel

N = 60
SAME = (4, 17)
N_ROWS = {"functions": N}


def write(folder: Path) -> dict[str, Path]:
    random = np.random.default_rng(0)
    numbers = random.standard_normal((N, 103)).round(6)
    numbers[SAME[1]] = numbers[SAME[0]]
    labels = random.integers(0, 2, (N, 14))
    labels[0] = [1] + [0] * 12 + [1]
    lines = [",".join([f"Att{i}" for i in range(1, 104)] + [f"Class{i}" for i in range(1, 15)])]
    lines += [",".join(map(str, [*row, *held])) for row, held in zip(numbers.tolist(), labels.tolist(), strict=True)]
    content = gzip.compress("\n".join(lines).encode(), mtime=0)
    return {"river": write_wheel(folder / "river.whl", {"river/datasets/yeast.csv.gz": content})}
