"""A computational graph of single numbers, and three ways to the derivatives of its last node, each with its number of multiplications.

Each way starts from 1 and multiplies once for each edge that it passes. Local derivatives are known from the computation of the values.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class ScalarGraph:
    """Nodes in an order in which each follows its arguments. values: by node. slopes: node → argument → local derivative."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.slopes: list[Mapping[int, float]] = []

    def add(self, value: float, slopes: Mapping[int, float] | None = None) -> int:
        """Add a node; return its place."""
        self.values.append(float(value))
        self.slopes.append(slopes or {})
        return len(self.values) - 1

    def users(self) -> list[list[int]]:
        """Return of each node the nodes that it is an argument of."""
        found: list[list[int]] = [[] for _ in self.values]
        for node, slopes in enumerate(self.slopes):
            for argument in slopes:
                found[argument].append(node)
        return found


class Differentiated(NamedTuple):
    """Derivatives of the last node by some nodes, float64 (n,), and the multiplications they took."""

    derivatives: np.ndarray
    n_multiplications: int


def by_paths(graph: ScalarGraph, nodes: Sequence[int]) -> Differentiated:
    """Return sums over all paths to the last node: of each path the product of its local derivatives."""
    users, found, n = graph.users(), np.zeros(len(nodes)), 0
    for place, node in enumerate(nodes):
        for path in paths_from(users, node, len(graph.values) - 1):
            product = 1.0
            for argument, user in pairwise(path):
                product *= graph.slopes[user][argument]
                n += 1
            found[place] += product
    return Differentiated(found, n)


def paths_from(users: Sequence[Sequence[int]], node: int, last: int) -> Iterator[tuple[int, ...]]:
    """Yield every path from a node to the last one, as its nodes."""
    if node == last:
        yield (node,)
        return
    for user in users[node]:
        for rest in paths_from(users, user, last):
            yield node, *rest


def forward_mode(graph: ScalarGraph, nodes: Sequence[int]) -> Differentiated:
    """Return derivatives by one pass from each node towards the last: of every node on the way the derivative by the first."""
    users, found, n = graph.users(), [], 0
    for node in nodes:
        by_node = {node: 1.0}
        for at in range(node, len(graph.values)):
            if at in by_node:
                for user in users[at]:
                    by_node[user] = by_node.get(user, 0.0) + by_node[at] * graph.slopes[user][at]
                    n += 1
        found.append(by_node.get(len(graph.values) - 1, 0.0))
    return Differentiated(np.array(found), n)


def back_propagated(graph: ScalarGraph, nodes: Sequence[int]) -> Differentiated:
    """Return derivatives by one pass from the last node back: of every node the derivative of the last one by it."""
    gradients, n = np.zeros(len(graph.values)), 0
    gradients[-1] = 1.0
    for node in reversed(range(len(graph.values))):
        for argument, slope in graph.slopes[node].items():
            gradients[argument] += slope * gradients[node]
            n += 1
    return Differentiated(gradients[list(nodes)], n)
