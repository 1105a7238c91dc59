"""Random numbers of networks: the same as torch.Generator's, without torch, which takes 3 s to import.

So networks on a graphics card, trained in torch, start from the same weights and see rows in the same order as those on processors.
"""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np


class Draws:
    """A Mersenne Twister seeded with 0 ≤ seed < 2**32, read as torch reads it (ATen/core/MT19937RNGEngine.h)."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.MT19937()
        state: Any = np.random.RandomState(seed).get_state(legacy=False)  # seeded as in 2002, which numpy's own no longer is
        self._bits.state = state

    def uniform(self, *shape: int) -> np.ndarray:
        """Return torch.rand(shape): float32 in [0, 1), multiples of 2**-24."""
        drawn = self._bits.random_raw(int(np.prod(shape))) & np.uint64(0xFFFFFF)
        return (drawn * 2.0**-24).astype(np.float32).reshape(shape)

    def permutation(self, n: int) -> np.ndarray:
        """Return torch.randperm(n), for n below 2**32 / 20: int32."""
        from stages.models.mlp.descent import shuffled  # numba takes 0.3 s to import: only where networks are trained

        return shuffled(self._bits.random_raw(max(0, n - 1)), n)


class Orders:
    """The order of n rows in each epoch, drawn when first asked for and kept: networks that share it ask at different times."""

    def __init__(self, seed: int, n: int, epochs: int) -> None:
        self.epochs = epochs
        self._draws, self._n, self._lock = Draws(seed), n, threading.Lock()
        self._at_once = max(1, min(epochs, 2**20 // max(1, n)))
        self._parts: list[np.ndarray] = []

    def parts(self) -> Iterator[np.ndarray]:
        """Yield the orders of some epochs after another: int32 (n_epochs, n)."""
        for index in range(-(-self.epochs // self._at_once)):
            with self._lock:
                if len(self._parts) == index:
                    count = min(self._at_once, self.epochs - index * self._at_once)
                    self._parts.append(np.stack([self._draws.permutation(self._n) for _ in range(count)]))
            yield self._parts[index]
