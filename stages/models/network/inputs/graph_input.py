"""Graph: nodes with their degrees, and edges in both directions. facts: channels, nodes_per_sample (mean of the training rows).

A node is described by ln(1 + degree) and by ln(1 + number of loops). Features files do not keep in which direction edges go, labels or
attributes.
"""

import numpy as np

from stages.features.encoders import State
from stages.features.structures import Ragged, Structured
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits, channel_scale, scaled


def has(block: Structured) -> bool:
    """Return whether nodes and edges are kept."""
    return block.structure is not None and {"n_nodes", "source", "target"} <= set(block.structure.columns)


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return each channel's mean and deviation over the nodes of the training rows."""
    assert block.structure is not None
    nodes = _nodes(block).taken(rows)
    mean = float(nodes.lengths.mean()) if len(rows) else 1.0
    return FittedInput({"channels": nodes.values.shape[1], "nodes_per_sample": max(mean, 1.0)}, channel_scale(nodes.values))


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of nodes and edges."""
    nodes, neighbors = _nodes(block), _neighbors(block)
    values = Ragged(nodes.offsets, scaled(nodes.values, fitted.arrays))
    return lambda rows: _batch(values, neighbors, rows)


def _nodes(block: Structured) -> Ragged:
    """Return the channels of all nodes: float64 (total, channels)."""
    assert block.structure is not None
    columns = block.structure.columns
    source, target = columns["source"], columns["target"]
    offsets = np.concatenate([[0], np.cumsum(columns["n_nodes"].astype(np.int64))])
    start = np.repeat(offsets[:-1], source.lengths)
    begins, ends = (start + edges.values[edges.offsets[0] : edges.offsets[-1]] for edges in (source, target))
    loops = np.bincount(begins[begins == ends], minlength=offsets[-1])
    counts = [np.bincount(begins, minlength=offsets[-1]) + np.bincount(ends, minlength=offsets[-1]) - loops, loops]
    return Ragged(offsets, np.log1p(np.stack(counts, axis=1).astype(np.float64)))


def _neighbors(block: Structured) -> Ragged:
    """Return the neighbors of each node of all graphs, as numbers in its own graph; a loop makes a node its own neighbor, once."""
    assert block.structure is not None
    columns = block.structure.columns
    source, target = columns["source"], columns["target"]
    offsets = np.concatenate([[0], np.cumsum(columns["n_nodes"].astype(np.int64))])
    start = np.repeat(offsets[:-1], source.lengths)
    a, b = (edges.values[edges.offsets[0] : edges.offsets[-1]].astype(np.int64) for edges in (source, target))
    other = a != b
    nodes = np.concatenate([start + a, (start + b)[other]])
    order = np.argsort(nodes, kind="stable")
    degrees = np.bincount(nodes, minlength=offsets[-1])
    return Ragged(np.concatenate([[0], np.cumsum(degrees)]), np.concatenate([b, a[other]])[order])


def _batch(nodes: Ragged, neighbors: Ragged, rows: np.ndarray) -> dict[str, np.ndarray]:
    n_networks, n_batch = rows.shape
    flat = rows.ravel()
    sizes = nodes.lengths[rows]  # (n_networks, n_batch)
    n_nodes = max(int(sizes.sum(axis=1).max(initial=1)), 1)
    before = np.cumsum(sizes, axis=1) - sizes + np.arange(n_networks)[:, None] * n_nodes
    first = np.repeat(before.ravel(), sizes.ravel())  # of each node's graph
    number = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes.ravel(), sizes.ravel())  # of each node in its graph
    values = np.zeros((n_networks * n_nodes, nodes.values.shape[1]), np.float32)
    sample = np.repeat(np.arange(n_networks) * (n_batch + 1) + n_batch, n_nodes)
    degrees = np.zeros(n_networks * n_nodes, np.int64)
    places, ids = first + number, np.repeat(nodes.offsets[flat], sizes.ravel()) + number
    lists = neighbors.taken(ids)
    values[places], degrees[places] = nodes.values[ids], lists.lengths
    sample[places] = np.repeat((np.arange(n_networks)[:, None] * (n_batch + 1) + np.arange(n_batch)).ravel(), sizes.ravel())
    return {"values": values.reshape(n_networks, n_nodes, -1), "sample": sample, "n_batch": np.array(n_batch),
            "neighbors": np.repeat(first, lists.lengths) + lists.values, "offsets": np.cumsum(degrees) - degrees}  # fmt: skip


INPUT = InputReader("graph", has, fit, load)
