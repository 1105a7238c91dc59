"""Golden checks of graphs' features: against networkx, by hand, and under another numbering of the nodes."""

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from toy_columns.graph import random_graph

from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.modalities.graph import MODALITY, checked_graph, rounded, structure_statistics
from stages.modalities.graph.checked_graph import read_graph
from stages.modalities.graph.root_statistics import pagerank
from stages.samples.graph_column import GraphSample, graph_column, neighborhood_graph
from stages.samples.read import SampleError


def statistics(*graphs: GraphSample, **settings: Any) -> list[dict[str, float]]:
    features = MODALITY.featurize(graph_column(graphs), MODALITY.settings(**settings))
    assert isinstance(features.names, dict)
    return [dict(zip(features.names["numeric"], row, strict=True)) for row in column_values(features.columns["numeric"]).tolist()]


def terms(graph: GraphSample, **settings: Any) -> dict[int, float]:
    columns = MODALITY.featurize(graph_column([graph]), MODALITY.settings(**settings)).columns
    return dict(zip(columns["indices"][0].as_py(), columns["values"][0].as_py(), strict=True))


def renumbered(graph: GraphSample, seed: int) -> GraphSample:
    """Return the same graph with nodes and edges in another order; undirected edges turned round too."""
    random = np.random.default_rng(seed)
    place, order = random.permutation(graph.n_nodes), random.permutation(len(graph.edges))
    edges = place[np.asarray(graph.edges)][order]
    back = np.argsort(place)

    def moved(values: Any, by: np.ndarray) -> Any:
        return None if values is None else [values[i] for i in by.tolist()]

    return GraphSample(
        graph.n_nodes,
        edges if graph.directed else edges[:, ::-1],
        graph.directed,
        weight=moved(graph.weight, order),
        edge_labels=moved(graph.edge_labels, order),
        node_labels=moved(graph.node_labels, back),
        node_attributes=None if graph.node_attributes is None else graph.node_attributes[back],
        root=None if graph.root is None else int(place[graph.root]),
    )


def simple(seed: int, *, directed: bool, n: int = 30) -> tuple[GraphSample, Any]:
    """Return a random weighted graph without loops and parallel edges, and the same in networkx."""
    random = np.random.default_rng(seed)
    other = nx.gnp_random_graph(n, 0.12, seed=seed, directed=directed)
    for _, _, data in other.edges(data=True):
        data["weight"] = float(random.integers(1, 9))
    weight = [data["weight"] for *_, data in other.edges(data=True)]
    return GraphSample(n, list(other.edges), directed, weight=weight, root=int(random.integers(n))), other


# ---------------------------------------------------------------- numbering
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("settings", [{}, {"features": "wl"}, {"features": "edges"}], ids=str)
def test_numbering_the_nodes_otherwise_changes_nothing(directed: bool, settings: dict[str, Any]) -> None:
    for seed in range(6):
        graph = random_graph(seed, n=12, directed=directed)
        column = graph_column([graph, renumbered(graph, seed)])
        columns = MODALITY.featurize(column, MODALITY.settings(**settings)).columns
        if settings:
            assert columns["indices"][0] == columns["indices"][1]
            np.testing.assert_allclose(*columns["values"].to_pylist(), rtol=1e-6)
        else:
            np.testing.assert_allclose(*column_values(columns["numeric"]), rtol=2e-5, atol=1e-7)


