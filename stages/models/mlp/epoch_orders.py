"""The order of rows in each epoch, shared by the networks of one fold and modality combination."""

import threading
from collections.abc import Iterator

import numpy as np


class EpochOrders:
    """Random permutations of n rows, one per epoch, generated on first use and cached: networks share them but run at different times."""

    def __init__(self, seed: int, n: int, epochs: int) -> None:
        self.epochs = epochs
        self._rng, self._n, self._lock = np.random.default_rng(seed), n, threading.Lock()
        self._chunk_epochs = max(1, min(epochs, 2**20 // max(1, n)))
        self._chunks: list[np.ndarray] = []

    def chunks(self) -> Iterator[np.ndarray]:
        """Yield the permutations of consecutive epochs: int32 (n_epochs, n)."""
        for index in range(-(-self.epochs // self._chunk_epochs)):
            with self._lock:
                if len(self._chunks) == index:
                    count = min(self._chunk_epochs, self.epochs - index * self._chunk_epochs)
                    self._chunks.append(np.stack([self._rng.permutation(self._n).astype(np.int32) for _ in range(count)]))
            yield self._chunks[index]
