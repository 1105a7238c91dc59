"""GRU of series, frames and words in order: its state after the last step and its mean over time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the GRU of a sequence (T, channels); steps behind a sample's end change nothing."""
    import torch

    steps_of, n_channels = weights.steps(facts)
    inward, recurrent = weights.linear("input", n_channels, 3 * width), weights.linear("recurrent", width, 3 * width)
    last = weights.linear("last", 2 * width, width)

    def encode(batch: Batch) -> "torch.Tensor":
        lengths = batch["lengths"]
        from_input = inward(steps_of(batch))
        state = from_input.new_zeros(*lengths.shape, width)
        total = state
        for step in range(from_input.shape[2]):
            gates, candidate = from_input[:, :, step].split([2 * width, width], dim=-1)
            recurrent_gates, recurrent_candidate = recurrent(state).split([2 * width, width], dim=-1)
            reset, kept = torch.sigmoid(gates + recurrent_gates).chunk(2, dim=-1)
            new = torch.lerp(torch.tanh(candidate + reset * recurrent_candidate), state, kept)
            inside = (step < lengths)[..., None]
            state = torch.where(inside, new, state)
            total = total + torch.where(inside, new, 0.0)
        return last(torch.cat([state, total / lengths.clamp(min=1)[..., None]], dim=-1))

    return encode


ENCODER = NetworkEncoder(
    name="gru", title="GRU", reads=("sequence", "words"), make=make, source="Cho et al. 2014, doi:10.3115/v1/D14-1179, as torch.nn.GRU"
)
