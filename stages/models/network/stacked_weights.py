"""Weights of several networks of one shape, side by side: every tensor has a leading axis of networks.

Products over this axis are batched ones, so that many small networks cost little more than one; numbers of one network never meet those of
another.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.contracts.network_encoder import Batch, Encode, Layer

if TYPE_CHECKING:
    import torch

GAIN = 2.0  # of the first weights' variance, for ReLU: He et al. 2015
BIAS_AXES = 2  # of a stack's biases, (n_networks, n)
WORD_CHANNELS = 16  # values of a word's vector


class StackedWeights:
    """Weights by name, drawn for new networks (one seed each), or stored ones of a saved network.

    Names begin with the part of the network that `part` was called with.
    """

    def __init__(self, seeds: Sequence[int], device: str = "cpu", stored: Mapping[str, np.ndarray] | None = None) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._device, self._stored, self._part = device, stored, ""

    def part(self, name: str) -> "StackedWeights":
        """Return these weights, with names of a part of the network from now on."""
        self._part = name
        return self

    def tensor(self, name: str, shape: tuple[int, ...], fan_in: int) -> "torch.Tensor":
        """Return weights (n_networks, *shape), drawn uniformly with variance 2 / fan_in; fan_in 0: zeros."""
        import torch

        key = f"{self._part}/{name}"
        if self._stored is not None:
            values = self._stored[key][None]
        elif fan_in == 0:
            values = np.zeros((len(self._generators), *shape), np.float32)
        else:
            bound = np.float32((3 * GAIN / fan_in) ** 0.5)
            values = np.stack([(generator.random(shape, np.float32) * 2 - 1) * bound for generator in self._generators])
        found = torch.tensor(values, device=self._device, requires_grad=self._stored is None)
        self.tensors[key] = found
        return found

    def linear(self, name: str, fan_in: int, fan_out: int) -> Layer:
        """Return the layer x ↦ x·W + b of (n_networks, …, fan_in)."""
        import torch

        weight, bias = self.tensor(name, (fan_in, fan_out), fan_in), self.tensor(f"{name} bias", (fan_out,), 0)

        def layer(values: torch.Tensor) -> torch.Tensor:
            if values.dim() == 3:  # each call counts: networks are small
                return torch.baddbmm(bias.unsqueeze(1), values, weight)
            found = torch.baddbmm(bias.unsqueeze(1), values.reshape(len(values), -1, fan_in), weight)
            return found.reshape(*values.shape[:-1], fan_out)

        return layer

    def steps(self, facts: Mapping[str, Any]) -> tuple[Encode, int]:
        """Return the function from a batch of sequences or words to vectors (n_networks, n_batch, T, d) of each step, and d."""
        import torch

        if "n_words" not in facts:
            return _values, facts["channels"]
        # word 0 stands behind the end, or is one that no training row has
        table = self.tensor("words", (facts["n_words"] + 1, WORD_CHANNELS), WORD_CHANNELS)

        def embedded(batch: Batch) -> torch.Tensor:
            network = torch.arange(len(batch["ids"]), device=table.device)[:, None, None]
            return table[network, batch["ids"]] * (batch["ids"] > 0)[..., None]

        return embedded, WORD_CHANNELS

    def together(self) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Return all weights and their gradients as one vector each, of which the tensors become parts: kernels and tables first.

        A rule that treats each entry by itself then takes one step for all tensors, which are many and small.
        """
        import torch

        tensors = self.decayed() + [tensor for tensor in self.tensors.values() if tensor.dim() <= BIAS_AXES]
        whole = torch.cat([tensor.detach().flatten() for tensor in tensors])
        gradient, start = torch.zeros_like(whole), 0
        for tensor in tensors:
            stop = start + tensor.numel()
            tensor.data, tensor.grad = whole[start:stop].view_as(tensor), gradient[start:stop].view_as(tensor)
            start = stop
        whole.grad = gradient
        return whole, gradient

    def decayed(self) -> list["torch.Tensor"]:
        """Return the weights that decay: all but biases."""
        return [tensor for tensor in self.tensors.values() if tensor.dim() > BIAS_AXES]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights of the first network by name."""
        return {name: tensor[0].detach().cpu().numpy().copy() for name, tensor in self.tensors.items()}


def _values(batch: Batch) -> "torch.Tensor":
    return batch["values"]
