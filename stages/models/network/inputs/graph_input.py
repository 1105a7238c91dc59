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
    assert block.structure is not None
    nodes, source, target = _nodes(block), block.structure.columns["source"], block.structure.columns["target"]
    values = Ragged(nodes.offsets, scaled(nodes.values, fitted.arrays))
    return lambda rows: _batch(values, source, target, rows)


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


def _batch(nodes: Ragged, source: Ragged, target: Ragged, rows: np.ndarray) -> dict[str, np.ndarray]:
    n_networks, n_batch = rows.shape
    sizes = nodes.lengths[rows]  # (n_networks, n_batch)
    n_nodes = max(int(sizes.sum(axis=1).max(initial=1)), 1)
    values = np.zeros((n_networks, n_nodes, nodes.values.shape[1]), np.float32)
    sample = np.full((n_networks, n_nodes), n_batch, np.int64)
    for network in range(n_networks):
        number = int(sizes[network].sum())
        values[network, :number] = nodes.taken(rows[network]).values
        sample[network, :number] = np.repeat(np.arange(n_batch), sizes[network])
    sample += np.arange(n_networks)[:, None] * (n_batch + 1)
    first = np.cumsum(sizes, axis=1) - sizes + np.arange(n_networks)[:, None] * n_nodes
    flat = rows.ravel()
    begins, ends = source.taken(flat), target.taken(flat)
    start = np.repeat(first.ravel(), begins.lengths)
    a, b = start + begins.values, start + ends.values
    other = a != b  # a loop is one edge
    return {"values": values, "sample": sample.ravel(), "n_batch": np.array(n_batch),
            "source": np.concatenate([a, b[other]]), "target": np.concatenate([b, a[other]])}  # fmt: skip


INPUT = InputReader("graph", has, fit, load)
