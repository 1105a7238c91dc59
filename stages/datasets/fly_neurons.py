"""Fly neurons: the type of a nerve cell from the graph of its neighbors: a node-level task.

The mushroom body of one fruit-fly larva, both sides: 209 neurons on the left and 213 on the right; an edge's weight is the number of
synapses from one cell to the other. Types: K (Kenyon cells, about half), I (input neurons), O (output neurons) and P (projection
neurons). A sample is a neuron: the root of the graph induced by it and its neighbors (by edges in either direction). Nodes have no
labels, so that no graph holds a type.

Split (ours, as none is published): trained on the left side, tested on the right. The two graphs share no edge, so that no edge of a test
cell is in the training data; but many cells have a counterpart on the other side, which the data do not mark. The score measures how well
types transfer to the other side of the same animal, not to another animal. The sides differ: a simple classifier tells a cell's side by
its neighborhood with an AUC of 0.78. (Folds over the cells of one side would test cells whose neighborhoods overlap with those trained
on.) In the package, cells are sorted by type: ids follow that order, nodes of the graphs a seeded permutation.

Published figures: none known for this classification. Priebe et al. (Semiparametric spectral modeling of the Drosophila
connectome, arXiv:1705.03297) find the four types as largely separate clusters of the right side's spectral embedding.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.readers.archive import damaged, read_member
from stages.samples.graph_column import GraphSample, graph_column, neighborhood_graph

SIDES = {"left": "train", "right": "test"}
ADJACENCY, LABELS = "graspologic/datasets/drosophila/{}_adjacency.csv", "graspologic/datasets/drosophila/{}_cell_labels.csv"
TYPES = {"K": "Kenyon", "I": "input", "O": "output", "P": "projection"}


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives["graspologic"]
    ids: list[str] = []
    types: list[str] = []
    splits: list[str] = []
    graphs: list[GraphSample] = []
    for side, split in SIDES.items():
        found = _types(archive, LABELS.format(side))
        whole, place = _graph(archive, ADJACENCY.format(side), len(found), seed)
        types += found
        ids += [f"{side}-{node:03d}" for node in range(len(found))]
        splits += [split] * len(found)
        graphs += [neighborhood_graph(whole, int(node)) for node in place]
    return samples_table(ids, ids, types, {"neighbourhood": ("graph", graph_column(graphs))}, splits=splits)


def _types(archive: Path, member: str) -> list[str]:
    try:
        types = read_member(archive, member).decode().split()
        unknown = sorted(set(types) - set(TYPES))
        if unknown or not types:
            raise ValueError(f"expected types {', '.join(TYPES)}, found {unknown[0]!r}" if unknown else "it is empty")
    except ValueError as error:
        raise damaged(archive, member, error) from error
    return [TYPES[name] for name in types]


def _graph(archive: Path, member: str, n: int, seed: int) -> tuple[GraphSample, np.ndarray]:
    """Return the directed graph of a matrix of synapse counts, from rows to columns, and the node of each row: int (n,)."""
    try:
        rows = [[float(value) for value in line.split()] for line in read_member(archive, member).decode().splitlines()]
        if len(rows) != n or any(len(row) != n for row in rows):
            raise ValueError(f"expected {n} × {n} numbers, one row and column per cell with a type")
        synapses = np.array(rows)
        if not np.isfinite(synapses).all():
            raise ValueError("a number of synapses is not finite")
    except ValueError as error:
        raise damaged(archive, member, error) from error
    source, target = np.nonzero(synapses)
    place = np.random.default_rng(seed).permutation(n)
    edges = np.stack([place[source], place[target]], axis=1)
    return GraphSample(n, edges, directed=True, weight=synapses[source, target]), place


DATA_SET = DataSet(
    name="fly_neurons",
    title="Neurons of a fruit-fly larva's mushroom body",
    sources=(
        Source(
            "graspologic",
            "3.4.4",
            "graspologic-3.4.4-py3-none-any.whl",
            "4ea5cd50f10eaff3fa90f18a8f66b1f5f42c724ac6aeb95e9f081632fc8d2d00",
        ),
    ),
    licence="MIT (the package that carries the data, which states no other licence for them)",
    citation="K. Eichler, F. Li, A. Litwin-Kumar et al. (2017), The complete connectome of a learning and memory centre in an insect "
    "brain, Nature 548, 175–182, doi:10.1038/nature23455; as in graspologic",
    n_samples=422,
    modalities={"neighbourhood": "graph"},
    targets={"type": "multiclass"},
    group="the neuron",
    read=read,
    n_train=209,
    known_leaks={
        "order-tells-target/samples": "cells are sorted by type; nodes of the graphs are not",
        "train-test-shift/neighbourhood": "the parts are the two sides of the animal, and the score is one of transfer between them",
    },
)
