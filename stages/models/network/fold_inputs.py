"""What networks read on an outer fold: each modality's inputs, fitted on training rows, shared by configurations and combinations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stages.contracts.model import Config
from stages.contracts.network_encoder import InputKind, NetworkEncoder
from stages.features.encoders import State
from stages.features.structures import Structured
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.models.network.fused_network import Part
from stages.models.network.inputs import (
    flat_input,
    graph_input,
    grid_input,
    sequence_input,
    set_input,
    table_input,
    terms_input,
    words_input,
)
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits

READERS: Mapping[InputKind, InputReader] = {
    module.INPUT.kind: module.INPUT
    for module in (flat_input, graph_input, grid_input, sequence_input, set_input, table_input, terms_input, words_input)
}
WHOLE: tuple[InputKind, ...] = ("flat", "terms", "grid", "table")  # all that the flat features hold


@dataclass(frozen=True)
class LoadedPart:
    """A part of a network with its fitted input and batches."""

    part: Part
    fitted: FittedInput
    batches: Batches


@dataclass(frozen=True)
class FoldInputs:
    """The blocks of an outer fold. states: of their encoders. train: the rows on which inputs are fitted."""

    blocks: Mapping[str, Structured]
    states: Mapping[str, State]
    train: np.ndarray
    limits: ReadLimits
    _loaded: dict[tuple[str, InputKind], tuple[FittedInput, Batches]] = field(default_factory=dict, repr=False)

    def parts(self, modalities: Sequence[str], config: Config) -> list[LoadedPart]:
        """Return the parts of a combination's network.

        Raises:
            InputError: if a modality has nothing that its encoder reads.
        """
        found = list[LoadedPart]()
        for name in modalities:
            block = self.blocks[name]
            encoder = encoder_of(block, config)
            kind = kind_of(name, block, encoder)
            found.append(self._part(name, kind, encoder.name))
            if config["with_features"] and kind not in WHOLE and READERS["flat"].has(block):
                found.append(self._part(name, "flat", "plain"))
        return found

    def load(self, modalities: Sequence[str], configs: Sequence[Config]) -> None:
        """Fit and load what configurations need of some modalities, so that threads only look at it."""
        for config in configs:
            self.parts(modalities, config)

    def _part(self, name: str, kind: InputKind, encoder: str) -> LoadedPart:
        if (name, kind) not in self._loaded:
            fitted = READERS[kind].fit(self.blocks[name], self.states[name], self.train, self.limits)
            self._loaded[name, kind] = fitted, READERS[kind].load(self.blocks[name], fitted)
        fitted, batches = self._loaded[name, kind]
        return LoadedPart(Part(name, kind, encoder, fitted.facts), fitted, batches)


def encoder_of(block: Structured, config: Config) -> NetworkEncoder:
    """Return the encoder that a configuration has for a block's modality; of a modality without one the plain MLP or its sparse twin."""
    encoders = config["encoders"]
    if block.modality in encoders and not (block.modality == "vector" and READERS["terms"].has(block)):
        chosen = encoders[block.modality]
        found: NetworkEncoder = component("network_encoders", chosen)
        if block.structure is not None or any(READERS[kind].has(block) for kind in found.reads):
            return found
    sparse: NetworkEncoder = component("network_encoders", "embedding_bag" if READERS["terms"].has(block) else "plain")
    return sparse


def kind_of(name: str, block: Structured, encoder: NetworkEncoder) -> InputKind:
    """Return the first kind that an encoder reads and a block has; raise InputError if there is none."""
    kinds = [kind for kind, reader in READERS.items() if reader.has(block)]
    for kind in encoder.reads:
        if kind in kinds:
            return kind
    remedy = " or, for words in their order, declare `keep_words: true` of the text" if "words" in encoder.reads else ""
    raise InputError(f"params.yaml: models.network.encoders.{block.modality}: {encoder.name} reads {' or '.join(encoder.reads)}, and "
                     f"features of {name!r} have {', '.join(kinds)}; name another encoder{remedy}")


def loaded_batches(
    parts: Sequence[Mapping[str, Any]], arrays: Mapping[str, np.ndarray], blocks: Mapping[str, Structured]
) -> dict[str, Batches]:
    """Return the batches of a saved network's parts, as `Part.state` wrote them."""
    found = {}
    for state in parts:
        part = Part(**state)
        prefix = f"input/{part.name}/"
        own = {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
        found[part.name] = READERS[part.kind].load(blocks[part.modality], FittedInput(part.facts, own))
    return found
