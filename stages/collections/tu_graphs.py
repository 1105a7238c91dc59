"""Read graphs in the text format of the TU Dortmund collection: one graph per sample, in lists over the nodes and edges of all.

Files `<name>_<list>.txt`, a line per entry, numbers separated by commas; nodes and graphs count from 1:

    A                 the two nodes of each edge; an undirected edge is listed twice, once in each direction
    graph_indicator   the graph of each node, ascending
    graph_labels      the class of each graph
    node_labels       one or more codes per node
    edge_labels       one code per line of A
    node_attributes   one or more numbers per node; not in every data set

Source: C. Morris et al. (2020), TUDataset: a collection of benchmark datasets for learning with graphs, arXiv:2007.08663.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.readers.archive import damaged, read_members

LISTS = ("A", "graph_indicator", "graph_labels", "node_labels", "edge_labels")


@dataclass(frozen=True)
class TuGraph:
    """An undirected graph and its class.

    edges: int64 (m, 2), each edge once, nodes from 0. edge_codes: int64 (m,). node_codes: int64 (n, k). attributes: float64 (n, a).
    """

    target: int
    edges: np.ndarray
    edge_codes: np.ndarray
    node_codes: np.ndarray
    attributes: np.ndarray


def read_tu_graphs(archive: Path, folder: str, name: str, *, n_attributes: int = 0) -> list[TuGraph]:
    """Return the graphs in their order; attributes (n, 0) unless the data set has `n_attributes` per node.

    Raises:
        InputError: naming the archive and the list that is not as declared.
    """
    wanted = (*LISTS, "node_attributes") if n_attributes else LISTS
    members = {part: f"{folder}/{name}_{part}.txt" for part in wanted}
    raw = read_members(archive, members.values())
    lists = {part: _numbers(archive, member, raw[member]) for part, member in members.items()}
    if fault := _fault(lists, n_attributes):
        raise damaged(archive, members[fault[0]], fault[1])
    return _graphs(lists)


def _numbers(archive: Path, member: str, raw: bytes) -> np.ndarray:
    """Return the numbers of a list, one row per line: int64, or float64 of attributes."""
    kind = np.float64 if member.endswith("attributes.txt") else np.int64
    try:
        rows = [line.split(",") for line in raw.decode("ascii").splitlines()]
        numbers = np.array([[kind(value) for value in row] for row in rows], dtype=kind)
        if numbers.ndim != 2 or not np.isfinite(numbers).all():
            raise ValueError("expected lines of equally many finite numbers")
    except (ValueError, OverflowError) as error:
        raise damaged(archive, member, error) from error
    return numbers


def _fault(lists: Mapping[str, np.ndarray], n_attributes: int) -> tuple[str, str] | None:
    """Return the first list that does not fit the others, and what was expected of it."""
    graph_of, ends = lists["graph_indicator"], lists["A"]
    n_graphs, n_nodes = len(lists["graph_labels"]), len(graph_of)
    if graph_of.shape[1] != 1 or not np.array_equal(np.unique(graph_of), np.arange(1, n_graphs + 1)) or (np.diff(graph_of[:, 0]) < 0).any():
        return "graph_indicator", f"expected every graph from 1 to {n_graphs}, ascending"
    sizes = {"graph_labels": (n_graphs, 1), "edge_labels": (len(ends), 1), "node_labels": (n_nodes, lists["node_labels"].shape[1])}
    for part, size in (sizes | ({"node_attributes": (n_nodes, n_attributes)} if n_attributes else {})).items():
        if lists[part].shape != size:
            return part, f"has {lists[part].shape[0]} × {lists[part].shape[1]} numbers, expected {size[0]} × {size[1]}"
    if ends.shape[1] != 2 or ends.min() < 1 or ends.max() > n_nodes or (graph_of[ends[:, 0] - 1] != graph_of[ends[:, 1] - 1]).any():
        return "A", f"expected two of the {n_nodes} nodes, of one graph, in each line"
    forth, back = np.column_stack([ends, lists["edge_labels"]]), np.column_stack([ends[:, ::-1], lists["edge_labels"]])
    if (ends[:, 0] == ends[:, 1]).any() or not np.array_equal(np.unique(forth, axis=0), np.unique(back, axis=0)):
        return "A", "expected every edge in both directions, with the same label, and no loops"
    return None


def _graphs(lists: Mapping[str, np.ndarray]) -> list[TuGraph]:
    graph_of, ends = lists["graph_indicator"][:, 0] - 1, lists["A"] - 1
    once = np.flatnonzero(ends[:, 0] < ends[:, 1])
    once = once[np.lexsort((ends[once, 1], ends[once, 0]))]
    n_graphs = len(lists["graph_labels"])
    first_node = np.searchsorted(graph_of, np.arange(n_graphs + 1))
    first_edge = np.searchsorted(graph_of[ends[once, 0]], np.arange(n_graphs + 1))
    attributes = lists.get("node_attributes", np.zeros((len(graph_of), 0)))
    found = []
    for graph in range(n_graphs):
        nodes = slice(first_node[graph], first_node[graph + 1])
        edges = once[first_edge[graph] : first_edge[graph + 1]]
        target, codes = int(lists["graph_labels"][graph, 0]), lists["edge_labels"][edges, 0]
        found.append(TuGraph(target, ends[edges] - first_node[graph], codes, lists["node_labels"][nodes], attributes[nodes]))
    return found


def named(archive: Path, codes: np.ndarray, names: Mapping[int, str]) -> list[str]:
    """Return the name of each code; raise InputError if one has no name."""
    unknown = sorted(set(codes.tolist()) - set(names))
    if unknown:
        raise damaged(archive, "", f"a label is {unknown[0]}, expected {', '.join(map(str, names))}")
    return [names[code] for code in codes.tolist()]
