"""Graphs as GraphML (.graphml), one graph per file.

Of the nodes' data, `label` becomes the label, and numbers and truth values become attributes, in alphabetical order of their names; every
node must have them, or the key a default. Of the edges' data, `weight` and `label` are read. Other data (texts other than the label, an
edge's further numbers, drawings) are ignored: a graph column has no field for them. Ports are ignored; hyperedges, nested graphs and graphs
with directed and undirected edges are refused, and so is a DTD, whose entities could expand to any size or refer to other files.
Source: http://graphml.graphdrawing.org/specification.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

import numpy as np

from stages.own_data.decoders.decoded_graphs import MAX_EDGES, MAX_NODES, NamedGraph, check_attributes, checked
from stages.own_data.decoders.text_files import MAX_TEXT_BYTES, check_size, to_number

MAX_DEPTH = 64
MAX_KEYS = 1_000
NUMERIC = {"boolean", "int", "long", "float", "double"}
TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class _Key:
    """The declaration of a data element: target (node or edge), name, type."""

    target: str
    name: str
    kind: str

    def is_of(self, target: str) -> bool:
        return self.target in (target, "all")


@dataclass
class _Reader:
    """Collects nodes, edges and keys from the events of expat; data are texts by key id."""

    keys: dict[str, _Key] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    edge_default: str = ""
    path: list[str] = field(default_factory=list)
    key: str = ""
    holder: dict[str, str] | None = None
    text: list[str] = field(default_factory=list)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self.path.append(name)
        if len(self.path) > MAX_DEPTH:
            raise ValueError(f"XML nested deeper than {MAX_DEPTH} elements")
        if len(self.path) == 1 and name != "graphml":
            raise ValueError(f"XML of {name[:40]!r}; expected GraphML")
        match self.path[1:]:
            case ["key"]:
                self.key = attributes.get("id", "")
                self.keys[self.key] = _Key(attributes.get("for", "all"), attributes.get("attr.name", ""), attributes.get("attr.type", ""))
                if len(self.keys) > MAX_KEYS:
                    raise ValueError(f"more than {MAX_KEYS:,} keys")
            case ["key", "default"] | ["graph", "node" | "edge", "data"]:
                self.key = attributes.get("key", self.key)
                self.text = []
            case ["graph"]:
                self._start_graph(attributes)
            case ["graph", "node"]:
                self._start_node(attributes)
            case ["graph", "edge"]:
                self._start_edge(attributes)
            case ["graph", "hyperedge"] | ["graph", "node" | "edge", "graph"]:
                raise ValueError(f"GraphML with a {name} inside {self.path[-2]}; expected one graph of nodes and edges")

    def _start_graph(self, attributes: Mapping[str, str]) -> None:
        if self.edge_default:
            raise ValueError("GraphML of two graphs; expected one graph per file")
        self.edge_default = attributes.get("edgedefault", "")
        if self.edge_default not in ("directed", "undirected"):
            raise ValueError(f"edgedefault {self.edge_default[:40]!r} of the graph; expected directed or undirected")

    def _start_node(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("id")
        if name is None or name in self.nodes:
            raise ValueError("a node without an id" if name is None else f"two nodes with the id {name[:40]!r}")
        if len(self.nodes) == MAX_NODES:
            raise ValueError(f"more than {MAX_NODES:,} nodes; expected at most as many per graph")
        self.holder = self.nodes[name] = {}

    def _start_edge(self, attributes: Mapping[str, str]) -> None:
        if "source" not in attributes or "target" not in attributes:
            raise ValueError(f"edge {len(self.edges)} without a source and target")
        if attributes.get("directed", "").lower() not in ("", "true" if self.edge_default == "directed" else "false"):
            raise ValueError(f"edge {len(self.edges)} is not {self.edge_default} like the graph; expected all edges of one kind")
        if len(self.edges) == MAX_EDGES:
            raise ValueError(f"more than {MAX_EDGES:,} edges; expected at most as many per graph")
        self.holder = {}
        self.edges.append((attributes["source"], attributes["target"], self.holder))

    def end(self, tag: str) -> None:
        match self.path[1:]:
            case ["graph", "node" | "edge", "data"] if self.holder is not None:
                if self.key in self.holder:
                    raise ValueError(f"two data of key {self.key[:40]!r} in one {self.path[-2]}; expected one")
                self.holder[self.key] = "".join(self.text).strip()
            case ["key", "default"]:
                self.defaults[self.key] = "".join(self.text).strip()
        self.path.pop()

    def characters(self, text: str) -> None:
        if self.path[-1] in ("data", "default"):
            self.text.append(text)

    def refuse(self, *_: object) -> NoReturn:
        raise ValueError("GraphML with a DTD (<!DOCTYPE …>), which is not read; remove it")


def read_graphml(raw: bytes) -> NamedGraph:
    """Return the graph of a GraphML file.

    Raises:
        ValueError: if it is not XML, has a DTD, or a structure that a graph column has no field for.
    """
    check_size(raw, MAX_TEXT_BYTES)
    found = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
    parser.CharacterDataHandler = found.characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = found.refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise ValueError(f"not well-formed XML: {error}") from error
    except LookupError as error:
        raise ValueError(f"XML in an unknown encoding ({error}); save the file as UTF-8") from error
    if not found.edge_default:
        raise ValueError("GraphML without a graph")
    return _to_graph(found)


def _to_graph(found: _Reader) -> NamedGraph:
    nodes, edges = list(found.nodes.values()), [data for _, _, data in found.edges]
    attributes = _node_attributes(found, nodes)
    return checked(
        NamedGraph(
            n_nodes=len(nodes),
            edges=_edge_ends(found),
            directed=found.edge_default == "directed",
            weight=_numbers(found, "edge", "weight", edges),
            edge_labels=_texts(found, "edge", "label", edges),
            node_labels=_texts(found, "node", "label", nodes),
            node_attributes=np.array(list(attributes.values())).T if attributes else None,
            attribute_names=tuple(attributes),
        )
    )


def _edge_ends(found: _Reader) -> np.ndarray:
    """Return the numbers of each edge's source and target, int64 (n_edges, 2)."""
    numbers = {name: place for place, name in enumerate(found.nodes)}
    for place, (source, target, _) in enumerate(found.edges):
        unknown = [name for name in (source, target) if name not in numbers]
        if unknown:
            raise ValueError(f"edge {place} joins {unknown[0][:40]!r}, which is not the id of a node")
    return np.array([[numbers[source], numbers[target]] for source, target, _ in found.edges], dtype=np.int64).reshape(-1, 2)


