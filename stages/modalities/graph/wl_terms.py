"""Terms of a graph, counted and hashed: Weisfeiler–Lehman subtrees, or labeled edges.

Weisfeiler–Lehman: a node starts with its own label; in each iteration the new label is the hash of the node's label and its neighbors'
sorted labels, each with the direction and the label of the edge (parallel edges count separately). The terms of a graph are the labels of
all nodes in all iterations, so that the linear kernel of two graphs is the Weisfeiler–Lehman subtree kernel. In a graph with a root, a
node's first label includes its distance from the root.
Source: N. Shervashidze et al., Weisfeiler–Lehman graph kernels, Journal of Machine Learning Research 12 (2011), 2539–2561.
Differs: hashes of 64 bits instead of consecutive numbers, so that a graph's labels do not depend on the other graphs.
"""

import hashlib
from collections import Counter
from functools import lru_cache

import numpy as np

from stages.modalities.graph.checked_graph import Graph


def wl_terms(graph: Graph, iterations: int) -> dict[int, float]:
    """Return index (31 bits) → number of nodes with that subtree, over 0 to `iterations` steps."""
    neighbors = _neighbors(graph)
    labels = [_digest("node", name) for name in first_labels(graph)]
    counts: Counter[int] = Counter(labels)
    for _ in range(iterations):
        labels = [
            _digest("step", str(own), *(f"{edge}\t{labels[node]}" for edge, node in _sorted(links, labels)))
            for own, links in zip(labels, neighbors, strict=True)
        ]
        counts.update(labels)
    return _indexed(counts)


def edge_terms(graph: Graph) -> dict[int, float]:
    """Return index (31 bits) → number of edges with these labels of edge and nodes; weights are added by absolute value."""
    names = first_labels(graph)
    counts: Counter[int] = Counter()
    edge_labels = graph.edge_labels or ("",) * len(graph.source)
    parts = zip(graph.source.tolist(), graph.target.tolist(), edge_labels, np.abs(graph.weights).tolist(), strict=True)
    for source, target, label, weight in parts:
        ends = (names[source], names[target])
        key = (label, *(ends if graph.directed else sorted(ends)))
        if weight > 0:
            counts[_edge_digest(key)] += weight
    return _indexed(counts)


@lru_cache(maxsize=2**17)
def _edge_digest(key: tuple[str, ...]) -> int:
    """Return the digest of an edge's labels, cached: graphs with the same node labels share most of their edges."""
    return _digest("edge", *key)


def first_labels(graph: Graph) -> list[str]:
    """Return each node's own label, with its distance from the root if there is one."""
    labels = graph.labels or ("",) * graph.n
    if graph.root is None:
        return list(labels)
    return [f"{steps}\t{label}" for steps, label in zip(graph.distance.tolist(), labels, strict=True)]


def _neighbors(graph: Graph) -> list[list[tuple[str, int]]]:
    """Return per node the (direction and label of the edge, other node) of each of its edges; a loop counts at both ends."""
    neighbors: list[list[tuple[str, int]]] = [[] for _ in range(graph.n)]
    forth, back = (">", "<") if graph.directed else ("-", "-")
    edge_labels = graph.edge_labels or ("",) * len(graph.source)
    for source, target, label in zip(graph.source.tolist(), graph.target.tolist(), edge_labels, strict=True):
        neighbors[source].append((forth + label, target))
        neighbors[target].append((back + label, source))
    return neighbors


def _sorted(links: list[tuple[str, int]], labels: list[int]) -> list[tuple[str, int]]:
    return sorted(links, key=lambda link: (link[0], labels[link[1]]))


def _digest(*parts: str) -> int:
    """Return 64 bits of the BLAKE2b digest of the parts, each prefixed by its length, so that different lists differ in their bytes."""
    data = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode("utf-8", "surrogatepass") for part in parts))
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _indexed(counts: Counter[int]) -> dict[int, float]:
    """Return the counts by 31-bit index, sorted; counts of terms that share an index are added."""
    indexed: dict[int, float] = {}
    for digest in sorted(counts):
        indexed[digest >> 33] = indexed.get(digest >> 33, 0.0) + counts[digest]
    return indexed
