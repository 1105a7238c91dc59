"""Networks of one shape side by side: an encoder per modality, embeddings next to one another, a hidden layer and the outputs.

The embeddings reach the outputs directly, too: what is linear need not pass two layers of ReLU (Cheng et al. 2016, Wide & Deep Learning,
arXiv:1606.07792).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, InputKind
from stages.foundation.registry import component
from stages.models.network.stacked_weights import StackedWeights

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Part:
    """What of a modality an encoder reads. facts: of its input, as JSON."""

    modality: str
    kind: InputKind
    encoder: str
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return the part's name among the weights."""
        return f"{self.modality}/{self.kind}"

    def state(self) -> dict[str, Any]:
        """Return the part as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Dropping:
    """What is dropped while networks train: shares of values and of modalities, drawn by the generator."""

    values: float
    modalities: float
    generator: "torch.Generator"

    def of_values(self, values: "torch.Tensor") -> "torch.Tensor":
        """Return values of which a share is 0; the others are enlarged, so that their mean stays."""
        import torch

        if not self.values:
            return values
        # 16 bits of a drawn number are enough for a share, and four times as fast as a number each
        drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        drawn.random_(-(2**63), None, generator=self.generator)
        most = max(round(self.values * 2**16) - 2**15 - 1, -(2**15))
        kept = drawn.view(torch.int16)[: values.numel()].view(values.shape) > most
        return values * (kept * (1 / (1 - self.values)))

    def of_modalities(self, embeddings: "torch.Tensor") -> "torch.Tensor":
        """Return embeddings (n_networks, n_batch, n_modalities, width) of which samples lack some, never all."""
        import torch

        if not self.modalities or embeddings.shape[2] < 2:
            return embeddings
        kept = torch.rand(embeddings.shape[:3], generator=self.generator, device=embeddings.device) >= self.modalities
        kept = kept | ~kept.any(dim=2, keepdim=True)
        return embeddings * kept[..., None]


class FusedNetwork:
    """Networks of one shape, whose weights are drawn or stored (`StackedWeights`)."""

    def __init__(self, parts: Sequence[Part], width: int, n_outputs: int, weights: StackedWeights) -> None:
        self.weights = weights
        self._encoders = [
            (part, component("network_encoders", part.encoder).make(part.facts, width, weights.part(part.name))) for part in parts
        ]
        self._modalities = list(dict.fromkeys(part.modality for part in parts))
        weights.part("fused")
        self._hidden = weights.linear("hidden", width * len(self._modalities), width)
        self._last = weights.linear("last", width, n_outputs)
        self._direct = weights.linear("direct", width * len(self._modalities), n_outputs)

    def outputs(self, batches: Mapping[str, Batch], dropping: Dropping | None = None) -> "torch.Tensor":
        """Return the outputs (n_networks, n_batch, n_outputs) of a batch of each part, by its name."""
        from torch.nn.functional import relu

        embeddings = self.embeddings(batches)
        if dropping is None:
            side_by_side = embeddings.flatten(2)
            return self._last(relu(self._hidden(relu(side_by_side)))) + self._direct(side_by_side)
        kept = dropping.of_modalities(embeddings).flatten(2)
        hidden = relu(self._hidden(dropping.of_values(relu(kept))))
        # values that are dropped here would be noise of a regression
        return self._last(dropping.of_values(hidden)) + self._direct(kept)

    def embeddings(self, batches: Mapping[str, Batch]) -> "torch.Tensor":
        """Return the embeddings (n_networks, n_batch, n_modalities, width) of a batch of each part."""
        import torch

        of_modality: dict[str, torch.Tensor] = {}
        for part, encode in self._encoders:
            found = encode(batches[part.name])
            before = of_modality.get(part.modality)
            of_modality[part.modality] = found if before is None else before + found
        if len(of_modality) == 1:
            return of_modality[self._modalities[0]].unsqueeze(2)
        return torch.stack([of_modality[name] for name in self._modalities], dim=2)
