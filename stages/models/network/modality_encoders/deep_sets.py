"""Deep Sets: each point passes the same two layers; the mean, the maximum and the number of points do not depend on their order."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return ρ([mean φ(x), max φ(x), ln(1 + n)]) of the points x of a set; of an empty one the mean and the maximum are 0."""
    import torch
    from torch.nn.functional import embedding_bag, relu

    first, second = weights.linear("first", facts["channels"], width), weights.linear("second", width, width)
    last = weights.linear("last", 2 * width + 1, width)

    def encode(batch: Batch) -> "torch.Tensor":
        offsets, lengths = batch["offsets"], batch["lengths"]
        points = relu(second(relu(first(batch["values"])))).flatten(0, 1)
        each = torch.arange(len(points), device=points.device)
        # bags end where the next one begins: what fills up a network behind its last set is dropped
        total, most = (embedding_bag(each, points, offsets, mode=mode).reshape(len(lengths), -1, width)[:, :-1] for mode in ("sum", "max"))
        number = lengths[..., None]
        return last(torch.cat([total / number.clamp(min=1), most, torch.log1p(number.float())], dim=-1))

    return encode


ENCODER = NetworkEncoder(
    name="deep_sets", title="Deep Sets", reads=("set",), make=make, source="Zaheer et al. 2017, Deep Sets, NeurIPS, arXiv:1703.06114"
)
