"""Deep Sets: each point passes the same two layers; the mean, the maximum and the number of points do not depend on their order."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return ρ([mean φ(x), max φ(x), ln(1 + n)]) of the points x of a set; of an empty one the mean and the maximum are 0."""
    import torch
    from torch.nn.functional import relu

    first, second = weights.linear("first", facts["channels"], width), weights.linear("second", width, width)
    last = weights.linear("last", 2 * width + 1, width)

    def encode(batch: Batch) -> "torch.Tensor":
        values, lengths = batch["values"], batch["lengths"]
        inside = torch.arange(values.shape[2], device=lengths.device) < lengths[..., None]
        points = relu(second(relu(first(values)))) * inside[..., None]
        number = lengths[..., None]
        pooled = [points.sum(dim=2) / number.clamp(min=1), points.amax(dim=2), torch.log1p(number.float())]
        return last(torch.cat(pooled, dim=-1))

    return encode


ENCODER = NetworkEncoder(
    name="deep_sets", title="Deep Sets", reads=("set",), make=make, source="Zaheer et al. 2017, Deep Sets, NeurIPS, arXiv:1703.06114"
)
