"""The embeddings of a saved network: what it represents samples by, modality next to modality."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.features.structures import Structured
from stages.models.network.fold_inputs import loaded_batches
from stages.models.network.fused_network import FusedNetwork, Part
from stages.models.network.stack_data import tensor
from stages.models.network.stack_training import EVALUATED
from stages.models.network.stacked_weights import StackedWeights


def represent(fitted: Fitted, matrices: Mapping[str, Any]) -> np.ndarray:
    """Return the embeddings of rows: float32 (n, n_modalities · width)."""
    import torch

    torch.set_num_threads(1)
    arrays, state = fitted.arrays, fitted.state
    blocks: dict[str, Structured] = dict(matrices)
    stored = {name.removeprefix("weight/"): values for name, values in arrays.items() if name.startswith("weight/")}
    network = FusedNetwork([Part(**part) for part in state["parts"]], state["config"]["width"], state["n_outputs"],
                           StackedWeights([], stored=stored))  # fmt: skip
    batches, n = loaded_batches(state["parts"], arrays, blocks), blocks[state["modalities"][0]].matrix.shape[0]
    found = list[np.ndarray]()
    with torch.no_grad():
        for start in range(0, n, EVALUATED):
            places = np.arange(start, min(start + EVALUATED, n))[None]
            batch = {part: {name: tensor(values, "cpu") for name, values in of_part(places).items()} for part, of_part in batches.items()}
            found.append(network.embeddings(batch)[0].flatten(1).numpy())
    return np.concatenate(found)
