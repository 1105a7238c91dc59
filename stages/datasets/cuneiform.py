"""Cuneiform: which of 30 Hittite signs is it? From the wedges that the stylus pressed into nine clay tablets.

267 signs, written by scholars of Hittitology; 27 to 30 per tablet, each sign once. A wedge is four points (its depth point, and the left,
right and tail vertices), labeled by these names and by the wedge's kind (vertical, horizontal, Winkelhaken). Edges join the points of one
wedge ("wedge") and the depth points of all wedges ("arrangement"). Two modalities: `sign`, the graph, with coordinates as attributes, and
`points`, the coordinates alone as a set. Their difference in score is the value of the wedges.

x and y are centered on the sign's box in the source. The depth is not: it also is the height of the tablet at that place. So it is moved to
mean 0. (The mean depth alone does not tell the sign: accuracy 0.03 to 0.06 with 1-NN, 5-NN and a random forest, on random folds as on
tablets.) The attributes of the edges, differences of coordinates, are excluded.

Groups: a tablet. The file does not name tablets, but lists the signs of one after the other, in the order of the classes, which starts
again eight times. Isomorphic graphs cannot be groups here: without their coordinates the signs are 30 different graphs, and all but two
signs are in one that others share, mostly the same sign of other tablets. No two graphs have the same coordinates.

Published figures: none that keep tablets together are known.
Here, in five folds of tablets: SVM 0.85 on the sign, 0.58 on the points; size 0.20.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.collections.grakel_graphs import FOLDER, GRAKEL, PACKAGE, PACKAGE_LICENCE
from stages.collections.tu_graphs import TuGraph, named, read_tu_graphs
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.samples.graph_column import GraphSample, graph_column

POINTS = dict(enumerate(("depth point", "tail", "left", "right")))
WEDGES = dict(enumerate(("vertical", "Winkelhaken", "horizontal")))
EDGES = dict(enumerate(("wedge", "arrangement")))
SIGNS = (
    *("tu", "ta", "ti", "nu", "na", "ni", "bu", "ba", "bi", "zu", "za", "zi", "su", "sa", "si"),
    *("hu", "ha", "hi", "du", "da", "di", "ru", "ra", "ri", "ku", "ka", "ki", "lu", "la", "li"),
)


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives[PACKAGE]
    found = read_tu_graphs(archive, f"{FOLDER}/Cuneiform", "Cuneiform", n_attributes=3)
    coordinates = [graph.attributes - [0, 0, graph.attributes[:, 2].mean()] for graph in found]
    signs = [_sign(archive, graph, points) for graph, points in zip(found, coordinates, strict=True)]
    points = pa.array([sign.astype(np.float32).tolist() for sign in coordinates], pa.list_(pa.list_(pa.float32(), 3)))
    columns = {"sign": ("graph", graph_column(signs)), "points": ("set", points)}
    codes = np.array([graph.target for graph in found])
    targets = named(archive, codes, dict(enumerate(SIGNS)))
    ids = [f"{row:03d}" for row in range(len(found))]
    return samples_table(ids, [f"tablet {tablet}" for tablet in tablets(codes).tolist()], targets, columns)


def tablets(codes: np.ndarray) -> np.ndarray:
    """Return the tablet of each sign, int64 (n,) from 1: a new one begins where the order of the signs starts again."""
    return 1 + np.concatenate([[0], np.cumsum(np.diff(codes) <= 0)])


def _sign(archive: Path, graph: TuGraph, points: np.ndarray) -> GraphSample:
    kinds = zip(named(archive, graph.node_codes[:, 0], POINTS), named(archive, graph.node_codes[:, 1], WEDGES), strict=True)
    return GraphSample(
        len(points),
        graph.edges,
        edge_labels=named(archive, graph.edge_codes, EDGES),
        node_labels=[f"{point} of {wedge}" for point, wedge in kinds],
        node_attributes=points,
    )


DATA_SET = DataSet(
    name="cuneiform",
    title="Cuneiform: Hittite signs on clay tablets",
    sources=(GRAKEL,),
    licence=f"none stated for the data, which are public (TUDataset); {PACKAGE_LICENCE}",
    citation="N. M. Kriege, M. Fey, D. Fisseler, P. Mutzel and F. Weichert (2018), Recognizing cuneiform signs using graph based methods, "
    "International Workshop on Cost-Sensitive Learning, PMLR 88, 31-44, arXiv:1802.05908; as carried by grakel",
    n_samples=267,
    modalities={"sign": "graph", "points": "set"},
    targets={"sign": "multiclass"},
    group="a tablet",
    read=read,
)
