"""Numbers that describe one node, the root, in the graph around it; all NaN for a graph without a root."""

import numpy as np

from stages.modalities.graph.checked_graph import Graph
from stages.modalities.graph.graph_statistics import NAN, Numbers, label_numbers, local_clustering, moments, triangles

DAMPING = 0.85
TOLERANCE = 1e-12


def root_numbers(graph: Graph, label_bins: int) -> Numbers:
    """Return degrees, strengths, clustering, PageRank and its rank, egonet, distances and the neighbours' degrees and labels."""
    if graph.root is None:
        placeless = Graph(1, False, np.zeros(0, np.int64), np.zeros(0, np.int64), root=0)
        return dict.fromkeys(root_numbers(placeless, label_bins), NAN)
    root = graph.root
    source, target = graph.arcs
    following, followers = target[source == root], source[target == root]
    near = np.union1d(following, followers)
    n_near = len(near)
    in_triangles = triangles(graph)
    rank = pagerank(graph)
    reached = graph.distance[graph.distance > 0]
    numbers = {
        "root degree": n_near,
        "root in-degree": len(followers) if graph.directed else NAN,
        "root out-degree": len(following) if graph.directed else NAN,
        "root reciprocity": len(np.intersect1d(following, followers)) / n_near if graph.directed and n_near else NAN,
        "root clustering": local_clustering(graph, in_triangles)[root],
        "root triangles": in_triangles[root],
        "root degree rank": float((graph.degree < graph.degree[root]).mean()),
        "root PageRank": rank[root] * graph.n,
        "root PageRank rank": float((rank < rank[root] * (1 - 1e-9)).mean()),
        "root reach": len(reached) / graph.n,
        "root distance mean": reached.mean() if len(reached) else NAN,
        "root distance max": reached.max() if len(reached) else NAN,
    }
    numbers |= _strengths(graph)
    numbers |= moments(graph.degree[near].astype(np.float64), "neighbour degree")
    into, out = np.bincount(target, minlength=graph.n), np.bincount(source, minlength=graph.n)
    numbers["neighbour in-degree mean"] = into[near].mean() if graph.directed and n_near else NAN
    numbers["neighbour out-degree mean"] = out[near].mean() if graph.directed and n_near else NAN
    labels = None if graph.labels is None else [graph.labels[node] for node in near.tolist()]
    return {name: float(value) for name, value in (numbers | label_numbers(labels, label_bins, "neighbour label")).items()}


def _strengths(graph: Graph) -> Numbers:
    """Return the sums and greatest of the weights of the edges that enter and leave the root; undirected: that touch it."""
    leaving, entering = graph.source == graph.root, graph.target == graph.root
    parts = {"in": graph.weights[entering], "out": graph.weights[leaving], "total": graph.weights[leaving | entering]}
    numbers: Numbers = {}
    for name, weights in parts.items():
        known = graph.weight is not None and (graph.directed or name == "total")
        numbers[f"root strength {name}"] = float(weights.sum()) if known else NAN
        numbers[f"root weight max {name}"] = float(weights.max()) if known and len(weights) else NAN
    return numbers


def pagerank(graph: Graph) -> np.ndarray:
    """Return each node's PageRank over the absolute weights, float64 (n,), sum 1; where no edge leads on, the walk starts anew anywhere.

    Source: L. Page et al., The PageRank citation ranking (1999), with damping 0.85.
    """
    source, target, weight = graph.source, graph.target, np.abs(graph.weights)
    if not graph.directed:
        apart = source != target  # a loop leads on once
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
