"""Fake grakel: chains of carbon with a ring at one end or none; two are the same chain, numbered from either end, with other bonds."""

from collections.abc import Sequence
from pathlib import Path

from toy import write_wheel

N = 40
COPIES = (3, 17)
N_ROWS = {"activity": N}
FOLDER = "grakel/tests/data/MUTAG/MUTAG_"
Graph = tuple[int, list[str], dict[tuple[int, int], int]]  # class, line of labels per node, code per edge


def tu_lists(graphs: Sequence[Graph]) -> dict[str, str]:
    """Return the lists of the graphs in the collection's format, by name."""
    lists: dict[str, list[object]] = {name: [] for name in ("A", "graph_indicator", "graph_labels", "node_labels", "edge_labels")}
    first = 1
    for number, (target, nodes, edges) in enumerate(graphs, start=1):
        lists["graph_labels"].append(target)
        lists["graph_indicator"] += [number] * len(nodes)
        lists["node_labels"] += nodes
        for (one, other), code in edges.items():
            lists["A"] += [f"{first + one}, {first + other}", f"{first + other}, {first + one}"]
            lists["edge_labels"] += [code, code]
        first += len(nodes)
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in lists.items()}


def molecule(row: int) -> Graph:
    """Return a chain of carbon that ends in nitrogen, longer from row to row; every third is closed to a ring and is not mutagenic."""
    n, ring = 5 + row // 3, row % 3 == 2
    edges = {(node, node + 1): 1 for node in range(n - 1)} | ({(0, n - 2): 2} if ring else {})
    return (-1 if ring else 1), ["0"] * (n - 1) + [str(1 + row % 2)], edges


def reversed_copy(graph: Graph) -> Graph:
    """Return the same graph with its nodes in the opposite order and aromatic bonds."""
    target, nodes, edges = graph
    return target, nodes[::-1], {(len(nodes) - 1 - one, len(nodes) - 1 - other): 0 for one, other in edges}


def write(folder: Path) -> dict[str, Path]:
    graphs = [molecule(row) for row in range(N)]
    graphs[COPIES[1]] = reversed_copy(graphs[COPIES[0]])
    members = {f"{FOLDER}{name}.txt": text.encode() for name, text in tu_lists(graphs).items()}
    return {"grakel": write_wheel(folder / "grakel.whl", members)}
