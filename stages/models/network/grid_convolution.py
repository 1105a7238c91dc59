"""2-d convolution of several networks at once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

GROUPED = 8  # a convolution with a group per network is fast if each group has a multiple of so many channels


def grid_convolution(values: "torch.Tensor", kernel: "torch.Tensor", bias: "torch.Tensor", *, stride: int = 1) -> "torch.Tensor":
    """Return each network's convolution of (n_networks, n_batch, c, h, w) by its kernel (c_out, c, side, side), padded by half a side."""
    import torch
    from torch.nn.functional import conv2d

    n_networks, n_batch, n_in, height, width = values.shape
    padding = kernel.shape[-1] // 2
    if n_in % GROUPED:
        return torch.stack([conv2d(*of_one, stride=stride, padding=padding) for of_one in zip(values, kernel, bias, strict=True)])
    side_by_side = values.transpose(0, 1).reshape(n_batch, n_networks * n_in, height, width)
    found = conv2d(side_by_side, kernel.flatten(0, 1), bias.flatten(), stride=stride, padding=padding, groups=n_networks)
    return found.reshape(n_batch, n_networks, -1, *found.shape[2:]).transpose(0, 1)
