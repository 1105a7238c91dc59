"""Plain MLP: one hidden layer of ReLU on the values of a sample in a row, whatever their form."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return relu(x·W + b)·V + c."""
    from torch.nn.functional import relu

    first, second = weights.linear("first", facts["width"], 2 * width), weights.linear("second", 2 * width, width)

    def encode(batch: Batch) -> "torch.Tensor":
        return second(relu(first(batch["values"])))

    return encode


ENCODER = NetworkEncoder(name="plain", title="plain MLP", reads=("flat",), make=make, source="the lecture, Multilayer Perceptrons")
