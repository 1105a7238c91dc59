"""Lists of different lengths as one array, filled behind the end of each."""

import numpy as np

from stages.features.structures import Ragged
from stages.models.network.inputs.fitted_input import Batches


def padded_batches(lists: Ragged) -> Batches:
    """Return batches of lists, 0 behind the end of each: values (n_networks, n_batch, T, …) with T of at least 1, and lengths."""
    lengths, last = lists.lengths, max(len(lists.values) - 1, 0)
    values = lists.values if len(lists.values) else np.zeros((1, *lists.values.shape[1:]), lists.values.dtype)

    def batch(rows: np.ndarray) -> dict[str, np.ndarray]:
        of_rows = lengths[rows]
        steps = np.arange(max(int(of_rows.max(initial=1)), 1))
        inside = steps < of_rows[..., None]
        places = np.where(inside, lists.offsets[rows].astype(np.int64)[..., None] + steps, 0).clip(0, last)
        found = values[places] * inside.reshape(*inside.shape, *[1] * (values.ndim - 1))
        return {"values": found.astype(values.dtype), "lengths": of_rows}

    return batch
