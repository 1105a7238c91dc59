"""What a stack of networks is trained on, and batches of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.models.network.inputs.fitted_input import Batches
from stages.models.network.network_losses import NetworkLoss

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class StackData:
    """What networks are trained on. batches: by part of the network. target: encoded, of every row. weights: float32 (n,), of each row."""

    batches: Mapping[str, Batches]
    target: np.ndarray
    weights: np.ndarray
    loss: NetworkLoss
    device: str


@dataclass(frozen=True)
class NetworkStack:
    """The networks of a stack. used, held_out: rows of each. seeds: of each one's first weights. seed: of orders and of what is dropped."""

    used: Sequence[np.ndarray]
    held_out: Sequence[np.ndarray]
    seeds: Sequence[int]
    seed: int


@dataclass(frozen=True)
class Plan:
    """How a configuration is trained. epochs: of this stack, at most; max_iter: those over which the learning rate changes.

    patience: epochs in which no network of the stack has a lower held-out loss, before all stop.
    """

    config: Mapping[str, Any]
    epochs: int
    max_iter: int
    batch_size: int
    patience: int


def side_by_side(rows: Sequence[np.ndarray], length: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of each network as int64 (n_networks, longest), filled with a row of its own, and which are not filled: float32."""
    longest = max(length, *map(len, rows))
    places, known = np.zeros((len(rows), longest), np.int64), np.zeros((len(rows), longest), np.float32)
    for index, of_one in enumerate(rows):
        places[index] = of_one[0] if len(of_one) else next(other[0] for other in rows if len(other))
        places[index, : len(of_one)], known[index, : len(of_one)] = of_one, 1
    return places, known


def tensors(data: StackData, places: np.ndarray) -> dict[str, dict[str, "torch.Tensor"]]:
    """Return the batch of rows int64 (n_networks, n_batch), by part."""
    return {part: {name: tensor(values, data.device) for name, values in batch(places).items()} for part, batch in data.batches.items()}


def tensor(values: np.ndarray, device: str) -> "torch.Tensor":
    """Return an array on a device."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
