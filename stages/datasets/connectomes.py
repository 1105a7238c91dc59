"""Connectomes: a mouse's strain, or its sex, from the graph of its brain.

32 mice of four strains, four males and four females of each. Nodes are 332 regions, the same in every brain, 166 per side; the weight of an
edge is the number of nerve tracts that diffusion MRI traced between two regions, 1 to about 100,000. A region's label is its side, its part
of the brain (seven per side: isocortex, pallium, …) and its number: `features: edges` compares single connections across brains,
`statistics` whole graphs.

The tables of each region's volume and diffusion are excluded: their headers name the strain's atlas. The atlas also limits what a good
score means: the regions of each strain were segmented with an atlas of that strain, so the target influenced the graphs. This does not
concern the sex.

A group is an animal; each has one graph. Litters are unknown. With 32 samples, a confidence interval of accuracy is about 0.3 wide.

Published figures: none known for this classification. The paper of the graphs, and V. Gopalakrishnan et al.,
Multiscale comparative connectomics (arXiv:2011.14990), report that whole-brain connectomes differ between the strains.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.readers.archive import damaged, read_member, read_members
from stages.samples.graph_column import GraphSample, graph_column

FOLDER = "graspologic/datasets/mice/"
PARTICIPANTS, BLOCKS = FOLDER + "participants.csv", FOLDER + "blocks.csv"
EDGES = FOLDER + "edgelists/{}_ses-1_dti.edgelist"


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives["graspologic"]
    mice = _table(archive, PARTICIPANTS, ("participant_id", "genotype", "sex"))
    labels = _regions(archive)
    members = [EDGES.format(mouse["participant_id"]) for mouse in mice]
    graphs = [_graph(archive, member, raw, labels) for member, raw in read_members(archive, members).items()]
    names = [mouse["participant_id"] for mouse in mice]
    return samples_table(names, names, [mouse[target] for mouse in mice], {"connectome": ("graph", graph_column(graphs))})


def _table(archive: Path, member: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(read_member(archive, member).decode().splitlines()))
        missing = [name for name in columns if not rows or any(not row.get(name) for row in rows)]
        if missing:
            raise ValueError(f"column {missing[0]!r} is missing or has empty cells")
    except (csv.Error, ValueError) as error:
        raise damaged(archive, member, error) from error
    return rows


def _regions(archive: Path) -> list[str]:
    """Return each node's label; a block is the nodes from i to j, j excluded."""
    labels: list[str] = []
    try:
        for block in _table(archive, BLOCKS, ("block", "hemisphere", "i", "j")):
            if int(block["i"]) != len(labels):
                raise ValueError(f"block {block['block']!r} does not begin where the previous block ends, at {len(labels)}")
            labels += [f"{block['hemisphere']} {block['block']} {node}" for node in range(int(block["i"]), int(block["j"]))]
    except ValueError as error:
        raise damaged(archive, BLOCKS, error) from error
    return labels


def _graph(archive: Path, member: str, raw: bytes, labels: list[str]) -> GraphSample:
    """Return the graph of an edge list: two nodes and a weight in each line, every edge once."""
    try:
        rows = [line.split() for line in raw.decode().splitlines()]
        edges = np.array([(int(row[0]), int(row[1])) for row in rows], dtype=np.int64).reshape(-1, 2)
        weight = np.array([float(row[2]) for row in rows])
        if len(edges) == 0 or edges.min() < 0 or edges.max() >= len(labels) or not np.isfinite(weight).all():
            raise ValueError(f"expected edges of finite weight between regions 0 to {len(labels) - 1}")
    except (IndexError, ValueError) as error:
        raise damaged(archive, member, error) from error
    return GraphSample(len(labels), edges, weight=weight, node_labels=labels)


DATA_SET = DataSet(
    name="connectomes",
    title="Mouse connectomes",
    sources=(
        Source(
            "graspologic",
            "3.4.4",
            "graspologic-3.4.4-py3-none-any.whl",
            "4ea5cd50f10eaff3fa90f18a8f66b1f5f42c724ac6aeb95e9f081632fc8d2d00",
        ),
    ),
    licence="MIT (the package that carries the data, which states no other licence for them)",
    citation="N. Wang et al. (2020), Variability and heritability of mouse brain structure: microscopic MRI atlases and connectomes for "
    "diverse strains, NeuroImage 222, 117274, doi:10.1016/j.neuroimage.2020.117274; as in graspologic",
    n_samples=32,
    modalities={"connectome": "graph"},
    targets={"sex": "binary", "genotype": "multiclass"},
    group="the animal",
    read=read,
)
