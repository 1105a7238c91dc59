"""2-d CNN of images, pressure frames and spectrograms: two convolutions of 5×5, then a layer on what they leave.

Of images all places are kept; of spectrograms, whose lengths differ, the mean and the maximum over time.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights
from stages.models.network.grid_convolution import grid_convolution

if TYPE_CHECKING:
    import torch

CHANNELS, SIDE = (8, 16), 5  # filters of each convolution, and the side of their kernels
STRIDES_OF_IMAGES, STRIDES_OF_SEQUENCES = (2, 2), (3, 2)  # frames are many, and neighbors much alike


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the CNN of a grid (channels, height, width), or of a sequence as an image of one channel (T, channels)."""
    import torch
    from torch.nn.functional import relu

    is_sequence = "height" not in facts
    n_channels = 1 if is_sequence else facts["channels"]
    strides = STRIDES_OF_SEQUENCES if is_sequence else STRIDES_OF_IMAGES
    kernels, biases = [], []
    for index, n_filters in enumerate(CHANNELS):
        kernels.append(weights.tensor(f"convolution {index}", (n_filters, n_channels, SIDE, SIDE), SIDE**2 * n_channels))
        biases.append(weights.tensor(f"convolution {index} bias", (n_filters,), 0))
        n_channels = n_filters
    places = 2 * _left(facts["channels"], strides) if is_sequence else _left(facts["height"], strides) * _left(facts["width"], strides)
    last = weights.linear("last", n_channels * places, width)

    def convolved(values: "torch.Tensor", lengths: "torch.Tensor | None") -> "tuple[torch.Tensor, torch.Tensor | None]":
        for kernel, bias, stride in zip(kernels, biases, strides, strict=True):
            values = relu(grid_convolution(values, kernel, bias, stride=stride))
            if lengths is not None:  # what lies behind the end stays 0, as the padding of a sample alone
                lengths = (lengths + stride - 1) // stride
                values = values * _inside(lengths, values.shape[3])[:, :, None, :, None]
        return values, lengths

    def encode(batch: Batch) -> "torch.Tensor":
        values = batch["values"]
        if not is_sequence:
            return last(convolved(values, None)[0].flatten(2))
        found, lengths = convolved(values[:, :, None], batch["lengths"])
        assert lengths is not None
        # values are 0 or above, so that 0 behind the end is no maximum
        pooled = torch.stack([found.sum(dim=3) / lengths.clamp(min=1)[:, :, None, None], found.amax(dim=3)], dim=2)
        return last(pooled.flatten(2))

    return encode


def _left(size: int, strides: tuple[int, ...]) -> int:
    """Return what the convolutions leave of an axis: each ⌈size / stride⌉."""
    return -(-size // math.prod(strides))


def _inside(lengths: "torch.Tensor", n_steps: int) -> "torch.Tensor":
    import torch

    return (torch.arange(n_steps, device=lengths.device) < lengths[..., None]).float()


ENCODER = NetworkEncoder(
    name="cnn",
    title="CNN",
    reads=("grid", "sequence"),
    make=make,
    source="the lecture, Convolutional Networks; LeCun et al. 1998, doi:10.1109/5.726791",
)
