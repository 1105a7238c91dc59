"""A decoded graph, its checks, and the Arrow column of such graphs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.own_data.decoders.decoded_columns import ColumnError
from stages.samples.graph_column import GraphSample, graph_column

MAX_NODES, MAX_EDGES = 100_000, 2_000_000  # what the modality reads
MAX_ATTRIBUTES = 1_000  # of a node
MAX_CELLS = 10_000_000  # attributes of all nodes
OPTIONAL = ("weight", "edge_labels", "node_labels", "node_attributes", "root")
FIELDS = ("n_nodes", "directed", "source", "target", *OPTIONAL)
NO_GRAPH = GraphSample(0, np.empty((0, 2), dtype=np.int64))


@dataclass(frozen=True)
class NamedGraph(GraphSample):
    """A graph with names of its attributes: those of the columns of node_attributes."""

    attribute_names: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[int, tuple[str, ...]]:
        """Number of attributes of a node, and their names; defined if there are node_attributes."""
        return 0 if self.node_attributes is None else self.node_attributes.shape[1], self.attribute_names


def checked(graph: NamedGraph) -> NamedGraph:
    """Return the graph; raise ValueError if it is empty, too large or its fields do not fit together."""
    n_edges = len(graph.edges)
    if not 1 <= graph.n_nodes <= MAX_NODES or n_edges > MAX_EDGES:
        raise ValueError(f"a graph of {graph.n_nodes:,} nodes and {n_edges:,} edges; expected 1 to {MAX_NODES:,} and at most {MAX_EDGES:,}")
    ends = graph.edges if graph.root is None else np.concatenate([graph.edges, [[graph.root, graph.root]]])
    outside = ends[(ends < 0) | (ends >= graph.n_nodes)]
    if len(outside):
        raise ValueError(f"node {outside[0]} is not among the {graph.n_nodes} nodes, which count from 0")
    sizes = {"weight": n_edges, "edge_labels": n_edges, "node_labels": graph.n_nodes, "node_attributes": graph.n_nodes}
    for name, size in sizes.items():
        values = getattr(graph, name)
        if values is not None and len(values) != size:
            raise ValueError(f"{name} has {len(values)} entries; expected {size}, one each")
    if graph.node_attributes is not None and not 1 <= graph.attributes[0] <= MAX_ATTRIBUTES:
        raise ValueError(f"{graph.attributes[0]} attributes of a node; expected 1 to {MAX_ATTRIBUTES:,}")
    return graph


def check_attributes(n_nodes: int, n_names: int) -> None:
    """Raise ValueError if there are too many attributes to read."""
    if n_names > MAX_ATTRIBUTES or n_nodes * n_names > MAX_CELLS:
        raise ValueError(f"{n_nodes:,} nodes with {n_names:,} entries; expected at most {MAX_ATTRIBUTES:,} a node and {MAX_CELLS:,} in all")


def graph_array(graphs: Sequence[NamedGraph | None], kind: pa.StructType | None) -> pa.StructArray:
    """Return the graphs as a column; the metadata of the field node_attributes holds the attributes' names.

    Args:
        kind: type of earlier chunks of the column; its fields are kept.
    Raises:
        ColumnError: naming the graphs whose attributes differ from those of earlier graphs, or that have a field that `kind` lacks.
    """
    expected = _attributes(kind) if kind is not None else next((g.attributes for g in graphs if g and g.node_attributes is not None), None)
    allowed = set(FIELDS if kind is None else kind.names)
    reasons = {place: reason for place, graph in enumerate(graphs) if graph and (reason := _reason_of_misfit(graph, allowed, expected))}
    if reasons:
        raise ColumnError(reasons)
    column = graph_column([graph or NO_GRAPH for graph in graphs])
    arrays = dict(zip(column.type.names, column.flatten(), strict=True))
    if kind is None:
        metadata = {b"names": json.dumps(expected[1])} if expected else None
        fields = [pa.field(name, array.type, metadata=metadata if name == "node_attributes" else None) for name, array in arrays.items()]
    else:
        fields = list(kind)
    values = [arrays[field.name] if field.name in arrays else pa.nulls(len(graphs), field.type) for field in fields]
    mask = pa.array([graph is None for graph in graphs], pa.bool_())
    return pa.StructArray.from_arrays(values, fields=fields, mask=mask)


def _attributes(kind: pa.StructType) -> tuple[int, tuple[str, ...]] | None:
    """Return the number of attributes of earlier graphs, and their names."""
    if "node_attributes" not in kind.names:
        return None
    field = kind.field("node_attributes")
    return field.type.value_type.list_size, tuple(json.loads((field.metadata or {}).get(b"names", b"[]")))


def _reason_of_misfit(graph: NamedGraph, allowed: set[str], expected: tuple[int, tuple[str, ...]] | None) -> str | None:
    """Return why a graph does not fit into its column."""
    new = [name for name in OPTIONAL if getattr(graph, name) is not None and name not in allowed]
    if new:
        return f"a graph with {new[0]}, which earlier graphs lack; add it to one of the first graphs, or remove it from all"
    if graph.node_attributes is None or graph.attributes == expected or expected is None:
        return None
    found, earlier = (", ".join(names) or f"{n} numbers" for n, names in (graph.attributes, expected))
    return f"its nodes have the attributes {found}, those of earlier graphs {earlier}; expected the same in all graphs"
