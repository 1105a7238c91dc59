"""What the data sets in the TU collection's format promise: MUTAG's molecules, cuneiform signs, and that isomorphic graphs are found."""

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from toy import cuneiform as toy_signs
from toy import mutag as toy_molecules
from toy import write_wheel

from stages.collections.isomorphic_graphs import first_isomorphic
from stages.contracts.data_set import DataSet
from stages.datasets.cuneiform import SIGNS, tablets
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.readers.archive import member_names, read_members
from stages.samples.graph_column import GraphSample

TOYS = {"mutag": toy_molecules, "cuneiform": toy_signs}


def rows_of(name: str, archive: Path) -> list[dict[str, Any]]:
    data_set: DataSet = component("datasets", name)
    return data_set.read({"grakel": archive}, next(iter(data_set.targets)), data_set.options(), 1).to_pylist()


def relabeled(graph: nx.Graph, random: np.random.Generator) -> GraphSample:
    """Return a graph with its nodes in a random order, its edges in a random order and direction."""
    order = random.permutation(len(graph))
    edges = np.array([[order[one], order[other]][:: random.choice([1, -1])] for one, other in graph.edges]).reshape(-1, 2)
    labels = np.empty(len(graph), dtype=object)
    labels[order] = [graph.nodes[node].get("label", "") for node in range(len(graph))]
    return GraphSample(len(graph), random.permutation(edges), node_labels=labels.tolist())


# ---------------------------------------------------------------- isomorphism
@pytest.mark.parametrize("seed", range(3))
def test_a_graph_in_another_order_is_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    graphs = [nx.gnp_random_graph(n, 0.3, seed=100 * seed + n) for n in range(4, 16)]
    for graph in graphs:
        nx.set_node_attributes(graph, {node: "CN"[int(random.integers(2))] for node in graph}, "label")
    twice = [relabeled(graph, random) for graph in [*graphs, *graphs[::-1]]]
    assert first_isomorphic(twice) == [*range(12), *reversed(range(12))]


def test_graphs_that_color_refinement_confuses_are_different() -> None:
    """Two triangles and a ring of six; two strongly regular graphs of 16 nodes: each pair has the same Weisfeiler–Lehman colors."""
    random = np.random.default_rng(0)
    ring, triangles = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    rook = nx.convert_node_labels_to_integers(nx.line_graph(nx.complete_bipartite_graph(4, 4)))
    steps = {(0, 1), (1, 0), (1, 1), (0, 3), (3, 0), (3, 3)}
    shrikhande = nx.Graph([(4 * a + b, 4 * ((a + x) % 4) + (b + y) % 4) for a in range(4) for b in range(4) for x, y in steps])
    shrikhande = nx.relabel_nodes(shrikhande, {node: node for node in range(16)})
    assert nx.degree_histogram(rook) == nx.degree_histogram(shrikhande)
    samples = [relabeled(graph, random) for graph in (ring, triangles, rook, shrikhande, triangles, shrikhande)]
    assert first_isomorphic(samples) == [0, 1, 2, 3, 1, 3]


def test_labels_of_nodes_count_and_those_of_edges_do_not() -> None:
    path = [[0, 1], [1, 2]]
    graphs = [
        GraphSample(3, path, node_labels=["C", "C", "N"], edge_labels=["single", "double"]),
        GraphSample(3, path, node_labels=["C", "N", "C"]),
        GraphSample(3, path[::-1], node_labels=["N", "C", "C"], edge_labels=["single", "single"]),
        GraphSample(4, path, node_labels=["C", "C", "N", "C"]),
        GraphSample(3, path),
    ]
    assert first_isomorphic(graphs) == [0, 1, 0, 3, 4]


# ---------------------------------------------------------------- MUTAG
def test_molecules_are_isomorphic_or_in_different_groups(tmp_path: Path) -> None:
    rows = rows_of("mutag", toy_molecules.write(tmp_path)["grakel"])
    assert rows[toy_molecules.COPIES[1]]["group"] == rows[toy_molecules.COPIES[0]]["group"] == "003"
    assert len({row["group"] for row in rows}) == toy_molecules.N - 1
    for number, row in enumerate(rows):
        graph, (target, nodes, edges) = row["molecule"], toy_molecules.molecule(number)
        if number != toy_molecules.COPIES[1]:
            assert row["target"] == {1: "mutagenic", -1: "not mutagenic"}[target]
            assert graph["node_labels"] == [{"0": "C", "1": "N", "2": "O"}[code] for code in nodes] and not graph["directed"]
            bonds = dict(zip(zip(graph["source"], graph["target"], strict=True), graph["edge_labels"], strict=True))
            assert bonds == {ends: {1: "single", 2: "double"}[code] for ends, code in edges.items()}


