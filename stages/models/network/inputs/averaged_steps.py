"""Long sequences, averaged to a number of steps that a recurrent network can be trained on."""

import numpy as np

from stages.features.structures import Ragged


def averaged(lists: Ragged, most: int) -> Ragged:
    """Return sequences of at most `most` steps: longer ones are the means of that many parts of equal length, to one step."""
    lengths = lists.lengths
    kept = np.minimum(lengths, most)
    offsets = np.concatenate([[0], np.cumsum(kept)])
    part = np.arange(offsets[-1]) - np.repeat(offsets[:-1], kept)
    # part p of k in a list of T steps begins at step ⌊p·T / k⌋
    starts = np.repeat(lists.offsets[:-1].astype(np.int64), kept) + part * np.repeat(lengths, kept) // np.repeat(np.maximum(kept, 1), kept)
    if not len(starts):
        return Ragged(offsets, np.zeros((0, *lists.values.shape[1:]), np.float32))
    stops = np.append(starts[1:], lists.offsets[-1])
    sums = np.add.reduceat(lists.values[: lists.offsets[-1]], starts, axis=0, dtype=np.float64)
    sizes = (stops - starts).reshape(-1, *[1] * (sums.ndim - 1))
    return Ragged(offsets, (sums / sizes).astype(np.float32))
