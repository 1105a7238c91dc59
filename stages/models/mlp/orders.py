"""The order of rows in each epoch, shared by the networks of one fold and modality combination."""

import threading
from collections.abc import Iterator

import numpy as np


class Orders:
    """Permutations of n rows, one per epoch, drawn when first asked for and kept: networks that share them ask at different times."""

    def __init__(self, seed: int, n: int, epochs: int) -> None:
        self.epochs = epochs
        self._random, self._n, self._lock = np.random.default_rng(seed), n, threading.Lock()
        self._at_once = max(1, min(epochs, 2**20 // max(1, n)))
        self._chunks: list[np.ndarray] = []

    def chunks(self) -> Iterator[np.ndarray]:
        """Yield the permutations of some epochs after another: int32 (n_epochs, n)."""
        for index in range(-(-self.epochs // self._at_once)):
            with self._lock:
                if len(self._chunks) == index:
                    count = min(self._at_once, self.epochs - index * self._at_once)
                    self._chunks.append(np.stack([self._random.permutation(self._n).astype(np.int32) for _ in range(count)]))
            yield self._chunks[index]
