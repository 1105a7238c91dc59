"""Samples that are the nodes of one graph: each sample is the graph around its node, cut out of one file of edges.

A node is matched to a sample by its name. The graph around a node holds the nodes that are reached in `hops` steps, in either direction,
the edges among them, and numbers of each node where columns are declared. It never holds the target of a node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.decoders.decoded_graphs import MAX_ATTRIBUTES, MAX_NODES, NamedGraph
from stages.own_data.decoders.edge_lists import read_named_edges
from stages.own_data.roles import OwnModality
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import numbers_of
from stages.own_data.unicode_forms import normal

ENDINGS = (".csv", ".tsv", ".txt", ".edges")
MAX_AROUND, MAX_EDGES_AROUND = 10_000, 100_000  # nodes, and edges, of the graph around one node


@dataclass(frozen=True)
class NodeGraph:
    """One graph. place_of: name of a node → its number. starts, edges_of: of each node the numbers of its edges, from either end."""

    graph: NamedGraph
    place_of: Mapping[str, int]
    starts: np.ndarray
    edges_of: np.ndarray

    def around(self, name: str, hops: int) -> NamedGraph:
        """Return the graph around a node, which is node 0; the others keep their order.

        Raises:
            ValueError: if it is too large.
        """
        edges, root = np.asarray(self.graph.edges), self.place_of[normal(name)]
        nodes = np.array([root])
        for _ in range(hops):
            nodes = np.union1d(nodes, edges[self._edges_at(nodes)].ravel())
            self._check(name, hops, len(nodes), 0)
        nodes = np.concatenate([[root], nodes[nodes != root]])
        place = np.full(self.graph.n_nodes, -1)
        place[nodes] = np.arange(len(nodes))
        near = np.unique(self._edges_at(nodes))
        inside = near[(place[edges[near]] >= 0).all(axis=1)]
        self._check(name, hops, len(nodes), len(inside))
        whole = self.graph
        return NamedGraph(
            n_nodes=len(nodes),
            edges=place[edges[inside]],
            directed=whole.directed,
            weight=None if whole.weight is None else np.asarray(whole.weight)[inside],
            edge_labels=None if whole.edge_labels is None else [whole.edge_labels[edge] for edge in inside.tolist()],
            node_labels=None if whole.node_labels is None else [whole.node_labels[node] for node in nodes.tolist()],
            node_attributes=None if whole.node_attributes is None else whole.node_attributes[nodes],
            root=0,
            attribute_names=whole.attribute_names,
        )

    def _edges_at(self, nodes: np.ndarray) -> np.ndarray:
        """Return the numbers of the edges with an end among the nodes; some twice."""
        return np.concatenate([np.empty(0, np.int64), *(self.edges_of[self.starts[node] : self.starts[node + 1]] for node in nodes)])

    def _check(self, name: str, hops: int, n_nodes: int, n_edges: int) -> None:
        if n_nodes > MAX_AROUND or n_edges > MAX_EDGES_AROUND:
            raise ValueError(f"the graph within {hops} hop{'s' * (hops > 1)} of node {name!r} has {n_nodes:,} nodes and {n_edges:,} edges; "
                             f"expected at most {MAX_AROUND:,} and {MAX_EDGES_AROUND:,}; lower `hops`, or remove its edges")


def open_node_graph(dataset: str, modality: OwnModality, rows: SourceRows, ids: Sequence[str]) -> NodeGraph | None:
    """Return the graph whose nodes are the samples; None if the modality has none.

    Args:
        ids: names of all samples of the source.
    Raises:
        InputError: if its file cannot be read, or its nodes are not the samples.
    """
    if modality.edges is None:
        return None
    key = f"{PARAMS}: datasets.{dataset}.modalities.{modality.name}"
    ending = PurePosixPath(modality.edges).suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"{key}.edges: {modality.edges}: expected a list of edges ({', '.join(ENDINGS)}): source, target, and a weight or "
                         "none")
    try:
        names, graph = read_named_edges(rows.sample_files.read(modality.edges), ending)
    except ValueError as error:
        raise InputError(f"{key}.edges: {error if modality.edges in str(error) else f'{modality.edges}: {error}'}") from error
    place_of = {name: place for place, name in enumerate(map(normal, names))}
    if len(place_of) < len(names):
        raise InputError(f"{key}.edges: {modality.edges}: two nodes have names that differ only in blanks around them, or in the form of "
                         "their characters; write each name in one way")
    samples = [normal(name) for name in ids]
    if not place_of.keys() & set(samples):
        raise InputError(f"{key}.edges: no node of {modality.edges} (such as {names[0]!r}) is a sample (such as {ids[0]!r}); name the "
                         "column of the nodes' names under `id`")
    without_row = place_of.keys() - set(samples)
    if modality.fields and without_row:
        raise InputError(f"{key}.columns: {len(without_row)} nodes of {modality.edges} (such as {min(without_row)!r}) have no row in the "
                         "table, and so no numbers; add their rows (without a target if it is unknown), or remove `columns`")
    for name in samples:  # without edges
        place_of.setdefault(name, len(place_of))
    if len(place_of) > MAX_NODES:
        raise InputError(f"{key}.edges: {len(place_of):,} nodes with those of the table; expected at most {MAX_NODES:,}")
    attributes = _attributes(dataset, modality, rows, [place_of[name] for name in samples], key)
    whole = NamedGraph(len(place_of), graph.edges, graph.directed, graph.weight, graph.edge_labels,
                       None if graph.node_labels is None else [*graph.node_labels, *list(place_of)[len(names) :]], attributes,
                       attribute_names=modality.fields if attributes is not None else ())  # fmt: skip
    ends = np.asarray(graph.edges, dtype=np.int64).reshape(-1, 2)
    order = np.argsort(ends.T.ravel(), kind="stable")
    counts = np.bincount(ends.ravel(), minlength=len(place_of))
    return NodeGraph(whole, place_of, np.concatenate([[0], np.cumsum(counts)]), order % max(len(ends), 1))


def _attributes(dataset: str, modality: OwnModality, rows: SourceRows, places: Sequence[int], key: str) -> np.ndarray | None:
    """Return the numbers of each node, float64 (n_nodes, n_columns)."""
    if not modality.fields:
        return None
    if len(modality.fields) > MAX_ATTRIBUTES:
        raise InputError(f"{key}.columns: {len(modality.fields)} columns; expected at most {MAX_ATTRIBUTES:,}")
    table = rows.read(modality.fields, None)
    values = np.empty((len(places), len(modality.fields)))
    for place, field in enumerate(modality.fields):
        numbers = numbers_of(table[field], field, rows, dataset)
        if numbers.null_count:
            first = numbers.is_null().index(True).as_py()
            raise InputError(f"{key}.columns: column {field!r}: {rows.where(first)}: the number is missing ({numbers.null_count} such), "
                             "and it is part of the graphs around other nodes; fill it in, or leave the column out")
        values[places, place] = np.from_dlpack(numbers)
    return values
