"""1-d CNN of series, frames and words in order: two convolutions over time, then the mean and the maximum over time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch

WIDTH, STRIDES = 5, (2, 1)  # of the kernels, in steps


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the CNN of a sequence (T, channels); steps behind a sample's end count nothing."""
    import torch
    from torch.nn.functional import relu

    steps_of, n_channels = weights.steps(facts)
    kernels, biases = [], []
    for index in range(len(STRIDES)):
        kernels.append(weights.tensor(f"convolution {index}", (width, n_channels, WIDTH), WIDTH * n_channels))
        biases.append(weights.tensor(f"convolution {index} bias", (width,), 0))
        n_channels = width
    last = weights.linear("last", 2 * width, width)

    def encode(batch: Batch) -> "torch.Tensor":
        lengths, values = batch["lengths"], steps_of(batch).transpose(2, 3)
        for kernel, bias, stride in zip(kernels, biases, STRIDES, strict=True):
            lengths = (lengths + stride - 1) // stride
            values = relu(_convolution(values, kernel, bias, stride))
            inside = torch.arange(values.shape[3], device=lengths.device) < lengths[..., None]
            values = values * inside[:, :, None]
        mean = values.sum(dim=3) / lengths.clamp(min=1)[..., None]
        return last(torch.cat([mean, values.amax(dim=3)], dim=-1))

    return encode


def _convolution(values: "torch.Tensor", kernel: "torch.Tensor", bias: "torch.Tensor", stride: int) -> "torch.Tensor":
    """Return each network's convolution of (n_networks, n_batch, c, T), as one with a group per network."""
    from torch.nn.functional import conv1d

    n_networks, n_batch, n_in, n_steps = values.shape
    side_by_side = values.transpose(0, 1).reshape(n_batch, n_networks * n_in, n_steps)
    found = conv1d(side_by_side, kernel.flatten(0, 1), bias.flatten(), stride=stride, padding=WIDTH // 2, groups=n_networks)
    return found.reshape(n_batch, n_networks, -1, found.shape[-1]).transpose(0, 1)


ENCODER = NetworkEncoder(
    name="cnn_1d",
    title="1-d CNN",
    reads=("sequence", "words"),
    make=make,
    source="Waibel et al. 1989, doi:10.1109/29.21701; Kim 2014, Convolutional Neural Networks for Sentence Classification, EMNLP",
)
