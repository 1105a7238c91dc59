"""What can happen to a graph: edges that are missing, and edges that should not be there. Nodes, their labels and the root stay."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stages.contracts.corruption import CorruptColumn, Corruption
from stages.modalities.graph.checked_graph import MAX_EDGES, Graph, read_graph
from stages.samples.sample_changes import each_sample

OF_EDGES = ("source", "target", "weight", "edge_labels")  # fields with an entry per edge
DRAWS_PER_EDGE = 4  # some draws are loops or edges that exist


def without_edges(graph: Graph, strength: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which edges stay, and no ends of new ones."""
    return np.flatnonzero(random.random(len(graph.source)) >= strength), np.empty((0, 2), dtype=np.int64)


def with_edges(graph: Graph, strength: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return all edges, then the edges whose weight and label the new ones copy; and the ends of the new ones, int64 (k, 2).

    New edges join nodes at random that no edge joins (in this direction, if the graph is directed): no loops, none twice. Fewer are added
    where there is no room for more, and none to a graph without an edge.
    """
    n_edges = len(graph.source)
    n_draws = DRAWS_PER_EDGE * n_edges
    ends, donors = random.integers(graph.n, size=(n_draws, 2)), random.integers(max(1, n_edges), size=n_draws)
    keys = _keys(graph, ends[:, 0], ends[:, 1])
    _, first = np.unique(keys, return_index=True)
    is_new = np.zeros(n_draws, dtype=bool)
    is_new[first] = True
    is_new &= (ends[:, 0] != ends[:, 1]) & ~np.isin(keys, _keys(graph, graph.source, graph.target))
    chosen = np.flatnonzero(is_new)[: min(round(strength * n_edges), MAX_EDGES - n_edges)]
    return np.concatenate([np.arange(n_edges), donors[chosen]]), ends[chosen]


def _keys(graph: Graph, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return a number per edge, the same for two edges that join the same nodes."""
    if graph.directed:
        return source * graph.n + target
    return np.minimum(source, target) * graph.n + np.maximum(source, target)


def _each(change: Callable[[Graph, float, np.random.Generator], tuple[np.ndarray, np.ndarray]]) -> CorruptColumn:
    """Return the change of a column from that of one graph's edges."""

    def one(struct: Mapping[str, Any], strength: float, random: np.random.Generator) -> Mapping[str, Any]:
        edges, ends = change(read_graph(struct), strength, random)
        changed = {**struct}
        for name in OF_EDGES:
            if struct.get(name) is not None:
                changed[name] = [struct[name][edge] for edge in edges.tolist()]
        for name, new in zip(("source", "target"), ends.T.tolist(), strict=True):
            changed[name][len(edges) - len(ends) :] = new
        return changed

    return each_sample(one)


CORRUPTIONS = (
    Corruption(
        name="edges_dropped",
        what="edges are missing, with their weights and labels",
        unit="probability of an edge to be dropped",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(without_edges),
    ),
    Corruption(
        name="edges_added",
        what="edges join random nodes that none joined, with the weight and label of a random edge of the graph",
        unit="new edges as a share of the graph's edges, as far as there is room",
        largest=1.0,
        strengths=(0.05, 0.1, 0.25),
        change=_each(with_edges),
    ),
)
