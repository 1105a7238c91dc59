"""Statistics of one node, the root, in the graph around it; all NaN for a graph without a root."""

import numpy as np

from stages.modalities.graph.checked_graph import Graph
from stages.modalities.graph.graph_statistics import NAN, Numbers, label_numbers, moments
from stages.modalities.graph.structure_statistics import local_clustering, triangles

DAMPING = 0.85
TOLERANCE = 1e-12


def root_numbers(graph: Graph, label_bins: int) -> Numbers:
    """Return degrees, strengths, clustering, PageRank and its rank, distances, and the neighbors' degrees and labels."""
    if graph.root is None:
        single_node = Graph(1, False, np.zeros(0, np.int64), np.zeros(0, np.int64), root=0)
        return dict.fromkeys(root_numbers(single_node, label_bins), NAN)
    source, target = graph.arcs
    successors, predecessors = target[source == graph.root], source[target == graph.root]
    neighbors = np.union1d(successors, predecessors)
    numbers = _root_degrees(graph, successors, predecessors) | _position(graph, graph.root)
    numbers |= _strengths(graph) | _neighbor_degrees(graph, neighbors)
    labels = None if graph.labels is None else [graph.labels[node] for node in neighbors.tolist()]
    return {name: float(value) for name, value in (numbers | label_numbers(labels, label_bins, "neighbour label")).items()}


def _root_degrees(graph: Graph, successors: np.ndarray, predecessors: np.ndarray) -> Numbers:
    n_neighbors = len(np.union1d(successors, predecessors))
    n_mutual = len(np.intersect1d(successors, predecessors))
    return {
        "root degree": n_neighbors,
        "root in-degree": len(predecessors) if graph.directed else NAN,
        "root out-degree": len(successors) if graph.directed else NAN,
        "root reciprocity": n_mutual / n_neighbors if graph.directed and n_neighbors else NAN,
    }


def _position(graph: Graph, root: int) -> Numbers:
    """Return the root's clustering, its ranks among the nodes, and the distances from it."""
    in_triangles, rank = triangles(graph), pagerank(graph)
    reached = graph.distance[graph.distance > 0]
    return {
        "root clustering": local_clustering(graph, in_triangles)[root],
        "root triangles": in_triangles[root],
        "root degree rank": float((graph.degree < graph.degree[root]).mean()),
        "root PageRank": rank[root] * graph.n,
        "root PageRank rank": float((rank < rank[root] * (1 - 1e-9)).mean()),
        "root reach": len(reached) / graph.n,
        "root distance mean": reached.mean() if len(reached) else NAN,
        "root distance max": reached.max() if len(reached) else NAN,
    }


def _neighbor_degrees(graph: Graph, neighbors: np.ndarray) -> Numbers:
    source, target = graph.arcs
    numbers = moments(graph.degree[neighbors].astype(np.float64), "neighbour degree")
    in_degree, out_degree = np.bincount(target, minlength=graph.n), np.bincount(source, minlength=graph.n)
    is_defined = graph.directed and len(neighbors) > 0
    numbers["neighbour in-degree mean"] = in_degree[neighbors].mean() if is_defined else NAN
    numbers["neighbour out-degree mean"] = out_degree[neighbors].mean() if is_defined else NAN
    return numbers


def _strengths(graph: Graph) -> Numbers:
    """Return sum and maximum of the weights of edges into and out of the root, and of all its edges."""
    leaving, entering = graph.source == graph.root, graph.target == graph.root
    groups = {"in": graph.weights[entering], "out": graph.weights[leaving], "total": graph.weights[leaving | entering]}
    numbers: Numbers = {}
    for name, weights in groups.items():
        known = graph.weight is not None and (graph.directed or name == "total")
        numbers[f"root strength {name}"] = float(weights.sum()) if known else NAN
        numbers[f"root weight max {name}"] = float(weights.max()) if known and len(weights) else NAN
    return numbers


def pagerank(graph: Graph) -> np.ndarray:
    """Return each node's PageRank over the absolute weights, float64 (n,), sum 1; nodes without outgoing edges restart anywhere.

    Source: L. Page et al., The PageRank citation ranking (1999), with damping 0.85.
    """
    source, target, weight = graph.source, graph.target, np.abs(graph.weights)
    if not graph.directed:
        apart = source != target  # a loop counts once
        source, target = np.concatenate([source, target[apart]]), np.concatenate([target, source[apart]])
        weight = np.concatenate([weight, weight[apart]])
    leaving = np.bincount(source, weights=weight, minlength=graph.n)
    share = weight / np.where(leaving > 0, leaving, 1)[source]
    rank = np.full(graph.n, 1 / graph.n)
    for _ in range(1_000):
        lost = rank[leaving == 0].sum()
        onward = np.bincount(target, weights=rank[source] * share, minlength=graph.n) + lost / graph.n
        before, rank = rank, DAMPING * onward + (1 - DAMPING) / graph.n
        if np.abs(rank - before).sum() < TOLERANCE:
            break
    return rank
