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
        offsets, lengths = batch["offsets"], batch["lengths"]
        points = relu(second(relu(first(batch["values"])))).flatten(0, 1)
        # sets end where the next one begins: what fills up a network behind its last set is dropped
        total, most = (found.reshape(len(lengths), -1, width)[:, :-1] for found in sums_and_maxima(points, offsets))
        number = lengths[..., None]
        return last(torch.cat([total / number.clamp(min=1), most, torch.log1p(number.float())], dim=-1))

    return encode


def sums_and_maxima(points: "torch.Tensor", offsets: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
    """Return the sums and the largest values over the points (n, width) of each set, (n_sets, width); of an empty set they are 0."""
    import torch
    from torch.nn.functional import embedding_bag

    each = torch.arange(len(points), device=points.device)
    if points.dtype != torch.float64:
        return embedding_bag(each, points, offsets, mode="sum"), embedding_bag(each, points, offsets, mode="max")
    # where second derivatives are wanted, which embedding_bag has not
    of_set = torch.bucketize(each, offsets, right=True) - 1
    sums = points.new_zeros(len(offsets), points.shape[1]).index_add(0, of_set, points)
    largest = torch.embedding_bag(points.detach(), each, offsets, mode=2)[3]  # the maximum's places
    is_empty = torch.bincount(of_set, minlength=len(offsets)) == 0
    with_zero = torch.cat([points, points.new_zeros(1, points.shape[1])])
    return sums, with_zero.gather(0, torch.where(is_empty[:, None], len(points), largest))


ENCODER = NetworkEncoder(
    name="deep_sets", title="Deep Sets", reads=("set",), make=make, source="Zaheer et al. 2017, Deep Sets, NeurIPS, arXiv:1703.06114"
)
