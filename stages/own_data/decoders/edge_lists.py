"""Graphs as edge lists, one graph per file (.csv, .tsv, .txt, .edges).

A row is an edge: source, target and optionally a weight. Names of nodes are text or numbers; nodes are numbered in order of appearance. The
first row may name the columns: source, target, weight, label (or usual synonyms), in any order. A row with a single name is a node, with or
without edges. By default edges are undirected and names are not node labels; comment lines change that:
    # directed
    # names are labels       (for graphs that share their nodes: regions of a brain, genes, words)
"""

import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stages.own_data.decoders.decoded_graphs import MAX_EDGES, MAX_NODES, NamedGraph, checked
from stages.own_data.decoders.text_files import characters, lines, separator, split, to_number

COLUMNS = {
    "source": {"source", "src", "from", "u", "node1", "head"},
    "target": {"target", "dst", "to", "v", "node2", "tail"},
    "weight": {"weight", "w"},
    "label": {"label", "type", "relation"},
}


@dataclass
class EdgeList:
    """Nodes and edges in order of appearance; `columns`: name of a column → its place in a row."""

    columns: Mapping[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # name of a node → its number
    edges: "array[int]" = field(default_factory=lambda: array("q"))
    weights: "array[float]" = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)

    def add_node(self, name: str) -> int:
        """Return the number of a node; raise ValueError if it is new and there are MAX_NODES already."""
        if name not in self.numbers and len(self.numbers) == MAX_NODES:
            raise ValueError(f"more than {MAX_NODES:,} nodes; expected at most as many per graph")
        return self.numbers.setdefault(name, len(self.numbers))

    def add_row(self, cells: list[str], line: int) -> None:
        """Add the edge, or the single node, of a row."""
        single = _single_node(cells, self.columns)
        if single:
            self.add_node(single)
            return
        _check_edge(cells, self.columns, line)
        self.edges.extend((self.add_node(cells[self.columns["source"]]), self.add_node(cells[self.columns["target"]])))
        if "weight" in self.columns:
            self.weights.append(_weight(cells[self.columns["weight"]], line))
        if "label" in self.columns:
            self.labels.append(cells[self.columns["label"]])
        if len(self.edges) > 2 * MAX_EDGES:
            raise ValueError(f"more than {MAX_EDGES:,} edges; expected at most as many per graph")


def read_edges(raw: bytes, suffix: str) -> NamedGraph:
    """Return the graph of an edge list; see `read_named_edges`."""
    return read_named_edges(raw, suffix)[1]


def read_named_edges(raw: bytes, suffix: str) -> tuple[list[str], NamedGraph]:
    """Return the names of the nodes in an edge list, and its graph.

    Raises:
        ValueError: naming the line that is not an edge, or a first row that looks like an unknown header.
    """
    text = characters(raw)
    found = EdgeList()
    for line, cells in _rows(raw, suffix):
        if not found.columns and len(cells) > 1:
            found.columns, is_header = _columns(cells, line)
            if is_header:
                continue
        found.add_row(cells, line)
    names = list(found.numbers)
    _check_first_row(names)
    graph = NamedGraph(
        n_nodes=len(names),
        edges=np.array(found.edges).reshape(-1, 2),
        directed=_has_comment(text, "directed"),
        weight=found.weights.tolist() if "weight" in found.columns else None,
        edge_labels=found.labels if "label" in found.columns else None,
        node_labels=names if _has_comment(text, "names are labels") else None,
    )
    return names, checked(graph)


def _rows(raw: bytes, suffix: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of every line that is neither blank nor a comment."""
    mark, is_known = None, False
    for line, content in lines(raw):
        if content and not is_known:
            mark = separator(content, suffix)
            is_known = mark is not None or len(content.split()) > 1
        if content:
            yield line, split(content, mark, line)


def _columns(cells: list[str], line: int) -> tuple[dict[str, int], bool]:
    """Return the places of the columns, and whether the first row, `cells`, names them."""
    found = {column: place for place, cell in enumerate(cells) for column, known in COLUMNS.items() if cell.lower() in known}
    if "source" in found and "target" in found:
        if len(found) != len(cells):
            raise ValueError(f"line {line} names the columns {', '.join(cells)[:80]}; expected source, target, weight, label, once each")
        return found, True
    if len(cells) > 3:
        raise ValueError(f"line {line} has {len(cells)} cells; expected source, target and optionally a weight, or a header")
    return {"source": 0, "target": 1} | ({"weight": 2} if len(cells) == 3 else {}), False


def _single_node(cells: list[str], places: Mapping[str, int]) -> str:
    """Return the name in a row of a single name, else ""."""
    named = [place for place, cell in enumerate(cells) if cell]
    return cells[named[0]] if len(named) == 1 and (len(cells) == 1 or named[0] == places["source"]) else ""


def _check_edge(cells: list[str], places: Mapping[str, int], line: int) -> None:
    if len(cells) != len(places) or not cells[places["source"]] or not cells[places["target"]]:
        found, expected = ", ".join(cells)[:60], " and ".join(places)
        raise ValueError(f"line {line} is {found!r}; expected {expected}, as in the first row, or a single name of a node")


def _weight(cell: str, line: int) -> float:
    weight = to_number(cell)
    if weight is None or not math.isfinite(weight):
        raise ValueError(f"line {line}: weight {cell[:40]!r} is not a finite number; if the column holds labels, add a header: "
                         "source,target,label")
    return weight


def _check_first_row(names: Sequence[str]) -> None:
    """Raise ValueError if the first row looks like a header: only its nodes are not whole numbers."""
    is_whole = [re.fullmatch(r"\d+", name) is not None for name in names]
    if len(names) > 2 and not any(is_whole[:2]) and all(is_whole[2:]):
        raise ValueError(f"the first row is {names[0][:40]!r} and {names[1][:40]!r}, all other nodes are numbers; "
                         "name the columns source and target, or remove the row")


def _has_comment(text: str, what: str) -> bool:
    """Return whether a comment line begins with `what`."""
    return re.search(rf"^[ \t]*#[ \t]*{what}\b", text, re.MULTILINE | re.IGNORECASE) is not None
