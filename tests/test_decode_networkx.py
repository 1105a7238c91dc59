"""Graph files that networkx writes are read here as networkx reads them: same nodes, edges, directions, weights, labels and attributes."""

import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

from stages.own_data.decoders.decode import decode
from stages.own_data.decoders.decoded_graphs import NamedGraph

KINDS = [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph]


def random_graph(kind: type[nx.Graph]) -> nx.Graph:
    """Return a graph with loops, a node alone, and parallel edges where its kind has them."""
    random = np.random.default_rng(5)
    graph = kind()
    for node in range(12):
        graph.add_node(f"n{node}", label="CNO"[node % 3], charge=float(node) / 4, ring=bool(node % 2))
    for source, target in random.integers(0, 11, (40, 2)).tolist():
        graph.add_edge(f"n{source}", f"n{target}", weight=float(random.integers(1, 9)) / 2, label="ab"[source % 2])
    return graph


def graphml(graph: nx.Graph) -> tuple[str, bytes, nx.Graph]:
    file = io.BytesIO()
    nx.write_graphml(graph, file)
    return "a.graphml", file.getvalue(), nx.parse_graphml(file.getvalue().decode())


def node_link(graph: nx.Graph) -> tuple[str, bytes, nx.Graph]:
    data = nx.node_link_data(nx.relabel_nodes(graph, {}), edges="links")
    for node in data["nodes"]:
        node["ring"] = int(node["ring"])  # truth values are no numbers in JSON, and are not read
    return "a.json", json.dumps(data).encode(), nx.node_link_graph(data, edges="links")


def edge_list(graph: nx.Graph) -> tuple[str, bytes, nx.Graph]:
    file = io.BytesIO(b"# directed\n" if graph.is_directed() else b"")
    file.seek(0, io.SEEK_END)
    nx.write_weighted_edgelist(graph, file)
    kind = {(False, False): nx.Graph, (False, True): nx.DiGraph, (True, False): nx.MultiGraph, (True, True): nx.MultiDiGraph}
    lines = file.getvalue().decode().splitlines()
    return "a.edges", file.getvalue(), nx.parse_edgelist(
        lines, create_using=kind[graph.is_multigraph(), graph.is_directed()], data=(("weight", float),)
    )


def edges_of(graph: nx.Graph, *, labelled: bool) -> Counter[Any]:
    """Return how often each edge is there: its ends (in order where it has a direction), weight and label."""
    order = tuple if graph.is_directed() else lambda ends: tuple(sorted(ends))
    return Counter((order((u, v)), data["weight"], data["label"] if labelled else None) for u, v, data in graph.edges(data=True))


def edges_read(graph: NamedGraph, names: list[str]) -> Counter[Any]:
    order = tuple if graph.directed else lambda ends: tuple(sorted(ends))
    labels = graph.edge_labels or [None] * len(graph.edges)
    pairs = [(names[source], names[target]) for source, target in graph.edges.tolist()]
    return Counter((order(pair), weight, label) for pair, weight, label in zip(pairs, graph.weight or [], labels, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("write", [graphml, node_link])
def test_whole_graphs(kind: type[nx.Graph], write: Callable[[nx.Graph], tuple[str, bytes, nx.Graph]]) -> None:
    name, raw, expected = write(random_graph(kind))
    read, names = decode("graph", raw, name), list(expected.nodes)
    assert (read.n_nodes, read.directed) == (expected.number_of_nodes(), expected.is_directed())
    assert edges_read(read, names) == edges_of(expected, labelled=True)
    assert read.node_labels == [data["label"] for _, data in expected.nodes(data=True)]
    assert read.attribute_names == ("charge", "ring")
    assert read.node_attributes.tolist() == [[data["charge"], data["ring"]] for _, data in expected.nodes(data=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_edge_lists(kind: type[nx.Graph]) -> None:
    name, raw, expected = edge_list(random_graph(kind))
    read, names = decode("graph", raw, name), list(expected.nodes)  # both number nodes as they appear
    assert (read.n_nodes, read.directed) == (expected.number_of_nodes(), expected.is_directed())
    assert edges_read(read, names) == edges_of(expected, labelled=False)
