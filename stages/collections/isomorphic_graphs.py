"""Find graphs that are one graph with its nodes in another order: a model that is trained on one and tested on the other only memorizes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stages.samples.graph_column import GraphSample

if TYPE_CHECKING:
    import networkx as nx


def first_isomorphic(graphs: Sequence[GraphSample]) -> list[int]:
    """Return for each graph the place of the first graph that is isomorphic to it, labels of nodes included, labels of edges ignored.

    Directions, weights, attributes and repeated edges are ignored too. Graphs are compared exactly (VF2, networkx) if their degrees and
    labels agree, of nodes and of their neighbors.
    """
    from networkx import is_isomorphic

    alike: dict[object, list[tuple[int, nx.Graph]]] = defaultdict(list)  # one of each class of graphs with this key
    found = []
    for place, sample in enumerate(graphs):
        graph = _labeled(sample)
        known = alike[_key(graph)]
        same = (first for first, other in known if is_isomorphic(graph, other, node_match=lambda a, b: a["label"] == b["label"]))
        first = next(same, place)
        if first == place:
            known.append((place, graph))
        found.append(first)
    return found


def _labeled(sample: GraphSample) -> "nx.Graph":
    from networkx import Graph

    labels = sample.node_labels or [""] * sample.n_nodes
    graph = Graph()
    graph.add_nodes_from((node, {"label": label}) for node, label in enumerate(labels))
    graph.add_edges_from(np.asarray(sample.edges, dtype=np.int64).reshape(-1, 2).tolist())
    return graph


def _key(graph: "nx.Graph") -> object:
    """Return what isomorphic graphs have in common: each node's label with the sorted labels and degrees of its neighbors."""
    own = {node: (label, graph.degree[node]) for node, label in graph.nodes(data="label")}
    return tuple(sorted((own[node], tuple(sorted(own[other] for other in graph[node]))) for node in graph))
