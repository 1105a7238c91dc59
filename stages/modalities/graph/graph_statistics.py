"""Numbers that describe a whole graph: the same names whatever the graph, NaN where a number has no meaning for it.

Unless said otherwise they are of the simple undirected graph: each pair of different nodes joined by an edge counts once.
Definitions: M. E. J. Newman, Networks (2nd edition, 2018), chapters 6, 7 and 10; the normalised Laplacian: F. Chung, Spectral Graph
Theory (1997), chapter 1. A share is of nodes, or of edges for edge labels.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from stages.modalities.graph.checked_graph import Graph

MAX_DENSE = 1_000  # nodes up to which n × n matrices are made: spectrum, distances, directed triangles
EXACT_DEGREES = 4  # degrees 0 to 4 have a bin each, then 5–8, 9–16, …
Numbers = dict[str, float]
NAN = float("nan")


def size_numbers(graph: Graph) -> Numbers:
    """Return nodes, edges, density and the shares of edges that are loops or parallel to another, or answered by one back."""
    n, n_links, n_edges = graph.n, len(graph.links[0]), len(graph.source)
    loops = graph.source == graph.target
    distinct = len(graph.arcs[0]) if graph.directed else n_links
    answered = 2 * (len(graph.arcs[0]) - n_links) / len(graph.arcs[0]) if len(graph.arcs[0]) else NAN
    return {
        "nodes": n,
        "edges": n_links,
        "density": n_links / (n * (n - 1) / 2) if n > 1 else NAN,
        "loop share": loops.mean() if n_edges else 0.0,
        "parallel share": 1 - (distinct + len(np.unique(graph.source[loops]))) / n_edges if n_edges else 0.0,
        "reciprocity": answered if graph.directed else NAN,
    }


def moments(values: np.ndarray, name: str) -> Numbers:
    """Return mean, standard deviation, skewness, smallest and greatest of the values; NaN of none."""
    if len(values) == 0:
        return {f"{name} {part}": NAN for part in ("mean", "deviation", "skewness", "min", "max")}
    mean, deviation = values.mean(), values.std()
    flat = deviation <= 1e-9 * max(1.0, np.abs(values).max())
    skewness = NAN if flat else (((values - mean) / deviation) ** 3).mean()
    parts = {"mean": mean, "deviation": deviation, "skewness": skewness, "min": values.min(), "max": values.max()}
    return {f"{name} {part}": float(value) for part, value in parts.items()}


def degree_numbers(graph: Graph, bins: int) -> Numbers:
    """Return moments and histogram of the degrees, those of in- and out-degree, and how alike the degrees at an edge's ends are."""
    degree = graph.degree.astype(np.float64)
    shares = np.bincount(degree_bins(graph.degree, bins), minlength=bins) / graph.n
    numbers = moments(degree, "degree") | {f"degree bin {i}": share for i, share in enumerate(shares)}
    numbers["degree assortativity"] = _assortativity(graph)
    source, target = graph.arcs
    into, out = np.bincount(target, minlength=graph.n), np.bincount(source, minlength=graph.n)
    for name, values in (("in-degree", into), ("out-degree", out)):
        parts = moments(values.astype(np.float64), name)
        numbers |= parts if graph.directed else dict.fromkeys(parts, NAN)
    numbers["source share"] = float(((into == 0) & (out > 0)).mean()) if graph.directed else NAN
    numbers["sink share"] = float(((out == 0) & (into > 0)).mean()) if graph.directed else NAN
    return numbers


def degree_bins(degree: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each degree: 0, 1, 2, 3, 4, 5–8, 9–16, …; the last takes all above."""
    doublings = np.ceil(np.log2(np.maximum(degree, EXACT_DEGREES) / EXACT_DEGREES)).astype(np.int64)
    return np.minimum(np.where(degree <= EXACT_DEGREES, degree, EXACT_DEGREES + doublings), bins - 1)


def _assortativity(graph: Graph) -> float:
    low, high = graph.links
    first, second = graph.degree[low].astype(np.float64), graph.degree[high].astype(np.float64)
    both = np.concatenate([first, second])
    variance = both.var() if len(both) else 0.0
    if variance <= 1e-12:
        return NAN
    return float(((first - both.mean()) * (second - both.mean())).mean() / variance)


def weight_numbers(graph: Graph) -> Numbers:
    """Return moments and quartiles of the edges' weights and moments of the nodes' strengths (sums of the weights at them)."""
    ends = np.concatenate([graph.source, graph.target])
    strength = np.bincount(ends, weights=np.tile(graph.weights, 2), minlength=graph.n)
    quartiles = np.quantile(graph.weights, [0.25, 0.5, 0.75]) if len(graph.weights) else [NAN] * 3
    named = {f"weight quartile {i + 1}": float(value) for i, value in enumerate(quartiles)}
    numbers = moments(graph.weights, "weight") | named | moments(strength, "strength")
    return numbers if graph.weight is not None else dict.fromkeys(numbers, NAN)


def triangles(graph: Graph) -> np.ndarray:
    """Return how many triangles each node is in, int64 (n,).

    Every link points from its end of smaller degree to the other, so that no node has more than √(2e) links to follow.
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
    """Return per node the share of its pairs of neighbours that are joined (0 with fewer than two), float64 (n,)."""
    pairs = graph.degree * (graph.degree - 1) / 2
    return np.where(pairs > 0, in_triangles / np.maximum(pairs, 1), 0.0)


def motif_numbers(graph: Graph) -> Numbers:
    """Return triangles and open paths of three nodes per node, clustering, and the directed triangles that run in a circle or onward."""
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
    """Return components, the largest's share, independent cycles, and the mean and greatest distance of joined nodes."""
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

    Weights count without their sign. NaN beyond the graph's size and for graphs of more than MAX_DENSE nodes.
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


def label_numbers(labels: Sequence[str] | None, bins: int, name: str) -> Numbers:
    """Return the number of different labels and the share of each bin, to which labels are dealt by their hash; NaN without labels."""
    if not labels:
        return {f"{name}s": NAN} | {f"{name} bin {i}": NAN for i in range(bins)}
    shares = np.bincount([label_bin(label, bins) for label in labels], minlength=bins) / len(labels)
    return {f"{name}s": len(set(labels))} | {f"{name} bin {i}": share for i, share in enumerate(shares.tolist())}


def label_bin(label: str, bins: int) -> int:
    return int.from_bytes(hashlib.blake2b(label.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") % bins


def attribute_numbers(graph: Graph, width: int) -> Numbers:
    """Return moments of each of the `width` attributes over the nodes; NaN without attributes."""
    none = np.empty((0, width))
    values = none if graph.attributes is None else graph.attributes
    return {key: number for i in range(width) for key, number in moments(values[:, i], f"attribute {i}").items()}
