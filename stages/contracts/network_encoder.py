"""The interface of a file under stages/models/network/modality_encoders/: a part of a network that reads one modality's structured form.

Networks of one shape are trained side by side: every tensor has a leading axis of n_networks, each network has rows of its own, and
nothing passes from one network to another. A sample's embedding depends on this sample alone, not on what else is in its batch or on how
far the batch is padded.

torch takes seconds to import: modules of encoders import it inside functions, so that checking settings does not wait for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import torch

InputKind = Literal["flat", "terms", "grid", "sequence", "words", "set", "graph", "table"]

# Tensors of a batch of n_batch samples per network, by the kind of input; float32 unless stated otherwise.
BATCH_TENSORS: Mapping[InputKind, Mapping[str, str]] = {
    "flat": {"values": "(n_networks, n_batch, d)"},
    "terms": {"ids": "int64 (n_terms,), network · n_vocabulary + term, sample by sample", "weights": "(n_terms,)",
              "offsets": "int64 (n_networks · n_batch,), where each sample's terms begin"},
    "grid": {"values": "(n_networks, n_batch, channels, height, width)"},
    "sequence": {"values": "(n_networks, n_batch, T, channels), 0 behind the end", "lengths": "int64 (n_networks, n_batch)"},
    "words": {"ids": "int64 (n_networks, n_batch, T), 0 behind the end, else 1 + word", "lengths": "int64 (n_networks, n_batch)"},
    "set": {"values": "(n_networks, n_points, channels), points of all samples of a network, 0 behind the end",
            "lengths": "int64 (n_networks, n_batch)",
            "offsets": "int64 (n_networks · (n_batch + 1),), where each sample's points begin, and those behind the end"},
    "graph": {"values": "(n_networks, n_nodes, d), nodes of all samples of a network, 0 behind the end",
              "sample": "int64 (n_networks · n_nodes,), network · (n_batch + 1) + sample; behind the end n_batch",
              "neighbors": "int64 (n_neighbors,), network · n_nodes + node, node by node; mutual, a loop once",
              "offsets": "int64 (n_networks · n_nodes,), where each node's neighbors begin", "n_batch": "int64 (), samples per network"},
    "table": {"values": "(n_networks, n_batch, p), numeric columns", "codes": "int64 (n_networks, n_batch, q), 0: another category"},
}  # fmt: skip

Batch = Mapping[str, "torch.Tensor"]
Encode = Callable[[Batch], "torch.Tensor"]  # the embeddings (n_networks, n_batch, width)
Layer = Callable[["torch.Tensor"], "torch.Tensor"]


class NetworkWeights(Protocol):
    """Where an encoder gets its weights from: drawn for a new network, stored of a saved one."""

    def tensor(self, name: str, shape: tuple[int, ...], fan_in: int) -> "torch.Tensor":
        """Return weights (n_networks, *shape), drawn uniformly with variance 2 / fan_in; fan_in 0: zeros."""
        ...

    def linear(self, name: str, fan_in: int, fan_out: int) -> Layer:
        """Return the layer x ↦ x·W + b of (n_networks, …, fan_in)."""
        ...

    def steps(self, facts: Mapping[str, Any]) -> "tuple[Encode, int]":
        """Return the function from a batch of sequences or words to vectors (n_networks, n_batch, T, d) of each step, and d."""
        ...


@dataclass(frozen=True)
class NetworkEncoder:
    """A part of a network that embeds the samples of one modality.

    `make(facts, width, weights)` returns the function from a batch to embeddings of `width` values. `facts` are sizes of the input, as
    stages/models/network/inputs/ documents them by kind.
    title: as the report writes it. reads: kinds of input, the preferred one first. source: of the architecture.
    """

    name: str
    title: str
    reads: tuple[InputKind, ...]
    make: Callable[[Mapping[str, Any], int, NetworkWeights], Encode]
    source: str
