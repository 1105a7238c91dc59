"""Statistics of a whole graph: the same names for every graph, NaN where a statistic is undefined.

Unless stated otherwise they refer to the simple undirected graph: each pair of different nodes with an edge counts once.
Definitions: M. E. J. Newman, Networks (2nd edition, 2018), chapters 6, 7 and 10; the normalised Laplacian: F. Chung, Spectral Graph
Theory (1997), chapter 1. A share is of nodes, or of edges for edge labels.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from stages.modalities.graph.checked_graph import Graph

EXACT_DEGREES = 4  # degrees 0 to 4 have a bin each, then 5–8, 9–16, …
Numbers = dict[str, float]
NAN = float("nan")


def size_numbers(graph: Graph) -> Numbers:
    """Return nodes, edges, density, reciprocity, and the shares of edges that are loops or parallel to another."""
    n, n_links, n_edges = graph.n, len(graph.links[0]), len(graph.source)
    loops = graph.source == graph.target
    distinct = len(graph.arcs[0]) if graph.directed else n_links
    reciprocity = 2 * (len(graph.arcs[0]) - n_links) / len(graph.arcs[0]) if len(graph.arcs[0]) else NAN
    return {
        "nodes": n,
        "edges": n_links,
        "density": n_links / (n * (n - 1) / 2) if n > 1 else NAN,
        "loop share": loops.mean() if n_edges else 0.0,
        "parallel share": 1 - (distinct + len(np.unique(graph.source[loops]))) / n_edges if n_edges else 0.0,
        "reciprocity": reciprocity if graph.directed else NAN,
    }


def moments(values: np.ndarray, name: str) -> Numbers:
    """Return mean, standard deviation, skewness, minimum and maximum of the values; NaN for no values."""
    if len(values) == 0:
        return {f"{name} {part}": NAN for part in ("mean", "deviation", "skewness", "min", "max")}
    mean, deviation = values.mean(), values.std()
    flat = deviation <= 1e-9 * max(1.0, np.abs(values).max())
    skewness = NAN if flat else (((values - mean) / deviation) ** 3).mean()
    parts = {"mean": mean, "deviation": deviation, "skewness": skewness, "min": values.min(), "max": values.max()}
    return {f"{name} {part}": float(value) for part, value in parts.items()}


def degree_numbers(graph: Graph, bins: int) -> Numbers:
    """Return moments and histogram of the degrees, moments of in- and out-degree, and the assortativity of degrees."""
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
    """Return the bin of each degree: 0, 1, 2, 3, 4, 5–8, 9–16, …; the last holds all above."""
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


def label_numbers(labels: Sequence[str] | None, bins: int, name: str) -> Numbers:
    """Return the number of different labels and the share of each bin, to which labels are assigned by their hash; NaN without labels."""
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
