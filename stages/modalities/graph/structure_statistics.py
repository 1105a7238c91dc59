"""Statistics of a graph's structure: motifs, components and distances, spectrum. Conventions: graph_statistics.py."""

import numpy as np

from stages.modalities.graph.checked_graph import Graph
from stages.modalities.graph.graph_statistics import NAN, Numbers

MAX_DENSE = 1_000  # nodes up to which n × n matrices are computed: spectrum, distances, directed triangles


def triangles(graph: Graph) -> np.ndarray:
    """Return the number of triangles of each node, int64 (n,).

    Each link is directed from its node of smaller degree, so that no node has more than √(2e) outgoing links.
    """
    if graph.n <= MAX_DENSE:
        joined = np.zeros((graph.n, graph.n))
        joined[graph.links] = joined[graph.links[::-1]] = 1
        return np.rint(((joined @ joined) * joined).sum(axis=1) / 2).astype(np.int64)
    import scipy.sparse as sp

    low, high = graph.links
    upwards = graph.degree[low] <= graph.degree[high]  # ties: by number
    first, second = np.where(upwards, low, high), np.where(upwards, high, low)
    onward = sp.csr_array((np.ones(len(first), dtype=np.int64), (first, second)), shape=(graph.n, graph.n))
    counts = np.zeros(graph.n, dtype=np.int64)
    for start in range(0, len(first), 20_000):
        a, b = first[start : start + 20_000], second[start : start + 20_000]
        third = onward[a].multiply(onward[b]).tocsr()
        found = np.asarray(third.sum(axis=1)).astype(np.int64)
        np.add.at(counts, a, found)
        np.add.at(counts, b, found)
        counts += np.asarray(third.sum(axis=0)).astype(np.int64)
    return counts


def local_clustering(graph: Graph, in_triangles: np.ndarray) -> np.ndarray:
    """Return per node the share of its pairs of neighbors with an edge (0 with fewer than two), float64 (n,)."""
    pairs = graph.degree * (graph.degree - 1) / 2
    return np.where(pairs > 0, in_triangles / np.maximum(pairs, 1), 0.0)


def motif_numbers(graph: Graph) -> Numbers:
    """Return triangles and open paths of three nodes per node, clustering, and directed triangles, cyclic and transitive."""
    per_node = triangles(graph)
    n_triangles, n_paths = per_node.sum() / 3, (graph.degree * (graph.degree - 1) / 2).sum()
    numbers = {
        "triangles per node": n_triangles / graph.n,
        "paths per node": (n_paths - 3 * n_triangles) / graph.n,
        "transitivity": 3 * n_triangles / n_paths if n_paths else NAN,
        "clustering": local_clustering(graph, per_node).mean(),
        "triangle node share": (per_node > 0).mean(),
        "circular triangles per node": NAN,
        "onward triangles per node": NAN,
    }
    if graph.directed and graph.n <= MAX_DENSE:
        arcs = np.zeros((graph.n, graph.n))
        arcs[graph.arcs] = 1
        two_steps = arcs @ arcs
        numbers["circular triangles per node"] = (two_steps * arcs.T).sum() / 3 / graph.n
        numbers["onward triangles per node"] = (two_steps * arcs).sum() / graph.n
    return {name: float(value) for name, value in numbers.items()}


def component_numbers(graph: Graph) -> Numbers:
    """Return components, the largest's share, independent cycles, and the mean and maximum distance of connected nodes."""
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components, shortest_path

    low, high = graph.links
    joined = sp.csr_array((np.ones(len(low)), (low, high)), shape=(graph.n, graph.n))
    n_components, member = connected_components(joined, directed=False)
    arcs = sp.csr_array((np.ones(len(graph.arcs[0])), graph.arcs), shape=(graph.n, graph.n))
    n_strong = connected_components(arcs, directed=True, connection="strong")[0] if graph.directed else NAN
    mean = greatest = NAN
    if graph.n <= MAX_DENSE and len(low):
        steps = shortest_path(joined, directed=False, unweighted=True)
        reached = steps[np.isfinite(steps) & (steps > 0)]
        mean, greatest = float(reached.mean()), float(reached.max())
    return {
        "components": n_components,
        "strong components": n_strong,
        "largest component share": np.bincount(member).max() / graph.n,
        "cycles": len(low) - graph.n + n_components,
        "distance mean": mean,
        "distance max": greatest,
    }


def spectral_numbers(graph: Graph, count: int) -> Numbers:
    """Return eigenvalues of the normalised Laplacian, `count` from each end (without the first, 0), and the largest of the adjacency.

    Weights count by absolute value. NaN beyond the graph's size and for graphs of more than MAX_DENSE nodes.
    """
    small, large = [NAN] * count, [NAN] * count
    radius = NAN
    if graph.n <= MAX_DENSE:
        joined = adjacency(graph)
        root = np.sqrt(joined.sum(axis=1))
        scale = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
        laplacian = np.diag((root > 0).astype(np.float64)) - scale[:, None] * joined * scale
        values = np.linalg.eigvalsh(laplacian)
        radius = float(np.linalg.eigvalsh(joined)[-1])
        for place, value in enumerate(values[1 : count + 1].tolist()):
            small[place] = value
        for place, value in enumerate(values[::-1][:count].tolist()):
            large[place] = value
    numbers = {f"Laplacian eigenvalue {i + 2}": value for i, value in enumerate(small)}
    return numbers | {f"Laplacian eigenvalue -{i + 1}": value for i, value in enumerate(large)} | {"adjacency radius": radius}


def adjacency(graph: Graph) -> np.ndarray:
    """Return the symmetric matrix of the absolute weights (ones without weights) between different nodes, float64 (n, n)."""
    joined = np.zeros((graph.n, graph.n))
    apart = graph.source != graph.target
    low = np.minimum(graph.source, graph.target)[apart]
    high = np.maximum(graph.source, graph.target)[apart]
    if graph.weight is None:
        joined[low, high] = 1
    else:
        np.add.at(joined, (low, high), np.abs(graph.weight[apart]))
    return joined + joined.T
