"""Assemble the column of a graph modality: web, social, molecular and brain graphs share one struct.

    n_nodes: int32, directed: bool, source, target: list<int32> (nodes from 0; a repeated edge is a parallel one)
    and, if any graph of the column has them (null for the others):
    weight: list<float64>, edge_labels: list<string> per edge · node_labels: list<string>, node_attributes:
    list<fixed_size_list<float64>[k]> per node · root: int32, the node that the sample is about

An undirected edge is listed once, in either direction. A field that no graph has is omitted, so that feature columns do not depend on which
rows are processed together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

STRING, FLOAT, INTEGER = pa.string(), pa.float64(), pa.int32()


@dataclass(frozen=True)
class GraphSample:
    """One graph, or the graph around the node `root`.

    edges: int (m, 2), source and target of each. weight, edge_labels: per edge. node_labels, node_attributes (n, k): per node.
    """

    n_nodes: int
    edges: Any
    directed: bool = False
    weight: Sequence[float] | np.ndarray | None = None
    edge_labels: Sequence[str] | None = None
    node_labels: Sequence[str] | None = None
    node_attributes: np.ndarray | None = None
    root: int | None = None


def graph_column(graphs: Sequence[GraphSample]) -> pa.StructArray:
    """Return the graphs as a struct column, in the order given.

    Raises:
        ValueError: naming the first graph whose labels, weights or attributes do not fit its nodes and edges. The modality checks
            the edges themselves.
    """
    for row, graph in enumerate(graphs):
        _check(row, graph)
    edges = [np.asarray(graph.edges, dtype=np.int32).reshape(-1, 2) for graph in graphs]
    columns: dict[str, pa.Array] = {
        "n_nodes": pa.array([graph.n_nodes for graph in graphs], INTEGER),
        "directed": pa.array([graph.directed for graph in graphs], pa.bool_()),
        "source": pa.array([pairs[:, 0] for pairs in edges], pa.list_(INTEGER)),
        "target": pa.array([pairs[:, 1] for pairs in edges], pa.list_(INTEGER)),
    }
    for name, kind in (("weight", FLOAT), ("edge_labels", STRING), ("node_labels", STRING)):
        values = [getattr(graph, name) for graph in graphs]
        if any(value is not None for value in values):
            columns[name] = pa.array([None if value is None else list(value) for value in values], pa.list_(kind))
    attributes = _attribute_column(graphs)
    if attributes is not None:
        columns["node_attributes"] = attributes
    if any(graph.root is not None for graph in graphs):
        columns["root"] = pa.array([graph.root for graph in graphs], INTEGER)
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def _attribute_column(graphs: Sequence[GraphSample]) -> pa.Array | None:
    """Return the node attributes as a column; None if no graph has any."""
    attributes = [None if graph.node_attributes is None else np.asarray(graph.node_attributes) for graph in graphs]
    widths = {row: value.shape[1] for row, value in enumerate(attributes) if value is not None}
    if not widths:
        return None
    first = next(iter(widths.values()))
    for row, width in widths.items():
        if width != first:
            raise ValueError(f"graph {row}: node_attributes of {width} numbers, the first graph has {first}; expected the same in all")
    return pa.array([None if value is None else value.tolist() for value in attributes], pa.list_(pa.list_(FLOAT, first)))


def _check(row: int, graph: GraphSample) -> None:
    n_edges = len(np.asarray(graph.edges).reshape(-1, 2))
    sizes = (("weight", n_edges), ("edge_labels", n_edges), ("node_labels", graph.n_nodes), ("node_attributes", graph.n_nodes))
    for name, size in sizes:
        values = getattr(graph, name)
        if values is not None and len(values) != size:
            raise ValueError(f"graph {row}: {name} has {len(values)} entries, expected {size}")


def neighborhood_graph(graph: GraphSample, root: int) -> GraphSample:
    """Return the graph induced by `root` and its neighbors, in either direction; `root` is node 0, the others keep their order."""
    edges = np.asarray(graph.edges, dtype=np.int64).reshape(-1, 2)
    neighbors = np.unique(np.concatenate([edges[edges[:, 0] == root, 1], edges[edges[:, 1] == root, 0]]))
    nodes = np.concatenate([[root], neighbors[neighbors != root]])
    place = np.full(graph.n_nodes, -1)
    place[nodes] = np.arange(len(nodes))
    inside = (place[edges] >= 0).all(axis=1)
    kept = np.flatnonzero(inside)
    return GraphSample(
        n_nodes=len(nodes),
        edges=place[edges[kept]],
        directed=graph.directed,
        weight=None if graph.weight is None else np.asarray(graph.weight)[kept],
        edge_labels=None if graph.edge_labels is None else [graph.edge_labels[edge] for edge in kept.tolist()],
        node_labels=None if graph.node_labels is None else [graph.node_labels[node] for node in nodes.tolist()],
        node_attributes=None if graph.node_attributes is None else np.asarray(graph.node_attributes)[nodes],
        root=0,
    )