# ---------------------------------------------------------------- cuneiform
def test_a_tablet_begins_where_the_order_of_signs_starts_again() -> None:
    assert tablets(np.array([0, 1, 0, 2, 5, 5, 6, 1])).tolist() == [1, 1, 2, 2, 2, 3, 3, 4]


def test_signs_have_both_modalities_and_depth_is_relative(tmp_path: Path) -> None:
    rows = rows_of("cuneiform", toy_signs.write(tmp_path)["grakel"])
    assert [row["target"] for row in rows] == [SIGNS[code] for code in toy_signs.CODES]
    assert [row["group"] for row in rows][:6] == ["tablet 1"] * 2 + ["tablet 2"] * 3 + ["tablet 3"]
    for code, row in zip(toy_signs.CODES, rows, strict=True):
        graph, points = row["sign"], np.array(row["points"])
        assert points.shape == (graph["n_nodes"], 3) == (4 * (code + 1), 3)
        np.testing.assert_allclose(points, graph["node_attributes"], rtol=1e-6)
        assert points[:, 2].mean() == pytest.approx(0, abs=1e-5) and abs(points[:, 2]).max() > 0.1
        assert graph["node_labels"][:2] == ["depth point of vertical", "tail of vertical"]
        assert graph["edge_labels"].count("wedge") == 6 * (code + 1)
        assert graph["edge_labels"].count("arrangement") == code * (code + 1) / 2


# ---------------------------------------------------------------- damage
@pytest.mark.parametrize(
    ("name", "part", "old", "new", "reason"),
    [
        ("mutag", "A", "1, 2\n2, 1\n", "1, 2\n1, 2\n", "every edge in both directions"),
        ("mutag", "A", "1, 2\n2, 1\n", "1, 1\n1, 1\n", "no loops"),
        ("mutag", "A", "1, 2\n2, 1\n", "1, 99\n99, 1\n", "two of the [0-9]+ nodes, of one graph"),
        ("mutag", "A", "1, 2\n2, 1\n", "1, 0\n0, 1\n", "two of the [0-9]+ nodes, of one graph"),
        ("mutag", "A", "1, 2\n2, 1\n", "1 2\n2 1\n", "MUTAG_A.txt' is damaged"),
        ("mutag", "edge_labels", "1\n1\n1\n1\n", "1\n2\n1\n1\n", "with the same label"),
        ("mutag", "edge_labels", "1\n1\n1\n1\n", "1\n1\n1\n", "numbers, expected [0-9]+ × 1"),
        ("mutag", "edge_labels", "2\n2\n", "7\n7\n", "a label is 7, expected 0, 1, 2, 3"),
        ("mutag", "graph_indicator", "1\n1\n1\n1\n1\n2\n", "1\n1\n1\n1\n2\n1\n", "every graph from 1 to 40, ascending"),
        ("mutag", "graph_labels", "1\n1\n-1\n", "1\n0\n-1\n", "a label is 0, expected 1, -1"),
        ("mutag", "node_labels", "0\n0\n", "0\nC\n", "MUTAG_node_labels.txt' is damaged"),
        ("cuneiform", "node_attributes", ", ", ",nan, ", "MUTAG|Cuneiform_node_attributes.txt' is damaged"),
        ("cuneiform", "node_labels", "0, 0\n", "0, 3\n", "a label is 3, expected 0, 1, 2"),
    ],
)
def test_damaged_lists_are_named(tmp_path: Path, name: str, part: str, old: str, new: str, reason: str) -> None:
    archive = TOYS[name].write(tmp_path)["grakel"]
    members = read_members(archive, member_names(archive))
    member = f"{TOYS[name].FOLDER}{part}.txt"
    assert old.encode() in members[member]
    changed = write_wheel(tmp_path / "changed.whl", members | {member: members[member].replace(old.encode(), new.encode(), 1)})
    with pytest.raises(InputError, match=reason):
        rows_of(name, changed)
