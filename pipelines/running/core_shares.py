"""Divide the cores between the running stages, again whenever one starts or ends.

Each running stage reads its share from a file of its own before each of its tasks (stages/foundation/parallel.py), so that the last long
stage of a run has every core.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.foundation.lease import FOLDER
from stages.foundation.parallel import n_cores

SHARES = FOLDER / "cores"


def share_path(slot: int) -> Path:
    """Return the path of the share of the stage in a slot."""
    return SHARES / str(slot)


def divided(n: int, n_stages: int) -> list[int]:
    """Return each stage's number of `n` cores, at least 1; the first ones have what is left over."""
    return [max(1, n // n_stages + (i < n % n_stages)) for i in range(n_stages)]


class CoreShares:
    """The shares of the running stages, in the order of their start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: list[int] = []
        for left in SHARES.glob("*"):  # by a run that was killed
            left.unlink()

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Yield the slot of one more stage, which has a share within the context."""
        with self._lock:
            slot = next(i for i in range(len(self._slots) + 1) if i not in self._slots)
            self._slots.append(slot)
            self._divide()
        try:
            yield slot
        finally:
            with self._lock:
                self._slots.remove(slot)
                self._divide()
                share_path(slot).unlink(missing_ok=True)

    def _divide(self) -> None:
        SHARES.mkdir(parents=True, exist_ok=True)
        for slot, cores in zip(self._slots, divided(n_cores(), len(self._slots)) if self._slots else (), strict=True):
            temporary = SHARES / f".{slot}.{os.getpid()}.tmp"
            temporary.write_text(str(cores), encoding="ascii")
            os.replace(temporary, share_path(slot))
