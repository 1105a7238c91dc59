"""Graphs as dictionaries: node-link JSON in a file, or a dictionary of either form in a table cell.

networkx and d3 write node-link JSON: {"directed": …, "nodes": [{"id": …, "label": …, and numbers}], "links" or "edges":
[{"source": …, "target": …, "weight": …, "label": …}]}. A node's `label` becomes its label; numbers become attributes, in
alphabetical order of their names, and every node must have them; other entries are ignored. The other form has the fields of a graph
column: n_nodes, directed, source, target, … (stages/samples/graph_column.py).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stages.own_data.bounded_json import load_json
from stages.own_data.decoders.decoded_graphs import FIELDS, MAX_EDGES, MAX_NODES, NamedGraph, check_attributes, checked
from stages.own_data.decoders.text_files import characters, check_size

MAX_JSON_BYTES = 16 * 2**20  # JSON takes many times its size in memory
LARGEST = 1e300


def read_node_link(raw: bytes) -> NamedGraph:
    """Return the graph of a node-link JSON file."""
    check_size(raw, MAX_JSON_BYTES)
    try:
        value = load_json(characters(raw))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    return to_graph(value)


def to_graph(value: Any) -> NamedGraph:
    """Return a graph from a result of `decode`, a node-link dictionary, or a dictionary with the fields of a graph column.

    Raises:
        ValueError: naming the entry that does not fit.
    """
    if isinstance(value, NamedGraph):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"{type(value).__name__} {str(value)[:40]!r}; expected a graph: nodes and links, or {', '.join(FIELDS[:4])}")
    return _from_links(value) if "nodes" in value else _from_struct(value)


def _from_struct(value: Mapping[str, Any]) -> NamedGraph:
    unknown = [str(name) for name, entry in value.items() if name not in FIELDS and entry is not None]
    missing = [name for name in ("n_nodes", "source", "target") if value.get(name) is None]
    if unknown or missing:
        raise ValueError(f"a graph with the unknown entry {unknown[0][:40]!r}" if unknown else f"a graph without {', '.join(missing)}")
    n, root = _whole(value["n_nodes"], "n_nodes"), value.get("root")
    ends = [_each(value[end], _whole, end) for end in ("source", "target")]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"the edges have {len(ends[0])} sources and {len(ends[1])} targets; expected equal numbers")
    rows = _each(value.get("node_attributes"), lambda row, name: _each(row, _number, name), "node_attributes")
    return checked(
        NamedGraph(
            n_nodes=n,
            edges=np.array(ends, dtype=np.int64).T.reshape(-1, 2),
            directed=_is_directed(value),
            weight=_each(value["weight"], _number, "weight") if value.get("weight") is not None else None,
            edge_labels=_each(value["edge_labels"], _text, "edge_labels") if value.get("edge_labels") is not None else None,
            node_labels=_each(value["node_labels"], _text, "node_labels") if value.get("node_labels") is not None else None,
            node_attributes=_matrix(rows) if value.get("node_attributes") is not None else None,
            root=None if root is None else _whole(root, "root"),
        )
    )


def _from_links(value: Mapping[str, Any]) -> NamedGraph:
    links: Any = next((value[name] for name in ("links", "edges") if value.get(name) is not None), [])
    for name, entries, limit in (("nodes", value["nodes"], MAX_NODES), ("links", links, MAX_EDGES)):
        if isinstance(entries, list) and len(entries) > limit:
            raise ValueError(f"a graph of {len(entries):,} {name}; expected at most {limit:,}")
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise ValueError(f"{name} of a graph are not a list of objects; expected node-link JSON")
    nodes: list[Mapping[str, Any]] = value["nodes"]
    keys = set().union(*nodes) - {"id", "label"}
    edges = _link_ends(nodes, links)
    check_attributes(len(nodes), len(keys))
    numeric = sorted(key for key in keys if _is_numeric([node.get(key) for node in nodes]))
    attributes = [[_number(node.get(key), f"{key} of node {place}") for key in numeric] for place, node in enumerate(nodes)]
    return checked(
        NamedGraph(
            n_nodes=len(nodes),
            edges=edges,
            directed=_is_directed(value),
            weight=_of_all(links, "weight", _number),
            edge_labels=_of_all(links, "label", _text),
            node_labels=_of_all(nodes, "label", _text),
            node_attributes=_matrix(attributes) if numeric else None,
            attribute_names=tuple(numeric),
        )
    )


def _link_ends(nodes: list[Mapping[str, Any]], links: list[Mapping[str, Any]]) -> np.ndarray:
    """Return the places of each link's source and target among the nodes, int64 (n_links, 2)."""
    place_of = {json.dumps(place if node.get("id") is None else node["id"]): place for place, node in enumerate(nodes)}
    if len(place_of) != len(nodes):
        raise ValueError("two nodes have the same id; expected unique ids")
    edges = []
    for place, link in enumerate(links):
        ends = [json.dumps(link.get(end)) for end in ("source", "target")]
        unknown = [end for end in ends if end not in place_of]
        if unknown:
            raise ValueError(f"link {place} joins {unknown[0][:40]}, which is not the id of a node")
        edges.append([place_of[end] for end in ends])
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


def _is_directed(value: Mapping[str, Any]) -> bool:
    if not isinstance(value.get("directed"), bool | None):
        raise ValueError(f"directed is {str(value['directed'])[:40]!r}; expected true or false")
    return bool(value.get("directed"))


def _of_all(entries: list[Mapping[str, Any]], key: str, read: Callable[[Any, str], Any]) -> list[Any] | None:
    """Return an entry of all nodes or links; None if none has it."""
    if not any(key in entry for entry in entries):
        return None
    return [read(entry.get(key), f"{key} of {place}") for place, entry in enumerate(entries)]


def _each(values: Any, read: Callable[[Any, str], Any], name: str) -> list[Any]:
    if values is None:
        return []
    if not isinstance(values, list | tuple | np.ndarray):
        raise ValueError(f"{name} is {str(values)[:40]!r}; expected a list")
    return [read(value, f"{name} {place}") for place, value in enumerate(values)]


def _is_numeric(values: list[Any]) -> bool:
    """Return whether all known values of an entry are numbers."""
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)


def _number(value: Any, name: str) -> float:
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or not abs(value) <= LARGEST:  # not: NaN fails too
        raise ValueError(f"{name} is {str(value)[:40]!r}; expected a finite number")
    return float(value)


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError(f"{name} is {str(value)[:40]!r}; expected a whole number from 0 to 2^31 - 1")
    return int(value)


def _text(value: Any, name: str) -> str:
    if isinstance(value, Mapping | list):
        raise ValueError(f"{name} is {str(value)[:40]!r}; expected a text")
    return "" if value is None else str(value)


def _matrix(rows: list[list[float]]) -> np.ndarray:
    if len({len(row) for row in rows}) > 1:
        raise ValueError("node_attributes of unequal lengths; expected the same number for every node")
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1 if rows else 0)