# ---------------------------------------------------------------- statistics
@pytest.mark.parametrize("seed", range(3))
def test_undirected_statistics_agree_with_networkx(seed: int) -> None:
    graph, other = simple(seed, directed=False)
    (found,) = statistics(graph)
    degrees = np.array([degree for _, degree in other.degree])
    largest = max(nx.connected_components(other), key=len)
    spectrum = np.sort(np.linalg.eigvalsh(nx.normalized_laplacian_matrix(other).toarray()))
    steps = [step for _, reached in nx.shortest_path_length(other) for step in reached.values() if step]
    expected = {
        "nodes": 30,
        "edges": other.number_of_edges(),
        "density": nx.density(other),
        "degree mean": degrees.mean(),
        "degree deviation": degrees.std(),
        "degree bin 2": (degrees == 2).mean(),
        "degree bin 5": ((degrees >= 5) & (degrees <= 8)).mean(),
        "degree assortativity": nx.degree_assortativity_coefficient(other),
        "triangles per node": sum(nx.triangles(other).values()) / 3 / 30,
        "transitivity": nx.transitivity(other),
        "clustering": nx.average_clustering(other),
        "components": nx.number_connected_components(other),
        "largest component share": len(largest) / 30,
        "cycles": len(nx.cycle_basis(other)),
        "distance mean": np.mean(steps),
        "distance max": max(steps),
        "strength max": max(strength for _, strength in other.degree(weight="weight")),
        "Laplacian eigenvalue 2": spectrum[1],
        "Laplacian eigenvalue 5": spectrum[4],
        "Laplacian eigenvalue -1": spectrum[-1],
        "adjacency radius": np.linalg.eigvalsh(nx.to_numpy_array(other)).max(),
        "root clustering": nx.clustering(other, graph.root),
        "neighbour degree mean": nx.average_neighbor_degree(other)[graph.root],
        "root strength total": other.degree(graph.root, weight="weight"),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert np.isnan([found["reciprocity"], found["in-degree mean"], found["root strength in"]]).all()


@pytest.mark.parametrize("seed", range(3))
def test_directed_statistics_agree_with_networkx(seed: int) -> None:
    graph, other = simple(seed, directed=True)
    (found,) = statistics(graph)
    into, out = dict(other.in_degree), dict(other.out_degree)
    census = nx.triadic_census(other)
    expected = {
        "reciprocity": nx.overall_reciprocity(other),
        "in-degree max": max(into.values()),
        "out-degree deviation": np.std(list(out.values())),
        "source share": np.mean([into[node] == 0 and out[node] > 0 for node in other]),
        "sink share": np.mean([out[node] == 0 and into[node] > 0 for node in other]),
        "strong components": nx.number_strongly_connected_components(other),
        "root in-degree": into[graph.root],
        "root out-degree": out[graph.root],
        "root strength in": other.in_degree(graph.root, weight="weight"),
        "root strength out": other.out_degree(graph.root, weight="weight"),
        # of the triads with three linked pairs: how many circles and onward triangles each holds
        "circular triangles per node": (census["030C"] + census["120C"] + census["210"] + 2 * census["300"]) / 30,
        "onward triangles per node": sum(
            times * census[name] for name, times in {"030T": 1, "120D": 2, "120U": 2, "120C": 1, "210": 3, "300": 6}.items()
        )
        / 30,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    ranks = nx.pagerank(other, tol=1e-12, max_iter=1000)
    np.testing.assert_allclose(pagerank(read_graph(graph_column([graph])[0].as_py())), [ranks[node] for node in range(30)], atol=1e-9)


def test_large_graphs_count_triangles_without_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, other = simple(5, directed=False, n=200)
    monkeypatch.setattr(structure_statistics, "MAX_DENSE", 10)
    found = structure_statistics.triangles(read_graph(graph_column([graph])[0].as_py()))
    assert found.tolist() == [nx.triangles(other, node) for node in range(200)]
    assert np.isnan(statistics(graph)[0]["adjacency radius"])


def test_loops_and_parallel_edges_are_told_apart() -> None:
    (found,) = statistics(GraphSample(3, [[0, 1], [1, 0], [2, 2], [1, 2], [0, 1]], weight=[1, 2, 3, 4, 5]))
    assert found["edges"] == 2 and found["loop share"] == pytest.approx(0.2) and found["parallel share"] == pytest.approx(0.4)
    assert found["strength max"] == 12 and found["weight mean"] == 3
    assert statistics(GraphSample(3, [[0, 1], [1, 0]], directed=True))[0]["parallel share"] == 0


def test_labels_and_attributes_are_counted_in_bins() -> None:
    labels, attributes = ["C", "C", "O", "N"], np.array([[1.0, 5], [2, 5], [3, 5], [6, 5]])
    graph = GraphSample(4, [[0, 1], [1, 2], [1, 3]], node_labels=labels, node_attributes=attributes, root=1)
    (found,) = statistics(graph, label_bins=1_000)
    assert found["node labels"] == 3
    assert sorted(value for name, value in found.items() if name.startswith("node label bin") and value) == [0.25, 0.25, 0.5]
    near = [value for name, value in found.items() if name.startswith("neighbour label bin") and value]
    assert near == pytest.approx([1 / 3] * 3, rel=1e-5)
    assert (found["attribute 0 mean"], found["attribute 0 max"], found["attribute 1 deviation"]) == (3, 6, 0)
    assert np.isnan(found["attribute 1 skewness"])


def test_columns_depend_on_the_fields_and_not_on_the_graphs() -> None:
    rich, poor = random_graph(1), random_graph(2, plain=True)
    assert list(statistics(rich, poor)[1]) == list(statistics(rich)[0])
    assert not {name for name in statistics(poor)[0] if name.startswith(("weight", "node label", "attribute", "root"))}


def test_numbers_are_rounded_to_twelve_digits() -> None:
    found = rounded(np.array([[1 / 3, 1e-12, np.nan, 1.7e9 + 0.123, -0.1 - 0.2 + 0.3, 0.0]]))
    np.testing.assert_array_equal(found, np.array([[0.333333333333, 0, np.nan, 1700000000.12, 0, 0]]))
    assert rounded(np.array([[1e300, -1e300]])).tolist() == [[np.inf, -np.inf]]  # for validate to name


# ---------------------------------------------------------------- terms
PATH = GraphSample(3, [[0, 1], [1, 2]], node_labels=["a", "b", "a"])


def test_subtrees_are_counted_as_in_the_paper() -> None:
    assert sorted(terms(PATH, features="wl", iterations=0).values()) == [1, 2]
    assert sorted(terms(PATH, features="wl", iterations=2).values()) == [1, 1, 1, 2, 2, 2]


def test_a_subtree_knows_labels_edges_direction_and_distance() -> None:
    variants = [
        PATH,
        replace(PATH, node_labels=["a", "b", "c"]),
        replace(PATH, edge_labels=["x", "x"]),
        replace(PATH, edge_labels=["x", "y"]),
        replace(PATH, directed=True),
        replace(PATH, directed=True, edges=[[0, 1], [2, 1]]),
        replace(PATH, root=0),
        replace(PATH, root=1),
        replace(PATH, edges=[[0, 1], [1, 2], [1, 2]]),
    ]
    assert len({tuple(terms(graph, features="wl")) for graph in variants}) == len(variants)


def test_equal_neighbourhoods_share_subtrees_up_to_their_reach() -> None:
    hexagon = GraphSample(6, [(i, (i + 1) % 6) for i in range(6)])
    triangles = GraphSample(6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)])
    assert terms(hexagon, features="wl") == terms(triangles, features="wl")  # what colour refinement is known not to see
    path = GraphSample(6, [(i, i + 1) for i in range(5)])
    assert len(set(terms(path, features="wl", iterations=1)) & set(terms(hexagon, features="wl", iterations=1))) == 2


