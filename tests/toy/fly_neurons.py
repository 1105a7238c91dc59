"""Fake graspologic: matrices of synapses between a few cells of four types on two sides; the types differ in whom they speak to."""

from pathlib import Path

import numpy as np

from toy import write_wheel

TYPES = {"left": "KKKKKKKKIIIOOOPPPPP", "right": "KKKKKKKKIIIOOOPPPPPP"}
N_ROWS = {"type": sum(map(len, TYPES.values()))}
SPEAKS = {"K": "KO", "I": "KIOP", "O": "O", "P": "K"}
FOLDER = "graspologic/datasets/drosophila/"


def synapses(side: str) -> np.ndarray:
    """Return the matrix of one side, int (n, n)."""
    random = np.random.default_rng(len(TYPES[side]))
    linked = np.array([[other in SPEAKS[one] for other in TYPES[side]] for one in TYPES[side]])
    matrix = np.where(linked, random.poisson(1.5, linked.shape), 0)
    np.fill_diagonal(matrix, 0)
    return matrix


def write(folder: Path) -> dict[str, Path]:
    members = {}
    for side, types in TYPES.items():
        rows = [" ".join(map(str, row)) for row in synapses(side).tolist()]
        members[f"{FOLDER}{side}_adjacency.csv"] = "\n".join(rows) + "\n"
        members[f"{FOLDER}{side}_cell_labels.csv"] = "\n".join(types) + "\n"
    return {"graspologic": write_wheel(folder / "graspologic.whl", {name: text.encode() for name, text in members.items()})}
