"""2-d CNN of images and pressure frames with more filters: two convolutions of 3×3, each followed by maxima of 2×2 places, then a layer.

Next to `cnn` it has four times the filters and looks at every place: better on thousands of images, several times as long to train.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights
from stages.models.network.grid_convolution import grid_convolution

if TYPE_CHECKING:
    import torch

CHANNELS, SIDE, POOLED = (32, 64), 3, 2  # filters of each convolution, the sides of their kernels, and of what is pooled


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return the CNN of a grid (channels, height, width)."""
    from torch.nn.functional import max_pool2d, relu

    kernels, biases, n_channels, height, n_columns = [], [], facts["channels"], facts["height"], facts["width"]
    for index, n_filters in enumerate(CHANNELS):
        kernels.append(weights.tensor(f"convolution {index}", (n_filters, n_channels, SIDE, SIDE), SIDE**2 * n_channels))
        biases.append(weights.tensor(f"convolution {index} bias", (n_filters,), 0))
        n_channels, height, n_columns = n_filters, -(-height // POOLED), -(-n_columns // POOLED)
    last = weights.linear("last", n_channels * height * n_columns, width)

    def encode(batch: Batch) -> "torch.Tensor":
        values = batch["values"]
        for kernel, bias in zip(kernels, biases, strict=True):
            found = relu(grid_convolution(values, kernel, bias))
            pooled = max_pool2d(found.flatten(0, 1), POOLED, ceil_mode=True)  # an odd last row is pooled by itself
            values = pooled.unflatten(0, found.shape[:2])
        return last(values.flatten(2))

    return encode


ENCODER = NetworkEncoder(
    name="cnn_pooled",
    title="CNN with pooling",
    reads=("grid",),
    make=make,
    source="the lecture, Convolutional Networks; LeCun et al. 1998, doi:10.1109/5.726791",
)