def test_edges_count_by_labels_and_weight() -> None:
    graph = GraphSample(4, [[0, 1], [1, 2], [2, 3]], weight=[2, -3, 0], node_labels=["a", "b", "a", "c"])
    assert list(terms(graph, features="edges").values()) == [5]
    assert sorted(terms(replace(graph, directed=True), features="edges").values()) == [2, 3]
    logarithms = terms(replace(graph, directed=True), features="edges", log_weights=True)
    assert sorted(logarithms.values()) == pytest.approx([np.log(3), np.log(4)])


# ---------------------------------------------------------------- the column
def test_the_structured_form_keeps_the_edges() -> None:
    graph = random_graph(3)
    columns = MODALITY.featurize(graph_column([graph]), MODALITY.settings(features="wl")).columns
    assert columns["n_nodes"].to_pylist() == [9]
    np.testing.assert_array_equal(np.stack([columns["source"][0].as_py(), columns["target"][0].as_py()], axis=1), graph.edges)


def test_a_neighbourhood_is_what_the_root_and_its_neighbours_span() -> None:
    graph = GraphSample(5, [[0, 1], [2, 0], [1, 2], [2, 3], [3, 4]], directed=True, weight=[1, 2, 3, 4, 5], node_labels=list("abcde"))
    found = neighborhood_graph(graph, 2)
    assert (found.n_nodes, found.root, found.node_labels) == (4, 0, ["c", "a", "b", "d"])
    assert found.edges.tolist() == [[1, 2], [0, 1], [2, 0], [0, 3]] and np.asarray(found.weight).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"n_nodes": 2}, r"source of edge \d+ is node \d, which is not among the 2 nodes"),
        ({"n_nodes": 0}, r"the graph has 0 nodes; expected 1 to 100000"),
        ({"n_nodes": -3}, r"the graph has -3 nodes"),
        ({"n_nodes": 10**9}, r"the graph has 1000000000 nodes; expected 1 to 100000"),
        ({"n_nodes": None}, r"the graph has no n_nodes"),
        ({"directed": None}, r"the graph has no directed"),
        ({"target": [0]}, r"the edges have 19 sources and 1 targets"),
        ({"source": [-1] * 19}, r"source of edge 0 is node -1"),
        ({"source": [0, None]}, r"source of edge 1 is missing"),
        ({"weight": [1.0] * 18 + [float("nan")]}, r"weight 18 is missing or not finite"),
        ({"weight": [1.0]}, r"weight has 1 entries; expected 19"),
        ({"node_labels": ["a"]}, r"node_labels has 1 entries; expected 9"),
        ({"edge_labels": ["a"]}, r"edge_labels has 1 entries; expected 19"),
        ({"node_attributes": [[1.0, None]] * 9}, r"node_attributes 0 is missing or not finite"),
        ({"root": 9}, r"root 9 is not among the 9 nodes"),
    ],
)
def test_a_graph_that_makes_no_sense_is_named(wrong: dict[str, Any], reason: str) -> None:
    good = graph_column([random_graph(4)])
    column = pa.array([good[0].as_py(), good[0].as_py() | wrong], good.type)
    with pytest.raises(SampleError, match=f"row 1: {reason}"):
        MODALITY.featurize(column, MODALITY.settings())


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"n_nodes": "3"}, "'n_nodes' has Arrow type string; expected int32"),
        ({"source": [0.5]}, "'source' has Arrow type list<.*double>; expected list<int32>"),
        ({"node_attributes": [[1.0]]}, "'node_attributes' has Arrow type .*; expected list<fixed_size_list<double>"),
        ({"colour": "red"}, "'colour' has Arrow type string; a graph has n_nodes, directed, source"),
    ],
)
def test_a_field_of_another_type_is_named(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        MODALITY.featurize(pa.array([wrong]), MODALITY.settings())


def test_too_many_edges_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_graph, "MAX_EDGES", 10)
    with pytest.raises(SampleError, match=r"row 0: the graph has 19 edges; expected at most 10"):
        MODALITY.featurize(graph_column([random_graph(4)]), MODALITY.settings())


def test_a_column_is_refused_whose_parts_do_not_fit() -> None:
    with pytest.raises(ValueError, match="graph 1: weight has 2 entries, expected 1"):
        graph_column([GraphSample(2, [[0, 1]]), GraphSample(2, [[0, 1]], weight=[1, 2])])
    with pytest.raises(ValueError, match="graph 1: node_attributes of 3 numbers, the first graph has 2"):
        graph_column([GraphSample(1, [], node_attributes=np.zeros((1, width))) for width in (2, 3)])
