"""One graph in memory, checked: the input of all graph features."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

MAX_NODES, MAX_EDGES = 100_000, 2_000_000
FIELDS = ("n_nodes", "directed", "source", "target")


@dataclass(frozen=True)
class Graph:
    """source, target: int64 (m,). weight: float64 (m,). labels: str per node, attributes: float64 (n, k), edge_labels: str per edge."""

    n: int
    directed: bool
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None = None
    edge_labels: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    attributes: np.ndarray | None = None
    root: int | None = None

    @cached_property
    def links(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct pairs of different nodes with an edge in either direction: int64 (e,) each, first < second."""
        low, high = np.minimum(self.source, self.target), np.maximum(self.source, self.target)
        keys = np.unique((low * self.n + high)[low != high])
        return keys // self.n, keys % self.n

    @cached_property
    def arcs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct (source, target) of different nodes; both directions if undirected: int64 (a,) each, sorted."""
        source, target = self.source, self.target
        if not self.directed:
            source, target = np.concatenate([source, target]), np.concatenate([target, source])
        keys = np.unique((source * self.n + target)[source != target])
        return keys // self.n, keys % self.n

    @cached_property
    def degree(self) -> np.ndarray:
        """Return the number of neighbors of each node, int64 (n,)."""
        return np.bincount(np.concatenate(self.links), minlength=self.n)

    @cached_property
    def weights(self) -> np.ndarray:
        """Return float64 (m,), ones if the graph has no weights."""
        return np.ones(len(self.source)) if self.weight is None else self.weight

    @cached_property
    def distance(self) -> np.ndarray:
        """Return each node's distance from the root, ignoring directions: int64 (n,), -1 where unreachable."""
        distance = np.full(self.n, -1, dtype=np.int64)
        distance[self.root] = step = 0
        low, high = self.links
        while True:
            step += 1
            frontier = np.concatenate([high[distance[low] == step - 1], low[distance[high] == step - 1]])
            frontier = frontier[distance[frontier] < 0]
            if len(frontier) == 0:
                return distance
            distance[frontier] = step


def read_graph(struct: Mapping[str, Any]) -> Graph:
    """Return a sample of the column (see stages/samples/graph_column.py) as a Graph.

    Raises:
        ValueError: if its fields do not fit together.
    """
    missing = [name for name in FIELDS if struct.get(name) is None]
    if missing:
        raise ValueError(f"the graph has no {', '.join(missing)}; expected {', '.join(FIELDS)}")
    n = struct["n_nodes"]
    if not 1 <= n <= MAX_NODES:
        raise ValueError(f"the graph has {n} nodes; expected 1 to {MAX_NODES}")
    source, target = _nodes(struct["source"], n, "source"), _nodes(struct["target"], n, "target")
    if len(source) != len(target):
        raise ValueError(f"the edges have {len(source)} sources and {len(target)} targets; expected equal numbers")
    if len(source) > MAX_EDGES:
        raise ValueError(f"the graph has {len(source)} edges; expected at most {MAX_EDGES}")
    root = struct.get("root")
    if root is not None and not 0 <= root < n:
        raise ValueError(f"root {root} is not among the {n} nodes, which count from 0")
    weight = _numbers(struct.get("weight"), len(source), "weight")
    attributes = _numbers(struct.get("node_attributes"), n, "node_attributes")
    labels, edge_labels = _labels(struct, "node_labels", n), _labels(struct, "edge_labels", len(source))
    return Graph(n, bool(struct["directed"]), source, target, weight, edge_labels, labels, attributes, root)


def _nodes(values: list[int | None], n: int, name: str) -> np.ndarray:
    if None in values:
        raise ValueError(f"{name} of edge {values.index(None)} is missing (null)")
    nodes = np.asarray(values, dtype=np.int64)
    wrong = np.flatnonzero((nodes < 0) | (nodes >= n))
    if len(wrong):
        raise ValueError(f"{name} of edge {wrong[0]} is node {nodes[wrong[0]]}, which is not among the {n} nodes, which count from 0")
    return nodes


def _numbers(values: list[Any] | None, size: int, name: str) -> np.ndarray | None:
    if values is None:
        return None
    if len(values) != size:
        raise ValueError(f"{name} has {len(values)} entries; expected {size}, one each")
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not made of equally many numbers each: {error}") from error
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        raise ValueError(f"{name} {wrong[0][0]} is missing or not finite")
    return numbers


def _labels(struct: Mapping[str, Any], name: str, size: int) -> tuple[str, ...] | None:
    values = struct.get(name)
    if values is None:
        return None
    if len(values) != size:
        raise ValueError(f"{name} has {len(values)} entries; expected {size}, one each")
    return tuple("" if value is None else str(value) for value in values)
