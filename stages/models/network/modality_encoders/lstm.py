"""LSTM of series, frames and words in order: its output after the last step and its mean over time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the LSTM of a sequence (T, channels); steps behind a sample's end change nothing."""
    import torch

    steps_of, n_channels = weights.steps(facts)
    inward, recurrent = weights.linear("input", n_channels, 4 * width), weights.linear("recurrent", width, 4 * width)
    last = weights.linear("last", 2 * width, width)

    def encode(batch: Batch) -> "torch.Tensor":
        lengths = batch["lengths"]
        from_input = inward(steps_of(batch))
        output = from_input.new_zeros(*lengths.shape, width)
        memory, total = output, output
        for step in range(from_input.shape[2]):
            gates, candidate = (from_input[:, :, step] + recurrent(output)).split([3 * width, width], dim=-1)
            written, kept, read = torch.sigmoid(gates).chunk(3, dim=-1)
            new_memory = kept * memory + written * torch.tanh(candidate)
            new = read * torch.tanh(new_memory)
            inside = (step < lengths)[..., None]
            memory, output = torch.where(inside, new_memory, memory), torch.where(inside, new, output)
            total = total + torch.where(inside, new, 0.0)
        return last(torch.cat([output, total / lengths.clamp(min=1)[..., None]], dim=-1))

    return encode


ENCODER = NetworkEncoder(
    name="lstm",
    title="LSTM",
    reads=("sequence", "words"),
    make=make,
    source="Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, with the forget gate of Gers et al. 2000, as torch.nn.LSTM",
)
