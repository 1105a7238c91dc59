"""A computational graph whose nodes have names and places: its values, local derivatives and gradients, in numbers and as a diagram."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from stages.contracts.lesson import written
from stages.teaching.scalar_graphs import ScalarGraph, back_propagated
from stages.teaching.unit_diagrams import DrawnEdge, DrawnNode, unit_diagram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pair = tuple[str, str]  # of names: an argument, and the node that uses it


@dataclass(frozen=True)
class WorkedGraph:
    """nodes: name → node. places: name → centre of its circle, in px. labels_at: first letter → where the texts of edges from there are."""

    graph: ScalarGraph
    nodes: Mapping[str, int]
    places: Mapping[str, tuple[float, float]]
    labels_at: Mapping[str, float]

    @cached_property
    def slopes(self) -> dict[Pair, float]:
        """Return the local derivatives between named nodes."""
        name_of = {node: name for name, node in self.nodes.items()}
        return {(name_of[argument], name): slope for name, node in self.nodes.items()
                for argument, slope in self.graph.slopes[node].items() if argument in name_of}  # fmt: skip

    @cached_property
    def gradients(self) -> dict[str, float]:
        found = back_propagated(self.graph, list(self.nodes.values())).derivatives
        return dict(zip(self.nodes, found.tolist(), strict=True))

    def value(self, name: str) -> float:
        return self.graph.values[self.nodes[name]]

    def along(self, names: str) -> float:
        """Return the product of the local derivatives along a path, given as its names."""
        return prod(self.slopes[edge] for edge in edges_of(names))

    def product(self, names: str) -> str:
        """Return the same product in writing."""
        return " · ".join(factor(self.slopes[edge]) for edge in edges_of(names))

    def diagram(self, texts: Mapping[Pair, float], lines: Sequence[str], *, names: str, strong: str = "", noted: str = "",
                back: bool = False) -> "Figure":
        """Return the graph with numbers on its edges.

        Args:
            texts: of edges. lines: above the graph. names: of all nodes that are drawn. strong: those that stand out, and all edges
            between them. noted: those whose gradient is written. back: whether arrows point to the arguments.
        """
        thick, with_gradient = set(strong.split()), noted.split()
        nodes = {name: DrawnNode(*self.places[name], name, written(self.value(name)), strong=name in thick,
                                 note=(f"∂L/∂{name}", f"= {written(self.gradients[name])}") if name in with_gradient else ())
                 for name in names.split()}  # fmt: skip
        edges = [DrawnEdge(*pair, written(texts[pair]) if pair in texts else "", self.labels_at[pair[0][0]], thick.issuperset(pair), back)
                 for pair in self.slopes if nodes.keys() >= set(pair)]  # fmt: skip
        return unit_diagram(nodes, edges, lines)


def edges_of(names: str) -> list[Pair]:
    path = names.split()
    return list(pairwise(path))


def factor(value: float) -> str:
    """Return a number as a factor of a product: in brackets below 0."""
    return f"({written(value)})" if value < 0 else written(value)
