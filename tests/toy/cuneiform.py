"""Fake grakel: three signs of one, two or three wedges on five tablets, the first of which lacks the last sign."""

from pathlib import Path

import numpy as np

from toy import mutag, write_wheel

N_TABLETS, N_SIGNS = 5, 3
CODES = [0, 1, *list(range(N_SIGNS)) * (N_TABLETS - 1)]
N_ROWS = {"sign": len(CODES)}
FOLDER = "grakel/tests/data/Cuneiform/Cuneiform_"


def sign(code: int) -> mutag.Graph:
    """Return a sign of code + 1 wedges of four points; the first point of each wedge is joined to those of the others."""
    nodes = [f"{point}, {wedge % 3}" for wedge in range(code + 1) for point in range(4)]
    edges = {(4 * wedge + one, 4 * wedge + other): 0 for wedge in range(code + 1) for one in range(4) for other in range(one + 1, 4)}
    edges |= {(4 * one, 4 * other): 1 for one in range(code + 1) for other in range(one + 1, code + 1)}
    return code, nodes, edges


def write(folder: Path) -> dict[str, Path]:
    random = np.random.default_rng(0)
    lists = mutag.tu_lists([sign(code) for code in CODES])
    points = random.normal(0, 3, (lists["node_labels"].count("\n"), 3)) - [0, 0, 8]
    lists["node_attributes"] = "".join(f"{x!r}, {y!r}, {z!r}\n" for x, y, z in points.tolist())
    return {"grakel": write_wheel(folder / "grakel.whl", {f"{FOLDER}{name}.txt": text.encode() for name, text in lists.items()})}
