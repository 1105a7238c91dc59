"""Message passing (GIN): in each round a node adds its neighbors' vectors to its own; nodes of a graph are then summed.

The sum is divided by the mean number of nodes of a training graph, a constant: sums of large graphs are large. The mean over the graph's
own nodes stands next to it.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch

ROUNDS = 3


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the sum and the mean over nodes after ROUNDS rounds h ← relu(relu(((1 + ε)·h + Σ h of neighbors)·W)·V)."""
    import torch
    from torch.nn.functional import relu

    start = weights.linear("start", facts["channels"], width)
    epsilons = [weights.tensor(f"epsilon {index}", (1, 1), 0) for index in range(ROUNDS)]
    inner = [weights.linear(f"inner {index}", width, width) for index in range(ROUNDS)]
    outer = [weights.linear(f"outer {index}", width, width) for index in range(ROUNDS)]
    last = weights.linear("last", 2 * width, width)

    def encode(batch: Batch) -> "torch.Tensor":
        nodes = relu(start(batch["values"]))
        for epsilon, first, second in zip(epsilons, inner, outer, strict=True):
            flat = nodes.flatten(0, 1)
            received = summed_neighbors(flat, batch["neighbors"], batch["offsets"])
            # divided by 2 per round, or values would double with each
            nodes = relu(second(relu(first(((1 + epsilon) * nodes + received.reshape(nodes.shape)) / 2))))
        n_networks, n_batch = len(nodes), int(batch["n_batch"])
        flat, sample = nodes.flatten(0, 1), batch["sample"]
        places = n_networks * (n_batch + 1)  # the last of each network is behind the end
        total = flat.new_zeros(places, flat.shape[1]).index_add(0, sample, flat)
        number = flat.new_zeros(places).index_add(0, sample, flat.new_ones(len(flat)))
        pooled = torch.cat([total / facts["nodes_per_sample"], total / number.clamp(min=1)[:, None]], dim=-1)
        pooled = pooled.reshape(n_networks, n_batch + 1, -1)
        return last(pooled[:, :n_batch])

    return encode


def summed_neighbors(nodes: "torch.Tensor", neighbors: "torch.Tensor", offsets: "torch.Tensor") -> "torch.Tensor":
    """Return the sum of each node's neighbors (n_nodes, width). Neighbors are mutual, so that the gradient is the same sum of gradients."""
    found: torch.Tensor = _summed().apply(nodes, neighbors, offsets)
    return found


@cache
def _summed() -> Any:
    """Return the sum as a function that autograd knows; made once, as making a class takes longer than the sum."""
    import torch
    from torch.nn.functional import embedding_bag

    class Summed(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, values: torch.Tensor, neighbors: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(neighbors, offsets)
            return embedding_bag(neighbors, values, offsets, mode="sum")

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
            return Summed.apply(gradient.contiguous(), *ctx.saved_tensors), None, None

    return Summed


ENCODER = NetworkEncoder(
    name="gin",
    title="message passing (GIN)",
    reads=("graph",),
    make=make,
    source="Xu et al. 2019, How Powerful are Graph Neural Networks?, ICLR, arXiv:1810.00826; the mean over nodes is added",
)
