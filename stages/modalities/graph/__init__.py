"""Graphs (web, social, device, molecular, brain): a struct of nodes and edges, for a whole graph or the neighborhood of a root node.

The column is a struct (see stages/samples/graph_column.py): n_nodes, directed, source, target, and optionally weight, edge_labels,
node_labels, node_attributes, root.

statistics  numeric columns (missing where undefined): size, degrees, motifs, distances, spectrum, weights, labels and attributes; for the
            root degrees, strength, clustering, PageRank and neighbors
wl          counts of Weisfeiler–Lehman subtrees, hashed: structure and labels, without weights and attributes
edges       counts (or total weights) of edges by the labels of their nodes, hashed: for graphs whose nodes have names

Features do not depend on the numbering of nodes. Values are rounded to twelve digits, so that constants stay equal in any order of
summation.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.graph import graph_statistics, structure_statistics
from stages.modalities.graph.checked_graph import Graph, read_graph
from stages.modalities.graph.graph_corruptions import CORRUPTIONS
from stages.modalities.graph.root_statistics import root_numbers
from stages.modalities.graph.wl_terms import edge_terms, wl_terms
from stages.samples.bounds import bounded
from stages.samples.exhibits import show_graph
from stages.samples.read import read_each

N_INDICES = 2**31
SMALLEST = 1e-9  # values nearer to 0 are rounding errors of sums
TYPES = {
    "n_nodes": "int32",
    "directed": "bool",
    "source": "list<int32>",
    "target": "list<int32>",
    "weight": "list<double>",
    "edge_labels": "list<string>",
    "node_labels": "list<string>",
    "node_attributes": "list<fixed_size_list<double>",  # followed by the number of attributes
    "root": "int32",
}
EMPTY = pa.list_(pa.string(), 0)


class GraphSettings(Settings):
    features: Literal["statistics", "wl", "edges"] = Field("statistics", description="statistics, wl (subtrees) or edges (by labels)")
    iterations: int = Field(3, ge=0, le=20, description="wl: steps that a subtree reaches from its node")
    bins: int = Field(12, ge=6, le=40, description="statistics: bins of degrees (0, 1, 2, 3, 4, 5–8, 9–16, …; the last takes all above)")
    label_bins: int = Field(64, ge=1, le=1_024, description="statistics: bins to which labels are assigned by their hash")
    eigenvalues: int = Field(6, ge=1, le=100, description="statistics: eigenvalues kept at each end of the Laplacian's spectrum")
    log_weights: bool = Field(False, description="whether a weight w counts as sign(w)·ln(1 + |w|)")
    min_documents: int = Field(1, ge=1, description="wl, edges: training graphs that contain a term, at least")
    max_terms: int = Field(20_000, ge=1, le=1_000_000, description="wl, edges: terms kept, those in most training graphs")
    idf: bool = Field(False, description="wl, edges: whether rare terms weigh more")
    sublinear: bool = Field(True, description="wl, edges: whether a term's count weighs as 1 + ln(count)")


def featurize(column: pa.Array | pa.ChunkedArray, settings: GraphSettings) -> Features:
    """Return per graph numeric columns (statistics), or indices and values (wl, edges), and the edges as n_nodes, source and target.

    Raises:
        InputError: if a field of the column is not of its type.
        SampleError: naming the graphs whose fields do not fit together.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    _check_fields(whole.type)
    graphs = read_each(whole, lambda struct: _prepared(read_graph(struct), settings))
    edges = {
        "n_nodes": pa.array([graph.n for graph in graphs], pa.int32()),
        "source": pa.array([graph.source for graph in graphs], pa.list_(pa.int32())),
        "target": pa.array([graph.target for graph in graphs], pa.list_(pa.int32())),
    }
    if settings.features == "statistics":
        return _statistics(graphs, whole.type, settings, edges)
    terms = [wl_terms(graph, settings.iterations) if settings.features == "wl" else edge_terms(graph) for graph in graphs]
    columns = {
        "indices": pa.array([list(found) for found in terms], pa.list_(pa.int32())),
        "values": pa.array([list(found.values()) for found in terms], pa.list_(pa.float32())),
    }
    fit = {name: getattr(settings, name) for name in ("min_documents", "max_terms", "idf", "sublinear")}
    return Features(columns | edges, "sparse", (N_INDICES,), fit=fit)


def _check_fields(kind: pa.StructType) -> None:
    for field in kind:
        expected = TYPES.get(field.name)
        if expected is None or re.sub(r"\b(element|item): ", "", str(field.type)).partition("[")[0] != expected:
            wanted = f"expected {expected}" if expected else f"a graph has {', '.join(TYPES)}"
            raise InputError(f"graph field {field.name!r} has Arrow type {field.type}; {wanted} (stages/samples/graph_column.py)")


def _prepared(graph: Graph, settings: GraphSettings) -> Graph:
    if graph.weight is None or not settings.log_weights:
        return graph
    weight = np.sign(graph.weight) * np.log1p(np.abs(graph.weight))
    return Graph(graph.n, graph.directed, graph.source, graph.target, weight, graph.edge_labels, graph.labels, graph.attributes, graph.root)


