"""Samples that are nodes of one graph: the graph around each node, what it holds, and what it never holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from own_entries import Entry, ingested, parsed

from stages import featurize
from stages.contracts.paths import features_path
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import read_table
from stages.own_data import node_graph
from stages.own_data.advice import advice
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.own_samples import unreadable_columns
from stages.own_data.roles import open_source

N = 12


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def random_graph(directed: bool) -> nx.Graph:
    graph = nx.gnm_random_graph(N, 18, seed=4, directed=directed)
    graph.remove_node(N - 1)  # a row of the table without an edge
    return nx.relabel_nodes(graph, {node: f"n{node}" for node in graph})


def write(graph: nx.Graph, header: str = "source,target,weight", labels: list[str] | None = None) -> None:
    marks = "# directed\n" if graph.is_directed() else ""
    edges = [f"{a},{b},{i / 2}" for i, (a, b) in enumerate(graph.edges)]
    Path("edges.csv").write_text(marks + "\n".join([header, *edges]) + "\n", encoding="utf-8")
    kinds = labels or ["ab"[i % 2] for i in range(N)]
    rows = [f"n{i},{kinds[i]},{i * i},{i / 4}" for i in range(N)]
    Path("t.csv").write_text("\n".join(["name,kind,size,age", *rows]) + "\n", encoding="utf-8")


def entry(**part: Any) -> Entry:
    around = {"modality": "graph", "edges": "edges.csv", **part}
    return {"source": {"table": "t.csv"}, "target": {"column": "kind", "task": "binary"}, "id": "name", "modalities": {"around": around}}


def as_networkx(cell: Mapping[str, Any]) -> nx.Graph:
    graph = nx.DiGraph() if cell["directed"] else nx.Graph()
    for node, numbers in enumerate(cell.get("node_attributes") or [None] * cell["n_nodes"]):
        graph.add_node(node, numbers=numbers, is_root=node == cell["root"])
    graph.add_weighted_edges_from(zip(cell["source"], cell["target"], cell["weight"], strict=True))
    return graph


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_the_graph_around_a_node_is_that_of_networkx(directed: bool, hops: int) -> None:
    whole = random_graph(directed)
    write(whole)
    samples, _ = ingested(entry(hops=hops, columns=["size", "age"]))
    for i, (a, b) in enumerate(whole.edges):
        whole.edges[a, b]["weight"] = i / 2
    for name, cell in zip(samples["sample_id"].to_pylist(), samples["around"].to_pylist(), strict=True):
        expected = nx.ego_graph(whole, name, hops, undirected=True) if name in whole else nx.empty_graph([name])
        for node in expected:
            expected.nodes[node].update(numbers=[int(node[1:]) ** 2, int(node[1:]) / 4], is_root=node == name)
        found = as_networkx(cell)
        if name not in whole:
            assert (found.number_of_nodes(), found.number_of_edges()) == (1, 0)
            continue
        same = nx.is_isomorphic(found, expected, node_match=lambda a, b: a == b, edge_match=lambda a, b: a["weight"] == b["weight"])
        assert same, name
        assert cell["root"] == 0


def test_targets_change_no_graph() -> None:
    write(random_graph(False))
    before, _ = ingested(entry(columns=["size", "age"]))
    write(random_graph(False), labels=["ab"[i // 2 % 2] for i in range(N)])
    after, _ = ingested(entry(columns=["size", "age"]))
    assert before["target"].to_pylist() != after["target"].to_pylist()
    assert before["around"].to_pylist() == after["around"].to_pylist()
    assert "node_labels" not in before.schema.field("around").type.names


def test_a_graph_without_columns_may_have_nodes_that_are_no_samples() -> None:
    write(random_graph(False))
    text = Path("t.csv").read_text(encoding="utf-8").splitlines()
    Path("t.csv").write_text("\n".join([text[0], *text[3:]]) + "\n", encoding="utf-8")
    samples, _ = ingested(entry())
    assert samples.num_rows == N - 2 and "node_attributes" not in samples.schema.field("around").type.names
    with pytest.raises(InputError, match=r"around\.columns: 2 nodes of edges\.csv \(such as 'n0'\) have no row in the table"):
        ingested(entry(columns=["size"]))


def test_features_are_those_of_the_root_and_its_surroundings() -> None:
    write(random_graph(True))
    mine = entry(columns="[sa]*")
    ingested(mine)
    import yaml

    params = {"datasets": {"mine": mine}, "features": {"mine-around": {"dataset": "mine", "modality": "graph"}}}
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    featurize.main("mine-around")
    table = read_table(features_path("mine", "around"))
    assert table.num_rows == N and np.isfinite(np.array(table["n_nodes"].to_pylist())).all()
    graphs = component("modalities", "graph")
    names = graphs.featurize(pa.chunked_array([read_samples()]), graphs.settings()).names["numeric"]
    assert any("root" in name for name in names)


def read_samples() -> pa.Array:
    samples, _ = ingested(entry(columns="[sa]*"))
    return samples["around"].combine_chunks()


def test_the_edges_are_part_of_the_fingerprint_and_what_overlaps_is_said() -> None:
    write(random_graph(False))
    mine = parsed(entry())
    before = fingerprint_of("mine", mine)
    assert before["n_files"] == 2
    Path("edges.csv").write_text(Path("edges.csv").read_text() + "n0,n11,1\n")
    assert fingerprint_of("mine", mine)["digest"] != before["digest"]
    assert "graphs around test nodes and training nodes overlap (edges and numbers, never targets)" in "\n".join(
        advice("mine", mine, open_source("mine", mine))
    )


REFUSED = [
    ({"edges": "edges.json"}, r"around\.edges: edges\.json: expected a list of edges"),
    ({"edges": "none.csv"}, r"around\.edges: none\.csv: no such file"),
    ({"columns": ["kind"]}, "column 'kind' is the target, which would leak"),
    ({"columns": ["sise"]}, r"around\.columns: no column 'sise' \(did you mean 'size'\?\)"),
    ({"column": "size"}, "give one of `column`, `columns`, `files` and `matrix`, found edges and column"),
    ({"modality": "series"}, r"around\.edges: only modality graph has it"),
    ({"edges": None, "column": "size", "hops": 2}, r"around\.hops: only with `edges`"),
    ({"hops": 4}, "hops"),
]


@pytest.mark.parametrize(("part", "message"), REFUSED)
def test_an_entry_that_cannot_work_is_refused(part: Mapping[str, Any], message: str) -> None:
    write(random_graph(False))
    with pytest.raises(InputError, match=message):
        ingested(entry(**part))


def test_names_that_no_sample_has_and_missing_numbers_are_refused_by_check() -> None:
    write(random_graph(False))
    mine = parsed({**entry(), "id": None})
    assert "no node of edges.csv (such as 'n" in unreadable_columns("mine", mine, open_source("mine", mine))[0]
    Path("t.csv").write_text(Path("t.csv").read_text().replace("n3,b,9,", "n3,b,,"))
    mine = parsed(entry(columns=["size"]))
    found = unreadable_columns("mine", mine, open_source("mine", mine))
    assert len(found) == 1 and "column 'size': line 5 of t.csv: the number is missing (1 such)" in found[0]


def test_a_hub_is_a_bad_sample_where_its_surroundings_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_graph, "MAX_AROUND", 4)
    write(nx.relabel_nodes(nx.star_graph(6), {node: f"n{node}" for node in range(7)}))
    with pytest.raises(InputError, match=r"(?s)1 of 12 samples.*within 1 hop of node 'n0' has 7 nodes and 0 edges; expected at most 4"):
        ingested(entry())
