"""Graphs as lists of edges, one graph a file (.csv, .tsv, .txt, .edges).

A row is an edge: source, target and perhaps a weight, by names or numbers, which are names too: nodes are numbered as they appear. A
first row may name the columns: source, target, weight, label (and their usual synonyms), in any order. A row with one name alone is a
node, which may have no edge. Edges have no direction, and names say nothing about a node, unless a line of comment says otherwise:
    # directed
    # names are labels       (where graphs share their nodes: regions of a brain, genes, words)
"""

import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stages.own_data.decoders.decoded_graphs import MAX_EDGES, MAX_NODES, NamedGraph, checked
from stages.own_data.decoders.text_files import characters, lines, separator, split, to_number

COLUMNS = {
    "source": {"source", "src", "from", "u", "node1", "head"},
    "target": {"target", "dst", "to", "v", "node2", "tail"},
    "weight": {"weight", "w"},
    "label": {"label", "type", "relation"},
}


class Names:
    """Numbers names as they appear."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a node, a new one where the name is new; raise ValueError if that is one too many."""
        if name not in self.numbers and len(self.numbers) == MAX_NODES:
            raise ValueError(f"more than {MAX_NODES:,} nodes; that is the most that is read of one graph")
        return self.numbers.setdefault(name, len(self.numbers))


def read_edges(raw: bytes, suffix: str) -> NamedGraph:
    """Return the graph of an edge list.

    Raises:
        ValueError: naming the line that is no edge, or looks like a header without being known as one.
    """
    text = characters(raw)
    names, edges, weights = Names(), array("q"), array("d")
    labels: list[str] = []
    places: dict[str, int] = {}
    for line, cells in _rows(raw, suffix):
        if not places and len(cells) > 1:
            places, is_header = _places(cells, line)
            if is_header:
                continue
        alone = _node_alone(cells, places)
        if alone:
            names.number(alone)
            continue
        _check_edge(cells, places, line)
        edges.extend((names.number(cells[places["source"]]), names.number(cells[places["target"]])))
        if "weight" in places:
            weights.append(_weight(cells[places["weight"]], line))
        if "label" in places:
            labels.append(cells[places["label"]])
        if len(edges) > 2 * MAX_EDGES:
            raise ValueError(f"more than {MAX_EDGES:,} edges; that is the most that is read of one graph")
    _check_first(list(names.numbers))
    return checked(
        NamedGraph(
            n_nodes=len(names.numbers),
            edges=np.array(edges).reshape(-1, 2),
            directed=_says(text, "directed"),
            weight=weights.tolist() if "weight" in places else None,
            edge_labels=labels if "label" in places else None,
            node_labels=list(names.numbers) if _says(text, "names are labels") else None,
        )
    )


def _rows(raw: bytes, suffix: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of every line that is neither blank nor a comment."""
    mark, is_known = None, False
    for line, content in lines(raw):
        if content and not is_known:
            mark = separator(content, suffix)
            is_known = mark is not None or len(content.split()) > 1
        if content:
            yield line, split(content, mark, line)


def _places(cells: list[str], line: int) -> tuple[dict[str, int], bool]:
    """Return where the columns are, and whether the first row, `cells`, names them."""
    found = {column: place for place, cell in enumerate(cells) for column, known in COLUMNS.items() if cell.lower() in known}
    if "source" in found and "target" in found:
        if len(found) != len(cells):
            raise ValueError(f"line {line} names the columns {', '.join(cells)[:80]}; expected source, target, weight, label, once at most")
        return found, True
    if len(cells) > 3:
        raise ValueError(f"line {line} has {len(cells)} cells; expected source, target and perhaps a weight, or a row that names them")
    return {"source": 0, "target": 1} | ({"weight": 2} if len(cells) == 3 else {}), False


def _node_alone(cells: list[str], places: Mapping[str, int]) -> str:
    """Return the one name in a row, "" if there is none or more is there."""
    named = [place for place, cell in enumerate(cells) if cell]
    return cells[named[0]] if len(named) == 1 and (len(cells) == 1 or named[0] == places["source"]) else ""


def _check_edge(cells: list[str], places: Mapping[str, int], line: int) -> None:
    if len(cells) != len(places) or not cells[places["source"]] or not cells[places["target"]]:
        found, expected = ", ".join(cells)[:60], " and ".join(places)
        raise ValueError(f"line {line} is {found!r}; expected {expected}, as in the first row, or the name of one node alone")


def _weight(cell: str, line: int) -> float:
    weight = to_number(cell)
    if weight is None or not math.isfinite(weight):
        raise ValueError(f"line {line}: weight {cell[:40]!r} is not a finite number; of a column of labels say so in a first row: "
                         "source,target,label")
    return weight


def _check_first(names: Sequence[str]) -> None:
    """Raise ValueError if the first row looks like names of columns: it alone has nodes that are not whole numbers."""
    is_whole = [re.fullmatch(r"\d+", name) is not None for name in names]
    if len(names) > 2 and not any(is_whole[:2]) and all(is_whole[2:]):
        raise ValueError(f"the first row reads {names[0][:40]!r} and {names[1][:40]!r}, and all other nodes are numbers: "
                         "name the columns source and target, or leave the row out")


def _says(text: str, what: str) -> bool:
    """Return whether a line of comment says `what`."""
    return re.search(rf"^[ \t]*#[ \t]*{what}\b", text, re.MULTILINE | re.IGNORECASE) is not None
