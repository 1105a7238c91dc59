"""Networks of sigmoid units with the cross-entropy as their loss, as computational graphs; and their gradients by torch."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from stages.teaching.closed_forms import sigmoid
from stages.teaching.scalar_graphs import ScalarGraph

Layers = list[tuple[np.ndarray, np.ndarray]]  # W (n_out, n_in) and b (n_out,) of each


def drawn_layers(sizes: tuple[int, ...], rng: np.random.Generator) -> Layers:
    """Return standard normal weights and biases of each layer."""
    return [(rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out)) for n_in, n_out in pairwise(sizes)]


class UnitGraph(NamedTuple):
    """A network of sigmoid units as a graph whose last node is its loss.

    inputs: nodes. units: nodes of each layer, the last is the output. weights, biases: nodes of each layer, (n_out, n_in) and (n_out,).
    """

    graph: ScalarGraph
    inputs: list[int]
    units: list[list[int]]
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    @property
    def parameters(self) -> list[int]:
        """Return the nodes of W₁, b₁, W₂, b₂, …, row by row."""
        return [int(node) for layer in zip(self.weights, self.biases, strict=True) for part in layer for node in part.ravel()]


def unit_graph(layers: Layers, x: np.ndarray, target: float) -> UnitGraph:
    """Return units σ(Σ wᵢ·xᵢ + b), a node each, layer after layer, and the cross-entropy of the last one's value.

    Args:
        layers: the last has one unit. target: 0 or 1.
    """
    graph = ScalarGraph()
    inputs = [graph.add(value) for value in x]
    before, units, weights, biases = inputs, [], [], []
    for W, b in layers:
        weights.append(np.array([[graph.add(value) for value in row] for row in W]))
        biases.append(np.array([graph.add(value) for value in b]))
        rows = zip(weights[-1], biases[-1], strict=True)
        units.append([add_unit(graph, before, [int(node) for node in row], int(bias)) for row, bias in rows])
        before = units[-1]
    p = graph.values[before[0]]
    graph.add(-np.log(p if target else 1 - p), {before[0]: (p - target) / (p * (1 - p))})
    return UnitGraph(graph, inputs, units, weights, biases)


def add_unit(graph: ScalarGraph, arguments: Sequence[int], weights: Sequence[int], bias: int) -> int:
    """Add σ(Σ wᵢ·xᵢ + b) with its derivatives by every xᵢ, every wᵢ and b."""
    x, w = ([graph.values[node] for node in nodes] for nodes in (arguments, weights))
    value = float(sigmoid(np.dot(w, x) + graph.values[bias]))
    slope = value * (1 - value)
    return graph.add(value, {**{node: slope * weight for node, weight in zip(arguments, w, strict=True)},
                             **{node: slope * argument for node, argument in zip(weights, x, strict=True)}, bias: slope})  # fmt: skip


def by_autograd(layers: Layers, x: np.ndarray, target: float) -> np.ndarray:
    """Return the gradient that torch finds by itself: by W₁, b₁, W₂, b₂, … and the inputs."""
    import torch

    from stages.teaching.small_networks import flat_parameters, outputs_of

    leaves = [(torch.from_numpy(W).requires_grad_(), torch.from_numpy(b).requires_grad_()) for W, b in layers]
    inputs = torch.from_numpy(x[None]).requires_grad_()
    score = outputs_of(leaves, inputs, "logistic")[0, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(score, torch.tensor(target, dtype=torch.float64))
    return torch.cat([part.ravel() for part in torch.autograd.grad(loss, [*flat_parameters(leaves), inputs])]).numpy()