def _node_attributes(found: _Reader, nodes: Sequence[Mapping[str, str]]) -> dict[str, list[float]]:
    """Return the numeric data of the nodes by name, in alphabetical order."""
    names = sorted({key.name for key in found.keys.values() if key.is_of("node") and key.kind in NUMERIC and key.name != "label"})
    check_attributes(len(nodes), len(names))
    columns = {name: _numbers(found, "node", name, nodes) for name in names}
    return {name: column for name, column in columns.items() if column is not None}


def _texts(found: _Reader, target: str, name: str, holders: Sequence[Mapping[str, str]]) -> list[str] | None:
    """Return a data element of all nodes or edges ("" where missing); None if none has it."""
    ids = [id for id, key in found.keys.items() if key.is_of(target) and key.name == name]
    if len(ids) != 1 or (ids[0] not in found.defaults and not any(ids[0] in holder for holder in holders)):
        if len(ids) > 1:
            raise ValueError(f"two keys of {target}s are named {name!r}; expected one")
        return None
    return [holder.get(ids[0], found.defaults.get(ids[0], "")) for holder in holders]


def _numbers(found: _Reader, target: str, name: str, holders: Sequence[Mapping[str, str]]) -> list[float] | None:
    texts = _texts(found, target, name, holders)
    if texts is None:
        return None
    values = [TRUTH.get(text.lower(), to_number(text)) for text in texts]
    wrong = next((place for place, value in enumerate(values) if value is None or not abs(value) <= 1e300), None)
    if wrong is not None:
        raise ValueError(f"{name} of {target} {wrong} is {texts[wrong][:40]!r}; expected a finite number, or a default for the key")
    return [float(value) for value in values if value is not None]