def _statistics(graphs: Sequence[Graph], kind: pa.StructType, settings: GraphSettings, edges: Mapping[str, pa.Array]) -> Features:
    empty = Graph(1, False, np.zeros(0, np.int64), np.zeros(0, np.int64))
    names = list(graph_numbers(empty, kind, settings))
    rows = [list(graph_numbers(graph, kind, settings).values()) for graph in graphs]
    columns = {
        "numeric": fixed_lists(rounded(np.array(rows, dtype=np.float64).reshape(len(graphs), len(names)))),
        "categorical": pa.array([[]] * len(graphs), EMPTY),
    }
    return Features(columns | dict(edges), "table", (len(names), 0), {"numeric": names, "categorical": []}, {"max_categories": 2})


def graph_numbers(graph: Graph, kind: pa.StructType, settings: GraphSettings) -> dict[str, float]:
    """Return the statistics by name; the names depend on settings and the fields of the column, not on the graph."""
    fields = set(kind.names)
    numbers = graph_statistics.size_numbers(graph) | graph_statistics.degree_numbers(graph, settings.bins)
    numbers |= structure_statistics.motif_numbers(graph)
    numbers |= structure_statistics.component_numbers(graph) | structure_statistics.spectral_numbers(graph, settings.eigenvalues)
    if "weight" in fields:
        numbers |= graph_statistics.weight_numbers(graph)
    if "node_labels" in fields:
        numbers |= graph_statistics.label_numbers(graph.labels, settings.label_bins, "node label")
    if "edge_labels" in fields:
        numbers |= graph_statistics.label_numbers(graph.edge_labels, settings.label_bins, "edge label")
    if "node_attributes" in fields:
        numbers |= graph_statistics.attribute_numbers(graph, kind.field("node_attributes").type.value_type.list_size)
    if "root" in fields:
        numbers |= root_numbers(graph, settings.label_bins)
    return numbers


def rounded(values: np.ndarray) -> np.ndarray:
    """Return float64 of the same shape, rounded to twelve significant digits, 0 below SMALLEST, infinite where too large (`bounded`)."""
    digits = 11 - np.floor(np.log10(np.maximum(np.abs(values), SMALLEST)))
    scale = 10.0 ** np.where(np.isnan(values), 0, digits)
    significant = np.rint(values * scale) / scale
    return np.where(np.abs(values) < SMALLEST, 0.0, bounded(significant))


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per graph: finite, n_nodes, n_edges; statistics: null_share; terms: n_terms, min (count), out_of_order (such indices)."""
    edges = table["source"].combine_chunks()
    n_edges = np.diff(np.from_dlpack(edges.offsets)).astype(np.float64)
    summary = {"n_nodes": column_values(table["n_nodes"]).astype(np.float64), "n_edges": n_edges}
    if "numeric" in table.column_names:
        numbers = column_values(table["numeric"])
        return summary | {"finite": ~np.isinf(numbers).any(axis=1), "null_share": np.isnan(numbers).mean(axis=1)}
    lists = table["indices"].combine_chunks()
    offsets, indices = np.from_dlpack(lists.offsets), np.from_dlpack(lists.flatten())
    values = np.from_dlpack(table["values"].combine_chunks().flatten())
    row_of = np.repeat(np.arange(len(table)), np.diff(offsets))
    low = np.full(len(table), np.nan)
    np.fmin.at(low, row_of, values.astype(np.float64))
    wrong = (np.diff(indices) <= 0) & (row_of[1:] == row_of[:-1])
    return summary | {
        "finite": np.bincount(row_of, weights=~np.isfinite(values), minlength=len(table)) == 0,
        "n_terms": np.diff(offsets).astype(np.float64),
        "min": low,
        "out_of_order": np.bincount(row_of[1:], weights=wrong, minlength=len(table)),
    }


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: nodes in every graph, edges in most, and values finite or partly missing."""
    between = "expect_column_values_to_be_between"
    common: list[tuple[str, dict[str, Any]]] = [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        (between, {"column": "n_nodes", "min_value": 1.0}),
        (between, {"column": "n_edges", "min_value": 1.0, "mostly": 0.8, "notes": "edges; a graph without edges has few features"}),
    ]
    if metadata.settings["features"] == "statistics":
        notes = "share of the graph's statistics that are missing"
        return [*common, (between, {"column": "null_share", "min_value": 0.0, "max_value": 0.9, "notes": notes})]
    return [
        *common,
        (between, {"column": "min", "min_value": 0.0, "strict_min": True, "notes": "smallest count or weight of a term"}),
        (between, {"column": "out_of_order", "min_value": 0.0, "max_value": 0.0, "notes": "indices that are not above the previous one"}),
    ]


MODALITY = Modality(
    name="graph",
    settings=GraphSettings,
    column_types=("struct",),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_graph,
    corruptions=CORRUPTIONS,
)
