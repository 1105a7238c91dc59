"""Graphs of every kind in one column: undirected and directed, weighted, labelled, with attributes, rooted, without an edge."""

import numpy as np

from stages.samples.graph_column import GraphSample, graph_column
from toy_columns import Toy


def random_graph(seed: int, *, n: int = 9, directed: bool = False, plain: bool = False) -> GraphSample:
    """Return a graph with a loop and parallel edges; `plain`: without weights, labels and attributes."""
    random = np.random.default_rng(seed)
    edges = np.concatenate([random.integers(0, n, (2 * n, 2)), [[1, 1]]])
    if plain:
        return GraphSample(n, edges, directed)
    return GraphSample(
        n,
        edges,
        directed,
        weight=random.uniform(0.5, 9, len(edges)).astype(np.float32),
        edge_labels=random.choice(["knows", "cites"], len(edges)).tolist(),
        node_labels=random.choice(["a", "b", "ß"], n).tolist(),
        node_attributes=random.standard_normal((n, 2)).astype(np.float32),
        root=int(random.integers(n)),
    )


def toy() -> Toy:
    graphs = [random_graph(seed, n=5 + seed, directed=seed % 2 == 1) for seed in range(4)]
    graphs += [random_graph(7, plain=True), GraphSample(1, []), GraphSample(2, [[0, 1]], root=1)]
    column = graph_column(graphs)
    return Toy(exotic=(5,), 
        column=column,
        wrong_type=column.field("n_nodes"),
        nonsense=({"features": "spectral"}, {"iterations": -1}, {"bins": 2}, {"label_bins": 0}, {"iteration": 2}),
    )
