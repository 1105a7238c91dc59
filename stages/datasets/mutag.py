"""MUTAG: is a nitroaromatic compound mutagenic in Salmonella typhimurium? From its graph of atoms and bonds, without hydrogen.

188 molecules of 10 to 28 atoms; 125 are mutagenic. A node's label is its element (C, N, O, F, I, Cl, Br), an edge's the bond's type
(aromatic, single, double, triple).

Groups: no two molecules are equal, but 24 of them differ from another in the types of bonds alone (a ring is aromatic in one and saturated
in the other, or a double bond is at another place). They form 11 groups of two or three, all mutagenic. Molecules that are isomorphic but
for the bonds are one group: where types of bonds are ignored, as in many published protocols, they are copies. Larger molecules are more
often mutagenic: the control `size` is what scores have to beat.

Published figures, ten folds, atoms as labels: accuracy 90.4 ± 5.7 % for the Weisfeiler–Lehman subtree kernel with an SVM and 89.4 ± 5.6 %
for a graph isomorphism network (K. Xu, W. Hu, J. Leskovec, S. Jegelka 2019, How powerful are graph neural networks?, table 1). There, the
parameters (of the network, its epoch) are chosen by the mean over the same ten folds, and isomorphic graphs are not kept together.
Here, in five grouped folds (`features: wl, iterations: 4, sublinear: false`): size 0.83, kNN 0.85, linear 0.85, SVM 0.84.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.collections.grakel_graphs import FOLDER, GRAKEL, PACKAGE, PACKAGE_LICENCE
from stages.collections.isomorphic_graphs import first_isomorphic
from stages.collections.tu_graphs import TuGraph, named, read_tu_graphs
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.samples.graph_column import GraphSample, graph_column

ELEMENTS = dict(enumerate(("C", "N", "O", "F", "I", "Cl", "Br")))
BONDS = dict(enumerate(("aromatic", "single", "double", "triple")))
CLASSES = {1: "mutagenic", -1: "not mutagenic"}


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives[PACKAGE]
    found = read_tu_graphs(archive, f"{FOLDER}/MUTAG", "MUTAG")
    molecules = [_molecule(archive, graph) for graph in found]
    ids = [f"{row:03d}" for row in range(len(found))]
    groups = [ids[first] for first in first_isomorphic(molecules)]
    targets = named(archive, np.array([graph.target for graph in found]), CLASSES)
    return samples_table(ids, groups, targets, {"molecule": ("graph", graph_column(molecules))})


def _molecule(archive: Path, graph: TuGraph) -> GraphSample:
    atoms, bonds = named(archive, graph.node_codes[:, 0], ELEMENTS), named(archive, graph.edge_codes, BONDS)
    return GraphSample(len(atoms), graph.edges, edge_labels=bonds, node_labels=atoms)


DATA_SET = DataSet(
    name="mutag",
    title="MUTAG: mutagenic nitro compounds",
    sources=(GRAKEL,),
    licence=f"none stated for the data, which are public (TUDataset); {PACKAGE_LICENCE}",
    citation="A. K. Debnath, R. L. Lopez de Compadre, G. Debnath, A. J. Shusterman, C. Hansch (1991), Structure-activity relationship of "
    "mutagenic aromatic and heteroaromatic nitro compounds, Journal of Medicinal Chemistry 34(2), 786-797, doi:10.1021/jm00106a046; as "
    "graphs: N. Kriege and P. Mutzel (2012), Subgraph matching kernels for attributed graphs, ICML, as carried by grakel",
    n_samples=188,
    modalities={"molecule": "graph"},
    targets={"activity": "binary"},
    group="molecules that are isomorphic but for the types of their bonds",
    read=read,
)
