"""The last hidden layer of a saved network: what it represents samples by."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.features.projection import saved_projection
from stages.models.mlp.mixed_inputs import mixed_inputs
from stages.models.mlp.networks import ACTIVATIONS


def represent(fitted: Fitted, matrices: Mapping[str, Any]) -> np.ndarray:
    """Return what the last hidden layer makes of rows: float32 (n, width)."""
    arrays, state = fitted.arrays, fitted.state
    projections = {name: saved_projection(name, arrays) for name in state["modalities"]}
    activation = ACTIVATIONS[state["config"]["activation"]]
    found = activation(mixed_inputs(matrices, projections, state["modalities"]).times(arrays["weight/0"]) + arrays["bias/0"])
    for place in range(1, state["n_layers"] - 1):
        found = activation(found @ arrays[f"weight/{place}"] + arrays[f"bias/{place}"])
    return np.asarray(found, np.float32)
