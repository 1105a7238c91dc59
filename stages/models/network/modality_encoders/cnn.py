"""2-d CNN of images, pressure frames and spectrograms: two convolutions of 5×5 with stride 2, then a layer on what they leave.

Of images all places are kept; of spectrograms, whose lengths differ, the mean and the maximum over time.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch

CHANNELS, SIDE = (8, 16), 5  # filters of each convolution, and the side of their kernels


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the CNN of a grid (channels, height, width), or of a sequence as an image of one channel (T, channels)."""
    import torch
    from torch.nn.functional import relu

    is_sequence = "height" not in facts
    n_channels = 1 if is_sequence else facts["channels"]
    kernels, biases = [], []
    for index, n_filters in enumerate(CHANNELS):
        kernels.append(weights.tensor(f"convolution {index}", (n_filters, n_channels, SIDE, SIDE), SIDE**2 * n_channels))
        biases.append(weights.tensor(f"convolution {index} bias", (n_filters,), 0))
        n_channels = n_filters
    places = _halved(facts["channels"]) * 2 if is_sequence else _halved(facts["height"]) * _halved(facts["width"])
    last = weights.linear("last", n_channels * places, width)

    def convolved(values: "torch.Tensor", lengths: "torch.Tensor | None") -> "torch.Tensor":
        for kernel, bias in zip(kernels, biases, strict=True):
            values = relu(_convolution(values, kernel, bias))
            if lengths is not None:  # what lies behind the end stays 0, as the padding of a sample alone
                lengths = (lengths + 1) // 2
                values = values * _inside(lengths, values.shape[3])[:, :, None, :, None]
        return values

    def encode(batch: Batch) -> "torch.Tensor":
        values = batch["values"]
        if not is_sequence:
            return last(convolved(values, None).flatten(2))
        lengths = batch["lengths"]
        found = convolved(values[:, :, None], lengths)
        n_steps = ((lengths + 3) // 4).clamp(min=1)[:, :, None, None]
        # values are 0 or above, so that 0 behind the end is no maximum
        pooled = torch.stack([found.sum(dim=3) / n_steps, found.amax(dim=3)], dim=2)
        return last(pooled.flatten(2))

    return encode


def _halved(size: int) -> int:
    """Return what two convolutions of stride 2 leave of an axis."""
    return (size + 3) // 4


def _inside(lengths: "torch.Tensor", n_steps: int) -> "torch.Tensor":
    import torch

    return (torch.arange(n_steps, device=lengths.device) < lengths[..., None]).float()


def _convolution(values: "torch.Tensor", kernel: "torch.Tensor", bias: "torch.Tensor") -> "torch.Tensor":
    """Return each network's convolution of (n_networks, n_batch, c, h, w), as one with a group per network."""
    from torch.nn.functional import conv2d

    n_networks, n_batch, n_in, height, width = values.shape
    side_by_side = values.transpose(0, 1).reshape(n_batch, n_networks * n_in, height, width)
    found = conv2d(side_by_side, kernel.flatten(0, 1), bias.flatten(), stride=2, padding=SIDE // 2, groups=n_networks)
    return found.reshape(n_batch, n_networks, -1, *found.shape[2:]).transpose(0, 1)


ENCODER = NetworkEncoder(
    name="cnn",
    title="CNN",
    reads=("grid", "sequence"),
    make=make,
    source="the lecture, Convolutional Networks; LeCun et al. 1998, doi:10.1109/5.726791",
)
